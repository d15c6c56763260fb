//! The trait.

use std::fmt::{Debug, Display};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::delivery::{Delivery, Receipt};
use crate::error::PublishError;
use crate::journal::Journal;
use crate::post::{Post, Target};

/// Whether a post may be begun now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Now,
    /// Not before this time.
    Later {
        /// From when on.
        at: Timestamp,
        /// Which limit.
        why: String,
    },
}

/// Told how many bytes of a post have been sent. Called from within the upload, so it must be quick.
pub type ProgressSink<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Takes posts to one account of one platform.
///
/// Its `Display` names the target for people and holds no secret; neither does `Debug`. All methods may be called from several processes
/// at once; a publisher whose platform minds that has to keep order by itself. Dropping a future leaves nothing that the
/// journal does not tell of.
#[async_trait]
pub trait Publisher: Display + Debug + Send + Sync {
    /// Where posts go. The same in each run.
    fn target(&self) -> &Target;

    /// Looks whether the platform would take the post at all, without asking it.
    ///
    /// # Errors
    /// [`PublishError::Unsuitable`] with the limit that is broken.
    fn check(&self, post: &Post) -> Result<(), PublishError>;

    /// Whether a post may be begun now: limits of the platform that are known here. Never sends anything of a post.
    ///
    /// # Errors
    /// What keeps it from being known, [`PublishError::Login`] above all.
    async fn readiness(&self) -> Result<Readiness, PublishError>;

    /// Publishes a post, or goes on where its journal says an earlier attempt stopped (the table in the [crate's documentation](crate)).
    ///
    /// # Errors
    /// Why not. After [`PublishError::Unknown`] the journal's standing may be published; after all others it is safe to call
    /// this again with the same journal.
    async fn publish(
        &self,
        post: &Post,
        journal: &mut dyn Journal,
        progress: ProgressSink<'_>,
    ) -> Result<Delivery, PublishError>;

    /// Asks what became of a post that was taken and still processing.
    ///
    /// # Errors
    /// [`PublishError::Refused`] if the platform has thrown it away since; others if it cannot be asked.
    async fn follow(&self, receipt: &Receipt) -> Result<Delivery, PublishError>;
}
