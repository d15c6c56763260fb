//! What goes wrong with a stream, and when.

use std::ops::Range;

use timeline::MediaDuration;

/// One thing that goes wrong.
///
/// Where a fault has `times`, it befalls the first so many requests for each segment; `None` befalls all of them, so
/// that the segment is lost for ever. Faults of playlists hold while the newest segment made is one of the fault's
/// segments. Faults of the stream begin with the first of them and last, if nothing else is said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// A segment answers 404.
    NotFound {
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A segment answers 503.
    ServerError {
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A segment comes at this many bytes a second.
    Slow {
        /// At least 1.
        bytes_per_s: u32,
    },
    /// The connection closes after this part of the announced body.
    CutBody {
        /// From 0 up to but without 1.
        fraction: f64,
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A whole and right segment is called `text/html`.
    WrongContentType,
    /// A segment answers 200 with an HTML page.
    HtmlSegment {
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A segment is a megabyte of gzip that unpacks to a gigabyte.
    GzipBomb {
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A segment is 10 GB of null packets, with or without a `Content-Length` that says so.
    HugeSegment {
        /// Whether the length is announced.
        announced: bool,
        /// How many requests; `None` for all.
        times: Option<u32>,
    },
    /// A segment answers 302.
    Redirect {
        /// The `Location`, such as `http://10.0.0.1/` or `file:///etc/passwd`.
        to: String,
        /// How many requests; `None` for all.
        times: Option<u32>,
    },

    /// The playlist stays as it was before.
    Stall,
    /// The playlist is that of some segments ago, as from a cache that lags.
    PlaylistGoesBack {
        /// How many segments.
        by: u64,
    },
    /// Playlists answer with this status.
    PlaylistStatus(u16),
    /// Playlists answer 200 with an HTML page.
    HtmlPlaylist,
    /// The media playlist is a multivariant playlist that names itself.
    PlaylistLoop,
    /// The media playlist is a gzip bomb.
    PlaylistBomb,

    /// Each of the segments is listed twice, at the same address under two numbers.
    DuplicateSegments,
    /// Numbers begin again at zero, and what came before is not listed any more.
    ///
    /// At real pace whoever reloads once a segment has seen all that came before. At a faster one several segments pass
    /// between two reloads, so the list stands still for a while before the new one is shown, for the same to be true.
    SequenceReset,
    /// A tagged discontinuity at which timestamps jump.
    Discontinuity {
        /// Forward, or back if negative.
        pts_jump: MediaDuration,
    },
    /// The clock that PROGRAM-DATE-TIME comes from is set.
    ClockStep {
        /// Forward, or back if negative.
        by: MediaDuration,
    },
    /// Every segment gets another address, and the old ones answer 403.
    RotatedUrls,
    /// Tokens issued before, and the playlists got with them, answer 403.
    TokenExpiry,
    /// The stream ends without saying so: the playlist never changes again.
    EndWithoutEndlist,
}

impl Fault {
    /// Whether it befalls this request for a segment, `earlier` requests having been made before.
    pub(super) fn strikes(&self, earlier: u32) -> bool {
        match self {
            Self::NotFound { times }
            | Self::ServerError { times }
            | Self::CutBody { times, .. }
            | Self::HtmlSegment { times }
            | Self::GzipBomb { times }
            | Self::HugeSegment { times, .. }
            | Self::Redirect { times, .. } => times.is_none_or(|times| earlier < times),
            Self::Slow { .. } | Self::WrongContentType => true,
            _ => false,
        }
    }

    /// Whether it keeps a segment from everyone for ever.
    pub(super) fn destroys(&self) -> bool {
        !matches!(self, Self::Slow { .. } | Self::WrongContentType) && self.strikes(u32::MAX)
    }

    /// Whether the playlist cannot be read while it holds.
    pub(super) fn hides_playlist(&self) -> bool {
        matches!(self, Self::PlaylistStatus(_) | Self::HtmlPlaylist | Self::PlaylistLoop | Self::PlaylistBomb)
    }
}

/// A fault and the segments it is about, counted from the start of the stream.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScriptedFault {
    /// The first and the one after the last.
    pub segments: Range<u64>,
    /// What goes wrong.
    pub fault: Fault,
}

/// The faults of a stream, in the order in which they were written down.
///
/// ```
/// use testkit::origin::{Fault, FaultScript};
///
/// let script = FaultScript::new()
///     .at(5..6, Fault::NotFound { times: None })
///     .at(9..12, Fault::Stall);
/// assert_eq!(script.faults().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct FaultScript(Vec<ScriptedFault>);

impl FaultScript {
    /// Nothing goes wrong.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more fault.
    pub fn at(mut self, segments: Range<u64>, fault: Fault) -> Self {
        self.0.push(ScriptedFault { segments, fault });
        self
    }

    /// All faults.
    #[must_use]
    pub fn faults(&self) -> &[ScriptedFault] {
        &self.0
    }

    /// The faults that hold for a segment.
    pub(super) fn on(&self, index: u64) -> impl Iterator<Item = &Fault> {
        self.0
            .iter()
            .filter(move |scripted| scripted.segments.contains(&index))
            .map(|scripted| &scripted.fault)
    }

    /// Where faults of this kind begin.
    pub(super) fn starts(&self, kind: fn(&Fault) -> bool) -> impl Iterator<Item = u64> + Clone {
        self.0.iter().filter(move |scripted| kind(&scripted.fault)).map(|scripted| scripted.segments.start)
    }
}
