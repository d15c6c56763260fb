//! Speech to words with times: whisper.cpp behind a small trait.
//!
//! A [`Transcriber`] is given stretches of 16 kHz mono sound, each with its place on the media timeline, and gives back the
//! words spoken in them on the same timeline. [`WhisperTranscriber`] is the one that ships.
//!
//! What it does around Whisper:
//! * **Voice activity first** ([`VoiceDetector`], the bundled Silero network). Silence, noise and music are never sent to
//!   Whisper, which would write something over them. What is voiced is packed into windows of at most 30 s, the length
//!   Whisper encodes whatever it is given; long talk is cut at its pauses.
//! * **Word times.** Sentences begin and end at Whisper's own time marks; inside them words end where the attention of
//!   the decoder moves on; borders that fall into silence move to where the voice begins or ends. On the nano model's
//!   demos sentences start at most 0.08 s and end at most 0.14 s off, words at most 0.15 s (`tests/speech.rs`).
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
