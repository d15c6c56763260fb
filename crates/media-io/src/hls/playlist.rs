//! Playlists as they come from an origin: the list of renditions, and the list of segments of one of them.
//!
//! The format is RFC 8216. `m3u8-rs` reads it, after [`tidy`](self) has brought the text into a form in which it loses
//! nothing: by itself it takes what follows a comma in a segment's title for an address, forgets a key when the next one
//! is "none", and stops without a word at the first byte that is not UTF-8.

mod master;
mod media;
#[cfg(test)]
mod tests;
mod tidy;

use std::fmt;

pub use master::{AudioTrack, Master, Variant};
pub use media::{ByteRange, Encryption, Entry, InitReference, KeyReference, MediaList};
pub(super) use tidy::describe;

/// The longest duration that is believed of one segment, in seconds. Real ones last 1 to 20.
pub const MAX_SEGMENT_SECONDS: f64 = 3_600.0;

/// A playlist of either kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Playlist {
    /// The renditions that one can choose from (the RFC's multivariant or master playlist).
    Master(Master),
    /// The segments of one rendition.
    Media(MediaList),
}

/// Why a text is no playlist that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaylistError {
    /// It is something else.
    #[error("it is {found}, not a playlist: a playlist begins with #EXTM3U")]
    NotPlaylist {
        /// What was found instead, in words.
        found: &'static str,
    },
    /// A line of it cannot be used.
    #[error("line {line} of the playlist {detail}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it and what would be right.
        detail: &'static str,
    },
    /// It lists neither renditions nor segments, nor says how long segments are.
    #[error("the playlist holds nothing: neither renditions (#EXT-X-STREAM-INF) nor segments (#EXTINF)")]
    Nothing,
    /// The parser does not understand it.
    #[error("the playlist cannot be parsed")]
    Unreadable,
}

/// An address as it stands in a playlist, relative or absolute. It may hold a token, so it never shows in `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// Takes the text of an address.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for making a request. Not for logs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reference(..)")
    }
}

/// Reads a playlist of either kind.
///
/// Tags that are not needed are passed over, so lists with prefetch lines, date ranges or vendors' tags are read like
/// others; bytes that are not UTF-8 are replaced.
///
/// # Errors
/// If it is not a playlist, or a segment's address or duration cannot be made out.
pub fn parse(text: &[u8]) -> Result<Playlist, PlaylistError> {
    let tidied = tidy::tidy(text)?;
    match tidied.kind {
        tidy::Kind::Master => {
            let (_, list) = m3u8_rs::parse_master_playlist(tidied.text.as_bytes())
                .map_err(|_| PlaylistError::Unreadable)?;
            Ok(Playlist::Master(Master::from_parsed(list)))
        }
        tidy::Kind::Media => {
            let (_, list) = m3u8_rs::parse_media_playlist(tidied.text.as_bytes())
                .map_err(|_| PlaylistError::Unreadable)?;
            MediaList::from_parsed(list, tidied.has_discontinuity_sequence).map(Playlist::Media)
        }
    }
}
