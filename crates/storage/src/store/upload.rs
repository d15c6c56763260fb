//! Bytes into the store, in parts, hashed on the way.

use std::io;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, ObjectStore, PutMultipartOptions, PutOptions, WriteMultipart};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::ClipStore;
use crate::clip::{FileSource, StoredFile};
use crate::error::StorageError;

/// The size of a part: S3 wants at least 5 MiB of all parts but the last, and allows 10,000 of them (so 80 GiB in all).
const PART_BYTES: usize = 8 * 1024 * 1024;

/// How many parts are on their way at once: at most this times [`PART_BYTES`] is held in memory.
const PARTS_IN_FLIGHT: usize = 3;

impl ClipStore {
    pub(super) async fn upload_bytes(
        &self,
        key: &Key,
        bytes: Bytes,
        content_type: &'static str,
    ) -> Result<StoredFile, StorageError> {
        let file = stored_file(key, bytes.len() as u64, Sha256::digest(&bytes).as_slice());
        let options = PutOptions { attributes: self.attributes(content_type), ..PutOptions::default() };
        self.objects.put_opts(key, bytes.into(), options).await.map_err(self.failure(key))?;
        Ok(file)
    }

    pub(super) async fn upload_file(
        &self,
        key: &Key,
        path: &Path,
        content_type: &'static str,
    ) -> Result<StoredFile, StorageError> {
        let mut parts = FileParts::open(path).await?;
        let Some(first) = parts.next().await? else {
            return self.upload_bytes(key, Bytes::new(), content_type).await;
        };
        if first.len() < PART_BYTES {
            return self.upload_bytes(key, first, content_type).await;
        }
        let options = PutMultipartOptions {
            attributes: self.attributes(content_type),
            ..PutMultipartOptions::default()
        };
        let upload = self.objects.put_multipart_opts(key, options).await.map_err(self.failure(key))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        match self.send_parts(key, &mut upload, first, parts).await {
            Ok(file) => {
                upload.finish().await.map_err(self.failure(key))?;
                Ok(file)
            }
            Err(error) => {
                if let Err(abort_error) = upload.abort().await {
                    tracing::warn!(%key, error = %abort_error, "an upload that failed could not be taken back");
                }
                Err(error)
            }
        }
    }

    async fn send_parts(
        &self,
        key: &Key,
        upload: &mut WriteMultipart,
        first: Bytes,
        mut parts: FileParts<'_>,
    ) -> Result<StoredFile, StorageError> {
        let mut next = Some(first);
        while let Some(part) = next {
            upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(self.failure(key))?;
            upload.put(part);
            next = parts.next().await?;
        }
        upload.wait_for_capacity(0).await.map_err(self.failure(key))?;
        Ok(stored_file(key, parts.bytes, parts.hash.finalize().as_slice()))
    }

    fn attributes(&self, content_type: &'static str) -> Attributes {
        if self.keeps_content_types {
            Attributes::from_iter([(Attribute::ContentType, content_type)])
        } else {
            Attributes::new()
        }
    }
}

/// What the record would say of this source under this key.
pub(super) async fn describe(key: &Key, source: &FileSource) -> Result<StoredFile, StorageError> {
    match source {
        FileSource::Bytes(bytes) => {
            Ok(stored_file(key, bytes.len() as u64, Sha256::digest(bytes).as_slice()))
        }
        FileSource::Path(path) => {
            let mut parts = FileParts::open(path).await?;
            while parts.next().await?.is_some() {}
            Ok(stored_file(key, parts.bytes, parts.hash.finalize().as_slice()))
        }
    }
}

fn stored_file(key: &Key, bytes: u64, sha256: &[u8]) -> StoredFile {
    StoredFile { file: key.filename().unwrap_or_default().to_owned(), bytes, sha256: hex::encode(sha256) }
}

/// A file of this machine in parts of [`PART_BYTES`], the last one shorter.
struct FileParts<'path> {
    path: &'path Path,
    file: tokio::fs::File,
    hash: Sha256,
    bytes: u64,
}

impl<'path> FileParts<'path> {
    async fn open(path: &'path Path) -> Result<Self, StorageError> {
        let refuse = |source| StorageError::File { path: path.to_owned(), source };
        let file = tokio::fs::File::open(path).await.map_err(refuse)?;
        if file.metadata().await.map_err(refuse)?.is_dir() {
            return Err(refuse(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { path, file, hash: Sha256::new(), bytes: 0 })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StorageError> {
        let mut part = BytesMut::new();
        while part.len() < PART_BYTES {
            // Asking for the room first makes tokio read in large steps.
            part.reserve((PART_BYTES - part.len()).min(READ_BYTES));
            let read = (&mut self.file).take((PART_BYTES - part.len()) as u64).read_buf(&mut part).await;
            if read.map_err(|source| StorageError::File { path: self.path.to_owned(), source })? == 0 {
                break;
            }
        }
        self.hash.update(&part);
        self.bytes += part.len() as u64;
        Ok((!part.is_empty()).then(|| part.freeze()))
    }
}

/// How much is read from a file at once: small files need no whole part of memory.
const READ_BYTES: usize = 512 * 1024;
