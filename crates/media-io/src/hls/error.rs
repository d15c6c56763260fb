//! What can go wrong with a stream, by what it means for whoever watches it.

use std::time::Duration;

use super::playlist::PlaylistError;

/// Why a playlist, a segment or a key could not be had. Addresses carry tokens, so only their host is named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HlsError {
    /// An address is none that can be fetched.
    #[error(
        "not an address to fetch{}: it must begin with http:// or https:// and name a host",
        found_at(host)
    )]
    Address {
        /// The host whose playlist or answer held it; empty if it was given by the caller.
        host: String,
    },
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be set up: {detail}")]
    Client {
        /// Why.
        detail: String,
    },
    /// The host cannot be reached, or the connection broke.
    #[error("{host} cannot be reached for {what}")]
    Unreachable {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// Why; without the address.
        source: reqwest::Error,
    },
    /// The host took too long.
    #[error("{host} did not send {what} within {} s", after.as_secs_f32())]
    Timeout {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The host refused.
    #[error("{host} answered {status} for {what}{}", status_hint(*status))]
    Status {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The answer ended before all of it had come, or is shorter than was asked for.
    #[error("{what} from {host} was cut off after {received} bytes")]
    CutOff {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// How much came.
        received: u64,
    },
    /// The answer is larger than is believable.
    #[error("{what} from {host} is larger than the {limit} bytes allowed")]
    TooLarge {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// The most that is taken.
        limit: u64,
    },
    /// The answer is not a playlist, or one that cannot be used.
    #[error("the answer of {host} cannot be used: {source}")]
    Playlist {
        /// The host.
        host: String,
        /// What is wrong with it.
        source: PlaylistError,
    },
    /// A list of renditions led to another list of renditions.
    #[error(
        "the playlists of {host} lead to one another instead of to segments: a list of renditions must name lists of segments"
    )]
    Loop {
        /// The host.
        host: String,
    },
    /// There is no rendition in the list.
    #[error("the playlist of {host} lists no rendition")]
    NoRendition {
        /// The host.
        host: String,
    },
    /// The host redirected more often than is followed.
    #[error("{host} redirects more than {limit} times")]
    Redirects {
        /// The host asked first.
        host: String,
        /// The most that are followed.
        limit: usize,
    },
    /// The host redirected from a secure connection to one that is not.
    #[error("{host} redirects from https to http, which is not followed")]
    Downgrade {
        /// The host that redirected.
        host: String,
    },
    /// A stream of the public network pointed into a private one.
    #[error(
        "{host} is an address in a private network, which a stream of the public network may not lead to"
    )]
    PrivateAddress {
        /// The private host.
        host: String,
    },
    /// The stream is encrypted in a way that cannot be undone.
    #[error(
        "the stream of {host} is encrypted ({method}), which cannot be read: only AES-128 of whole segments can"
    )]
    Encryption {
        /// The host.
        host: String,
        /// The method that the playlist names.
        method: String,
    },
    /// The key that the origin sent is none, or does not fit.
    #[error("the key from {host} does not decrypt {what}: {detail}")]
    Key {
        /// The host.
        host: String,
        /// What was to be decrypted.
        what: &'static str,
        /// What is wrong.
        detail: &'static str,
    },
    /// The bytes of a segment are something else than media.
    #[error("{what} from {host} is {found}, not a transport stream or a fragment of an MP4")]
    NotMedia {
        /// The host.
        host: String,
        /// What was asked for.
        what: &'static str,
        /// What came, in words.
        found: &'static str,
    },
    /// A web page came in place of a file.
    #[error("{host} sends a web page, not a media file")]
    WebPage {
        /// The host.
        host: String,
    },
    /// A fragment of an MP4 came without the head that it needs.
    #[error(
        "the segments of {host} are fragments of an MP4, but its playlist names no head for them (#EXT-X-MAP)"
    )]
    NoInit {
        /// The host.
        host: String,
    },
    /// The origin says itself that it does not have the segment.
    #[error("{host} marks the segment as missing (#EXT-X-GAP)")]
    Absent {
        /// The host.
        host: String,
    },
    /// Whoever knows the stream's address could not tell it.
    #[error("the address of the stream could not be had")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A task that fetched ended by a panic or with the runtime.
    #[error("fetching was stopped from within")]
    Stopped,
}

impl HlsError {
    /// Whether the same request may succeed a little later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::CutOff { .. } | Self::Source(_) => true,
            // A stream that has just begun lists its renditions one after another.
            Self::NoRendition { .. } => true,
            // Origins answer 404 for what is not there yet, 403 in waves, and 4xx of these kinds when overrun.
            Self::Status { status, .. } => matches!(*status, 403 | 404 | 408 | 410 | 425 | 429 | 500..=599),
            // What came is not what the origin means to serve: error pages and half-written lists.
            Self::Playlist { .. } | Self::NotMedia { .. } | Self::Key { .. } => true,
            _ => false,
        }
    }

    /// Whether the address itself has become invalid, so that a new one is needed.
    #[must_use]
    pub const fn is_expired(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403 | 404 | 410, .. })
    }
}

fn found_at(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" in an answer of {host}") }
}

const fn status_hint(status: u16) -> &'static str {
    match status {
        401 | 403 => " (not allowed: the address may have expired, or the stream is not public)",
        404 | 410 => " (not there, or not any more)",
        429 => " (too many requests)",
        _ => "",
    }
}
