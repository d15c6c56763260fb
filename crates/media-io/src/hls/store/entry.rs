//! What a store knows of each stretch of time.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use timeline::{GapCause, Span};

use crate::hls::clock::Placement;

/// A stored segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Counts entries up from 1.
    pub number: u64,
    /// Its file below `segments/`.
    pub file: String,
    /// How often the origin's numbering had begun anew.
    pub epoch: u32,
    /// The origin's media sequence number.
    pub sequence: u64,
    /// Where it lies on the media timeline.
    #[serde(flatten)]
    pub placement: Placement,
    /// Its size.
    pub bytes: u64,
    /// Wall-clock time of its start, where the playlist told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_date_time: Option<Timestamp>,
    /// The file that holds the head of its MP4; none for a transport stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
}

impl SegmentEntry {
    /// Whether the bytes of `next` continue those of this one.
    pub(super) fn joins(&self, next: &Self) -> bool {
        self.placement.group == next.placement.group
            && self.init == next.init
            && self.placement.span.end() == next.placement.span.start()
    }
}

/// A stretch of which there is no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapEntry {
    /// Counts entries up from 1; of a removed segment, its own.
    pub number: u64,
    /// What is missing.
    pub span: Span,
    /// Why.
    pub cause: Absence,
}

/// Why a stretch is not in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Absence {
    /// It never came.
    Stream(GapCause),
    /// It was stored, and its file is gone.
    FileLost,
    /// It was removed to make room.
    Removed,
}

impl fmt::Display for Absence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(cause) => cause.fmt(formatter),
            Self::FileLost => formatter.write_str("its file is gone"),
            Self::Removed => formatter.write_str("removed to make room"),
        }
    }
}

/// One entry of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A segment that is there.
    Segment(SegmentEntry),
    /// A stretch that is not.
    Gap(GapEntry),
}

impl Entry {
    /// The segment, if it is one.
    #[must_use]
    pub const fn segment(&self) -> Option<&SegmentEntry> {
        match self {
            Self::Segment(segment) => Some(segment),
            Self::Gap(_) => None,
        }
    }

    /// From when to when it is.
    #[must_use]
    pub const fn span(&self) -> Span {
        match self {
            Self::Segment(segment) => segment.placement.span,
            Self::Gap(gap) => gap.span,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Segment(segment) => segment.number,
            Self::Gap(gap) => gap.number,
        }
    }
}
