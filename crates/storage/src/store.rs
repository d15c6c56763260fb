//! The store of clips.

mod links;
mod read;
mod sweep;
mod upload;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use timeline::{ClipId, StreamerName};

use crate::clip::{ClipRecord, FileSource, NewClip, StoredFile};
use crate::error::StorageError;
use crate::layout::{Layout, Stem};
use crate::retention::Retention;

pub use self::links::Link;
pub(crate) use self::links::Links;

/// How many metadata documents are read at once while listing: enough to hide the latency of a remote store.
const CONCURRENT_READS: usize = 8;

/// Clips on an object store. Cheap to clone; clones share the store.
#[derive(Clone)]
pub struct ClipStore {
    objects: Arc<dyn ObjectStore>,
    layout: Layout,
    /// What errors and logs call the store.
    name: String,
    /// Where the store is on this machine, if it is.
    folder: Option<PathBuf>,
    /// Whether the store keeps a content type beside each object.
    keeps_content_types: bool,
    /// How links to its files are made, if they can be.
    links: Option<Links>,
}

/// A store is shown by its name: what lies below may hold an address with a secret in it.
impl fmt::Debug for ClipStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, layout, .. } = self;
        formatter
            .debug_struct("ClipStore")
            .field("name", name)
            .field("layout", layout)
            .finish_non_exhaustive()
    }
}

impl ClipStore {
    /// Clips in a folder of this machine, made if it is not there. Each file is synced to disk before it is seen.
    ///
    /// # Errors
    /// [`StorageError::Folder`] if the folder cannot be made or is something else.
    pub fn local(folder: &Path, layout: Layout) -> Result<Self, StorageError> {
        let refuse = |source| StorageError::Folder { path: folder.to_owned(), source };
        fs_err::create_dir_all(folder).map_err(refuse)?;
        let folder = fs_err::canonicalize(folder).map_err(refuse)?;
        let objects = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| refuse(std::io::Error::other(error)))?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self {
            objects: Arc::new(objects),
            layout,
            name: folder.display().to_string(),
            folder: Some(folder),
            keeps_content_types: false,
            links: None,
        })
    }

    /// Clips in memory, gone with the last clone.
    #[must_use]
    pub fn memory(layout: Layout) -> Self {
        Self::over(Arc::new(InMemory::new()), layout)
    }

    /// Clips on any store that keeps content types: S3 and its kin.
    #[must_use]
    pub fn over(objects: Arc<dyn ObjectStore>, layout: Layout) -> Self {
        let name = objects.to_string();
        Self { objects, layout, name, folder: None, keeps_content_types: true, links: None }
    }

    /// What errors and logs call the store.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    pub(crate) fn with_links(self, links: Links) -> Self {
        Self { links: Some(links), ..self }
    }

    /// What the keys look like.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Writes and deletes a small object, to learn before long work whether the store can be written.
    ///
    /// # Errors
    /// What the store says, such as [`StorageError::PermissionDenied`] and [`StorageError::NoSpace`].
    pub async fn check_writable(&self) -> Result<(), StorageError> {
        let key = Key::from("write-check.tmp");
        self.objects.put(&key, "ok".into()).await.map_err(self.failure(&key))?;
        self.delete_key(&key).await
    }

    /// Stores a clip: its files first, its metadata last. The same clip again changes nothing; another clip under the
    /// same key (a new rendering, or the same name in [`Layout::Flat`]) replaces the old one, which is out of sight from the
    /// first file on. What a failed call had written is deleted again; after a crash [`sweep`](Self::sweep) does that.
    ///
    /// # Errors
    /// A name or a detail that is not allowed, a source that cannot be read, or what the store says.
    pub async fn put(&self, clip: &NewClip) -> Result<ClipRecord, StorageError> {
        if let Some(field) = ClipRecord::OWN_FIELDS.iter().find(|field| clip.details.contains_key(**field)) {
            return Err(StorageError::ReservedDetail { field: (*field).to_owned() });
        }
        let stem = self.layout.stem_of_new(clip)?;
        let metadata = stem.metadata()?;
        if let Some(old) = self.read_record(&metadata).await? {
            if self.holds(&old, clip, &stem).await? {
                tracing::debug!(clip = %clip.id, store = self.name, "already stored");
                return Ok(old);
            }
            self.delete(&old).await?;
        }
        let stored = self.put_new(clip, &stem, &metadata).await;
        if stored.is_err() {
            for kind in clip.files.keys() {
                if let Err(error) = self.delete_key(&stem.file(*kind)?).await {
                    tracing::warn!(clip = %clip.id, store = self.name, %error, "a file of a clip that failed to be stored stays");
                }
            }
        }
        stored
    }

    async fn put_new(&self, clip: &NewClip, stem: &Stem, metadata: &Key) -> Result<ClipRecord, StorageError> {
        let mut files = BTreeMap::new();
        for (kind, source) in &clip.files {
            let key = stem.file(*kind)?;
            let file = match source {
                FileSource::Path(path) => self.upload_file(&key, path, kind.content_type()).await?,
                FileSource::Bytes(bytes) => {
                    self.upload_bytes(&key, bytes.clone(), kind.content_type()).await?
                }
            };
            files.insert(*kind, file);
        }
        let record = record_of(clip, files);
        let mut document = serde_json::to_vec_pretty(&record)
            .map_err(|source| StorageError::Metadata { name: clip.name.clone(), source })?;
        document.push(b'\n');
        self.upload_bytes(metadata, document.into(), ClipRecord::CONTENT_TYPE).await?;
        tracing::debug!(clip = %clip.id, store = self.name, bytes = record.total_bytes(), "stored");
        Ok(record)
    }

    /// Whether the store already holds all of this clip, whole.
    async fn holds(&self, old: &ClipRecord, clip: &NewClip, stem: &Stem) -> Result<bool, StorageError> {
        if *old != record_of(clip, old.files.clone()) || !old.files.keys().eq(clip.files.keys()) {
            return Ok(false);
        }
        for (kind, source) in &clip.files {
            let key = stem.file(*kind)?;
            let stored = match self.objects.head(&key).await {
                Ok(found) => old.files.get(kind).filter(|file| file.bytes == found.size),
                Err(object_store::Error::NotFound { .. }) => None,
                Err(error) => return Err(self.failure(&key)(error)),
            };
            let Some(stored) = stored else { return Ok(false) };
            if *stored != upload::describe(&key, source).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All whole clips, or those of one streamer, oldest first. Documents that are no metadata of a clip are passed over.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self, streamer: Option<&StreamerName>) -> Result<Vec<ClipRecord>, StorageError> {
        self.list_where(streamer, |_| true).await
    }

    /// One clip, if it is there and whole.
    ///
    /// # Errors
    /// What the store says.
    pub async fn find(&self, id: ClipId) -> Result<Option<ClipRecord>, StorageError> {
        let found = self.list_where(None, |key| self.layout.may_be(key, id)).await?;
        Ok(found.into_iter().find(|clip| clip.id == id))
    }

    async fn list_where(
        &self,
        streamer: Option<&StreamerName>,
        wanted: impl Fn(&Key) -> bool,
    ) -> Result<Vec<ClipRecord>, StorageError> {
        let folder = streamer.and_then(|name| self.layout.folder_of(name));
        let keys: Vec<Key> = self
            .objects
            .list(folder.as_ref())
            .map_ok(|object| object.location)
            .try_filter(|key| {
                let is_metadata = key.extension() == Some(ClipRecord::EXTENSION);
                futures::future::ready(is_metadata && wanted(key))
            })
            .try_collect()
            .await
            .map_err(|error| StorageError::new(&self.name, "the list of clips", error))?;
        let mut clips: Vec<ClipRecord> = futures::stream::iter(keys)
            .map(|key| async move { self.read_record(&key).await })
            .buffer_unordered(CONCURRENT_READS)
            .try_filter_map(|record| futures::future::ready(Ok(record)))
            .try_filter(|record| futures::future::ready(streamer.is_none_or(|name| record.streamer == *name)))
            .try_collect()
            .await?;
        clips.sort_by(|a, b| (a.created_at, a.id, &a.name).cmp(&(b.created_at, b.id, &b.name)));
        Ok(clips)
    }

    /// Deletes a clip: its metadata first, so that nobody sees it half gone. One that is gone already is fine.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delete(&self, clip: &ClipRecord) -> Result<(), StorageError> {
        let stem = self.layout.stem_of(clip);
        self.delete_key(&stem.metadata()?).await?;
        for kind in clip.files.keys() {
            self.delete_key(&stem.file(*kind)?).await?;
        }
        tracing::debug!(clip = %clip.id, store = self.name, "deleted");
        Ok(())
    }

    /// Deletes what has been kept for too long or is too much, oldest first, but never a clip in `keep` (one that is still to be
    /// published, say). Returns what was deleted.
    ///
    /// # Errors
    /// What the store says; what was deleted until then stays deleted.
    pub async fn apply_retention(
        &self,
        retention: &Retention,
        now: Timestamp,
        keep: &HashSet<ClipId>,
    ) -> Result<Vec<ClipRecord>, StorageError> {
        let clips = self.list(None).await?;
        let overdue: Vec<ClipRecord> = retention.overdue(&clips, now, keep).into_iter().cloned().collect();
        for clip in &overdue {
            self.delete(clip).await?;
            tracing::info!(clip = %clip.id, name = clip.name, store = self.name, "deleted by retention");
        }
        Ok(overdue)
    }

    /// The record under a key, if there is one and it belongs there.
    async fn read_record(&self, key: &Key) -> Result<Option<ClipRecord>, StorageError> {
        let document = match self.objects.get(key).await {
            Ok(found) => found.bytes().await.map_err(self.failure(key))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failure(key)(error)),
        };
        match serde_json::from_slice::<ClipRecord>(&document) {
            Ok(record) if self.layout.stem_of(&record).metadata().is_ok_and(|own| own == *key) => {
                Ok(Some(record))
            }
            Ok(record) => {
                tracing::warn!(%key, store = self.name, clip = %record.id, "passed over: the metadata belongs under another key");
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%key, store = self.name, %error, "passed over: not the metadata of a clip");
                Ok(None)
            }
        }
    }

    async fn delete_key(&self, key: &Key) -> Result<(), StorageError> {
        match self.objects.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure(key)(error)),
        }
    }

    fn failure<'store>(
        &'store self,
        key: &'store Key,
    ) -> impl Fn(object_store::Error) -> StorageError + 'store {
        |error| StorageError::new(&self.name, key.as_ref(), error)
    }
}

fn record_of(clip: &NewClip, files: BTreeMap<crate::FileKind, StoredFile>) -> ClipRecord {
    ClipRecord {
        id: clip.id,
        streamer: clip.streamer.clone(),
        name: clip.name.clone(),
        created_at: clip.created_at,
        files,
        details: clip.details.clone(),
    }
}
