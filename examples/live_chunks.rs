//! A live stream, as far as the detector can tell: a recording fed in chunks as small as a network gives them, candidates
//! printed as they settle, each with how long after the reaction that was.
//!
//! ```text
//! cargo run -p streamliner-examples --example live_chunks [-- RECORDING [CHUNK_MS]]
//! ```
//!
//! At the end the same recording is pushed in one piece, to show that chunks make no difference.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use highlight_detect::{Candidate, Detector};
use media_io::{AudioEvent, AudioRequest, Ffmpeg, FfmpegOptions, open_audio};
use timeline::{MediaTime, SampleRate};

const RATE: SampleRate = SampleRate::HZ_16000;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let path =
        arguments.next().map_or_else(|| streamliner_examples::fixture("arena-night.mp4"), PathBuf::from);
    let chunk_ms: usize = match arguments.next() {
        Some(text) => text.to_string_lossy().parse().context("CHUNK_MS is no whole number")?,
        None => 20,
    };
    ensure!((1..=60_000).contains(&chunk_ms), "CHUNK_MS is {chunk_ms}; it must be 1 to 60000");
    let samples = read_all(&path)?;

    let mut detector = Detector::builder().sample_rate(RATE).build()?;
    let mut live = Vec::new();
    let mut position = 0;
    for chunk in samples.chunks(chunk_ms * RATE.hertz() as usize / 1_000) {
        let settled = detector.push(RATE.time_of_sample(position), chunk);
        position += chunk.len() as i64;
        show(&settled, RATE.time_of_sample(position));
        live.extend(settled);
    }
    let rest = detector.finish();
    show(&rest, RATE.time_of_sample(position));
    live.extend(rest);

    let mut detector = Detector::builder().sample_rate(RATE).build()?;
    let mut at_once = detector.push(MediaTime::ZERO, &samples);
    at_once.extend(detector.finish());
    ensure!(live == at_once, "chunks made a difference");
    println!("{} candidates, the same as from one piece", live.len());
    Ok(())
}

fn show(settled: &[Candidate], now: MediaTime) {
    for candidate in settled {
        println!(
            "at {now}: reaction {}, score {:.2}, {:.1} s after its end",
            candidate.core,
            candidate.score(),
            (now - candidate.core.end()).as_secs_f64(),
        );
    }
}

/// All of the sound. A gap is silence here; a program that goes on for days would push it as a gap.
fn read_all(path: &Path) -> anyhow::Result<Vec<f32>> {
    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).ok();
    let mut reader = open_audio(path, &AudioRequest::new(RATE), ffmpeg.as_ref())?;
    let mut all = Vec::new();
    while let Some(event) = reader.next_event()? {
        if let AudioEvent::Samples { at, samples } = event {
            all.resize(RATE.sample_at(at) as usize, 0.0);
            all.extend_from_slice(samples);
        }
    }
    Ok(all)
}
