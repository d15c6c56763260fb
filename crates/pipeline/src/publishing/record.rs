//! A publication as the database knows it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use publish::{ContentHash, Delivery, PostKey, Target};
use serde::{Deserialize, Serialize};
use timeline::{ClipId, StreamerName};

/// How a publication stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PublicationState {
    /// It is sent when its turn comes.
    Waiting,
    /// It waits for a person's word.
    Paused,
    /// It is being sent, or was when its process ended.
    Running,
    /// The platform has all of it and is still working on it.
    Processing,
    /// It is where it should be.
    Delivered,
    /// The file does not suit the platform, or is gone.
    Failed,
    /// The platform said no.
    Refused,
    /// Nobody knows whether it was posted.
    Unknown,
    /// It is not to be sent any more.
    Dropped,
}

impl PublicationState {
    const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Paused,
        Self::Running,
        Self::Processing,
        Self::Delivered,
        Self::Failed,
        Self::Refused,
        Self::Unknown,
        Self::Dropped,
    ];

    /// Its name in the database and for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Running => "running",
            Self::Processing => "processing",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Dropped => "dropped",
        }
    }

    /// Whether it is still to be sent.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Paused | Self::Running)
    }

    /// Whether it ended without being posted, or nobody knows.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Refused | Self::Unknown)
    }
}

impl fmt::Display for PublicationState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for PublicationState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("{text:?} is no state of a publication"))
    }
}

/// A clip that is to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPublication {
    /// Where.
    pub target: Target,
    /// The file. Its content must stay as it is.
    pub video: PathBuf,
    /// Its content.
    pub content: ContentHash,
    /// What people call it.
    pub name: String,
    /// The text to post with it.
    pub text: String,
    /// The instant of the still to show, from the clip's start.
    pub cover: Option<Duration>,
    /// Whose clip it is.
    pub streamer: StreamerName,
    /// Which clip it is, where it was made here.
    pub clip: Option<ClipId>,
    /// How good it is, 0 to 1: better ones go first.
    pub score: f64,
    /// Whether it waits for a person's word.
    pub held: bool,
    /// When it is too late for it.
    pub expires_at: Option<Timestamp>,
}

impl NewPublication {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> PostKey {
        PostKey::new(self.content, &self.target)
    }
}

/// A publication of the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// Its key.
    pub key: PostKey,
    /// Where it goes.
    pub target: Target,
    /// The SHA-256 of the video, in hexadecimal.
    pub content: String,
    /// The file.
    pub video: PathBuf,
    /// What people call it.
    pub name: String,
    /// The text to post with it.
    pub text: String,
    /// The instant of the still to show, from the clip's start.
    pub cover: Option<Duration>,
    /// Whose clip it is.
    pub streamer: StreamerName,
    /// Which clip it is, where it was made here.
    pub clip: Option<ClipId>,
    /// How good it is, 0 to 1.
    pub score: f64,
    /// How it stands.
    pub state: PublicationState,
    /// Why it stands so.
    pub why: Option<String>,
    /// How often it was sent on purpose, from 1.
    pub round: u32,
    /// How often it was tried in this round without success.
    pub attempts: u32,
    /// It is not tried before this time.
    pub not_before: Option<Timestamp>,
    /// When it was put into the queue.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// When it is too late for it.
    pub expires_at: Option<Timestamp>,
    /// What the platform told of it.
    pub result: Option<Delivery>,
    /// The claim of the process that sends it, or did.
    pub(super) claim: Option<String>,
}
