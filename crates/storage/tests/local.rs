//! What only a folder can show: names on disk, other people's files, leftovers of a killed process.

use std::error::Error;
use std::path::Path;

use jiff::Timestamp;
use storage::conformance::sample_clip;
use storage::{ClipStore, FileKind, Layout, StorageError};

type Outcome = Result<(), Box<dyn Error>>;

fn files_in(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = fs_err::read_dir(folder)?;
    let mut names: Vec<String> = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn an_export_folder_reads_well() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = ClipStore::local(folder.path(), Layout::Flat)?;
    let record = store.put(&sample_clip(1, 0)).await?;
    assert_eq!(
        files_in(folder.path())?,
        ["señor_99-01 höhe.json", "señor_99-01 höhe.mp4", "señor_99-01 höhe.txt"]
    );
    let document: serde_json::Value =
        serde_json::from_slice(&fs_err::read(folder.path().join("señor_99-01 höhe.json"))?)?;
    assert_eq!(document["score"], 0.25, "details stand beside the record's own fields");
    assert_eq!(document["files"]["video"]["file"], "señor_99-01 höhe.mp4");
    let path = store.local_path(&record, FileKind::Video).ok_or("a local store knows the path")?;
    assert_eq!(fs_err::read(path)?, [1; 1000]);
    Ok(())
}

#[tokio::test]
async fn files_of_others_are_left_alone() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (name, text) in
        [("highlights.json", "{}"), ("holiday.mp4", "mine"), ("broken.json", "{"), ("notes#1", "mine")]
    {
        fs_err::write(folder.path().join(name), text)?;
    }
    for layout in [Layout::Flat, Layout::Dated] {
        let store = ClipStore::local(folder.path(), layout)?;
        assert_eq!(store.list(None).await?, []);
        assert!(store.sweep(Timestamp::MAX).await?.is_empty());
    }
    assert_eq!(files_in(folder.path())?, ["broken.json", "highlights.json", "holiday.mp4", "notes#1"]);
    Ok(())
}

#[tokio::test]
async fn what_a_killed_upload_left_is_swept() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = ClipStore::local(folder.path(), Layout::Dated)?;
    let (whole, half) = (store.put(&sample_clip(1, 0)).await?, store.put(&sample_clip(2, 0)).await?);
    let day = folder.path().join("señor_99/2026/03/01");
    fs_err::remove_file(day.join(format!("{}.json", half.id)))?;
    fs_err::write(day.join(format!("{}.png#1", half.id)), "half a pict")?;

    assert!(store.sweep(Timestamp::UNIX_EPOCH).await?.is_empty(), "what is young may still be written");
    let mut swept = store.sweep(Timestamp::MAX).await?;
    swept.sort();
    let key = |end: &str| format!("señor_99/2026/03/01/{}.{end}", half.id);
    assert_eq!(swept, [key("mp4"), key("png#1"), key("txt")]);
    assert_eq!(store.list(None).await?, [whole]);
    assert_eq!(files_in(&day)?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_file_that_went_missing_is_put_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = ClipStore::local(folder.path(), Layout::Flat)?;
    let record = store.put(&sample_clip(1, 0)).await?;
    let path = store.local_path(&record, FileKind::Video).ok_or("a path")?;
    fs_err::remove_file(&path)?;
    assert_eq!(store.put(&sample_clip(1, 0)).await?, record);
    assert_eq!(fs_err::read(path)?, [1; 1000]);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_refused_with_its_name() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("clips");
    fs_err::write(&file, "")?;
    for path in [file.clone(), file.join("inside")] {
        let refused = ClipStore::local(&path, Layout::Flat).err().ok_or("refused")?;
        assert!(matches!(refused, StorageError::Folder { .. }), "{refused:?}");
        assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
    }
    Ok(())
}
