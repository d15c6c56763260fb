//! Sound for the tests: the recorded demos, and noise and music made on the spot.

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

use timeline::MediaTime;
use transcribe::SpeechAudio;

pub(crate) const RATE: usize = 16_000;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

pub(crate) fn wav(name: &str) -> Vec<f32> {
    let mut reader = hound::WavReader::open(fixture(name)).expect("a fixture");
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (16_000, 1), "{name}");
    reader.samples::<i16>().map(|sample| f32::from(sample.expect("a sample")) / 32_768.0).collect()
}

pub(crate) fn at(seconds: f64, samples: Vec<f32>) -> SpeechAudio {
    SpeechAudio { at: MediaTime::from_secs_f64(seconds), samples }
}

/// Start and end in seconds and text of each line of a demo's `.txt`.
pub(crate) fn expected(name: &str) -> Vec<(f64, f64, String)> {
    let text = fs_err::read_to_string(fixture(name)).expect("a fixture");
    text.lines()
        .map(|line| {
            let mut fields = line.splitn(3, ' ');
            let mut next = || fields.next().expect("three fields");
            (next().parse().expect("a start"), next().parse().expect("an end"), next().to_owned())
        })
        .collect()
}

/// White noise at about -20 dBFS, always the same.
pub(crate) fn noise(seconds: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..seconds * RATE)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * 0.17
        })
        .collect()
}

/// A melody over chords with a drum on every beat.
pub(crate) fn music(seconds: usize) -> Vec<f32> {
    let melody = [440.0, 523.25, 659.25, 523.25, 587.33, 493.88, 392.0, 493.88_f32];
    let drum = noise(1);
    (0..seconds * RATE)
        .map(|index| {
            let time = index as f32 / RATE as f32;
            let beat = (time * 4.0) as usize;
            let in_beat = (time * 4.0).fract();
            let note = melody[beat % melody.len()];
            let tone = (1..=4)
                .map(|harmonic| (TAU * note * harmonic as f32 * time).sin() / harmonic as f32)
                .sum::<f32>();
            let chord: f32 =
                [110.0, 138.59, 164.81].iter().map(|pitch: &f32| (TAU * pitch * time).sin()).sum();
            0.12 * tone * (-3.0 * in_beat).exp() + 0.05 * chord + drum[index % RATE] * (-25.0 * in_beat).exp()
        })
        .collect()
}
