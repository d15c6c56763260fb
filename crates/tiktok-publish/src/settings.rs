//! How an account's clips are published.

use std::time::Duration;

use url::Url;

use crate::api::Privacy;
use crate::ledger::{DEFAULT_BACKOFF, ShareMode};
use crate::plan::DEFAULT_CHUNK_BYTES;

/// How long a post is asked about before it is left to be worked on.
pub const DEFAULT_STATUS_DEADLINE: Duration = Duration::from_secs(600);

/// How an account's clips are published. The defaults keep an account safe: drafts, which a person looks at before anyone sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishSettings {
    /// A draft in the inbox, or a post.
    pub mode: PublishMode,
    /// How TikTok gets the bytes.
    pub source: UploadSource,
    /// About how large a chunk is, in bytes; [`MIN_CHUNK_BYTES`](crate::MIN_CHUNK_BYTES) to
    /// [`MAX_CHUNK_BYTES`](crate::MAX_CHUNK_BYTES). 10 MB, as in TikTok's own example.
    pub chunk_bytes: u64,
    /// The first wait after TikTok said that too many drafts wait; it doubles, up to six hours. 1800 s.
    pub backoff: Duration,
    /// How long a post is asked about before it is left to be worked on. 600 s.
    pub status_deadline: Duration,
    /// Send a clip even if the record of what was sent says that the account has it.
    pub repeat: bool,
}

impl Default for PublishSettings {
    fn default() -> Self {
        Self {
            mode: PublishMode::Inbox,
            source: UploadSource::File,
            chunk_bytes: DEFAULT_CHUNK_BYTES,
            backoff: DEFAULT_BACKOFF,
            status_deadline: DEFAULT_STATUS_DEADLINE,
            repeat: false,
        }
    }
}

/// What becomes of a clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishMode {
    /// A draft in the account's inbox, which its owner finishes in the app. Needs the scope `video.upload` and no audit. TikTok takes
    /// no text with it.
    Inbox,
    /// A post. Needs the scope `video.publish`, and TikTok's audit for anything but private accounts.
    Direct(DirectPost),
}

impl PublishMode {
    pub(crate) const fn share_mode(&self) -> ShareMode {
        match self {
            Self::Inbox => ShareMode::Inbox,
            Self::Direct(_) => ShareMode::Direct,
        }
    }
}

/// What a post says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that TikTok has")]
pub struct DirectPost {
    /// Who may see it. The user has to choose; it is looked up whether the account offers that.
    pub privacy: Privacy,
    /// Others may comment, if the account allows it at all. Off by default, as TikTok asks.
    pub comments: bool,
    /// Others may make duets, likewise.
    pub duets: bool,
    /// Others may make stitches, likewise.
    pub stitches: bool,
    /// It is made by a machine in a way that TikTok wants to be told of.
    pub ai_generated: bool,
    /// It advertises somebody else's brand. Such a post cannot be for the account alone.
    pub branded: bool,
    /// It advertises the account's own business.
    pub own_brand: bool,
    /// Send a draft if the account or the app is not allowed to post.
    pub fall_back: bool,
}

impl DirectPost {
    /// A post with everything else off.
    #[must_use]
    pub const fn new(privacy: Privacy) -> Self {
        Self {
            privacy,
            comments: false,
            duets: false,
            stitches: false,
            ai_generated: false,
            branded: false,
            own_brand: false,
            fall_back: false,
        }
    }
}

/// How TikTok gets the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadSource {
    /// They are sent from here (`FILE_UPLOAD`).
    File,
    /// TikTok fetches them (`PULL_FROM_URL`) from under this https address, which the user has verified in TikTok's developer portal;
    /// the file's name is appended.
    Address(Url),
}
