//! Where each segment lies on the media timeline.
//!
//! Media time zero is the earliest timestamp of the first segment. From then on timestamps rule, not the lengths that the
//! playlist tells: those are rounded, and would let sound and picture drift apart over hours. Only where timestamps begin
//! anew, or say what cannot be, is the wall clock of the playlist (`EXT-X-PROGRAM-DATE-TIME`) asked how much is missing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use timeline::{Gap, GapCause, MediaDuration, MediaTime, Span};

use super::store::init_file_name;
use super::{Packing, Segment};
use crate::audio::SourceTimes;

/// Segments that begin within this of where the one before ended follow it without a gap: it is as long as the longest
/// video frames are, of which the last one's length is guessed.
const SLACK: MediaDuration = MediaDuration::from_millis(250);
/// How exact the wall clock of a playlist is: packagers take it from their own clock when a segment begins.
const WALL_TOLERANCE: MediaDuration = MediaDuration::from_secs(1);
/// How exactly somebody knows who tells how long nothing was recorded: a live playlist's window is some 30 s.
const AWAY_TOLERANCE: MediaDuration = MediaDuration::from_secs(60);
/// How far timestamps may be from the summed length of lost segments, whose lengths are those of the playlist.
const LOST_TOLERANCE: MediaDuration = MediaDuration::from_secs(1);
/// A jump of timestamps that nothing announced and nothing confirms is believed up to here: the encoder left that much out.
const PLAUSIBLE_LOSS: MediaDuration = MediaDuration::from_secs(10);
/// No broadcast pauses for longer than this; a clock that says so was set wrong.
const LONGEST_PAUSE: MediaDuration = MediaDuration::from_secs(12 * 3_600);

/// Where a segment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// From when to when it is played: its pictures, or its sound if it has none. Spans of one group touch.
    pub span: Span,
    /// What is added to a timestamp of it (unrolled, in ticks) to get media time.
    pub offset: MediaDuration,
    /// The bytes of segments with the same number may be joined; numbers count up.
    pub group: u32,
}

/// What [`SegmentClock::place`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What is missing between the segment before and this one.
    pub gap: Option<Gap>,
    /// Where the segment lies.
    pub placement: Placement,
}

/// Why a segment could not be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// It has no timestamps, so it cannot be played either.
    #[error(
        "segment {sequence} holds no timestamp: it is damaged, or no MPEG transport stream or MP4 fragment"
    )]
    NoTimestamps {
        /// The origin's number of it.
        sequence: u64,
    },
}

/// Places the segments of one session, in the order in which they are to be played.
///
/// It can be stored, and restored by the next process, which then calls [`resume`](Self::resume).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentClock {
    last: Option<Last>,
    /// Summed length of segments lost since the last one.
    lost: MediaDuration,
    /// How long nothing was recorded since the last one, if the recorder was away.
    away: Option<Away>,
}

/// The segment before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    end: MediaTime,
    offset: MediaDuration,
    group: u32,
    /// Wall-clock time of `end`.
    wall_end: Option<Timestamp>,
    /// Name of its init section; none for a transport stream.
    init: Option<String>,
}

/// How long the recorder was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Away {
    length: Option<MediaDuration>,
}

impl SegmentClock {
    /// A clock whose zero is the first segment placed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that goes on after a segment placed before.
    pub(super) fn after(
        placement: &Placement,
        program_date_time: Option<Timestamp>,
        init: Option<String>,
    ) -> Self {
        let last = Last {
            end: placement.span.end(),
            offset: placement.offset,
            group: placement.group,
            wall_end: program_date_time.and_then(|start| later(start, placement.span.duration())),
            init,
        };
        Self { last: Some(last), ..Self::default() }
    }

    /// Notes that nothing comes before `time`.
    pub(super) fn skip_to(&mut self, time: MediaTime) {
        if let Some(last) = self.last.as_mut().filter(|last| last.end < time) {
            last.wall_end = last.wall_end.and_then(|end| later(end, time - last.end));
            last.end = time;
        }
    }

    /// Where the next segment is expected: the end of the last one, and of what was lost since.
    #[must_use]
    pub fn now(&self) -> MediaTime {
        self.last.as_ref().map_or(MediaTime::ZERO, |last| last.end) + self.lost
    }

    /// Notes that the next segment of the playlist, `duration` long, will never be placed.
    pub fn lost(&mut self, duration: MediaDuration) {
        if self.last.is_some() {
            self.lost += duration.max(MediaDuration::ZERO);
        }
    }

    /// Notes that nothing was recorded for a while: for `away` by the wall clock, if that is known.
    pub fn resume(&mut self, away: Option<MediaDuration>) {
        self.away = Some(Away { length: away });
    }

    /// Places the next segment.
    ///
    /// # Errors
    /// [`ClockError::NoTimestamps`]; the clock stays as it is, and the segment is best told to [`lost`](Self::lost).
    pub fn place(&mut self, segment: &Segment) -> Result<Placed, ClockError> {
        let times = self.times(segment).ok_or(ClockError::NoTimestamps { sequence: segment.sequence })?;
        Ok(self.settle(times, segment))
    }

    /// Places `segment`, whose source's clock says `times`.
    fn settle(&mut self, times: SourceTimes, segment: &Segment) -> Placed {
        let init = segment.init.as_ref().map(|init| init_file_name(&init.bytes));
        let (placement, gap) = match &self.last {
            None => {
                let offset = MediaTime::ZERO - times.zero;
                let end = times.shown.end() + offset;
                (Placement { span: Span::new(MediaTime::ZERO, end), offset, group: 0 }, None)
            }
            Some(last) => self.follow(last, times, segment, init.as_deref()),
        };
        let Self { last, .. } = Self::after(&placement, segment.program_date_time, init);
        let wall_before =
            self.last.as_ref().and_then(|last| later(last.wall_end?, placement.span.end() - last.end));
        // A playlist need not tell the wall-clock time of each segment.
        self.last = last.map(|last| Last { wall_end: last.wall_end.or(wall_before), ..last });
        (self.lost, self.away) = (MediaDuration::ZERO, None);
        Placed { gap, placement }
    }

    /// Ends the session: what was lost at its end.
    pub fn finish(&mut self) -> Option<Gap> {
        let last = self.last.as_mut()?;
        let span = Span::starting_at(last.end, std::mem::take(&mut self.lost));
        last.end = span.end();
        (!span.is_empty()).then_some(Gap { span, cause: GapCause::Missing })
    }

    /// The times of `segment` by its source's clock, its end being known.
    fn times(&self, segment: &Segment) -> Option<SourceTimes> {
        let times = match (segment.packing, &segment.init) {
            (Packing::Transport, _) => {
                let expected = self.last.as_ref().map(|last| self.now() - last.offset);
                SourceTimes::of_transport(&segment.bytes, expected)
            }
            (Packing::Fragmented, Some(init)) => SourceTimes::of_fragment(&init.bytes, &segment.bytes),
            (Packing::Fragmented, None) => None,
        }?;
        let shown = if times.shown.is_empty() {
            Span::starting_at(times.shown.start(), segment.duration)
        } else {
            times.shown
        };
        Some(SourceTimes { shown, ..times })
    }

    /// Places a segment that follows `last`.
    fn follow(
        &self,
        last: &Last,
        times: SourceTimes,
        segment: &Segment,
        init: Option<&str>,
    ) -> (Placement, Option<Gap>) {
        let jump = times.shown.start() + last.offset - last.end;
        let same_source = !segment.discontinuity && init == last.init.as_deref();
        let is_lost = self.lost > MediaDuration::ZERO;
        if same_source && !is_lost && jump.abs() <= SLACK {
            let span = Span::new(last.end, times.shown.end() + last.offset);
            return (Placement { span, offset: last.offset, group: last.group }, None);
        }
        let wall = last.wall_end.zip(segment.program_date_time).and_then(|(end, start)| pause(end, start));
        let away = self.away.and_then(|away| away.length);
        let (missing, tolerance) = match (wall, away) {
            (Some(wall), _) => (wall, WALL_TOLERANCE),
            (None, Some(away)) => (away.clamp(self.lost, LONGEST_PAUSE), AWAY_TOLERANCE),
            (None, None) if is_lost => (self.lost, LOST_TOLERANCE),
            (None, None) if same_source && jump > MediaDuration::ZERO => {
                (MediaDuration::ZERO, PLAUSIBLE_LOSS)
            }
            (None, None) => (MediaDuration::ZERO, SLACK),
        };
        let agrees = |missing: MediaDuration, tolerance| (jump - missing).abs() <= tolerance;
        let lost_tolerance = LOST_TOLERANCE.max(self.lost.half());
        let keeps_clock = jump >= -SLACK
            && (agrees(missing, tolerance) || is_lost && same_source && agrees(self.lost, lost_tolerance));
        let (start, offset) = if keeps_clock {
            (last.end + if jump <= SLACK { MediaDuration::ZERO } else { jump }, last.offset)
        } else {
            tracing::debug!(%jump, %missing, "timestamps begin anew");
            let start = last.end + if missing <= SLACK { MediaDuration::ZERO } else { missing };
            (start, start - times.zero)
        };
        let gap = Span::new(last.end, start);
        let gap = (!gap.is_empty()).then_some(Gap { span: gap, cause: GapCause::Missing });
        let span = Span::new(start, times.shown.end() + offset);
        (Placement { span, offset, group: last.group.wrapping_add(1) }, gap)
    }
}

/// How much time passed from `end` to `start`; `None` where the clock was set in between.
fn pause(end: Timestamp, start: Timestamp) -> Option<MediaDuration> {
    let nanos = start.as_nanosecond() - end.as_nanosecond();
    let millis = i64::try_from(nanos.div_euclid(1_000_000)).ok()?;
    let pause = MediaDuration::from_millis(millis);
    (-WALL_TOLERANCE..=LONGEST_PAUSE).contains(&pause).then(|| pause.max(MediaDuration::ZERO))
}

fn later(time: Timestamp, length: MediaDuration) -> Option<Timestamp> {
    let micros = length.to_units(1_000_000);
    time.checked_add(jiff::SignedDuration::from_micros(micros)).ok()
}

#[cfg(test)]
mod tests;
