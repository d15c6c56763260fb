//! What is watched, and how.

use kick_client::SecretUrl;
use media_io::hls::RenditionRule;
use timeline::StreamerName;

use super::limits::ClipLimits;
use crate::RunSettings;

/// Where a stream comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamSource {
    /// A channel of Kick, by the last part of its page's address.
    Kick {
        /// That part.
        slug: String,
    },
    /// A playlist at a fixed address; the stream is live while the playlist is there and grows.
    Address(SecretUrl),
}

/// One streamer to watch.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Who.
    pub name: StreamerName,
    /// Where the stream comes from.
    pub source: StreamSource,
    /// How moments are found, cut and rendered. Chat and transcript files mean nothing here.
    pub settings: RunSettings,
    /// Which rendition is recorded.
    pub rendition: RenditionRule,
    /// How many clips there may be.
    pub limits: ClipLimits,
    /// Whether chat is read, where there is one.
    pub chat: bool,
}
