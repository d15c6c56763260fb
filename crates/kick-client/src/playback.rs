//! From a channel to the address of its live playlist.
//!
//! The official API never tells it, so there are several ways, each a [`PlaybackResolver`], and [`Resolvers`] tries
//! them in order. An address may expire, and whoever plays it has to ask anew then, and after every failure of the
//! playlist; that is why a resolver takes the slug every time.

mod chain;
mod command;
mod expiry;
mod fixed;
mod kick;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::{BlockedBy, Failure, KickError};
use crate::secret_url::SecretUrl;

pub use chain::Resolvers;
pub use command::{
    COMMAND_TIMEOUT, CommandOutput, CommandResolver, CommandRunner, CommandTemplate, TemplateError,
};
pub use fixed::FixedUrl;
pub use kick::KickPlayback;

/// Where to find the live playlist of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Playback {
    /// The address of the multivariant playlist.
    pub url: SecretUrl,
    /// When the address ends, if its token says so. The token is read, not verified.
    pub expires_at: Option<Timestamp>,
    /// Which way led to it.
    pub source: String,
}

impl Playback {
    /// `url`, found by `source`. The end is read from its token.
    pub fn new(url: SecretUrl, source: impl Into<String>) -> Self {
        Self { expires_at: expiry::of(url.expose()), url, source: source.into() }
    }
}

/// A way from a channel to its live playlist.
#[async_trait]
pub trait PlaybackResolver: fmt::Debug + Send + Sync {
    /// What it is called in errors and logs.
    fn name(&self) -> &str;

    /// The live playlist of the channel `slug`. Asks each time it is called.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] says whether the channel is offline, whether Kick turned us away, or what else went wrong.
    async fn resolve(&self, slug: &str) -> Result<Playback, ResolveError>;

    /// Whether the answer does not come from Kick, so that it may hold where Kick says there is nothing.
    fn is_independent(&self) -> bool {
        false
    }
}

/// Why there is no playlist.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The channel is not live.
    #[error("the channel is offline")]
    Offline,
    /// There is no such channel.
    #[error("Kick has no channel of this name; it is the last part of the channel's address")]
    NoSuchChannel,
    /// A guard in front of Kick turned us away.
    #[error(
        "{host} is blocked by {by}; try later or from another network, or configure an external resolver such as streamlink"
    )]
    Blocked {
        /// Which guard.
        by: BlockedBy,
        /// Scheme, host and port that were asked.
        host: String,
    },
    /// Kick could not be asked, or did not answer in a known form.
    #[error(transparent)]
    Kick(KickError),
    /// An external command did not give an address.
    #[error("the command {program}: {why}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// What happened, addresses cut down to their hosts.
        why: String,
    },
    /// What was found is no address of a playlist.
    #[error("{resolver} gave {found}, which is no address that begins with https:// or http://")]
    BadAddress {
        /// Who gave it.
        resolver: String,
        /// What it was, in words.
        found: &'static str,
    },
    /// None of several ways led anywhere.
    #[error("no way leads to a playlist: {}", listed(.tries))]
    All {
        /// The name of each, and why it failed, in the order tried. Empty if none is configured.
        tries: Vec<(String, ResolveError)>,
    },
}

impl ResolveError {
    /// The guard that turned us away, if that is among the reasons.
    pub fn blocked_by(&self) -> Option<BlockedBy> {
        match self {
            Self::Blocked { by, .. } => Some(*by),
            Self::All { tries } => tries.iter().find_map(|(_, error)| error.blocked_by()),
            _ => None,
        }
    }
}

impl From<KickError> for ResolveError {
    fn from(error: KickError) -> Self {
        match error.failure() {
            Failure::Blocked { by } => Self::Blocked { by: *by, host: error.host().to_owned() },
            _ => Self::Kick(error),
        }
    }
}

fn listed(tries: &[(String, ResolveError)]) -> String {
    if tries.is_empty() {
        return "none is configured".to_owned();
    }
    tries.iter().map(|(name, error)| format!("{name}: {error}")).collect::<Vec<_>>().join("; ")
}
