//! Timestamps of 33 bits, some of them wrong: which to believe.

use timeline::{MediaDuration, MediaTime};

use crate::audio::assembler::JITTER;

/// Units of a timestamp in a second, ISO/IEC 13818-1 2.4.3.7.
pub(super) const TIMESTAMP_RATE: u32 = 90_000;
/// Timestamps repeat after 2^33 units, 26.5 hours.
pub(super) const TIMESTAMP_PERIOD: i64 = 1 << 33;
/// A clock that goes back by more than this was set anew; by less, packets overlap.
const CLOCK_SET_BACK: MediaDuration = MediaDuration::from_secs(1);
/// A clock that goes forward by more than this was set anew; by less, that much is missing.
const CLOCK_SET_FORWARD: MediaDuration = MediaDuration::from_secs(3_600);
/// A jump forward that nothing confirms is believed up to here.
const PLAUSIBLE_LOSS: MediaDuration = MediaDuration::from_secs(10);

/// What to do with a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// It is right.
    Accept,
    /// It is damaged: the frame follows those before.
    Ignore,
    /// The clock was set anew: the frame belongs at this time, and the clock runs on from there.
    ClockSet(MediaTime),
}

/// The number nearest to `reference` of which `timestamp` is the low 33 bits.
pub(super) fn unroll(timestamp: u64, reference: i64) -> i64 {
    let distance = (timestamp as i64).wrapping_sub(reference).rem_euclid(TIMESTAMP_PERIOD);
    reference + if distance >= TIMESTAMP_PERIOD / 2 { distance - TIMESTAMP_PERIOD } else { distance }
}

/// Whether two times are the same but for jitter.
pub(super) fn agree(one: MediaTime, two: MediaTime) -> bool {
    (one - two).abs() < JITTER
}

/// Judges the time given for a frame that was expected at `expected`. The next frame that has a time has that of
/// `following`, and comes that much later.
pub(super) fn believe(
    time: MediaTime,
    expected: Option<MediaTime>,
    following: Option<(MediaTime, MediaDuration)>,
) -> Belief {
    let Some(expected) = expected.filter(|expected| !agree(time, *expected)) else { return Belief::Accept };
    let jump = time - expected;
    let confirmed = following.is_some_and(|(later, between)| agree(later, time + between));
    let refuted = following.is_some_and(|(later, between)| agree(later, expected + between));
    if refuted {
        Belief::Ignore
    } else if confirmed && (jump < -CLOCK_SET_BACK || jump > CLOCK_SET_FORWARD) {
        Belief::ClockSet(expected)
    } else if confirmed || (MediaDuration::ZERO < jump && jump <= PLAUSIBLE_LOSS) {
        Belief::Accept
    } else {
        Belief::Ignore
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    const PACKET: MediaDuration = MediaDuration::from_millis(150);

    #[test]
    fn lonely_nonsense_is_ignored_and_confirmed_jumps_are_not() {
        let expected = Some(at(10_000));
        assert_eq!(believe(at(10_002), expected, None), Belief::Accept);
        assert_eq!(believe(at(13_000), expected, Some((at(10_150), PACKET))), Belief::Ignore);
        assert_eq!(believe(at(13_000), expected, Some((at(13_150), PACKET))), Belief::Accept);
        assert_eq!(believe(at(13_000), expected, None), Belief::Accept);
        assert_eq!(believe(at(7_200_000), expected, None), Belief::Ignore);
        assert_eq!(believe(at(1_000), expected, Some((at(1_150), PACKET))), Belief::ClockSet(at(10_000)));
        assert_eq!(believe(at(9_900), expected, Some((at(10_050), PACKET))), Belief::Accept);
        assert_eq!(believe(at(0), None, None), Belief::Accept);
    }

    proptest! {
        #[test]
        fn unrolling_stays_near(reference in -1_i64 << 40..1_i64 << 40, step in -(1_i64 << 31)..1_i64 << 31) {
            let value = reference + step;
            prop_assert_eq!(unroll(value.rem_euclid(TIMESTAMP_PERIOD) as u64, reference), value);
        }
    }
}
