//! Frame rates and sample rates.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{scale, scale_floor};
use crate::{MediaTime, Span, TICKS_PER_SECOND};

/// Video frames per second as a fraction, always above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// 30 frames a second.
    pub const FPS_30: Self = Self { numerator: 30, denominator: 1 };
    /// 60 frames a second.
    pub const FPS_60: Self = Self { numerator: 60, denominator: 1 };

    /// `numerator / denominator` frames a second; `None` if either is zero.
    #[must_use]
    pub const fn new(numerator: u32, denominator: u32) -> Option<Self> {
        if numerator == 0 || denominator == 0 { None } else { Some(Self { numerator, denominator }) }
    }

    /// The upper part of the fraction.
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.numerator
    }

    /// The lower part of the fraction.
    #[must_use]
    pub const fn denominator(self) -> u32 {
        self.denominator
    }

    /// Frames a second.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    fn ticks_per_frame(self) -> (i64, i64) {
        (TICKS_PER_SECOND * i64::from(self.denominator), i64::from(self.numerator))
    }

    /// When frame `index` of a constant-rate medium that starts at zero is first shown.
    #[must_use]
    pub fn time_of_frame(self, index: i64) -> MediaTime {
        let (ticks, frames) = self.ticks_per_frame();
        MediaTime::from_ticks(scale(index, ticks, frames))
    }

    /// The index of the frame on screen at `time`.
    #[must_use]
    pub fn frame_at(self, time: MediaTime) -> i64 {
        let (ticks, frames) = self.ticks_per_frame();
        // Frame times are rounded to ticks, so half a tick early still counts as the frame.
        scale_floor(time.ticks() * 2 + 1, frames, ticks * 2)
    }

    /// The index of the frame whose start is nearest to `time`.
    #[must_use]
    pub fn nearest_frame(self, time: MediaTime) -> i64 {
        let (ticks, frames) = self.ticks_per_frame();
        scale(time.ticks(), frames, ticks)
    }

    /// How many frames of this rate lie in `span`, to the nearest frame at either end.
    #[must_use]
    pub fn frames_in(self, span: Span) -> i64 {
        self.nearest_frame(span.end()) - self.nearest_frame(span.start())
    }

    /// `span` with each end moved to the nearest frame border.
    #[must_use]
    pub fn snap(self, span: Span) -> Span {
        Span::new(
            self.time_of_frame(self.nearest_frame(span.start())),
            self.time_of_frame(self.nearest_frame(span.end())),
        )
    }
}

/// `30` or `30000/1001`, as ffmpeg takes it.
impl fmt::Display for FrameRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(formatter, "{}", self.numerator),
            denominator => write!(formatter, "{}/{denominator}", self.numerator),
        }
    }
}

/// Audio samples a second and channel, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SampleRate(std::num::NonZeroU32);

impl SampleRate {
    /// 16 kHz: what speech recognition and the detector work at.
    pub const HZ_16000: Self = Self(std::num::NonZeroU32::new(16_000).expect("above zero"));
    /// 48 kHz: what video files carry.
    pub const HZ_48000: Self = Self(std::num::NonZeroU32::new(48_000).expect("above zero"));

    /// `hertz` samples a second; `None` if zero.
    #[must_use]
    pub const fn new(hertz: u32) -> Option<Self> {
        match std::num::NonZeroU32::new(hertz) {
            Some(hertz) => Some(Self(hertz)),
            None => None,
        }
    }

    /// In Hz.
    #[must_use]
    pub const fn hertz(self) -> u32 {
        self.0.get()
    }

    /// When sample `index`, counted from media time zero, is played.
    #[must_use]
    pub fn time_of_sample(self, index: i64) -> MediaTime {
        MediaTime::from_units(index, self.hertz())
    }

    /// The index of the sample nearest to `time`, counted from media time zero.
    #[must_use]
    pub fn sample_at(self, time: MediaTime) -> i64 {
        time.to_units(self.hertz())
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} Hz", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_of_zero_is_none() {
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(30, 0), None);
        assert_eq!(SampleRate::new(0), None);
    }

    #[test]
    fn snapping_goes_to_the_nearest_border() {
        let span = Span::new(MediaTime::from_millis(1_010), MediaTime::from_millis(1_990));
        let snapped = FrameRate::FPS_30.snap(span);
        assert_eq!(snapped, Span::new(MediaTime::from_secs(1), MediaTime::from_secs(2)));
    }

    proptest! {
        #[test]
        fn a_frame_is_on_screen_at_its_own_time(
            index in -1_000_000_i64..100_000_000,
            rate in prop::sample::select(vec![(24_000, 1_001), (24, 1), (25, 1), (30_000, 1_001), (30, 1), (60, 1), (7, 3), (1_000_003, 9_999)]),
        ) {
            let rate = FrameRate::new(rate.0, rate.1).expect("above zero");
            let time = rate.time_of_frame(index);
            prop_assert_eq!(rate.frame_at(time), index);
            prop_assert_eq!(rate.nearest_frame(time), index);
            prop_assert_eq!(rate.frame_at(time - crate::MediaDuration::from_ticks(2)), index - 1);
        }
    }
}
