//! What is told.

use jiff::Timestamp;
use serde::Serialize;
use timeline::StreamerName;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// A streamer went on the air.
    StreamerLive,
    /// A clip is finished and in its place.
    ClipReady,
    /// A clip reached a platform.
    ClipPosted,
    /// A clip could not be made, stored or posted, and somebody has to look.
    ClipFailed,
}

impl What {
    /// In words, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::StreamerLive => "is live",
            Self::ClipReady => "clip ready",
            Self::ClipPosted => "clip posted",
            Self::ClipFailed => "clip failed",
        }
    }
}

/// One thing that happened, as the webhook tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What.
    pub event: What,
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub streamer: StreamerName,
    /// The title of the broadcast, or what the clip is called.
    pub title: String,
    /// More, in words: what is said in the clip, where it went, or why it failed.
    pub detail: Option<String>,
    /// Where to look: an address or a path, never a signed one.
    pub link: Option<String>,
}
