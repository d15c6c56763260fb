use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::hls::InitSection;

/// What is known of a segment of 2 s; times in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Facts {
    timestamp: i64,
    wall: Option<i64>,
    discontinuity: bool,
}

const fn at(timestamp: i64) -> Facts {
    Facts { timestamp, wall: None, discontinuity: false }
}

fn segment(facts: Facts) -> Segment {
    Segment {
        sequence: 0,
        epoch: 0,
        duration: MediaDuration::from_secs(2),
        discontinuity: facts.discontinuity,
        program_date_time: facts.wall.map(|millis| Timestamp::from_millisecond(millis).expect("in range")),
        packing: Packing::Transport,
        init: None,
        bytes: Bytes::new(),
    }
}

fn times(timestamp: i64) -> SourceTimes {
    let start = MediaTime::from_millis(timestamp);
    SourceTimes { zero: start, shown: Span::starting_at(start, MediaDuration::from_secs(2)) }
}

fn place(clock: &mut SegmentClock, facts: Facts) -> Placed {
    clock.settle(times(facts.timestamp), &segment(facts))
}

/// Start of the placement and length of the gap, in milliseconds, and the group.
fn summary(placed: Placed) -> (i64, i64, u32) {
    let gap = placed.gap.map_or(0, |gap| gap.span.duration().to_units(1_000));
    (placed.placement.span.start().to_units(1_000), gap, placed.placement.group)
}

#[test]
fn timestamps_rule_over_the_lengths_of_the_playlist() {
    let mut clock = SegmentClock::new();
    let mut timestamp = 90_000;
    for index in 0..10_800_i64 {
        // Each segment is 1 ms longer than it says; the last frame's length is guessed too short.
        let placed = place(&mut clock, at(timestamp));
        assert_eq!(placed.gap, None);
        assert_eq!(placed.placement.group, 0);
        assert_eq!(placed.placement.offset, MediaDuration::from_millis(-90_000), "segment {index}");
        timestamp += 2_001;
    }
    let end = MediaTime::from_millis(timestamp - 2_001 + 2_000 - 90_000);
    assert_eq!(clock.now(), end, "after six hours");
}

#[test]
fn spans_of_a_group_touch() {
    let mut clock = SegmentClock::new();
    let first = place(&mut clock, at(0)).placement;
    let second = place(&mut clock, at(2_200)).placement;
    let third = place(&mut clock, at(4_100)).placement;
    assert_eq!((first.span.end(), second.span.end()), (second.span.start(), third.span.start()));
    assert_eq!(third.group, 0);
}

#[test]
fn lost_segments_are_a_gap_that_timestamps_measure() {
    let mut clock = SegmentClock::new();
    place(&mut clock, at(0));
    clock.lost(MediaDuration::from_secs(2));
    clock.lost(MediaDuration::from_secs(2));
    let placed = place(&mut clock, at(6_300));
    assert_eq!(summary(placed), (6_300, 4_300, 1));
    assert_eq!(placed.placement.offset, MediaDuration::ZERO);
    // The encoder began anew while segments were lost.
    clock.lost(MediaDuration::from_secs(2));
    assert_eq!(summary(place(&mut clock, at(70_000))), (10_300, 2_000, 2));
    // Segments lost at the end are a gap too.
    clock.lost(MediaDuration::from_secs(2));
    let end = MediaTime::from_millis(12_300);
    assert_eq!(clock.finish().map(|gap| gap.span), Some(Span::starting_at(end, MediaDuration::from_secs(2))));
    assert_eq!(clock.finish(), None);
}

#[test]
fn lost_segments_are_believed_over_a_wall_clock_that_was_set_back() {
    let mut clock = SegmentClock::new();
    place(&mut clock, Facts { wall: Some(1_000_000), ..at(0) });
    clock.lost(MediaDuration::from_secs(2));
    let placed = place(&mut clock, Facts { wall: Some(1_001_500), ..at(4_000) });
    assert_eq!(summary(placed), (4_000, 2_000, 1));
}

#[test]
fn a_discontinuity_is_bridged_by_the_wall_clock() {
    let wall = |wall: i64, timestamp| Facts { wall: Some(wall), discontinuity: true, timestamp };
    let mut clock = SegmentClock::new();
    place(&mut clock, wall(1_000_000, 500_000));
    // 30 s passed, in which the encoder was gone.
    let placed = place(&mut clock, wall(1_032_000, 7_000));
    assert_eq!(summary(placed), (32_000, 30_000, 1));
    assert_eq!(placed.placement.offset, MediaDuration::from_millis(25_000));
    // The clock was set back, then a year forward: nothing is known, so nothing is left out.
    assert_eq!(summary(place(&mut clock, wall(900_000, 0))), (34_000, 0, 2));
    assert_eq!(summary(place(&mut clock, wall(31_536_900_000, 50_000))), (36_000, 0, 3));
    // Without a wall clock as well.
    assert_eq!(summary(place(&mut clock, Facts { discontinuity: true, ..at(1) })), (38_000, 0, 4));
}

#[test]
fn a_discontinuity_whose_timestamps_go_on_keeps_them() {
    let mut clock = SegmentClock::new();
    place(&mut clock, Facts { wall: Some(0), ..at(0) });
    let placed = place(&mut clock, Facts { wall: Some(2_400), discontinuity: true, timestamp: 2_020 });
    assert_eq!(summary(placed), (2_000, 0, 1));
    assert_eq!(placed.placement.offset, MediaDuration::ZERO);
}

#[test]
fn jumps_that_nobody_announced() {
    let mut clock = SegmentClock::new();
    place(&mut clock, at(0));
    // The encoder left 3 s out.
    assert_eq!(summary(place(&mut clock, at(5_000))), (5_000, 3_000, 1));
    // Nonsense, forward and backward.
    assert_eq!(summary(place(&mut clock, at(9_000_000))), (7_000, 0, 2));
    assert_eq!(summary(place(&mut clock, at(20))), (9_000, 0, 3));
}

#[test]
fn a_restart_goes_on_where_the_wall_clock_says() {
    let mut clock = SegmentClock::new();
    place(&mut clock, Facts { wall: Some(0), ..at(0) });
    let stored = serde_json::to_string(&clock).expect("it is plain data");
    let restored = || {
        let mut clock: SegmentClock = serde_json::from_str(&stored).expect("it was written so");
        clock.resume(Some(MediaDuration::from_secs(50)));
        clock
    };
    // The next segment was not missed.
    assert_eq!(summary(place(&mut restored(), at(2_000))), (2_000, 0, 0));
    // 48 s are missing, as timestamps and wall clock say.
    assert_eq!(
        summary(place(&mut restored(), Facts { wall: Some(50_000), ..at(50_100) })),
        (50_100, 48_100, 1)
    );
    // Timestamps alone, near what the caller says.
    assert_eq!(summary(place(&mut restored(), at(44_000))), (44_000, 42_000, 1));
    // The encoder began anew; only the caller knows.
    assert_eq!(summary(place(&mut restored(), at(800_000))), (52_000, 50_000, 1));
}

#[test]
fn another_head_begins_a_group() {
    let mut clock = SegmentClock::new();
    let with_head = |head: &'static [u8], timestamp| Segment {
        packing: Packing::Fragmented,
        init: Some(Arc::new(InitSection { bytes: Bytes::from_static(head) })),
        ..segment(at(timestamp))
    };
    clock.settle(times(0), &with_head(b"one", 0));
    let same = clock.settle(times(2_000), &with_head(b"one", 2_000));
    let other = clock.settle(times(4_000), &with_head(b"two", 4_000));
    assert_eq!((same.placement.group, other.placement.group), (0, 1));
    assert_eq!(other.gap, None);
}

#[test]
fn a_segment_without_timestamps_is_refused() {
    let mut clock = SegmentClock::new();
    for bytes in [&b""[..], b"<html>not found</html>", &[0x47; 1_880]] {
        let mut segment = segment(at(0));
        segment.bytes = Bytes::copy_from_slice(bytes);
        assert_eq!(clock.place(&segment), Err(ClockError::NoTimestamps { sequence: 0 }));
        segment.packing = Packing::Fragmented;
        segment.init = Some(Arc::new(InitSection { bytes: Bytes::copy_from_slice(bytes) }));
        assert_eq!(clock.place(&segment), Err(ClockError::NoTimestamps { sequence: 0 }));
    }
    assert_eq!(clock, SegmentClock::new());
}

proptest! {
    #[test]
    fn media_time_never_goes_back_and_gaps_fill_what_is_between(
        steps in prop::collection::vec(
            (any::<i32>(), prop::option::of(any::<i32>()), any::<bool>(), 0_i64..4, any::<bool>()),
            1..40,
        ),
        near in any::<bool>(),
    ) {
        let (mut clock, mut end) = (SegmentClock::new(), MediaTime::ZERO);
        for (index, (timestamp, wall, discontinuity, lost, resumed)) in steps.into_iter().enumerate() {
            let timestamp = if near { index as i64 * 2_000 + i64::from(timestamp % 9_000) } else { timestamp.into() };
            for _ in 0..lost {
                clock.lost(MediaDuration::from_secs(2));
            }
            if resumed {
                clock.resume(wall.map(|wall| MediaDuration::from_millis(wall.into())));
            }
            let placed = place(&mut clock, Facts { timestamp, wall: wall.map(i64::from), discontinuity });
            let gap = placed.gap.map(|gap| gap.span);
            prop_assert!(gap.is_none_or(|gap| gap.start() == end && !gap.is_empty()));
            prop_assert_eq!(placed.placement.span.start(), gap.map_or(end, Span::end));
            prop_assert!(placed.placement.span.start() - end <= LONGEST_PAUSE + MediaDuration::from_secs(60));
            end = placed.placement.span.end();
            prop_assert_eq!(clock.now(), end);
        }
    }

    #[test]
    fn any_bytes_are_placed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), fragmented: bool) {
        let mut segment = segment(at(0));
        segment.bytes = bytes.clone().into();
        if fragmented {
            segment.packing = Packing::Fragmented;
            segment.init = Some(Arc::new(InitSection { bytes: bytes.into() }));
        }
        let _ = SegmentClock::new().place(&segment);
    }
}
