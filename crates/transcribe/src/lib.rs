//! Speech to words with times: whisper.cpp behind a small trait.
//!
//! A [`Transcriber`] is given stretches of 16 kHz mono sound, each with its place on the media timeline, and gives back the
//! words spoken in them on the same timeline. [`WhisperTranscriber`] is the one that ships.
//!
//! What it does around Whisper:
//! * **Voice activity first** ([`VoiceDetector`], the bundled Silero network). Silence, noise and music are never sent to
//!   Whisper, which would write something over them. What is voiced is packed into windows of at most 30 s, the length
//!   Whisper encodes whatever it is given; long talk is cut at its pauses.
//! * **Word times.** Whisper's own time marks, the attention of its decoder, the voice, and how long a word takes to say
//!   are weighed against one another, and the layout of words that contradicts them least is taken. On the nano model's
//!   demos words are at most 0.16 s off (`tests/speech.rs`); of 1164 words of synthetic talk and shouting in noise that
//!   the weights were not fitted on, half began within 0.04 s and 99 of 100 within 0.25 s.
//! * **Guards.** Sentences that are unsure, outside all voice, looping, too fast, or well-known inventions of Whisper said
//!   by a faint voice are left out.
//!
//! Model files come from [`ModelStore`], by the names of the published [`Catalogue`].
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use timeline::MediaTime;
//! use transcribe::{SpeechAudio, TranscribeOptions, Transcriber, WhisperOptions, WhisperTranscriber};
//!
//! # fn main() -> Result<(), transcribe::Error> {
//! let mut whisper = WhisperTranscriber::load(&WhisperOptions::new("ggml-base.en.bin".into()))?;
//! let audio = SpeechAudio { at: MediaTime::from_secs(90), samples: vec![0.0; 16_000] };
//! let transcript =
//!     whisper.transcribe(&[audio], &TranscribeOptions::default(), &AtomicBool::new(false), &mut |_| {})?;
//! assert!(transcript.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Features: `cuda`, `metal` and `vulkan` build whisper.cpp for a graphics card. Building needs a C++ compiler and cmake.

mod assemble;
mod audio;
mod catalogue;
mod error;
mod guard;
mod hints;
mod layout;
mod model_file;
mod store;
mod timing;
mod tokens;
mod transcriber;
mod voice;
mod whisper;
mod window;

pub use audio::{SAMPLE_RATE, SpeechAudio};
pub use catalogue::{Catalogue, ModelEntry};
pub use error::{Cause, Error};
pub use store::{DownloadProgress, ModelStatus, ModelStore};
pub use transcriber::{Progress, TranscribeOptions, Transcriber};
pub use voice::{VoiceActivity, VoiceDetector};
pub use whisper::{WhisperOptions, WhisperTranscriber};
