//! The whisper.cpp backend.

mod interrupt;
mod recognise;

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use timeline::Transcript;
use whisper_rs::{DtwMode, DtwModelPreset, DtwParameters, WhisperContext, WhisperContextParameters};

use self::interrupt::with_relay;
pub(crate) use self::recognise::Heard;
use self::recognise::Recogniser;
use crate::assemble::assemble;
use crate::audio::duration_of;
use crate::model_file::{self, ModelHeader};
use crate::voice::{VoiceActivity, VoiceDetector};
use crate::window::{Window, pack, voiced_stretches};
use crate::{Error, Progress, SpeechAudio, TranscribeOptions, Transcriber};

/// More threads than this gain nothing: the decoder works token by token.
const MOST_THREADS: usize = 8;
/// Room for the matrices of the attention times, in bytes. 224 tokens, 23 heads (large-v2) and 1500 positions take
/// 31 MB, four times over; whisper.cpp ends the process where it is short. Pages that are not used cost nothing.
const ATTENTION_MEMORY: usize = 256 << 20;
/// Models that are not OpenAI's own have no list of alignment heads; all heads are averaged if they are few enough for
/// [`ATTENTION_MEMORY`].
const MOST_ALIGNMENT_HEADS: u32 = 24;

/// How to load a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhisperOptions {
    /// A model in whisper.cpp's ggml format.
    pub model: PathBuf,
    /// Threads to recognise on; `None` for one fewer than there are cores, up to 8. More than there are cores are never
    /// used: ggml's threads spin while they wait, so two of them on one core stand in each other's way, and so does one
    /// with whatever else runs on its core. On two busy cores, two threads took ten times as long as one.
    pub threads: Option<NonZeroUsize>,
    /// Whether to use a graphics card, where the crate is built with `cuda`, `metal` or `vulkan`.
    pub gpu: bool,
}

impl WhisperOptions {
    /// The model at `path`, on all cores but one, on the graphics card where there is support for one.
    #[must_use]
    pub const fn new(model: PathBuf) -> Self {
        Self { model, threads: None, gpu: true }
    }
}

/// Recognises speech with whisper.cpp, held in bounds by voice activity.
///
/// whisper.cpp looks for an interrupt after every pass of its encoder and of its decoder, so the answer to one takes at
/// most as long as encoding a window does: tenths of a second with a small model, many seconds with a large one and no
/// graphics card.
pub struct WhisperTranscriber {
    name: String,
    path: PathBuf,
    header: ModelHeader,
    context: WhisperContext,
    detector: VoiceDetector,
    threads: NonZeroUsize,
}

impl fmt::Debug for WhisperTranscriber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WhisperTranscriber")
            .field("name", &self.name)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl WhisperTranscriber {
    /// Loads a model, after looking through the file.
    ///
    /// # Errors
    /// [`Error::ModelMissing`], [`Error::ModelDamaged`], [`Error::ModelLoad`], [`Error::VoiceDetection`], and
    /// [`Error::Io`] where the file cannot be read.
    pub fn load(options: &WhisperOptions) -> Result<Self, Error> {
        // What whisper.cpp says goes to `tracing`, never to the terminal.
        whisper_rs::install_logging_hooks();
        let header = model_file::check(&options.model)?;
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(options.gpu && cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan")));
        parameters
            .dtw_parameters(DtwParameters { mode: alignment_of(header), dtw_mem_size: ATTENTION_MEMORY });
        let context = WhisperContext::new_with_params(&options.model, parameters)
            .map_err(|error| Error::ModelLoad { path: options.model.clone(), source: Box::new(error) })?;
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let spare = cores.get().saturating_sub(1).clamp(1, MOST_THREADS);
        let wanted = options.threads.map_or(spare, NonZeroUsize::get);
        Ok(Self {
            name: format!("whisper.cpp {}, {}", whisper_rs::WHISPER_CPP_VERSION, model_name(&options.model)),
            path: options.model.clone(),
            header,
            context,
            detector: VoiceDetector::bundled()?,
            threads: cores.min(NonZeroUsize::new(wanted).unwrap_or(NonZeroUsize::MIN)),
        })
    }

    /// Whether it knows more languages than English.
    #[must_use]
    pub const fn is_multilingual(&self) -> bool {
        self.header.is_multilingual()
    }

    /// The language to tell Whisper; `None` where it is to detect it.
    fn language(&self, options: &TranscribeOptions) -> Result<Option<&'static str>, Error> {
        let Some(wanted) = &options.language else {
            return Ok((!self.is_multilingual()).then_some("en"));
        };
        let known = (!wanted.contains('\0'))
            .then(|| whisper_rs::get_lang_id(&wanted.to_lowercase()))
            .flatten()
            .and_then(whisper_rs::get_lang_str)
            .ok_or_else(|| Error::UnknownLanguage { language: wanted.clone() })?;
        if !self.is_multilingual() && known != "en" {
            return Err(Error::EnglishOnly { path: self.path.clone(), language: wanted.clone() });
        }
        Ok(Some(known))
    }

    fn voices(&mut self, audio: &[SpeechAudio], interrupt: &AtomicBool) -> Result<Vec<VoiceActivity>, Error> {
        audio.iter().map(|stretch| self.detector.detect(&stretch.samples, interrupt)).collect()
    }
}

impl Transcriber for WhisperTranscriber {
    fn name(&self) -> &str {
        &self.name
    }

    fn transcribe(
        &mut self,
        audio: &[SpeechAudio],
        options: &TranscribeOptions,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Transcript, Error> {
        let language = self.language(options)?;
        let voices = self.voices(audio, interrupt)?;
        let windows = pack(voices.iter().zip(audio).enumerate().flat_map(|(source, (voice, stretch))| {
            voiced_stretches(voice, stretch.samples.len()).into_iter().map(move |range| (source, range))
        }));
        let total = windows.iter().map(Window::sound).sum();
        let mut done = 0;
        let mut report = |done| progress(Progress { done: duration_of(done), total: duration_of(total) });
        report(0);
        if windows.is_empty() {
            return Ok(Transcript { language: None, segments: Vec::new() });
        }
        with_relay(interrupt, |relay| {
            let mut recogniser = Recogniser::new(&self.context, language, self.threads, relay)?;
            let mut transcript = Transcript::default();
            for window in &windows {
                if interrupt.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
                let heard = recogniser.hear(&window.render(audio));
                if interrupt.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
                let spoken = assemble(window, &heard?, recogniser.language(), audio, &voices);
                transcript.segments.extend(spoken);
                done += window.sound();
                report(done);
            }
            transcript.segments.sort_by_key(|segment| segment.span);
            transcript.language = recogniser.language().map(str::to_owned);
            Ok(transcript)
        })
    }
}

fn model_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("ggml-").unwrap_or(&stem).to_owned()
}

/// Which attention heads tell times: OpenAI's published ones where the dimensions are those of a published model.
fn alignment_of(header: ModelHeader) -> DtwMode<'static> {
    let preset = match (header.audio_layers, header.text_layers, header.vocabulary) {
        (4, 4, 51_864) => DtwModelPreset::TinyEn,
        (4, 4, 51_865) => DtwModelPreset::Tiny,
        (6, 6, 51_864) => DtwModelPreset::BaseEn,
        (6, 6, 51_865) => DtwModelPreset::Base,
        (12, 12, 51_864) => DtwModelPreset::SmallEn,
        (12, 12, 51_865) => DtwModelPreset::Small,
        (24, 24, 51_864) => DtwModelPreset::MediumEn,
        (24, 24, 51_865) => DtwModelPreset::Medium,
        (32, 32, 51_865) => DtwModelPreset::LargeV2,
        (32, 32, 51_866) => DtwModelPreset::LargeV3,
        (32, 4, 51_866) => DtwModelPreset::LargeV3Turbo,
        (_, layers, _) if layers * header.text_heads <= MOST_ALIGNMENT_HEADS => {
            return DtwMode::TopMost { n_top: i32::try_from(layers).unwrap_or(1) };
        }
        _ => return DtwMode::None,
    };
    DtwMode::ModelPreset { model_preset: preset }
}
