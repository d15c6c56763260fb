//! Instants and lengths on the media timeline.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// Ticks in one second: 705,600,000, the *flick*, of which 24, 25, 30, 60 and 120 fps, their 1000/1001 forms, the
/// 90 kHz clock of transport streams and all common audio rates are whole multiples.
/// Source of the unit: Facebook's (now Meta's) open `flicks` definition, 2018.
pub const TICKS_PER_SECOND: i64 = 705_600_000;

/// An instant on the timeline of one medium, in ticks since the start of the medium.
///
/// The start is the earliest presentation time of any stream in it, so times read like those of a player.
/// Negative instants exist (an encoder's priming samples lie before the start). The range is ±414 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(i64);

/// A signed length of media time, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaDuration(i64);

/// Rounds `value * numerator / denominator` to the nearest integer, halves away from zero, saturating at the ends of `i64`.
pub(crate) fn scale(value: i64, numerator: i64, denominator: i64) -> i64 {
    debug_assert!(denominator > 0, "a denominator is positive");
    let product = i128::from(value) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let half = denominator / 2;
    let rounded = if product >= 0 { (product + half) / denominator } else { (product - half) / denominator };
    i64::try_from(rounded).unwrap_or(if rounded > 0 { i64::MAX } else { i64::MIN })
}

/// Rounds `value * numerator / denominator` down, towards negative infinity.
pub(crate) fn scale_floor(value: i64, numerator: i64, denominator: i64) -> i64 {
    debug_assert!(denominator > 0, "a denominator is positive");
    let quotient = (i128::from(value) * i128::from(numerator)).div_euclid(i128::from(denominator));
    i64::try_from(quotient).unwrap_or(if quotient > 0 { i64::MAX } else { i64::MIN })
}

macro_rules! conversions {
    ($type:ident) => {
        impl $type {
            /// Zero ticks.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(i64::MAX);

            /// From ticks of 1/[`TICKS_PER_SECOND`] s.
            #[must_use]
            pub const fn from_ticks(ticks: i64) -> Self {
                Self(ticks)
            }

            /// From whole seconds.
            #[must_use]
            pub const fn from_secs(seconds: i64) -> Self {
                Self(seconds.saturating_mul(TICKS_PER_SECOND))
            }

            /// From milliseconds.
            #[must_use]
            pub const fn from_millis(millis: i64) -> Self {
                Self(millis.saturating_mul(TICKS_PER_SECOND / 1_000))
            }

            /// From seconds, rounded to the nearest tick. Not-a-number becomes zero; values out of range saturate.
            #[must_use]
            pub fn from_secs_f64(seconds: f64) -> Self {
                Self((seconds * TICKS_PER_SECOND as f64).round() as i64)
            }

            /// From `units` of `1 / units_per_second` seconds, rounded to the nearest tick: samples, 90 kHz clocks.
            ///
            /// # Panics
            /// If `units_per_second` is zero.
            #[must_use]
            pub fn from_units(units: i64, units_per_second: u32) -> Self {
                assert!(units_per_second > 0, "a timebase has at least one unit a second");
                Self(scale(units, TICKS_PER_SECOND, i64::from(units_per_second)))
            }

            /// From `value * numerator / denominator` seconds, rounded to the nearest tick: a container's timebase.
            ///
            /// # Panics
            /// If `denominator` is zero.
            #[must_use]
            pub fn from_timebase(value: i64, numerator: u32, denominator: u32) -> Self {
                assert!(denominator > 0, "a timebase has a denominator above zero");
                let per_unit = i128::from(numerator) * i128::from(TICKS_PER_SECOND);
                let product = i128::from(value) * per_unit;
                let denominator = i128::from(denominator);
                let half = if product >= 0 { denominator / 2 } else { -(denominator / 2) };
                let rounded = (product + half) / denominator;
                Self(i64::try_from(rounded).unwrap_or(if rounded > 0 { i64::MAX } else { i64::MIN }))
            }

            /// In ticks.
            #[must_use]
            pub const fn ticks(self) -> i64 {
                self.0
            }

            /// In seconds, for the edges of the program.
            #[must_use]
            pub fn as_secs_f64(self) -> f64 {
                self.0 as f64 / TICKS_PER_SECOND as f64
            }

            /// In units of `1 / units_per_second` seconds, rounded to the nearest.
            #[must_use]
            pub fn to_units(self, units_per_second: u32) -> i64 {
                scale(self.0, i64::from(units_per_second), TICKS_PER_SECOND)
            }

            /// In units of `1 / units_per_second` seconds, rounded down.
            #[must_use]
            pub fn to_units_floor(self, units_per_second: u32) -> i64 {
                scale_floor(self.0, i64::from(units_per_second), TICKS_PER_SECOND)
            }
        }
    };
}

conversions!(MediaTime);
conversions!(MediaDuration);

impl MediaTime {
    /// This instant, but not before `floor` nor after `ceiling`.
    #[must_use]
    pub fn clamp_to(self, floor: Self, ceiling: Self) -> Self {
        self.min(ceiling).max(floor)
    }
}

impl MediaDuration {
    /// The length without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    /// Half of it, rounded towards zero.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// As a [`std::time::Duration`]; a negative length becomes zero.
    #[must_use]
    pub fn to_std(self) -> std::time::Duration {
        let ticks = self.0.max(0);
        let seconds = ticks / TICKS_PER_SECOND;
        let nanos = scale_floor(ticks % TICKS_PER_SECOND, 1_000_000_000, TICKS_PER_SECOND);
        std::time::Duration::new(seconds.unsigned_abs(), u32::try_from(nanos).unwrap_or(999_999_999))
    }
}

impl Add<MediaDuration> for MediaTime {
    type Output = Self;
    fn add(self, length: MediaDuration) -> Self {
        Self(self.0.saturating_add(length.0))
    }
}

impl Sub<MediaDuration> for MediaTime {
    type Output = Self;
    fn sub(self, length: MediaDuration) -> Self {
        Self(self.0.saturating_sub(length.0))
    }
}

impl Sub for MediaTime {
    type Output = MediaDuration;
    fn sub(self, earlier: Self) -> MediaDuration {
        MediaDuration(self.0.saturating_sub(earlier.0))
    }
}

impl AddAssign<MediaDuration> for MediaTime {
    fn add_assign(&mut self, length: MediaDuration) {
        *self = *self + length;
    }
}

impl SubAssign<MediaDuration> for MediaTime {
    fn sub_assign(&mut self, length: MediaDuration) {
        *self = *self - length;
    }
}

impl Add for MediaDuration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for MediaDuration {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for MediaDuration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Mul<i64> for MediaDuration {
    type Output = Self;
    fn mul(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl Neg for MediaDuration {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl std::iter::Sum for MediaDuration {
    fn sum<I: Iterator<Item = Self>>(lengths: I) -> Self {
        lengths.fold(Self::ZERO, |total, length| total + length)
    }
}

/// `h:mm:ss.mmm`, as a player shows it.
impl fmt::Display for MediaTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = scale(self.0, 1_000, TICKS_PER_SECOND);
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.unsigned_abs();
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        let (seconds, millis) = (millis / 1_000 % 60, millis % 1_000);
        write!(formatter, "{sign}{hours}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}

/// Seconds with three decimals and the unit.
impl fmt::Display for MediaDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3} s", self.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_rates_divide_a_tick_second() {
        for rate in [24, 25, 30, 50, 60, 120, 8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 90_000, 96_000] {
            assert_eq!(TICKS_PER_SECOND % rate, 0, "{rate}");
        }
        for (numerator, denominator) in [(24_000, 1_001), (30_000, 1_001), (60_000, 1_001)] {
            assert_eq!(TICKS_PER_SECOND * denominator % numerator, 0, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn reads_like_a_player() {
        assert_eq!(MediaTime::from_millis(3_723_004).to_string(), "1:02:03.004");
        assert_eq!(MediaTime::from_millis(-1_500).to_string(), "-0:00:01.500");
        assert_eq!(MediaDuration::from_millis(1_500).to_string(), "1.500 s");
    }

    #[test]
    fn nonsense_seconds_do_not_panic() {
        assert_eq!(MediaTime::from_secs_f64(f64::NAN), MediaTime::ZERO);
        assert_eq!(MediaTime::from_secs_f64(f64::INFINITY), MediaTime::MAX);
    }

    proptest! {
        #[test]
        fn samples_survive_a_round_trip(
            sample in -4_000_000_000_i64..4_000_000_000,
            rate in prop::sample::select(vec![8_000_u32, 16_000, 22_050, 44_100, 48_000, 90_000]),
        ) {
            prop_assert_eq!(MediaTime::from_units(sample, rate).to_units(rate), sample);
            prop_assert_eq!(MediaTime::from_units(sample, rate).to_units_floor(rate), sample);
        }

        #[test]
        fn seconds_survive_within_a_tick(ticks in -1_i64 << 50..1_i64 << 50) {
            let back = MediaTime::from_secs_f64(MediaTime::from_ticks(ticks).as_secs_f64());
            prop_assert!((back.ticks() - ticks).abs() <= 1);
        }

        #[test]
        fn durations_become_std(ticks in 0_i64..1_i64 << 60) {
            let length = MediaDuration::from_ticks(ticks);
            prop_assert!((length.to_std().as_secs_f64() - length.as_secs_f64()).abs() < 1e-6 * (1.0 + length.as_secs_f64()));
        }
    }
}
