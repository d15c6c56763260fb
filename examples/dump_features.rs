//! What the audio scorer sees, half second by half second, as CSV: for plots, and for `scripts/fit-audio-model.py`.
//!
//! ```text
//! cargo run --release -p streamliner-examples --example dump_features [-- RECORDING] > features.csv
//! ```
//!
//! Columns: `time_s`, `level_db`, `voice_db`, `log_odds` (smoothed; empty next to gaps and in silence), then every feature
//! by its name.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use highlight_detect::{Detector, FEATURE_NAMES, TracePoint};
use media_io::{AudioEvent, AudioRequest, Ffmpeg, FfmpegOptions, open_audio};
use timeline::SampleRate;

fn main() -> anyhow::Result<()> {
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(|| streamliner_examples::fixture("arena-night.mp4"), PathBuf::from);
    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).ok();
    let rate = SampleRate::HZ_16000;
    let mut reader = open_audio(&path, &AudioRequest::new(rate), ffmpeg.as_ref())?;
    let mut detector = Detector::builder().sample_rate(rate).trace(true).build()?;
    let mut output = BufWriter::new(std::io::stdout().lock());
    writeln!(output, "time_s,level_db,voice_db,log_odds,{}", FEATURE_NAMES.join(","))?;
    while let Some(event) = reader.next_event()? {
        match event {
            AudioEvent::Samples { at, samples } => drop(detector.push(at, samples)),
            AudioEvent::Gap(gap) => drop(detector.push_gap(gap)),
        }
        write_points(&mut output, &detector.take_trace())?;
    }
    let (_, trace) = detector.finish_with_trace();
    write_points(&mut output, &trace)?;
    Ok(output.flush()?)
}

fn write_points(output: &mut impl Write, points: &[TracePoint]) -> std::io::Result<()> {
    for point in points {
        let TracePoint { at, level_db, voice_db, log_odds, features } = point;
        write!(output, "{:.3},{level_db:.2},{voice_db:.2},", at.as_secs_f64())?;
        if let Some(log_odds) = log_odds {
            write!(output, "{log_odds:.4}")?;
        }
        for feature in features {
            write!(output, ",{feature:.5}")?;
        }
        writeln!(output)?;
    }
    Ok(())
}
