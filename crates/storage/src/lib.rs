//! Finished clips and their metadata on an object store.
//!
//! A clip is a few files (video, caption, thumbnail) and one metadata document, the [`ClipRecord`]. The record is
//! written last and deleted first, so **a clip is visible exactly when it is whole**: whoever [lists](ClipStore::list)
//! the store never sees half a clip, whatever was killed or ran out of space. Every record holds the size and SHA-256
//! of each file.
//!
//! [`ClipStore`] works over any [`object_store::ObjectStore`]: [`ClipStore::local`] for a folder (each file staged, synced to
//! disk and renamed), [`ClipStore::s3`] for a bucket of S3, R2, MinIO and their kin, [`ClipStore::memory`] for tests, [`ClipStore::over`] for any other. [`Layout`] says what keys look like:
//!
//! | layout | key | for |
//! |---|---|---|
//! | [`Layout::Dated`] | `{streamer}/{yyyy}/{mm}/{dd}/{clip id}.{json,mp4,txt,png}` (UTC date of [`ClipRecord::created_at`]) | the archive |
//! | [`Layout::Flat`] | `{name}.{json,mp4,txt,png}` | an output folder that a person opens |
//!
//! ```
//! # use storage::{ClipStore, FileKind, FileSource, Layout, NewClip};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let store = ClipStore::memory(Layout::Dated);
//! let clip = NewClip::new("5f".repeat(16).parse()?, "demo".parse()?, "demo-01-0h12m33s", "2026-03-01T18:30:00Z".parse()?)
//!     .with_file(FileKind::Video, FileSource::Bytes("not really a video".into()))
//!     .with_detail("score", 0.93);
//! let record = store.put(&clip).await?;
//! assert_eq!(store.list(None).await?, [record]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clip;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod layout;
mod retention;
mod s3;
mod store;

pub use clip::{ClipRecord, FileKind, FileSource, NewClip, StoredFile};
pub use error::{StorageError, StoreFailure};
pub use layout::Layout;
pub use retention::Retention;
pub use s3::S3Options;
pub use store::{ClipStore, Link};
