//! Any samples in any chunks: the detector says the same as of one piece, whatever the numbers are.

#![no_main]

use highlight_detect::{Candidate, Detector};
use libfuzzer_sys::fuzz_target;
use timeline::{MediaTime, SampleRate};

const RATE: SampleRate = SampleRate::HZ_16000;

fuzz_target!(|input: (u16, Vec<f32>)| {
    let (chunk, samples) = input;
    let whole = candidates(samples.len().max(1), &samples);
    let pieces = candidates(usize::from(chunk).max(1), &samples);
    assert_eq!(whole, pieces);
});

fn candidates(chunk: usize, samples: &[f32]) -> Vec<Candidate> {
    let mut detector = Detector::builder().sample_rate(RATE).build().expect("16 kHz is supported");
    let mut found = Vec::new();
    let mut at = MediaTime::ZERO;
    let mut position = 0;
    for piece in samples.chunks(chunk) {
        found.extend(detector.push(at, piece));
        position += piece.len() as i64;
        at = RATE.time_of_sample(position);
    }
    found.extend(detector.finish());
    found
}
