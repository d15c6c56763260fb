//! A span read by itself is what reading everything has there.

use std::time::Instant;

use media_io::{AudioRequest, open_audio};
use tempfile::tempdir;
use timeline::{MediaTime, SampleRate, Span};

use crate::support::{CLICKS, FFMPEG, PICTURE, drain, hear, make};

/// Ten seconds in which no two moments sound alike.
const SWEEP: &str = "aevalsrc='0.5*sin(2*PI*(200+100*t)*t)':s=48000:d=10";

#[test]
fn a_span_is_a_part_of_the_whole() {
    let folder = tempdir().unwrap();
    let whole = AudioRequest::new(SampleRate::HZ_16000);
    // Lossy codecs fill bands with noise of their own, which differs from run to run.
    for (name, codec, tolerance) in [
        ("sweep.wav", "-c:a pcm_s16le", 0.0),
        ("sweep.flac", "-c:a flac", 0.0),
        ("sweep.m4a", "-c:a aac", 5e-3),
        ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 500000", 5e-3),
        ("sweep.mp3", "-c:a libmp3lame", 1e-3),
        ("sweep.ogg", "-c:a libvorbis", 1e-3),
        ("sweep.aac", "-c:a aac", 5e-3),
        ("sweep.mkv", "-c:a flac", 0.25),
        ("sweep.ts", "-c:a aac", 5e-3),
        ("ac3.ts", "-c:a ac3", 0.25),
    ] {
        let path = make(&folder, name, &format!("-f lavfi -i {SWEEP} -ar 44100 {codec}"));
        let all = hear(&path, &whole);
        let samples = &all.runs[0].1;
        let first = all.rate.sample_at(all.runs[0].0);
        for (start, end) in [(0, 1_000), (3_333, 5_555), (7_001, 7_002), (9_500, 12_000)] {
            let span = Span::new(MediaTime::from_millis(start), MediaTime::from_millis(end));
            let part = hear(&path, &AudioRequest { span: Some(span), ..whole });
            assert_eq!(part.runs.len(), 1, "{name} {span}: {:?}", part.report);
            let (at, part_samples) = &part.runs[0];
            let offset = (all.rate.sample_at(*at) - first) as usize;
            assert!(
                all.rate.sample_at(*at) - all.rate.sample_at(span.start()).max(first) <= 1,
                "{name} {span}: {at}"
            );
            let wanted = (all.rate.sample_at(span.end()) - first).min(samples.len() as i64) as usize;
            let slack = if coarse(name) { 16 } else { 1 };
            assert!(
                part_samples.len().abs_diff(wanted - offset) <= slack,
                "{name} {span}: {}",
                part_samples.len()
            );
            let lags = if coarse(name) { -16..=16 } else { 0..=0 };
            let worst = lags
                .map(|lag| difference(part_samples, samples, offset as i64 + lag))
                .fold(f32::MAX, f32::min);
            assert!(worst <= tolerance, "{name} {span}: off by {worst}");
        }
    }
}

/// Timestamps in whole milliseconds place a span up to one of them beside where the whole has it.
fn coarse(name: &str) -> bool {
    matches!(name, "sweep.mkv" | "ac3.ts")
}

/// The largest difference of a sample of `part` from that of `whole`, in which `part` is taken to begin at `offset`.
fn difference(part: &[f32], whole: &[f32], offset: i64) -> f32 {
    let pairs = part.iter().enumerate().filter_map(|(index, sample)| {
        let other = whole.get(usize::try_from(offset + index as i64).ok()?)?;
        Some((sample - other).abs())
    });
    pairs.fold(0.0, f32::max)
}

#[test]
fn a_span_in_a_gap_says_so() {
    let folder = tempdir().unwrap();
    let late = format!("-f lavfi -i {PICTURE} -itsoffset 2 -f lavfi -i {CLICKS} -map 0:v -map 1:a");
    for name in ["late.mp4", "late.ts", "late.mkv"] {
        let path = make(&folder, name, &format!("{late} -c:v libx264 -preset ultrafast -c:a aac"));
        let span = Span::from_secs_f64(0.5, 1.5);
        let heard =
            hear(&path, &AudioRequest { span: Some(span), ..AudioRequest::new(SampleRate::HZ_16000) });
        assert_eq!(heard.runs.len(), 0, "{name}");
        assert_eq!(heard.gap_millis(), [(500, 1_500)], "{name}");
    }
}

#[test]
fn a_span_costs_a_small_part_of_the_whole() {
    let folder = tempdir().unwrap();
    let span = Span::from_secs_f64(1_700.0, 1_705.0);
    let source = "-f lavfi -i anoisesrc=r=48000:a=0.3:d=30:seed=7";
    let short = make(&folder, "short.aac", &format!("{source} -ac 2 -c:a aac -aac_coder fast -b:a 96k"));
    for name in ["long.m4a", "long.ts"] {
        let path = make(&folder, name, &format!("-stream_loop 59 -i {} -c copy", short.display()));
        let time = |span| {
            let begun = Instant::now();
            let request = AudioRequest { span, ..AudioRequest::new(SampleRate::HZ_16000) };
            let heard = drain(open_audio(&path, &request, Some(&FFMPEG)).unwrap());
            (begun.elapsed(), heard.seconds())
        };
        let ((whole, whole_seconds), (part, part_seconds)) = (time(None), time(Some(span)));
        assert!((whole_seconds - 1_800.0).abs() < 5.0 && (part_seconds - 5.0).abs() < 0.001, "{name}");
        assert!(part * 10 < whole, "{name}: {part:?} for 5 s, {whole:?} for all");
    }
}
