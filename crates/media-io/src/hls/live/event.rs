//! What a live stream brings.

use std::sync::Arc;
use std::time::Instant;

use timeline::MediaDuration;

use crate::hls::error::HlsError;
use crate::hls::loss::LostSegment;
use crate::hls::segment::Segment;

/// What happened to a live stream. Segments, losses and skips come in the order of the stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum LiveEvent {
    /// The next segment.
    Segment(Segment),
    /// The next segment could not be had while it was listed.
    Lost(LostSegment),
    /// Segments left the playlist before they were seen.
    Skipped(Skipped),
    /// Nothing new has been listed for a while. It comes again for each further while; whether that is the end is for the
    /// caller to find out.
    Stalled {
        /// When the last new segment was listed.
        since: Instant,
    },
    /// The stream's address was asked for anew, and works.
    Resolved,
    /// Nothing more will come.
    Ended(EndReason),
}

/// Segments that nobody saw listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// The epoch of their numbers.
    pub epoch: u32,
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
    /// How long they last together: by the wall-clock times around them if both are known, else by the usual length.
    pub duration: MediaDuration,
}

/// Why nothing more will come.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EndReason {
    /// The origin says so (`EXT-X-ENDLIST`).
    EndList,
    /// Whoever knows the stream's address says that it is over.
    Gone,
    /// The playlist could not be had for as long as was allowed; the last failure.
    Lost(Arc<HlsError>),
    /// The stream has cost more bytes in an hour than it may.
    Budget {
        /// What it may cost.
        bytes_per_hour: u64,
    },
}
