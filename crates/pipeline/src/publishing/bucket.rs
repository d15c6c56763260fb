//! A store of clips as a place to publish to: a bucket of S3 and its kin.
//!
//! The clip in the output folder is the spool: it stays there until the bucket has it, however long that takes.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use publish::{
    Delivery, DeliveryState, Journal, Mark, Post, ProgressSink, PublishError, Publisher, Readiness, Receipt,
    Standing, Target,
};
use storage::{ClipRecord, ClipStore, FileKind, FileSource, Link, NewClip, StorageError};
use timeline::{ClipId, Digest};

/// What the platform of such targets is called.
const PLATFORM: &str = "bucket";

/// Puts each clip into a store, with its text, its still and all that is known of it where those lie beside the video. What is
/// there already is not sent again.
#[derive(Clone, Debug)]
pub struct StorePublisher {
    store: ClipStore,
    target: Target,
}

impl StorePublisher {
    /// Into this store.
    #[must_use]
    pub fn new(store: ClipStore) -> Self {
        let target = Target { platform: PLATFORM.to_owned(), account: store.name().to_owned() };
        Self { store, target }
    }

    async fn put(&self, clip: &NewClip) -> Result<Delivery, StorageError> {
        let record = self.store.put(clip).await?;
        let delivery = Delivery::new(DeliveryState::Exported);
        // Signed addresses end and are secrets, so only public ones are told.
        match self.store.link(&record, FileKind::Video, Duration::ZERO).await {
            Ok(Some(Link::Public(address))) => Ok(delivery.with_link(address)),
            _ => Ok(delivery.with_note(format!("as {} in {}", record.id, self.store.name()))),
        }
    }
}

/// The clip as it is stored.
async fn new_clip(post: &Post) -> Result<NewClip, PublishError> {
    let beside = |extension: &str| post.video.with_extension(extension);
    let record = read_record(&beside(ClipRecord::EXTENSION)).await?;
    let (id, created_at, details) = match record {
        Some(record) => (record.id, record.created_at, record.details),
        // A video that somebody else made: known by its content, from when it was written.
        None => (content_id(post), modified_at(&post.video).await?, serde_json::Map::new()),
    };
    let mut clip = NewClip::new(id, post.streamer.clone(), post.name.clone(), created_at)
        .with_file(FileKind::Video, FileSource::Path(post.video.clone()))
        .with_file(FileKind::Caption, FileSource::Bytes(format!("{}\n", post.text).into_bytes().into()));
    let still = beside(FileKind::Thumbnail.extension());
    if tokio::fs::try_exists(&still).await.unwrap_or(false) {
        clip = clip.with_file(FileKind::Thumbnail, FileSource::Path(still));
    }
    clip.details = details;
    Ok(clip)
}

fn content_id(post: &Post) -> ClipId {
    let mut bytes = [0; Digest::BYTES];
    bytes.copy_from_slice(&post.content.as_bytes()[..Digest::BYTES]);
    ClipId(Digest::from_bytes(bytes))
}

async fn read_record(path: &Path) -> Result<Option<ClipRecord>, PublishError> {
    match tokio::fs::read(path).await {
        // Some other file of that name is none of ours.
        Ok(document) => Ok(serde_json::from_slice(&document).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PublishError::File { what: "read", path: path.to_owned(), source }),
    }
}

async fn modified_at(path: &Path) -> Result<Timestamp, PublishError> {
    let failed = |source| PublishError::File { what: "read", path: path.to_owned(), source };
    let modified = tokio::fs::metadata(path).await.and_then(|known| known.modified()).map_err(failed)?;
    Timestamp::try_from(modified).map_err(|error| failed(std::io::Error::other(error)))
}

impl fmt::Display for StorePublisher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the bucket {}", self.store.name())
    }
}

#[async_trait]
impl Publisher for StorePublisher {
    fn target(&self) -> &Target {
        &self.target
    }

    fn check(&self, post: &Post) -> Result<(), PublishError> {
        if post.facts.bytes > 0 {
            return Ok(());
        }
        Err(PublishError::Unsuitable { path: post.video.clone(), limit: "the file is empty".to_owned() })
    }

    async fn readiness(&self) -> Result<Readiness, PublishError> {
        Ok(Readiness::Now)
    }

    async fn publish(
        &self,
        post: &Post,
        journal: &mut dyn Journal,
        progress: ProgressSink<'_>,
    ) -> Result<Delivery, PublishError> {
        self.check(post)?;
        if let Standing::Delivered(delivery) = journal.standing() {
            return Ok(delivery);
        }
        let clip = new_clip(post).await?;
        // Putting the same clip again changes nothing, so an attempt that nobody saw the end of is simply made again.
        journal.write(Mark::Committing { receipt: None }).await?;
        let delivery = self.put(&clip).await.map_err(|error| refused(post, error))?;
        progress(post.facts.bytes);
        journal.write(Mark::Delivered { delivery: delivery.clone() }).await?;
        Ok(delivery)
    }

    async fn follow(&self, receipt: &Receipt) -> Result<Delivery, PublishError> {
        Err(PublishError::Setup {
            reason: format!("{self} gives no receipts, so there is none called {receipt}"),
        })
    }
}

fn refused(post: &Post, error: StorageError) -> PublishError {
    match error {
        StorageError::File { path, source } => PublishError::File { what: "read", path, source },
        StorageError::Name { .. } => {
            PublishError::Unsuitable { path: post.video.clone(), limit: error.to_string() }
        }
        error if error.is_retryable() => {
            PublishError::Unavailable { what: error.to_string(), source: Some(Box::new(error)) }
        }
        error => {
            let cause = std::error::Error::source(&error).and_then(std::error::Error::source);
            let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            PublishError::Setup { reason: format!("{error}{cause}") }
        }
    }
}
