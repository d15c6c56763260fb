//! Loudness: measured by EBU R 128 over the clip's own sound, then changed by one gain and, where peaks need it, a limiter.
//!
//! One gain for the whole clip keeps quiet and loud apart as they were, which dynamic normalisation does not.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use media_io::{ExactCut, Ffmpeg, file_argument};
use serde::{Deserialize, Serialize};

use crate::settings::LoudnessSettings;

/// Loudness as measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness in LUFS; never below -70, the gate of EBU R 128.
    pub integrated_lufs: f64,
    /// True peak in dBTP.
    pub true_peak_dbtp: f64,
}

/// Quieter than this is taken for silence, in LUFS: all that would be made audible is noise.
const SILENCE_LUFS: f64 = -60.0;

/// The most that sound is made louder, in dB: from there on noise becomes louder than speech ought to be.
const MAX_GAIN_DB: f64 = 30.0;

/// How much lower than asked the limiter holds the peaks, in dB: AAC adds about that much.
const CODEC_HEADROOM_DB: f64 = 0.8;

/// Good enough, in LU: a tenth of a LU is not heard, and what AAC changes is less than the rest of the LU allowed.
const TOLERANCE_LU: f64 = 0.2;

/// How often the gain is corrected for what the limiter took away. Two or three are enough for anything but noise bursts.
const MAX_ROUNDS: usize = 5;

/// The limiter works at four times the sample rate, as the measure of true peak does.
const OVERSAMPLED_HZ: u32 = 192_000;

/// How much is read at once, in bytes.
const READ_BYTES: usize = 8_192;

/// What is to be done to the sound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adjustment {
    /// As it was.
    pub(crate) before: Option<Loudness>,
    /// The filters, to be put after the cut's own; `None` where nothing is to be changed.
    pub(crate) filter: Option<String>,
    /// By how many LU the target will be missed, where that is more than heard.
    pub(crate) missed_by: Option<f64>,
}

/// Measures the sound of `cut` and finds what brings it to the target.
pub(crate) fn plan(
    ffmpeg: &Ffmpeg,
    cut: &ExactCut,
    settings: &LoudnessSettings,
    interrupt: &AtomicBool,
) -> Result<Adjustment, media_io::Error> {
    let untouched = |before| Adjustment { before, filter: None, missed_by: None };
    let Some(before) = measure_cut(ffmpeg, cut, None, interrupt)? else { return Ok(untouched(None)) };
    if !settings.normalise || before.integrated_lufs <= SILENCE_LUFS {
        return Ok(untouched(Some(before)));
    }
    let ceiling = settings.true_peak_dbtp - CODEC_HEADROOM_DB;
    let mut gain = (settings.integrated_lufs - before.integrated_lufs).min(MAX_GAIN_DB);
    if before.true_peak_dbtp + gain <= ceiling {
        let reached = before.integrated_lufs + gain;
        return Ok(adjustment(before, format!("volume={gain:.3}dB"), settings.integrated_lufs - reached));
    }
    // The limiter takes loudness away: find the gain that makes up for it. The last try is the closest.
    let mut filter = limited(gain, ceiling);
    let mut missing = f64::INFINITY;
    for _ in 0..MAX_ROUNDS {
        let Some(reached) = measure_cut(ffmpeg, cut, Some(&filter), interrupt)? else { break };
        missing = settings.integrated_lufs - reached.integrated_lufs;
        if missing.abs() <= TOLERANCE_LU || gain >= MAX_GAIN_DB {
            break;
        }
        gain = (gain + missing).min(MAX_GAIN_DB);
        filter = limited(gain, ceiling);
    }
    Ok(adjustment(before, filter, missing))
}

/// Measures the sound of a finished file; `None` where it has none.
pub(crate) fn measure_file(
    ffmpeg: &Ffmpeg,
    path: &Path,
    interrupt: &AtomicBool,
) -> Result<Option<Loudness>, media_io::Error> {
    measure(ffmpeg, vec!["-i".into(), file_argument(path)], "[0:a:0]anull", interrupt)
}

fn adjustment(before: Loudness, filter: String, missing: f64) -> Adjustment {
    let missed_by = (missing.abs() > 2.0 * TOLERANCE_LU).then_some(missing);
    Adjustment { before: Some(before), filter: Some(filter), missed_by }
}

fn limited(gain: f64, ceiling: f64) -> String {
    let limit = 10_f64.powf(ceiling / 20.0);
    let rate = ExactCut::SAMPLE_RATE.hertz();
    format!(
        "volume={gain:.3}dB,aresample={OVERSAMPLED_HZ},\
         alimiter=limit={limit:.5}:attack=5:release=50:level=false:latency=true,aresample={rate}"
    )
}

fn measure_cut(
    ffmpeg: &Ffmpeg,
    cut: &ExactCut,
    filter: Option<&str>,
    interrupt: &AtomicBool,
) -> Result<Option<Loudness>, media_io::Error> {
    let Some((pad, own)) = cut.audio_pad().zip(cut.audio_filter()) else { return Ok(None) };
    let rest = filter.map(|filter| format!(",{filter}")).unwrap_or_default();
    let mut arguments: Vec<OsString> = vec!["-vn".into()];
    arguments.extend(cut.input_arguments());
    measure(ffmpeg, arguments, &format!("{pad}{own}{rest}"), interrupt)
}

fn measure(
    ffmpeg: &Ffmpeg,
    mut arguments: Vec<OsString>,
    chain: &str,
    interrupt: &AtomicBool,
) -> Result<Option<Loudness>, media_io::Error> {
    let graph = format!("{chain},ebur128=peak=true:metadata=1,ametadata=mode=print:file=-[measured]");
    arguments
        .extend(["-filter_complex", &graph, "-map", "[measured]", "-f", "null", "-"].map(OsString::from));
    // What ebur128 says of itself every 100 ms comes under "info", which is not let through.
    let mut pipe = ffmpeg.open_pipe(arguments)?;
    let mut reading = Reading::default();
    let mut pending = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        if interrupt.load(Ordering::Relaxed) {
            return Err(media_io::Error::Interrupted);
        }
        let Ok(count @ 1..) = pipe.read(&mut buffer) else { break };
        pending.extend_from_slice(&buffer[..count]);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            reading.push_line(String::from_utf8_lossy(&line).trim());
        }
    }
    pipe.finish()?;
    reading.push_line(String::from_utf8_lossy(&pending).trim());
    Ok(reading.loudness())
}

/// Collects what ebur128 says as it goes; the last is that of the whole.
#[derive(Debug, Default)]
struct Reading {
    integrated_lufs: Option<f64>,
    /// Amplitude, 1 is full scale.
    true_peak: Option<f64>,
}

impl Reading {
    fn push_line(&mut self, line: &str) {
        let Some((key, value)) = line.strip_prefix("lavfi.r128.").and_then(|line| line.split_once('='))
        else {
            return;
        };
        let Some(value) = value.parse::<f64>().ok().filter(|value| value.is_finite()) else { return };
        if key == "I" {
            self.integrated_lufs = Some(value);
        } else if key.starts_with("true_peaks_ch") {
            self.true_peak = Some(self.true_peak.map_or(value, |peak| peak.max(value)));
        }
    }

    fn loudness(&self) -> Option<Loudness> {
        let (integrated_lufs, peak) = (self.integrated_lufs?, self.true_peak?);
        // -120 dB stands for digital silence.
        Some(Loudness { integrated_lufs, true_peak_dbtp: 20.0 * peak.max(1e-6).log10() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_loudness_and_the_highest_peak_count() {
        let mut reading = Reading::default();
        for line in [
            "frame:0 pts:0 pts_time:0",
            "lavfi.r128.I=-70.000",
            "lavfi.r128.true_peaks_ch0=0.500",
            "lavfi.r128.true_peaks_ch1=0.100",
            "lavfi.r128.I=nan",
            "lavfi.r128.I=-20.500",
            "lavfi.r128.true_peaks_ch0=0.250",
        ] {
            reading.push_line(line);
        }
        let loudness = reading.loudness().unwrap();
        assert_eq!(loudness.integrated_lufs, -20.5);
        assert!((loudness.true_peak_dbtp + 6.02).abs() < 0.01);
        assert_eq!(Reading::default().loudness(), None);
    }
}
