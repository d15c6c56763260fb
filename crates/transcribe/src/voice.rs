//! Voice activity: where somebody speaks, by the bundled Silero network.

use std::fmt;
use std::io::{self, Seek as _, Write as _};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{WhisperVadContext, WhisperVadContextParams};

use crate::Error;
use crate::audio::SAMPLES_PER_SECOND;

/// Silero VAD v6.2.0 in whisper.cpp's format, MIT; see `assets/README.md`.
static SILERO: &[u8] = include_bytes!("../assets/silero-vad.ggml.bin");

/// Samples the network judges at once: 32 ms.
const FRAME: usize = 512;
/// Sound given to the network in one call, in samples: 30 s, so that an interrupt is seen within a tenth of a second.
const BATCH: usize = 30 * SAMPLES_PER_SECOND / FRAME * FRAME;
/// Sound heard again before every batch, in samples: 1 s, which the network's memory needs to settle.
const WARM_UP: usize = SAMPLES_PER_SECOND / FRAME * FRAME;

/// A frame above this starts a voiced region. Silero's own default.
const ENTER: f32 = 0.5;
/// A voiced region goes on while frames stay above this. Silero's own default: 0.15 under [`ENTER`].
const STAY: f32 = 0.35;
/// Shorter regions are clicks, in samples: 96 ms. A short "no!" takes twice as long.
const SHORTEST_VOICE: usize = 3 * FRAME;
/// Shorter silences belong to the word around them, in samples: 96 ms, the closure of a plosive.
const SHORTEST_SILENCE: usize = 3 * FRAME;

/// Finds voice in 16 kHz mono sound. Always runs on one thread: the network is too small to share, and ggml's
/// threads spin while they wait for one another.
pub struct VoiceDetector {
    context: WhisperVadContext,
}

impl fmt::Debug for VoiceDetector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VoiceDetector")
    }
}

/// The network as a file, which whisper.cpp wants. Where the system can open a file by its descriptor, it has no name, so
/// that nothing is left behind however the process ends.
struct NetworkFile {
    #[cfg(unix)]
    #[expect(clippy::disallowed_types, reason = "tempfile gives it, and it has no name to tell")]
    file: std::fs::File,
    #[cfg(not(unix))]
    file: tempfile::NamedTempFile,
}

impl NetworkFile {
    fn new() -> io::Result<Self> {
        #[cfg(unix)]
        let mut file = tempfile::tempfile()?;
        #[cfg(not(unix))]
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(SILERO)?;
        file.flush()?;
        // Where opening a descriptor shares its position, reading begins here.
        file.rewind()?;
        Ok(Self { file })
    }

    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere the path may be refused")]
    fn path(&self) -> Result<String, Error> {
        use std::os::fd::AsRawFd as _;
        Ok(format!("/dev/fd/{}", self.file.as_raw_fd()))
    }

    #[cfg(not(unix))]
    fn path(&self) -> Result<String, Error> {
        let path = self.file.path();
        path.to_str().map(str::to_owned).ok_or_else(|| Error::VoiceDetection {
            source: format!("the temporary directory {} is not UTF-8", path.display()).into(),
        })
    }
}

impl VoiceDetector {
    /// With the bundled network.
    ///
    /// # Errors
    /// [`Error::Io`] where the temporary directory cannot be written (whisper.cpp reads the network from a file, which
    /// is gone again on return); [`Error::VoiceDetection`] where whisper.cpp refuses it.
    pub fn bundled() -> Result<Self, Error> {
        whisper_rs::install_logging_hooks();
        let file = NetworkFile::new()?;
        let path = file.path()?;
        let mut parameters = WhisperVadContextParams::default();
        parameters.set_n_threads(1);
        parameters.set_use_gpu(false);
        let context = WhisperVadContext::new(&path, parameters)
            .map_err(|error| Error::VoiceDetection { source: Box::new(error) })?;
        Ok(Self { context })
    }

    /// How likely a voice is in each frame of `samples`.
    ///
    /// # Errors
    /// [`Error::Interrupted`]; [`Error::VoiceDetection`] where the network fails.
    pub fn detect(&mut self, samples: &[f32], interrupt: &AtomicBool) -> Result<VoiceActivity, Error> {
        let mut probabilities = Vec::with_capacity(samples.len().div_ceil(FRAME));
        for from in (0..samples.len()).step_by(BATCH) {
            if interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            let heard_from = from.saturating_sub(WARM_UP);
            let until = (from + BATCH).min(samples.len());
            self.context
                .detect_speech(&samples[heard_from..until])
                .map_err(|error| Error::VoiceDetection { source: Box::new(error) })?;
            probabilities.extend(self.context.probabilities().iter().skip((from - heard_from) / FRAME));
        }
        Ok(VoiceActivity { probabilities, length: samples.len() })
    }
}

/// How likely a voice is, frame by frame. All positions are samples of the sound it was found in.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceActivity {
    probabilities: Vec<f32>,
    length: usize,
}

impl VoiceActivity {
    #[cfg(test)]
    pub(crate) fn for_test(probabilities: Vec<f32>, length: usize) -> Self {
        Self { probabilities, length }
    }

    /// The voiced regions, in order and apart.
    #[must_use]
    pub fn regions(&self) -> Vec<Range<usize>> {
        let mut regions: Vec<Range<usize>> = Vec::new();
        let mut begun: Option<usize> = None;
        let frames = self.probabilities.iter().copied().chain(std::iter::once(0.0));
        for (index, probability) in frames.enumerate() {
            let position = (index * FRAME).min(self.length);
            match begun {
                None if probability >= ENTER => begun = Some(position),
                Some(start) if probability < STAY => {
                    begun = None;
                    match regions.last_mut() {
                        Some(last) if start - last.end < SHORTEST_SILENCE => last.end = position,
                        _ => regions.push(start..position),
                    }
                }
                None | Some(_) => {}
            }
        }
        regions.retain(|region| region.len() >= SHORTEST_VOICE);
        regions
    }

    /// The mean probability of a voice in `range`; 0 where it is empty.
    #[must_use]
    pub fn mean(&self, range: Range<usize>) -> f32 {
        let frames = self.frames(range);
        if frames.is_empty() { 0.0 } else { frames.iter().sum::<f32>() / frames.len() as f32 }
    }

    /// The middle of the frame in `range` where a voice is least likely; of equals, the last.
    #[must_use]
    pub fn quietest(&self, range: Range<usize>) -> usize {
        let first = range.start / FRAME;
        let quietest = self
            .frames(range.clone())
            .iter()
            .enumerate()
            .min_by(|(left, one), (right, two)| one.total_cmp(two).then(right.cmp(left)))
            .map_or(0, |(index, _)| index);
        ((first + quietest) * FRAME + FRAME / 2).clamp(range.start, range.end)
    }

    fn frames(&self, range: Range<usize>) -> &[f32] {
        let last = range.end.div_ceil(FRAME).min(self.probabilities.len());
        &self.probabilities[(range.start / FRAME).min(last)..last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(probabilities: &[f32]) -> VoiceActivity {
        VoiceActivity { probabilities: probabilities.to_vec(), length: probabilities.len() * FRAME }
    }

    #[test]
    fn short_dips_are_bridged_and_clicks_ignored() {
        let found = activity(&[0.0, 0.9, 0.0, 0.0, 0.0, 0.9, 0.9, 0.4, 0.1, 0.9, 0.9, 0.1, 0.1]).regions();
        assert_eq!(found, std::slice::from_ref(&(5 * FRAME..11 * FRAME)));
    }

    #[test]
    fn a_voice_that_goes_on_to_the_end_ends_there() {
        let mut voice = activity(&[0.0, 0.9, 0.9, 0.9, 0.9]);
        voice.length -= 100;
        assert_eq!(voice.regions(), std::slice::from_ref(&(FRAME..5 * FRAME - 100)));
    }

    #[test]
    fn the_quietest_frame_lies_in_the_range() {
        let voice = activity(&[0.0, 0.9, 0.5, 0.7, 0.0]);
        assert_eq!(voice.quietest(FRAME..4 * FRAME), 2 * FRAME + FRAME / 2);
        assert!((voice.mean(FRAME..3 * FRAME) - 0.7).abs() < 1e-6);
        assert!(voice.mean(0..0).abs() < 1e-6);
    }

    #[test]
    fn batches_join_without_a_seam() {
        let mut detector = VoiceDetector::bundled().expect("bundled");
        let silence = vec![0.0; BATCH + 3 * FRAME + 17];
        let voice = detector.detect(&silence, &AtomicBool::new(false)).expect("runs");
        assert_eq!(voice.probabilities.len(), silence.len().div_ceil(FRAME));
        assert_eq!(voice.regions(), []);
        assert!(detector.detect(&silence, &AtomicBool::new(true)).expect_err("interrupted").is_interrupted());
    }
}
