//! One analysis frame: from samples to the levels, pitch and texture of a sixteenth of half a second.

use std::f32::consts::PI;
use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Level given to digital silence, in dBFS. Far below any microphone's noise, far above what rounding produces.
pub(crate) const SILENCE_DBFS: f32 = -100.0;

/// Frames quieter than this in the voice band carry no pitch worth looking for, in dBFS.
const PITCH_GATE_DBFS: f32 = -65.0;

/// The voice band of the level that the detector listens to, in Hz: the fundamental is left out, so that bumps and engines are too.
const VOICE_BAND_HZ: (f32, f32) = (300.0, 3_800.0);
/// Below this nothing counts: hum, plosives, desk bumps. In Hz.
const LOWEST_HZ: f32 = 80.0;
/// Band of the spectral entropy, in Hz. Screams are orderly there, noise is not.
const ENTROPY_BAND_HZ: (f32, f32) = (500.0, 5_000.0);
/// Band of the spectral centroid, in Hz.
const CENTROID_BAND_HZ: (f32, f32) = (100.0, 7_800.0);
/// Band that the pitch is looked for in, in Hz. Two harmonics of the highest pitch.
const PITCH_BAND_HZ: (f32, f32) = (80.0, 2_000.0);
/// The autocorrelation is computed up to here, with nothing above the pitch band, so that the lags of high pitches are fine enough.
const LAG_BAND_HZ: f32 = 4_000.0;
/// Pitches that people produce, murmuring to screaming, in Hz.
const PITCH_RANGE_HZ: (f32, f32) = (90.0, 950.0);
/// A shorter period explains the sound as well as the best one if its correlation reaches this share of the best: keeps
/// the pitch from falling an octave.
const OCTAVE_TOLERANCE: f32 = 0.9;

/// What one frame sounds like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    /// Mean power with K-weighting, full-scale square wave = 1.
    pub(crate) power: f32,
    /// Level in the voice band, dBFS.
    pub(crate) voice_db: f32,
    /// Spectral centroid, Hz.
    pub(crate) centroid_hz: f32,
    /// Spectral entropy, 0 (one tone) to 1 (white noise).
    pub(crate) entropy: f32,
    /// Highest normalised autocorrelation at a period people can sing, 0 to 1.
    pub(crate) periodicity: f32,
    /// Base-two logarithm of the pitch in Hz; meaningless where `periodicity` is low.
    pub(crate) log2_pitch: f32,
}

/// Turns two hops of samples into a [`Frame`]; holds the plans and buffers.
pub(crate) struct FrameAnalyser {
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    backward: Arc<dyn ComplexToReal<f32>>,
    time: Vec<f32>,
    spectrum: Vec<Complex32>,
    power: Vec<f32>,
    scratch: Vec<Complex32>,
    correlation_spectrum: Vec<Complex32>,
    correlation: Vec<f32>,
    /// K-weighting per bin, times what makes the sum a mean power.
    loudness_weights: Vec<f32>,
    /// What makes a sum of bins a mean power, without weighting.
    plain_weight: f32,
    /// Correlation of the window with itself at each lag: dividing by it undoes the window's decay (Boersma 1993).
    window_correlation: Vec<f32>,
    bin_hz: f32,
    lag_rate_hz: f32,
}

impl fmt::Debug for FrameAnalyser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FrameAnalyser")
            .field("window", &self.window.len())
            .field("bin_hz", &self.bin_hz)
            .finish_non_exhaustive()
    }
}

/// Squared gain of ITU-R BS.1770's K-weighting at `hertz`: its two biquads as published for 48 kHz, evaluated on the unit circle.
fn k_weighting(hertz: f32) -> f32 {
    const SHELF: ([f32; 3], [f32; 3]) =
        ([1.535_124_9, -2.691_696_2, 1.198_392_8], [1.0, -1.690_659_3, 0.732_480_8]);
    const HIGH_PASS: ([f32; 3], [f32; 3]) = ([1.0, -2.0, 1.0], [1.0, -1.990_047_5, 0.990_072_3]);
    let angle = 2.0 * PI * hertz / 48_000.0;
    let magnitude = |taps: [f32; 3]| {
        let value = taps[0] + taps[1] * Complex32::cis(-angle) + taps[2] * Complex32::cis(-2.0 * angle);
        value.norm_sqr()
    };
    [SHELF, HIGH_PASS].iter().map(|(above, below)| magnitude(*above) / magnitude(*below).max(1e-12)).product()
}

pub(crate) fn to_db(power: f32) -> f32 {
    if power > 1e-10 { 10.0 * power.log10() } else { SILENCE_DBFS }
}

impl FrameAnalyser {
    /// For frames of `window_len` samples at `rate_hz`.
    pub(crate) fn new(window_len: usize, rate_hz: u32) -> Self {
        let rate = rate_hz as f32;
        let fft_len = window_len.next_power_of_two();
        let bin_hz = rate / fft_len as f32;
        let bins = fft_len / 2 + 1;
        let window: Vec<f32> = (0..window_len)
            .map(|index| 0.5 - 0.5 * (2.0 * PI * (index as f32 + 0.5) / window_len as f32).cos())
            .collect();
        let window_power: f32 = window.iter().map(|value| value * value).sum();
        // Parseval for a one-sided spectrum: mean power = 2 * sum |X|^2 / (fft_len * sum w^2).
        let plain_weight = 2.0 / (fft_len as f32 * window_power);
        let loudness_weights = (0..bins)
            .map(|bin| {
                let hertz = bin as f32 * bin_hz;
                if hertz < LOWEST_HZ { 0.0 } else { plain_weight * k_weighting(hertz) }
            })
            .collect();
        let half_lags = ((LAG_BAND_HZ.min(rate / 2.0) / bin_hz) as usize).max(8);
        let lag_rate_hz = 2.0 * half_lags as f32 * bin_hz;
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(fft_len);
        let backward = planner.plan_fft_inverse(half_lags * 2);
        let scratch_len = forward.get_scratch_len().max(backward.get_scratch_len());
        let longest_lag = (lag_rate_hz / PITCH_RANGE_HZ.0).ceil() as usize + 2;
        let window_correlation = (0..=longest_lag.min(half_lags))
            .map(|lag| {
                let shift = lag as f32 * rate / lag_rate_hz;
                let shifted =
                    |index: usize| window.get(index + shift.round() as usize).copied().unwrap_or(0.0);
                let sum: f32 = window.iter().enumerate().map(|(index, value)| value * shifted(index)).sum();
                (sum / window_power).max(0.05)
            })
            .collect();
        Self {
            time: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            power: vec![0.0; bins],
            scratch: vec![Complex32::default(); scratch_len],
            correlation_spectrum: backward.make_input_vec(),
            correlation: backward.make_output_vec(),
            window,
            forward,
            backward,
            loudness_weights,
            plain_weight,
            window_correlation,
            bin_hz,
            lag_rate_hz,
        }
    }

    fn bins(&self, band: (f32, f32)) -> std::ops::Range<usize> {
        let first = (band.0 / self.bin_hz).ceil() as usize;
        let last = (band.1 / self.bin_hz).floor() as usize;
        first.min(self.power.len())..(last + 1).min(self.power.len())
    }

    /// Analyses `older` followed by `newer`, each half a window long.
    pub(crate) fn analyse(&mut self, older: &[f32], newer: &[f32]) -> Frame {
        let halves = older.iter().chain(newer).zip(&self.window);
        for (slot, (sample, window)) in self.time.iter_mut().zip(halves) {
            *slot = sample * window;
        }
        self.time[self.window.len()..].fill(0.0);
        // The lengths come from the plan itself, so neither call can fail.
        let transformed =
            self.forward.process_with_scratch(&mut self.time, &mut self.spectrum, &mut self.scratch);
        debug_assert!(transformed.is_ok(), "buffers fit the plan");
        for (power, value) in self.power.iter_mut().zip(&self.spectrum) {
            *power = value.norm_sqr();
        }
        let loudness: f32 =
            self.power.iter().zip(&self.loudness_weights).map(|(power, weight)| power * weight).sum();
        let voice: f32 = self.power[self.bins(VOICE_BAND_HZ)].iter().sum::<f32>() * self.plain_weight;
        let voice_db = to_db(voice);
        let (periodicity, log2_pitch) = if voice_db > PITCH_GATE_DBFS { self.pitch() } else { (0.0, 0.0) };
        Frame {
            power: loudness,
            voice_db,
            centroid_hz: self.centroid(),
            entropy: self.entropy(),
            periodicity,
            log2_pitch,
        }
    }

    fn centroid(&self) -> f32 {
        let band = self.bins(CENTROID_BAND_HZ);
        let first = band.start as f32;
        let (mut sum, mut moment) = (0.0_f32, 0.0_f32);
        for (offset, power) in self.power[band].iter().enumerate() {
            sum += power;
            moment += power * (first + offset as f32);
        }
        if sum > 0.0 { moment / sum * self.bin_hz } else { 0.0 }
    }

    /// `H = log2 S - (sum p log2 p) / S`, as a share of the most there can be.
    fn entropy(&self) -> f32 {
        let band = self.bins(ENTROPY_BAND_HZ);
        let most = (band.len() as f32).log2();
        let (mut sum, mut weighted) = (0.0_f32, 0.0_f32);
        for power in &self.power[band] {
            let power = power + 1e-20;
            sum += power;
            weighted += power * power.log2();
        }
        ((sum.log2() - weighted / sum) / most).clamp(0.0, 1.0)
    }

    /// The best period in the range of voices, as (normalised autocorrelation, log2 of its pitch in Hz).
    fn pitch(&mut self) -> (f32, f32) {
        let band = self.bins(PITCH_BAND_HZ);
        for (bin, slot) in self.correlation_spectrum.iter_mut().enumerate() {
            *slot = Complex32::new(if band.contains(&bin) { self.power[bin] } else { 0.0 }, 0.0);
        }
        if let Some(last) = self.correlation_spectrum.last_mut() {
            *last = Complex32::default();
        }
        let transformed = self.backward.process_with_scratch(
            &mut self.correlation_spectrum,
            &mut self.correlation,
            &mut self.scratch,
        );
        debug_assert!(transformed.is_ok(), "buffers fit the plan");
        let at_zero = self.correlation[0];
        if at_zero <= 0.0 {
            return (0.0, 0.0);
        }
        let last = self.window_correlation.len() - 2;
        let first = ((self.lag_rate_hz / PITCH_RANGE_HZ.1) as usize).max(2);
        let value = |lag: usize| self.correlation[lag] / (at_zero * self.window_correlation[lag]);
        let is_peak = |lag: usize| value(lag) >= value(lag - 1) && value(lag) > value(lag + 1);
        let Some(best) = (first..=last).filter(|lag| is_peak(*lag)).map(value).reduce(f32::max) else {
            return (0.0, 0.0);
        };
        let Some(lag) = (first..=last).find(|lag| is_peak(*lag) && value(*lag) >= OCTAVE_TOLERANCE * best)
        else {
            return (0.0, 0.0);
        };
        let (before, here, after) = (value(lag - 1), value(lag), value(lag + 1));
        let curvature = before - 2.0 * here + after;
        let offset =
            if curvature < 0.0 { (0.5 * (before - after) / curvature).clamp(-0.5, 0.5) } else { 0.0 };
        let pitch = self.lag_rate_hz / (lag as f32 + offset);
        (here.clamp(0.0, 1.0), pitch.log2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOP: usize = 500;

    fn analyse(sample: impl Fn(f32) -> f32) -> Frame {
        let samples: Vec<f32> = (0..2 * HOP).map(|index| sample(index as f32 / 16_000.0)).collect();
        FrameAnalyser::new(2 * HOP, 16_000).analyse(&samples[..HOP], &samples[HOP..])
    }

    fn sawtooth(hertz: f32) -> impl Fn(f32) -> f32 {
        move |time| {
            (1..=12)
                .map(|harmonic| (2.0 * PI * hertz * harmonic as f32 * time).sin() / harmonic as f32)
                .sum::<f32>()
                * 0.2
        }
    }

    #[test]
    fn a_sine_has_its_level() {
        let frame = analyse(|time| 0.5 * (2.0 * PI * 1_000.0 * time).sin());
        // Half amplitude is -9.03 dBFS in power.
        assert!((frame.voice_db + 9.03).abs() < 0.2, "{}", frame.voice_db);
        // K-weighting is +0.7 dB at 1 kHz.
        assert!((to_db(frame.power) + 9.03 - 0.7).abs() < 0.3, "{}", to_db(frame.power));
        assert!((frame.centroid_hz - 1_000.0).abs() < 10.0, "{}", frame.centroid_hz);
    }

    #[test]
    fn pitch_is_found_over_the_range_of_voices() {
        for hertz in [95.0, 140.0, 220.0, 440.0, 700.0, 930.0] {
            let frame = analyse(sawtooth(hertz));
            assert!(frame.periodicity > 0.85, "{hertz}: {frame:?}");
            let octaves = frame.log2_pitch - hertz.log2();
            assert!(octaves.abs() < 0.03, "{hertz} Hz read as {} Hz", frame.log2_pitch.exp2());
        }
    }

    #[test]
    fn noise_is_disorderly_and_has_no_pitch() {
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..2 * HOP)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state as f32 / u32::MAX as f32 - 0.5
            })
            .collect();
        let frame = FrameAnalyser::new(2 * HOP, 16_000).analyse(&noise[..HOP], &noise[HOP..]);
        assert!(frame.periodicity < 0.55, "{frame:?}");
        assert!(frame.entropy > 0.85, "{frame:?}");
        assert!(analyse(sawtooth(500.0)).entropy < 0.5);
    }

    #[test]
    fn silence_is_the_floor_not_a_nan() {
        let frame = analyse(|_| 0.0);
        assert_eq!(frame.voice_db, SILENCE_DBFS);
        assert!(frame.entropy.is_finite() && frame.centroid_hz == 0.0 && frame.periodicity == 0.0);
    }

    #[test]
    fn other_sample_rates_hear_the_same() {
        for rate in [8_000_u32, 22_050, 44_100, 48_000] {
            let hop = (rate / 32) as usize;
            let voice = sawtooth(220.0);
            let samples: Vec<f32> = (0..2 * hop).map(|index| voice(index as f32 / rate as f32)).collect();
            let frame = FrameAnalyser::new(2 * hop, rate).analyse(&samples[..hop], &samples[hop..]);
            assert!(
                (frame.log2_pitch - 220.0_f32.log2()).abs() < 0.03,
                "{rate}: {}",
                frame.log2_pitch.exp2()
            );
            assert!(frame.periodicity > 0.8, "{rate}: {frame:?}");
        }
    }
}
