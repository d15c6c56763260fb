//! Sound that keeps the detector as busy as a real stream does.

use std::f32::consts::TAU;

use timeline::SampleRate;

/// Every so many seconds ...
const SHOUT_EVERY_S: f32 = 30.0;
/// ... the voice shouts for so long.
const SHOUT_S: f32 = 5.0;

/// A voice that talks in syllables over noise and shouts twice a minute, mono, full scale 1.0. Always the same.
#[must_use]
pub fn synthetic_stream(rate: SampleRate, seconds: u32) -> Vec<f32> {
    let (mut phase, mut seed) = (0.0_f32, 1_u32);
    let per_second = rate.hertz();
    (0..seconds * per_second)
        .map(|index| {
            let time = index as f32 / per_second as f32;
            let shouts = time % SHOUT_EVERY_S > SHOUT_EVERY_S - SHOUT_S;
            let (pitch, gain) = if shouts { (340.0, 0.3) } else { (130.0, 0.08) };
            phase = (phase + (pitch + 10.0 * (TAU * 0.6 * time).sin()) / per_second as f32).fract();
            let voice: f32 =
                (1..=8_u8).map(f32::from).map(|number| (TAU * phase * number).sin() / number).sum();
            let syllables = (TAU * 2.0 * time).sin().max(0.0).sqrt();
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 16) as f32 / 65_536.0 - 0.5;
            gain * voice * syllables + 0.02 * noise
        })
        .collect()
}
