//! Segments that never came, and why.

use std::fmt;

use jiff::Timestamp;
use timeline::MediaDuration;

use super::error::HlsError;
use super::playlist::Entry;

/// A segment that was listed and could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostSegment {
    /// The origin's media sequence number.
    pub sequence: u64,
    /// Counts how often the origin's numbering began anew, from 0.
    pub epoch: u32,
    /// How long the playlist says that it is.
    pub duration: MediaDuration,
    /// Whether timestamps or encoding may change before it.
    pub discontinuity: bool,
    /// The wall-clock time of its first sample, if known.
    pub program_date_time: Option<Timestamp>,
    /// Why it is lost.
    pub reason: LossReason,
}

/// Why a segment is lost: what the last attempt met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// The origin answered with this HTTP status.
    Status(u16),
    /// The origin says itself that it does not have it.
    Absent,
    /// No connection, or it broke.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// It ended before all of it had come.
    CutOff,
    /// It is larger than is believable.
    TooLarge,
    /// It is not media; what it is instead, in words.
    NotMedia(&'static str),
    /// It cannot be decrypted.
    Encrypted,
    /// Its address may not be followed.
    Forbidden,
    /// Fetching it was stopped by a fault of this program.
    Stopped,
}

impl From<&HlsError> for LossReason {
    fn from(error: &HlsError) -> Self {
        match error {
            HlsError::Status { status, .. } => Self::Status(*status),
            HlsError::Absent { .. } => Self::Absent,
            HlsError::Timeout { .. } => Self::TimedOut,
            HlsError::CutOff { .. } => Self::CutOff,
            HlsError::TooLarge { .. } => Self::TooLarge,
            HlsError::NotMedia { found, .. } => Self::NotMedia(found),
            HlsError::NoInit { .. } => Self::NotMedia("a fragment of an MP4 without its head"),
            HlsError::Encryption { .. } | HlsError::Key { .. } => Self::Encrypted,
            HlsError::Address { .. }
            | HlsError::Redirects { .. }
            | HlsError::Downgrade { .. }
            | HlsError::PrivateAddress { .. } => Self::Forbidden,
            HlsError::Stopped => Self::Stopped,
            _ => Self::Unreachable,
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(formatter, "the origin answered {status}"),
            Self::Absent => formatter.write_str("the origin does not have it"),
            Self::Unreachable => formatter.write_str("the origin cannot be reached"),
            Self::TimedOut => formatter.write_str("it took too long"),
            Self::CutOff => formatter.write_str("it was cut off"),
            Self::TooLarge => formatter.write_str("it is too large"),
            Self::NotMedia(found) => write!(formatter, "it is {found}"),
            Self::Encrypted => formatter.write_str("it cannot be decrypted"),
            Self::Forbidden => formatter.write_str("its address may not be followed"),
            Self::Stopped => formatter.write_str("fetching it was stopped from within"),
        }
    }
}

impl LostSegment {
    pub(super) fn new(entry: &Entry, epoch: u32, reason: LossReason) -> Self {
        Self {
            sequence: entry.sequence,
            epoch,
            duration: entry.duration,
            discontinuity: entry.discontinuity,
            program_date_time: entry.program_date_time,
            reason,
        }
    }
}
