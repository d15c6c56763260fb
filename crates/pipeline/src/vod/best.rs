//! Pieces of the best rendition, and their place on the timeline of the low one.

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use media_io::hls::clock::SegmentClock;
use media_io::hls::{Fetched, VodPlaylist};
use timeline::{MediaDuration, MediaTime, Span};

use super::VodError;
use super::broadcast::Broadcast;
use super::cache::Held;
use super::low::{is_expired, next_of};
use crate::Error;
use crate::footage::{MARGIN, Pieces};

/// Sound may come this much later in a stream than the picture it belongs to: that of a segment's end lies in the next one.
/// ffmpeg muxes within 0.7 s (`-max_delay`).
const MUX_DELAY: MediaDuration = MediaDuration::from_secs(1);
/// Timestamps are believed where the playlists agree with them within this. Their lengths are rounded to milliseconds, which adds
/// up over hours; a host that gives each rendition timestamps of its own is off by more.
const AGREEMENT: MediaDuration = MediaDuration::from_secs(2);
/// The timestamps of transport streams begin anew after 33 bits of 90 kHz: 26.5 hours.
const WRAP_UNITS: i64 = 1 << 33;
const CLOCK_HZ: u32 = 90_000;
/// How often the segments around a piece are added to it because their lengths were told wrongly.
const WIDENINGS: u32 = 2;

/// Where run, playlist and timestamps meet, by a segment of the low rendition.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    run: MediaTime,
    listed: MediaTime,
    /// What is added to timestamps to get the run's media time.
    offset: MediaDuration,
}

impl Anchor {
    fn to_listed(self, span: Span) -> Span {
        span.shifted(self.listed - self.run)
    }

    fn to_run(self, time: MediaTime) -> MediaTime {
        self.run + (time - self.listed)
    }

    /// The run's media time of the earliest timestamp, `zero`, of what `expected` tells the rough place of; whether the two agree.
    fn place(self, zero: MediaTime, expected: MediaTime) -> (MediaTime, bool) {
        let wrap = MediaDuration::from_units(WRAP_UNITS, CLOCK_HZ);
        let by_timestamp = zero + self.offset;
        let turns = ((expected - by_timestamp).as_secs_f64() / wrap.as_secs_f64()).round() as i64;
        let unrolled = by_timestamp + wrap * turns;
        if (unrolled - expected).abs() <= AGREEMENT { (unrolled, true) } else { (expected, false) }
    }
}

impl Broadcast {
    /// The pieces of the best rendition that hold `span` of the run and a little more, fetched unless they are here.
    pub(crate) async fn pieces(&self, span: Span, interrupt: &AtomicBool) -> Result<Pieces, Error> {
        let anchor = self.anchor(span.middle())?;
        let best = self.best().await?;
        let wanted = anchor.to_listed(span.padded(MARGIN, MARGIN + MUX_DELAY));
        let mut range = best.segments_covering(wanted);
        for widening in 0..=WIDENINGS {
            self.fetch(range.clone(), interrupt).await?;
            let pieces = self.join(&best, range.clone(), anchor, span)?;
            let wider = Range {
                start: range.start.saturating_sub(usize::from(pieces.held.start() > span.start())),
                end: (range.end + usize::from(pieces.held.end() < span.end())).min(best.segments.len()),
            };
            if wider == range || widening == WIDENINGS {
                return Ok(pieces);
            }
            range = wider;
        }
        Err(self.unplaced(span))
    }

    fn unplaced(&self, span: Span) -> Error {
        VodError::Unplaced { host: self.host(), span }.into()
    }

    /// Where run, playlist and timestamps meet near `time`.
    fn anchor(&self, time: MediaTime) -> Result<Anchor, Error> {
        let store = self.store()?;
        let store = store.lock();
        let nearest = store
            .segments()
            .min_by_key(|segment| segment.placement.span.distance(Span::new(time, time)))
            .cloned();
        let low = self.low();
        let found = nearest.and_then(|segment| {
            let index = low.segments.partition_point(|listed| listed.entry.sequence < segment.sequence);
            let listed =
                low.segments.get(index).filter(|listed| listed.entry.sequence == segment.sequence)?;
            Some(Anchor {
                run: segment.placement.span.start(),
                listed: listed.span.start(),
                offset: segment.placement.offset,
            })
        });
        found.ok_or_else(|| self.unplaced(Span::new(time, time)))
    }

    /// Fetches these segments of the best rendition, but for those that are here.
    pub(super) async fn fetch(&self, range: Range<usize>, interrupt: &AtomicBool) -> Result<(), Error> {
        let _turn = self.fetching.lock().await;
        let mut best = self.best().await?;
        let (mut index, mut renewed) = (range.start, false);
        while index < range.end.min(best.segments.len()) {
            if self.cache.held(index).is_some() {
                index += 1;
                continue;
            }
            let end = (index..range.end).find(|later| self.cache.held(*later).is_some()).unwrap_or(range.end);
            let mut coming = best.fetch(index..end);
            while let Some(fetched) = next_of(&mut coming, interrupt).await? {
                match fetched {
                    Fetched::Segment(segment) => self.cache.keep(index, &segment)?,
                    Fetched::Lost(lost) if is_expired(lost.reason) && !renewed => {
                        renewed = true;
                        self.renew().await?;
                        best = self.best().await?;
                        break;
                    }
                    Fetched::Lost(lost) => {
                        let span = best.segments[index].span;
                        return Err(VodError::Lost { host: self.host(), span, reason: lost.reason }.into());
                    }
                }
                index += 1;
            }
        }
        Ok(())
    }

    /// The run's media time at the earliest timestamp of a segment that is held.
    pub(super) async fn origin_of(&self, index: usize) -> Result<MediaDuration, Error> {
        let best = self.best().await?;
        let listed = &best.segments[index];
        let anchor = self.anchor(listed.span.start())?;
        let expected = anchor.to_run(listed.span.start());
        let unplaced = || self.unplaced(Span::starting_at(expected, listed.entry.duration));
        let held = self.cache.held(index).ok_or_else(unplaced)?;
        let segment = held.read(listed)?;
        let group = Group::begin(held, &segment, anchor, expected).ok_or_else(unplaced)?;
        Ok(group.origin)
    }

    /// The segments of `range` around the middle of `span` that may be joined, with their place.
    fn join(
        &self,
        best: &VodPlaylist,
        range: Range<usize>,
        anchor: Anchor,
        span: Span,
    ) -> Result<Pieces, Error> {
        let mut group: Option<Group> = None;
        for (listed, index) in best.segments[range.clone()].iter().zip(range) {
            let held = self.cache.held(index).ok_or_else(|| self.unplaced(span))?;
            let segment = held.read(listed)?;
            let goes_on = |group: &mut Group| group.add(&held, &segment).is_some();
            if !segment.discontinuity && group.as_mut().is_some_and(goes_on) {
                continue;
            }
            if group.as_ref().is_some_and(|group| group.held.contains(span.middle())) {
                break;
            }
            group = Group::begin(held, &segment, anchor, anchor.to_run(listed.span.start()));
        }
        group.map(Group::pieces).ok_or_else(|| self.unplaced(span))
    }
}

/// Segments that may be joined.
#[derive(Debug)]
struct Group {
    files: Vec<Held>,
    clock: SegmentClock,
    number: u32,
    /// Where they lie in the run.
    held: Span,
    /// The run's media time at the earliest timestamp.
    origin: MediaDuration,
}

impl Group {
    /// None where the segment holds no timestamp: it cannot be played either.
    fn begin(
        first: Held,
        segment: &media_io::hls::Segment,
        anchor: Anchor,
        expected: MediaTime,
    ) -> Option<Self> {
        let mut clock = SegmentClock::new();
        let placement = clock.place(segment).ok()?.placement;
        let (start, agrees) = anchor.place(MediaTime::ZERO - placement.offset, expected);
        if !agrees {
            tracing::warn!(%start, "the renditions have timestamps of their own; pictures are placed by the playlist");
        }
        let origin = start - MediaTime::ZERO;
        Some(Self {
            files: vec![first],
            clock,
            number: placement.group,
            held: placement.span.shifted(origin),
            origin,
        })
    }

    /// Adds a segment, if its bytes may be joined with those before.
    fn add(&mut self, next: &Held, segment: &media_io::hls::Segment) -> Option<()> {
        let placement = self.clock.place(segment).ok()?.placement;
        if placement.group != self.number {
            return None;
        }
        self.files.push(next.clone());
        self.held = self.held.hull(placement.span.shifted(self.origin));
        Some(())
    }

    fn pieces(self) -> Pieces {
        Pieces {
            init: self.files.first().and_then(|first| first.init.clone()),
            files: self.files.into_iter().map(|held| held.path).collect(),
            origin: self.origin,
            held: self.held,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn anchor(offset_s: f64) -> Anchor {
        Anchor {
            run: MediaTime::from_secs(100),
            listed: MediaTime::from_secs(90),
            offset: MediaDuration::from_secs_f64(offset_s),
        }
    }

    #[test]
    fn timestamps_rule_where_the_playlist_agrees() {
        let anchor = anchor(-1.4);
        let expected = anchor.to_run(MediaTime::from_secs(92));
        assert_eq!(expected, MediaTime::from_secs(102));
        let place = |zero| anchor.place(MediaTime::from_secs_f64(zero), expected);
        assert_eq!(place(103.5), (MediaTime::from_secs_f64(102.1), true));
        assert_eq!(place(203.5), (expected, false));
    }

    proptest! {
        #[test]
        fn timestamps_that_began_anew_are_seen_through(turns in 0_i64..3, start_s in 0.0_f64..90_000.0) {
            let wrap = MediaDuration::from_units(WRAP_UNITS, CLOCK_HZ);
            let anchor = Anchor { offset: MediaDuration::ZERO - wrap * turns, ..anchor(0.0) };
            let expected = MediaTime::from_secs_f64(start_s);
            let zero = expected - anchor.offset - wrap * turns;
            prop_assert_eq!(anchor.place(zero, expected), (expected, true));
        }
    }
}
