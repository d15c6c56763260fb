//! What a killed process leaves behind, found and removed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use jiff::Timestamp;
use object_store::path::Path as Key;

use super::ClipStore;
use crate::clip::{ClipRecord, FileKind};
use crate::error::StorageError;

impl ClipStore {
    /// Deletes what uploads that never ended have left and nobody has touched since `older_than`: staged files of a local store,
    /// and in [`Layout::Dated`](crate::Layout::Dated) files without metadata. Returns their keys. While other processes write to the
    /// same store, give them time: a file being uploaded has no metadata yet.
    ///
    /// In [`Layout::Flat`](crate::Layout::Flat) a file without metadata may be its owner's, and stays until a clip of that name is put again. Parts of
    /// an upload to S3 that never ended are not seen by any listing: a lifecycle rule of the bucket removes those.
    ///
    /// # Errors
    /// What the store says.
    pub async fn sweep(&self, older_than: Timestamp) -> Result<Vec<String>, StorageError> {
        let mut swept = self.sweep_staged(older_than).await?;
        let objects: Vec<object_store::ObjectMeta> = self
            .objects
            .list(None)
            .try_collect()
            .await
            .map_err(|error| StorageError::new(&self.name, "the list of files", error))?;
        let known: HashSet<&Key> = objects.iter().map(|object| &object.location).collect();
        for object in &objects {
            let Some(stem) = self.layout.surely_ours(&object.location) else { continue };
            let is_old = object.last_modified.timestamp() < older_than.as_second();
            if is_old && !known.contains(&stem.metadata()?) {
                self.delete_key(&object.location).await?;
                swept.push(object.location.to_string());
            }
        }
        for key in &swept {
            tracing::info!(key, store = self.name, "removed what an unfinished upload had left");
        }
        Ok(swept)
    }

    async fn sweep_staged(&self, older_than: Timestamp) -> Result<Vec<String>, StorageError> {
        let Some(folder) = self.folder.clone() else { return Ok(Vec::new()) };
        let refuse = |source| StorageError::Folder { path: folder.clone(), source };
        let root = folder.clone();
        let swept = tokio::task::spawn_blocking(move || {
            let mut swept = Vec::new();
            remove_staged(&root, older_than, &mut swept)?;
            let key = |path: PathBuf| path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            Ok(swept.into_iter().map(key).collect())
        })
        .await;
        swept.map_err(|error| refuse(io::Error::other(error)))?.map_err(refuse)
    }
}

/// Removes the staged files in a folder and the folders in it.
fn remove_staged(folder: &Path, older_than: Timestamp, swept: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            remove_staged(&entry.path(), older_than, swept)?;
        } else if kind.is_file() && is_staged(&entry.file_name()) {
            let modified = Timestamp::try_from(entry.metadata()?.modified()?).map_err(io::Error::other)?;
            if modified < older_than {
                fs_err::remove_file(entry.path())?;
                swept.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Whether `object_store` staged this file for one of ours: it writes `clip.mp4#1` and renames it to `clip.mp4`.
fn is_staged(name: &OsStr) -> bool {
    let Some((target, number)) = name.to_str().and_then(|name| name.rsplit_once('#')) else { return false };
    let extension = Path::new(target).extension().and_then(OsStr::to_str);
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && extension.is_some_and(|extension| {
            extension == ClipRecord::EXTENSION
                || FileKind::ALL.iter().any(|kind| kind.extension() == extension)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_staged_files_of_ours_are_told() {
        for ours in ["a.mp4#1", "a.json#12", "a b.png#3"] {
            assert!(is_staged(OsStr::new(ours)), "{ours}");
        }
        for other in ["a.mp4", "a.mp4#", "a.mp4#x", "notes#1", "a.rs#1", "#1"] {
            assert!(!is_staged(OsStr::new(other)), "{other}");
        }
    }
}
