//! Files of stored clips back out of the store.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::ClipStore;
use crate::clip::{ClipRecord, FileKind, StoredFile};
use crate::error::StorageError;

impl ClipStore {
    /// A file of a clip, in pieces as they come. What is read is not compared with the record; [`fetch`](Self::fetch) does that.
    ///
    /// # Errors
    /// [`StorageError::NoSuchFile`], [`StorageError::NotFound`], or what the store says.
    pub async fn open(
        &self,
        clip: &ClipRecord,
        kind: FileKind,
    ) -> Result<BoxStream<'static, Result<Bytes, StorageError>>, StorageError> {
        let (key, _) = self.locate(clip, kind)?;
        let found = self.objects.get(&key).await.map_err(self.failure(&key))?;
        let store = self.name.clone();
        let pieces = found.into_stream();
        Ok(pieces.map_err(move |error| StorageError::new(&store, key.as_ref(), error)).boxed())
    }

    /// Copies a file of a clip to a path of this machine, which is replaced only once the copy is whole and its SHA-256 is
    /// the record's.
    ///
    /// # Errors
    /// As [`open`](Self::open), [`StorageError::Damaged`], and [`StorageError::File`] for the path.
    pub async fn fetch(&self, clip: &ClipRecord, kind: FileKind, to: &Path) -> Result<(), StorageError> {
        let (key, stored) = self.locate(clip, kind)?;
        let mut pieces = self.open(clip, kind).await?;
        let refuse = |source: io::Error| StorageError::File { path: to.to_owned(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let staged = tempfile::NamedTempFile::new_in(folder).map_err(refuse)?;
        let (file, staged) = staged.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let mut hash = Sha256::new();
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
            file.write_all(&piece).await.map_err(refuse)?;
        }
        file.sync_all().await.map_err(refuse)?;
        let found = hex::encode(hash.finalize().as_slice());
        if found != stored.sha256 {
            return Err(StorageError::Damaged {
                key: key.to_string(),
                store: self.name.clone(),
                expected: stored.sha256.clone(),
                found,
            });
        }
        staged.persist(to).map_err(|error| refuse(error.error))
    }

    /// Where a file of a clip is on this machine, if the store is: then nothing needs to be copied.
    #[must_use]
    pub fn local_path(&self, clip: &ClipRecord, kind: FileKind) -> Option<PathBuf> {
        let (key, _) = self.locate(clip, kind).ok()?;
        let folder = self.folder.as_ref()?;
        Some(folder.join(key.as_ref()))
    }

    pub(super) fn locate<'clip>(
        &self,
        clip: &'clip ClipRecord,
        kind: FileKind,
    ) -> Result<(Key, &'clip StoredFile), StorageError> {
        let stored = clip
            .files
            .get(&kind)
            .ok_or_else(|| StorageError::NoSuchFile { name: clip.name.clone(), kind: kind.name() })?;
        Ok((self.layout.stem_of(clip).file(kind)?, stored))
    }
}
