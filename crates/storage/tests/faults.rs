//! A store that runs out of room or may not be written: the error says so, and nothing half-written is seen.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use storage::conformance::sample_clip;
use storage::{ClipStore, FileKind, FileSource, Layout, StorageError};

/// Fails every write to keys that end like this.
#[derive(Debug)]
struct Failing<S> {
    store: S,
    ending: &'static str,
    kind: io::ErrorKind,
}

impl<S> fmt::Display for Failing<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the failing store")
    }
}

impl<S> Failing<S> {
    fn error(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic { store: "failing", source: Box::new(io::Error::from(kind)) }
    }
}

/// An upload of which no part arrives.
#[derive(Debug)]
struct FailingUpload(Box<dyn MultipartUpload>, io::ErrorKind);

#[async_trait]
impl MultipartUpload for FailingUpload {
    fn put_part(&mut self, _: PutPayload) -> UploadPart {
        let error = Failing::<()>::error(self.1);
        Box::pin(async move { Err(error) })
    }
    async fn complete(&mut self) -> Result<PutResult> {
        self.0.complete().await
    }
    async fn abort(&mut self) -> Result<()> {
        self.0.abort().await
    }
}

#[async_trait]
impl<S: ObjectStore> ObjectStore for Failing<S> {
    async fn put_opts(&self, key: &Key, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        options.attributes = Default::default();
        if key.as_ref().ends_with(self.ending) {
            return Err(Self::error(self.kind));
        }
        self.store.put_opts(key, payload, options).await
    }
    async fn put_multipart_opts(
        &self,
        key: &Key,
        mut options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        options.attributes = Default::default();
        let upload = self.store.put_multipart_opts(key, options).await?;
        Ok(if key.as_ref().ends_with(self.ending) {
            Box::new(FailingUpload(upload, self.kind))
        } else {
            upload
        })
    }
    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(key, options).await
    }
    fn delete_stream(&self, keys: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        self.store.delete_stream(keys)
    }
    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }
    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }
    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

type Check = fn(&StorageError) -> bool;
const MEANINGS: [(io::ErrorKind, Check); 5] = [
    (io::ErrorKind::StorageFull, |error| matches!(error, StorageError::NoSpace(_))),
    (io::ErrorKind::QuotaExceeded, |error| matches!(error, StorageError::NoSpace(_))),
    (io::ErrorKind::PermissionDenied, |error| matches!(error, StorageError::PermissionDenied(_))),
    (io::ErrorKind::ReadOnlyFilesystem, |error| matches!(error, StorageError::PermissionDenied(_))),
    (io::ErrorKind::ConnectionReset, |error| {
        matches!(error, StorageError::Unavailable(_)) && error.is_retryable()
    }),
];

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    Ok(files)
}

#[tokio::test]
async fn failures_are_named_and_leave_nothing() -> std::result::Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let large = folder.path().join("large.mp4");
    fs_err::write(&large, vec![7; 9 * 1024 * 1024])?;
    for (kind, means) in MEANINGS {
        for ending in [".mp4", ".txt", ".json"] {
            let root = tempfile::tempdir()?;
            let local = LocalFileSystem::new_with_prefix(root.path())?.with_automatic_cleanup(true);
            let store = ClipStore::over(Arc::new(Failing { store: local, ending, kind }), Layout::Dated);
            let clip = sample_clip(1, 0).with_file(FileKind::Video, FileSource::Path(large.clone()));
            let error = store.put(&clip).await.err().ok_or("the store fails")?;
            assert!(means(&error), "{kind:?} at {ending}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(ending) && text.contains("the failing store"), "{text}");
            assert_eq!(store.list(None).await?, []);
            assert_eq!(files_below(root.path())?, [] as [PathBuf; 0], "{kind:?} at {ending} leaves nothing");
        }
    }
    Ok(())
}
