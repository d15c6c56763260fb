//! Media to decode, and ways to look at what came out.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use media_io::{
    AudioEvent, AudioReader, AudioRequest, DecodeReport, Ffmpeg, FfmpegJob, FfmpegOptions, open_audio,
};
use tempfile::TempDir;
use timeline::{Gap, MediaTime, SampleRate};

/// The ffmpeg of this machine.
pub(crate) static FFMPEG: LazyLock<Ffmpeg> =
    LazyLock::new(|| Ffmpeg::locate(&FfmpegOptions::default()).expect("ffmpeg is installed"));

/// When the clicks of [`CLICKS`] sound, in seconds.
pub(crate) const CLICK_TIMES: [f64; 2] = [1.0, 2.5];
/// Four seconds of a faint tone with a click at 1.0 s and one at 2.5 s, 48 kHz mono.
pub(crate) const CLICKS: &str =
    "aevalsrc='if(eq(n,48000)+eq(n,120000),0.9,0)+0.01*sin(2*PI*440*t)':s=48000:d=4";
/// Four seconds of small moving picture.
pub(crate) const PICTURE: &str = "testsrc=s=160x120:r=25:d=4";

/// What was read of a file.
pub(crate) struct Heard {
    /// Runs of samples without a gap between them, and when they begin.
    pub(crate) runs: Vec<(MediaTime, Vec<f32>)>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) report: DecodeReport,
    pub(crate) rate: SampleRate,
}

/// Makes `name` in `folder` with ffmpeg.
pub(crate) fn make(folder: &TempDir, name: &str, arguments: &str) -> PathBuf {
    make_from(folder, name, &[], arguments)
}

/// Makes `name` in `folder` with ffmpeg, from `inputs` and whatever `arguments` name. Arguments are parted by blanks.
pub(crate) fn make_from(folder: &TempDir, name: &str, inputs: &[&Path], arguments: &str) -> PathBuf {
    let path = folder.path().join(name);
    let mut job = FfmpegJob::new();
    for input in inputs {
        job = job.input(input);
    }
    let job = job.arguments(arguments.split_whitespace()).output(&path);
    FFMPEG.run(&job, &AtomicBool::new(false), &mut |_| {}).expect(name);
    path
}

/// Reads all that `request` asks for.
pub(crate) fn hear(path: &Path, request: &AudioRequest) -> Heard {
    drain(open_audio(path, request, Some(&FFMPEG)).expect("it opens"))
}

/// Reads `reader` to its end, checking that time goes on without a jump that no gap explains.
pub(crate) fn drain(mut reader: AudioReader) -> Heard {
    let rate = reader.rate();
    let (mut runs, mut gaps) = (Vec::<(MediaTime, Vec<f32>)>::new(), Vec::<Gap>::new());
    let (mut expected, mut open_run) = (None::<i64>, false);
    while let Some(event) = reader.next_event().expect("damage is no error") {
        match event {
            AudioEvent::Samples { at, samples } => {
                let index = rate.sample_at(at);
                assert_eq!(rate.time_of_sample(index), at, "samples lie on the grid");
                assert!(!samples.is_empty() && samples.iter().all(|sample| sample.is_finite()));
                if let Some(expected) = expected {
                    assert!(index >= expected, "time went backwards at {at}");
                    if open_run {
                        assert!(index - expected <= 100, "a jump at {at} that no gap explains");
                    }
                }
                expected = Some(index + samples.len() as i64);
                match runs.last_mut() {
                    Some((_, run)) if open_run => run.extend_from_slice(samples),
                    _ => runs.push((at, samples.to_vec())),
                }
                open_run = true;
            }
            AudioEvent::Gap(gap) => {
                let start = rate.sample_at(gap.span.start());
                assert!(
                    !gap.span.is_empty() && expected.is_none_or(|expected| start >= expected - 1),
                    "{gap:?}"
                );
                expected = Some(rate.sample_at(gap.span.end()) - 1);
                gaps.push(gap);
                open_run = false;
            }
        }
    }
    let report = reader.report();
    assert_eq!(report.gaps, gaps);
    assert_eq!(report.samples, runs.iter().map(|(_, run)| run.len() as u64).sum::<u64>());
    Heard { runs, gaps, report, rate }
}

impl Heard {
    /// When there are clicks, in seconds.
    pub(crate) fn clicks(&self) -> Vec<f64> {
        let hertz = f64::from(self.rate.hertz());
        let mut clicks = Vec::new();
        for (start, run) in &self.runs {
            for index in clicks_in(run, self.rate) {
                clicks.push(start.as_secs_f64() + index as f64 / hertz);
            }
        }
        clicks
    }

    /// Seconds of sound.
    pub(crate) fn seconds(&self) -> f64 {
        self.report.samples as f64 / f64::from(self.rate.hertz())
    }

    /// The gaps, in rounded milliseconds.
    pub(crate) fn gap_millis(&self) -> Vec<(i64, i64)> {
        self.gaps
            .iter()
            .map(|gap| (gap.span.start().to_units(1_000), gap.span.end().to_units(1_000)))
            .collect()
    }
}

/// The places of the highest peaks, at least 0.1 s apart.
pub(crate) fn clicks_in(samples: &[f32], rate: SampleRate) -> Vec<usize> {
    let apart = rate.hertz() as usize / 10;
    let highest = samples.iter().fold(0.0_f32, |highest, sample| highest.max(sample.abs()));
    let (mut found, mut index) = (Vec::new(), 0);
    while let Some(start) = samples[index..].iter().position(|sample| sample.abs() > highest.max(0.1) * 0.4) {
        let window = &samples[index + start..(index + start + apart).min(samples.len())];
        let peak = (0..window.len()).max_by(|one, two| window[*one].abs().total_cmp(&window[*two].abs()));
        found.push(index + start + peak.unwrap_or(0));
        index = (index + start + apart).min(samples.len());
    }
    found
}

/// Asserts that the clicks are at `expected`, to within a millisecond.
pub(crate) fn assert_clicks(name: &str, heard: &Heard, expected: &[f64]) {
    let clicks = heard.clicks();
    let right = clicks.len() == expected.len()
        && clicks.iter().zip(expected).all(|(one, two)| (one - two).abs() < 0.001);
    assert!(right, "{name}: clicks at {clicks:?} instead of {expected:?}; {:?}", heard.report);
}
