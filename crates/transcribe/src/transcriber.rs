//! The border between those who want words and those who recognise them.

use std::sync::atomic::AtomicBool;

use timeline::{MediaDuration, Transcript};

use crate::{Error, SpeechAudio};

/// What may change from call to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TranscribeOptions {
    /// ISO 639-1 code of the language spoken; `None` detects it in the first voice of the call.
    pub language: Option<String>,
}

/// How far a transcription is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sound recognised so far, silence left out.
    pub done: MediaDuration,
    /// Sound to recognise in all, silence left out.
    pub total: MediaDuration,
}

/// Something that turns speech into words with times.
///
/// It blocks while it works: an async caller puts it on a thread of its own.
pub trait Transcriber: Send {
    /// What it is, for logs and reports: the backend and the model.
    fn name(&self) -> &str;

    /// The words spoken in `audio`, on its own timeline and in order of time. Nothing outside `audio` is ever
    /// reported; stretches without a voice give no words.
    ///
    /// `interrupt` is looked at all the time; `progress` is called after every window of sound.
    ///
    /// # Errors
    /// [`Error::Interrupted`] soon after `interrupt` becomes true; otherwise what the backend meets.
    fn transcribe(
        &mut self,
        audio: &[SpeechAudio],
        options: &TranscribeOptions,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Transcript, Error>;
}

impl<T: Transcriber + ?Sized> Transcriber for Box<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn transcribe(
        &mut self,
        audio: &[SpeechAudio],
        options: &TranscribeOptions,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Transcript, Error> {
        (**self).transcribe(audio, options, interrupt, progress)
    }
}
