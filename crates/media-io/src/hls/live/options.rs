//! How a live stream is followed.

use std::time::Duration;

use jiff::Timestamp;

/// How many segments are fetched at once. Two keep up with the stream; a third makes good for one that hangs.
pub const LIVE_CONCURRENCY: usize = 3;

/// How a live stream is followed.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// At which segment of the first list to begin.
    pub join: JoinAt,
    /// How many segments are fetched at once, at least 1.
    pub concurrency: usize,
    /// After how many times the length of a segment without a new one the stream counts as stalled.
    pub stall_segments: u32,
    /// For how long the playlist may be out of reach, new addresses included, before the stream counts as lost.
    pub give_up_after: Duration,
    /// How long it is at least from one new address to the next, where it is the segments alone that are refused.
    pub resolve_spacing: Duration,
    /// How many bytes an hour the stream may cost; none for any number.
    pub bytes_per_hour: Option<u64>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            join: JoinAt::Oldest,
            concurrency: LIVE_CONCURRENCY,
            stall_segments: 6,
            give_up_after: Duration::from_secs(120),
            resolve_spacing: Duration::from_secs(10),
            bytes_per_hour: None,
        }
    }
}

/// At which segment of the first list to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinAt {
    /// At the oldest that is listed, so that nothing is missed.
    Oldest,
    /// At so many segments from the newest, at least 1, so that little is behind.
    Newest(usize),
    /// After this segment, which an earlier reader of the stream had, if it is still listed; else at the oldest.
    After {
        /// Its number.
        sequence: u64,
        /// Its wall-clock time, which tells it from another of the same number.
        program_date_time: Option<Timestamp>,
    },
}
