//! What a stream shows at every moment of its life: a pure function of the media, the script, and how much was made.

use std::sync::Arc;

use timeline::{MediaDuration, MediaTime, Span};

use super::fault::{Fault, FaultScript};
use super::media::LiveMedia;

/// What happens when the media is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// The stream ends, with ENDLIST.
    #[default]
    Once,
    /// It plays so many times, timestamps running on, so that the seams do not show in the container.
    Times(u32),
    /// It begins again until stopped, timestamps running on.
    Forever,
    /// It begins again until stopped, each time with its first timestamps and after a tagged discontinuity.
    ForeverDiscontinuous,
}

/// A segment of the stream as it truly was.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrueSegment {
    /// Counted from the start of the stream.
    pub index: u64,
    /// Its number in the playlist, where it is listed (the first of two, if it is listed twice).
    pub sequence: u64,
    /// Where it belongs on the stream's timeline.
    pub span: Span,
    /// Whether a discontinuity is tagged before it.
    pub discontinuity: bool,
    /// Whether nobody could ever get it whole: no readable playlist listed it, or no request for it succeeds.
    pub lost: bool,
}

/// The segments listed at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The first segment listed.
    pub(super) first: u64,
    /// The one after the last.
    pub(super) end: u64,
    /// Whether the list says that nothing follows.
    pub(super) ended: bool,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) media: Arc<LiveMedia>,
    pub(super) script: FaultScript,
    pub(super) repeat: Repeat,
    /// Segments in a list; `u64::MAX` for all.
    pub(super) window: u64,
    /// The number of the first segment.
    pub(super) first_sequence: u64,
    /// Added to all timestamps.
    pub(super) pts_offset: MediaDuration,
    /// For how many segments the list stands still before numbers begin again; see [`Fault::SequenceReset`].
    pub(super) reset_hold: u64,
    /// When each segment of one pass begins, and at the end, how long a pass is.
    starts: Vec<MediaDuration>,
}

impl Plan {
    pub(super) fn new(media: Arc<LiveMedia>, script: FaultScript) -> Self {
        let mut starts = vec![MediaDuration::ZERO];
        for duration in media.durations() {
            starts.push(starts[starts.len() - 1] + duration);
        }
        Self {
            media,
            script,
            repeat: Repeat::Once,
            window: u64::MAX,
            first_sequence: 0,
            pts_offset: MediaDuration::ZERO,
            reset_hold: 0,
            starts,
        }
    }

    /// How many segments the stream has, if it ends by itself.
    pub(super) fn total(&self) -> Option<u64> {
        match self.repeat {
            Repeat::Once => Some(self.media.segments()),
            Repeat::Times(times) => Some(self.media.segments() * u64::from(times)),
            Repeat::Forever | Repeat::ForeverDiscontinuous => None,
        }
    }

    /// Which pass through the media a segment belongs to, and its place in it.
    pub(super) fn place(&self, index: u64) -> (u64, usize) {
        let count = self.media.segments();
        // A place is below the number of segments, which are in memory.
        (index / count, usize::try_from(index % count).unwrap_or(usize::MAX))
    }

    /// When a segment begins, since the start of the stream.
    pub(super) fn start(&self, index: u64) -> MediaDuration {
        let (pass, place) = self.place(index);
        self.period() * i64::try_from(pass).unwrap_or(i64::MAX) + self.starts[place]
    }

    /// The length of one pass.
    pub(super) fn period(&self) -> MediaDuration {
        self.starts[self.starts.len() - 1]
    }

    /// How many segments are complete after this much media time.
    pub(super) fn made(&self, elapsed: MediaDuration) -> u64 {
        let period = self.period().ticks().max(1);
        let (passes, rest) = (elapsed.ticks() / period, elapsed.ticks() % period);
        let whole = self.starts.partition_point(|start| start.ticks() <= rest) as u64 - 1;
        u64::try_from(passes).unwrap_or_default() * self.media.segments() + whole
    }

    /// What is listed when `made` segments are complete; `total` of them will ever be.
    pub(super) fn view(&self, made: u64, total: Option<u64>) -> View {
        let mut end = made;
        if let Some(broken) = self.script.starts(|fault| *fault == Fault::EndWithoutEndlist).min() {
            end = end.min(broken);
        }
        if let Some(held) = self.held(made, total) {
            end = end.min(held);
        }
        let newest = made.saturating_sub(1);
        for scripted in self.script.faults() {
            if !scripted.segments.contains(&newest) {
                continue;
            }
            match scripted.fault {
                Fault::Stall => end = end.min(scripted.segments.start),
                Fault::PlaylistGoesBack { by } => end = end.saturating_sub(by),
                _ => {}
            }
        }
        let first = end.saturating_sub(self.window).max(self.numbering_start(end.saturating_sub(1)));
        View { first, end, ended: total.is_some_and(|total| end >= total) }
    }

    /// Whether a media playlist can be read when `made` segments are complete.
    pub(super) fn readable(&self, made: u64) -> bool {
        !self.script.on(made.saturating_sub(1)).any(Fault::hides_playlist)
    }

    /// The first segment of the numbering that is not shown yet, if there is one.
    fn held(&self, made: u64, total: Option<u64>) -> Option<u64> {
        if total.is_some_and(|total| made >= total) {
            return None;
        }
        let mut resets: Vec<u64> = self.script.starts(|fault| *fault == Fault::SequenceReset).collect();
        resets.sort_unstable();
        let mut shown_after = 0;
        resets.into_iter().find(|start| {
            shown_after = shown_after.max(*start) + self.reset_hold;
            *start < made && made <= shown_after
        })
    }

    /// Where the numbering began that holds at this segment.
    fn numbering_start(&self, index: u64) -> u64 {
        let resets = self.script.starts(|fault| *fault == Fault::SequenceReset);
        resets.filter(|start| *start <= index).max().unwrap_or(0)
    }

    /// How often a segment is listed.
    pub(super) fn copies(&self, index: u64) -> u64 {
        if self.script.on(index).any(|fault| *fault == Fault::DuplicateSegments) { 2 } else { 1 }
    }

    /// The media sequence number of a segment (of the first of its copies).
    pub(super) fn sequence(&self, index: u64) -> u64 {
        let start = self.numbering_start(index);
        let base = if start == 0 { self.first_sequence } else { 0 };
        let copies: u64 = self
            .script
            .faults()
            .iter()
            .filter(|scripted| scripted.fault == Fault::DuplicateSegments)
            .map(|scripted| {
                scripted.segments.end.min(index).saturating_sub(scripted.segments.start.max(start))
            })
            .sum();
        base + (index - start) + copies
    }

    /// Whether a discontinuity is tagged before a segment.
    pub(super) fn discontinuity(&self, index: u64) -> bool {
        index > 0 && (self.jumps().any(|(start, _)| start == index) || self.seam(index))
    }

    /// How many discontinuities are tagged before a segment and at it, by the numbering that holds there.
    pub(super) fn discontinuities(&self, index: u64) -> u64 {
        let jumps = self.jumps().filter(|(start, _)| (1..=index).contains(start)).count() as u64;
        let seams = if self.repeat == Repeat::ForeverDiscontinuous { self.place(index).0 } else { 0 };
        let both = self.jumps().filter(|(start, _)| *start <= index && self.seam(*start)).count() as u64;
        jumps + seams - both
    }

    fn seam(&self, index: u64) -> bool {
        self.repeat == Repeat::ForeverDiscontinuous && index > 0 && self.place(index).1 == 0
    }

    fn jumps(&self) -> impl Iterator<Item = (u64, MediaDuration)> {
        self.script.faults().iter().filter_map(|scripted| match scripted.fault {
            Fault::Discontinuity { pts_jump } => Some((scripted.segments.start, pts_jump)),
            _ => None,
        })
    }

    /// What is to be added to the timestamps of a segment as it lies in the media.
    pub(super) fn shift(&self, index: u64) -> MediaDuration {
        let passes = match self.repeat {
            Repeat::ForeverDiscontinuous => 0,
            _ => i64::try_from(self.place(index).0).unwrap_or(i64::MAX),
        };
        let jumps: MediaDuration =
            self.jumps().filter(|(start, _)| *start <= index).map(|(_, jump)| jump).sum();
        self.pts_offset + self.period() * passes + jumps
    }

    /// How far the clock of PROGRAM-DATE-TIME is from the start of the stream when a segment begins.
    pub(super) fn clock(&self, index: u64) -> MediaDuration {
        let steps = self.script.faults().iter().filter_map(|scripted| match scripted.fault {
            Fault::ClockStep { by } if scripted.segments.start <= index => Some(by),
            _ => None,
        });
        self.start(index) + steps.sum()
    }

    /// How often the addresses have changed when `made` segments are complete.
    pub(super) fn rotations(&self, made: u64) -> u64 {
        self.script.starts(|fault| *fault == Fault::RotatedUrls).filter(|start| *start < made).count() as u64
    }

    /// Whether a token that was issued when `issued` segments were complete is still good when `made` are.
    pub(super) fn token_holds(&self, issued: u64, made: u64) -> bool {
        let mut expiries = self.script.starts(|fault| *fault == Fault::TokenExpiry);
        !expiries.any(|start| issued <= start && start < made)
    }

    /// The first `made` segments as they truly were.
    pub(super) fn truth(&self, made: u64, total: Option<u64>) -> Vec<TrueSegment> {
        let end = self.script.starts(|fault| *fault == Fault::EndWithoutEndlist).min().unwrap_or(u64::MAX);
        let mut listed = vec![false; usize::try_from(made.min(end)).unwrap_or(usize::MAX)];
        // A list that keeps everything shows at its end all that it ever showed, unless it began anew.
        let resets = self.script.starts(|fault| *fault == Fault::SequenceReset).count();
        let from = if self.window == u64::MAX && resets == 0 { made } else { 1 };
        for made in from..=made {
            if self.readable(made) {
                let view = self.view(made, total);
                for index in view.first..view.end {
                    // Below `made`, hence in the list.
                    listed[index as usize] = true;
                }
            }
        }
        (0_u64..)
            .zip(listed)
            .map(|(index, listed)| {
                let start = MediaTime::ZERO + self.start(index);
                TrueSegment {
                    index,
                    sequence: self.sequence(index),
                    span: Span::new(start, MediaTime::ZERO + self.start(index + 1)),
                    discontinuity: self.discontinuity(index),
                    lost: !listed || self.script.on(index).any(Fault::destroys),
                }
            })
            .collect()
    }
}
