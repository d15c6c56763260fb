//! What is published, and where.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use timeline::{Digest, StreamerName};

use crate::error::PublishError;

/// Where posts go: a platform and an account of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The platform, such as `tiktok` or `folder`.
    pub platform: String,
    /// The account, by the platform's own lasting id; for a folder its absolute path.
    pub account: String,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.platform, self.account)
    }
}

/// The SHA-256 of a video's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Of bytes in memory.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a file, read from end to end in pieces. Blocks.
    ///
    /// # Errors
    /// [`PublishError::File`] if it cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, PublishError> {
        let failed = |source| PublishError::File { what: "read", path: path.to_owned(), source };
        let mut file = fs_err::File::open(path).map_err(failed)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => return Ok(Self(hash.finalize().into())),
                read => hash.update(&piece[..read]),
            }
        }
    }
}

impl ContentHash {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// One video for one target: the same for the same bytes and the same account, whatever the file is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PostKey(pub Digest);

impl PostKey {
    /// The key of these bytes at this target.
    #[must_use]
    pub fn new(content: ContentHash, target: &Target) -> Self {
        let mut hash = Sha256::new();
        // Lengths keep a platform and an account from running into one another.
        for part in [target.platform.as_bytes(), target.account.as_bytes(), &content.0] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let full: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; Digest::BYTES];
        bytes.copy_from_slice(&full[..Digest::BYTES]);
        Self(Digest::from_bytes(bytes))
    }
}

impl fmt::Display for PostKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What a video file is like, found out by whoever made or probed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// Names of the container, as ffmpeg tells them: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// The codec of the picture, such as `h264`.
    pub codec: String,
    /// Width as shown, in pixels.
    pub width: u32,
    /// Height as shown, in pixels.
    pub height: u32,
    /// Pictures a second.
    pub fps: f64,
    /// How long it plays.
    pub duration: Duration,
    /// The size of the file.
    pub bytes: u64,
}

/// A clip to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The file. It must not change while it is published.
    pub video: PathBuf,
    /// Its content.
    pub content: ContentHash,
    /// What it is like.
    pub facts: VideoFacts,
    /// Whose clip it is.
    pub streamer: StreamerName,
    /// What people call it: the stem of its file's name.
    pub name: String,
    /// The text to post with it.
    pub text: String,
    /// The instant of the still to show, from the clip's start.
    pub cover: Option<Duration>,
}

impl Post {
    /// Its key at a target.
    #[must_use]
    pub fn key(&self, target: &Target) -> PostKey {
        PostKey::new(self.content, target)
    }
}
