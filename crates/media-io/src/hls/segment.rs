//! A media segment as it comes from an origin, and what is known of one that never came.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use timeline::MediaDuration;

use super::fetch::Body;
use super::playlist::Entry;

/// How the bytes of a segment are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// An MPEG transport stream.
    Transport,
    /// A fragment of an MP4 (`moof` and `mdat`), which needs its [`InitSection`].
    Fragmented,
}

/// The head of a fragmented MP4 (`ftyp` and `moov`), shared by the segments that it belongs to.
#[derive(Clone, PartialEq, Eq)]
pub struct InitSection {
    /// The bytes that `EXT-X-MAP` named, decrypted.
    pub bytes: Bytes,
}

impl fmt::Debug for InitSection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InitSection").field("length", &self.bytes.len()).finish()
    }
}

/// One media segment as fetched: whole and decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// The origin's media sequence number.
    pub sequence: u64,
    /// Counts how often the origin's numbering began anew, from 0. Numbers can be compared within one epoch alone.
    pub epoch: u32,
    /// How long the playlist says that it is (`EXTINF`).
    pub duration: MediaDuration,
    /// Whether timestamps or encoding may change before it.
    pub discontinuity: bool,
    /// The wall-clock time of its first sample, if the playlist tells or lets it be counted on from an earlier one.
    pub program_date_time: Option<Timestamp>,
    /// How its bytes are packed.
    pub packing: Packing,
    /// The head of its MP4; present if and only if it is [`Packing::Fragmented`].
    pub init: Option<Arc<InitSection>>,
    /// Its bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Segment")
            .field("sequence", &self.sequence)
            .field("epoch", &self.epoch)
            .field("duration", &self.duration)
            .field("discontinuity", &self.discontinuity)
            .field("program_date_time", &self.program_date_time)
            .field("packing", &self.packing)
            .field("init", &self.init)
            .field("length", &self.bytes.len())
            .finish()
    }
}

impl Segment {
    pub(super) fn new(entry: &Entry, epoch: u32, body: Body) -> Self {
        Self {
            sequence: entry.sequence,
            epoch,
            duration: entry.duration,
            discontinuity: entry.discontinuity,
            program_date_time: entry.program_date_time,
            packing: body.packing,
            init: body.init,
            bytes: body.bytes,
        }
    }
}
