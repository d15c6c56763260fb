//! Finding the beeps that generated media has on every full second.

use timeline::{MediaTime, SampleRate};

/// Louder than this is a beep; the sound between beeps is silence.
const BEEP_LEVEL: f32 = 0.05;
/// Quiet for this long ends a beep, in seconds.
const QUIET_SECONDS: f64 = 0.2;

/// When each beep begins, counted from the first sample.
#[must_use]
pub fn beep_starts(samples: &[f32], rate: SampleRate) -> Vec<MediaTime> {
    let quiet = (QUIET_SECONDS * f64::from(rate.hertz())) as usize;
    let mut starts = Vec::new();
    let mut last_loud: Option<usize> = None;
    for (index, sample) in samples.iter().enumerate() {
        if sample.abs() > BEEP_LEVEL {
            if last_loud.is_none_or(|last| index - last > quiet) {
                starts.push(rate.time_of_sample(index as i64));
            }
            last_loud = Some(index);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_burst_counts_once() {
        let mut samples = vec![0.0; 32_000];
        for start in [0, 16_000] {
            for (index, sample) in samples[start..start + 800].iter_mut().enumerate() {
                *sample = if index % 16 < 8 { 0.5 } else { -0.5 };
            }
        }
        assert_eq!(
            beep_starts(&samples, SampleRate::HZ_16000),
            [MediaTime::from_secs(0), MediaTime::from_secs(1)]
        );
    }
}
