//! What happens while clips are published, for whoever shows it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use publish::{Delivery, PostKey, Target};
use timeline::StreamerName;

use super::record::PublicationState;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PublishEvent {
    /// A clip is about to be sent, or asked about.
    Begun {
        /// Which publication.
        key: PostKey,
        /// What people call the clip.
        name: String,
        /// Where it goes.
        target: Target,
        /// How large it is.
        bytes: u64,
    },
    /// So much of it is sent.
    Progress {
        /// Which publication.
        key: PostKey,
        /// Bytes since its beginning.
        sent: u64,
    },
    /// The platform took it.
    Delivered {
        /// Which publication.
        key: PostKey,
        /// Whose clip it is.
        streamer: StreamerName,
        /// What people call the clip.
        name: String,
        /// Where it went.
        target: Target,
        /// What became of it.
        delivery: Delivery,
    },
    /// The platform did not take it.
    Missed {
        /// Which publication.
        key: PostKey,
        /// Whose clip it is.
        streamer: StreamerName,
        /// What people call the clip.
        name: String,
        /// Where it was to go.
        target: Target,
        /// What the publication is now: waiting again, or not.
        state: PublicationState,
        /// Why.
        why: String,
        /// When it is tried again, if that is known.
        until: Option<Timestamp>,
    },
}

/// Where events go. Cheap to clone; called from any thread.
#[derive(Clone)]
pub struct PublishSink(Arc<dyn Fn(PublishEvent) + Send + Sync>);

impl PublishSink {
    /// Events go to `receive`, which must not block.
    pub fn new(receive: impl Fn(PublishEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Events go nowhere.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub(super) fn send(&self, event: PublishEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for PublishSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PublishSink")
    }
}
