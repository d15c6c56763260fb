//! What every store has to keep, as checks for tests (feature `conformance`): give [`check`] an empty [`ClipStore`] over the
//! object store in question. A promise that is not kept panics with its name.
#![expect(clippy::expect_used, reason = "a check that fails is meant to panic, with its reason")]

use std::collections::HashSet;

use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use timeline::{ClipId, Digest};

use crate::{ClipStore, FileKind, FileSource, NewClip, Retention, StorageError};

/// Larger than one part of an upload, and no multiple of one.
const LARGE_BYTES: usize = 17 * 1024 * 1024 + 12_345;

/// Runs every check, one after the other; each leaves the store empty.
///
/// # Panics
/// When the store breaks a promise.
pub async fn check(store: &ClipStore) {
    store.check_writable().await.expect("the store can be written");
    assert_empty(store).await;
    what_was_put_is_found(store).await;
    putting_again_changes_nothing(store).await;
    another_rendering_replaces_the_first(store).await;
    large_files_come_back_whole(store).await;
    a_failed_put_leaves_nothing(store).await;
    retention_deletes_the_oldest(store).await;
}

/// A small clip of `demo`, made this many seconds after a fixed day; its number is its id and in its name.
///
/// # Panics
/// Never: all of it is fixed.
#[must_use]
pub fn sample_clip(number: u8, created_second: i64) -> NewClip {
    let created_at: Timestamp = "2026-03-01T18:30:00Z".parse().expect("a time");
    let created_at = created_at.checked_add(SignedDuration::from_secs(created_second)).expect("a time");
    let id = ClipId(Digest::from_bytes([number; Digest::BYTES]));
    NewClip::new(id, "señor_99".parse().expect("a name"), format!("señor_99-{number:02} höhe"), created_at)
        .with_file(FileKind::Video, FileSource::Bytes(vec![number; 1000].into()))
        .with_file(FileKind::Caption, FileSource::Bytes("¡vamos! 🎉".into()))
        .with_detail("score", 0.25)
        .with_detail("words", vec!["vamos"])
}

async fn assert_empty(store: &ClipStore) {
    assert_eq!(store.list(None).await.expect("a list"), [], "the store lists nothing");
    let swept = store.sweep(Timestamp::MAX).await.expect("a sweep");
    assert!(swept.is_empty(), "nothing is left behind, but {swept:?} was");
}

async fn content(store: &ClipStore, clip: &crate::ClipRecord, kind: FileKind) -> Vec<u8> {
    let pieces = store.open(clip, kind).await.expect("the file opens");
    pieces.map_ok(|piece| piece.to_vec()).try_concat().await.expect("the file is read")
}

async fn what_was_put_is_found(store: &ClipStore) {
    let (clip, other) = (sample_clip(1, 10), sample_clip(2, 0));
    let record = store.put(&clip).await.expect("a clip is put");
    let older = store.put(&other).await.expect("another is put");
    assert_eq!(record.total_bytes(), 1000 + "¡vamos! 🎉".len() as u64);
    assert_eq!(record.details, clip.details);
    assert_eq!(store.list(None).await.expect("a list"), [older.clone(), record.clone()], "oldest first");
    let listed = store.list(Some(&clip.streamer)).await.expect("a list");
    assert_eq!(listed.len(), 2, "the streamer's clips are listed");
    let nobody = "señor".parse().expect("a name");
    assert_eq!(store.list(Some(&nobody)).await.expect("a list"), [], "a name that begins alike is another");
    assert_eq!(store.find(clip.id).await.expect("found"), Some(record.clone()));
    assert_eq!(content(store, &record, FileKind::Caption).await, "¡vamos! 🎉".as_bytes());
    let missing = store.open(&record, FileKind::Thumbnail).await.err();
    assert!(matches!(missing, Some(StorageError::NoSuchFile { .. })), "{missing:?}");
    for clip in [&record, &older] {
        store.delete(clip).await.expect("deleted");
        store.delete(clip).await.expect("deleting again is fine");
    }
    let gone = store.open(&record, FileKind::Video).await.err();
    assert!(matches!(gone, Some(StorageError::NotFound(_))), "{gone:?}");
    assert_eq!(store.find(clip.id).await.expect("looked for"), None);
    assert_empty(store).await;
}

async fn putting_again_changes_nothing(store: &ClipStore) {
    let clip = sample_clip(1, 0);
    let first = store.put(&clip).await.expect("a clip is put");
    let second = store.put(&clip).await.expect("the same again");
    assert_eq!(first, second);
    assert_eq!(store.list(None).await.expect("a list"), std::slice::from_ref(&first));
    store.delete(&first).await.expect("deleted");
    assert_empty(store).await;
}

async fn another_rendering_replaces_the_first(store: &ClipStore) {
    store.put(&sample_clip(1, 0)).await.expect("a clip is put");
    let mut again = sample_clip(1, 0).with_file(FileKind::Video, FileSource::Bytes("better".into()));
    again.files.remove(&FileKind::Caption);
    let record = store.put(&again).await.expect("the other is put");
    assert_eq!(store.list(None).await.expect("a list"), std::slice::from_ref(&record));
    assert_eq!(content(store, &record, FileKind::Video).await, b"better");
    store.delete(&record).await.expect("deleted");
    assert_empty(store).await;
}

async fn large_files_come_back_whole(store: &ClipStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, target) = (folder.path().join("source.mp4"), folder.path().join("target.mp4"));
    let bytes: Vec<u8> = (0..LARGE_BYTES).map(|index| (index % 251) as u8).collect();
    fs_err::write(&source, &bytes).expect("a file is written");
    let clip = sample_clip(1, 0).with_file(FileKind::Video, FileSource::Path(source));
    let record = store.put(&clip).await.expect("a large clip is put");
    assert_eq!(record.files[&FileKind::Video].bytes, LARGE_BYTES as u64);
    store.fetch(&record, FileKind::Video, &target).await.expect("fetched");
    assert!(fs_err::read(&target).expect("read") == bytes, "the copy is the original");
    assert_eq!(store.put(&clip).await.expect("the same again"), record);
    let mut mistaken = record.clone();
    mistaken.files.entry(FileKind::Video).and_modify(|file| file.sha256 = "00".repeat(32));
    let damaged = store.fetch(&mistaken, FileKind::Video, &folder.path().join("other.mp4")).await;
    assert!(matches!(damaged, Err(StorageError::Damaged { .. })), "{damaged:?}");
    assert_eq!(
        fs_err::read_dir(folder.path()).expect("listed").count(),
        2,
        "nothing else is left beside the copy"
    );
    store.delete(&record).await.expect("deleted");
    assert_empty(store).await;
}

async fn a_failed_put_leaves_nothing(store: &ClipStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = FileSource::Path(folder.path().join("missing.png"));
    let failed = store.put(&sample_clip(1, 0).with_file(FileKind::Thumbnail, missing)).await;
    assert!(matches!(failed, Err(StorageError::File { .. })), "{failed:?}");
    let hiding = store.put(&sample_clip(1, 0).with_detail("files", 1)).await;
    assert!(matches!(hiding, Err(StorageError::ReservedDetail { .. })), "{hiding:?}");
    assert_empty(store).await;
}

async fn retention_deletes_the_oldest(store: &ClipStore) {
    let mut records = Vec::new();
    for number in 1..=4 {
        records.push(store.put(&sample_clip(number, i64::from(number))).await.expect("a clip is put"));
    }
    let limit = Retention { max_age: None, max_total_bytes: Some(2 * records[0].total_bytes()) };
    let now = records[3].created_at;
    let deleted = store.apply_retention(&limit, now, &HashSet::from([records[0].id])).await.expect("applied");
    assert_eq!(deleted, records[1..3]);
    assert_eq!(store.list(None).await.expect("a list"), [records[0].clone(), records[3].clone()]);
    let limit = Retention { max_age: Some(SignedDuration::from_secs(-1)), max_total_bytes: None };
    store.apply_retention(&limit, now, &HashSet::new()).await.expect("applied");
    assert_empty(store).await;
}
