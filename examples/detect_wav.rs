//! The detector on a WAV file, with nothing but `highlight-detect`, `timeline` and `hound`:
//!
//! ```text
//! cargo run -p streamliner-examples --example detect_wav [-- FILE.wav]
//! ```
//!
//! Without a file it listens to a minute and a half of its own making, in which somebody shouts once.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::f32::consts::TAU;
use std::path::{Path, PathBuf};

use anyhow::Context;
use highlight_detect::{Detector, Evidence, Lexicon, RankOptions, judge, rank};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use timeline::{MediaDuration, MediaTime, SampleRate, Span};

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => write_demonstration(&folder.path().join("shout.wav"))?,
    };
    let (rate, samples) = read_mono(&path).with_context(|| format!("cannot read {}", path.display()))?;

    // Sound in, candidates out. A live stream would be pushed piece by piece; the result is the same.
    let mut detector = Detector::builder().sample_rate(rate).build()?;
    let mut candidates = detector.push(MediaTime::ZERO, &samples);
    candidates.extend(detector.finish());

    // Weigh each candidate, say where a clip of it would be cut, and choose. There are no words, chat or pictures here.
    let (lexicon, options) = (Lexicon::builtin(), RankOptions::default());
    let evidence = Evidence::none(&lexicon);
    let length = MediaDuration::from_units(samples.len() as i64, rate.hertz());
    let medium = Span::starting_at(MediaTime::ZERO, length);
    let moments = candidates.iter().map(|candidate| judge(candidate, &evidence, medium, &options));
    let ranking = rank(moments.collect(), &options);

    println!("{length} of sound, {} highlights", ranking.highlights.len());
    for highlight in &ranking.highlights {
        println!("{:.2}  cut {}  for the reaction {}", highlight.score, highlight.clip, highlight.core);
        for reason in &highlight.reasons {
            println!("      {:+.2} {}: {}", reason.weight, reason.signal, reason.detail);
        }
    }
    for rejected in &ranking.rejected {
        println!("{:.2}  not {}: {}", rejected.moment.score, rejected.moment.core, rejected.why);
    }
    Ok(())
}

/// The samples of a WAV file of any depth, its channels mixed to one.
fn read_mono(path: &Path) -> anyhow::Result<(SampleRate, Vec<f32>)> {
    let mut reader = WavReader::open(path)?;
    let spec = reader.spec();
    let rate = SampleRate::new(spec.sample_rate).context("a sample rate of zero")?;
    let interleaved: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
        SampleFormat::Int => {
            let full_scale = (1_i64 << (spec.bits_per_sample - 1)) as f32;
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|value| value as f32 / full_scale))
                .collect::<Result<_, _>>()?
        }
    };
    let channels = usize::from(spec.channels.max(1));
    let mono = interleaved.chunks(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32);
    Ok((rate, mono.collect()))
}

/// A low voice that talks in syllables, and from 60 to 66 s shouts: higher, louder, brighter.
fn write_demonstration(path: &Path) -> anyhow::Result<PathBuf> {
    let rate = 16_000;
    let spec =
        WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(path, spec)?;
    let (mut phase, mut noise) = (0.0_f32, 1_u32);
    for index in 0..90 * rate {
        let time = index as f32 / rate as f32;
        let shouts = (60.0..66.0).contains(&time);
        let (pitch, gain, harmonics) = if shouts { (330.0, 0.25, 12) } else { (120.0, 0.06, 6) };
        phase = (phase + (pitch + 8.0 * (TAU * 0.7 * time).sin()) / rate as f32).fract();
        let voice: f32 =
            (1..=harmonics).map(|number| (TAU * phase * number as f32).sin() / number as f32).sum();
        let syllables = (TAU * 2.0 * time).sin().max(0.0).sqrt();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (noise >> 16) as f32 / 65_536.0 - 0.5;
        writer.write_sample(((gain * voice * syllables + 0.01 * hiss) * 32_767.0) as i16)?;
    }
    writer.finalize()?;
    Ok(path.to_owned())
}
