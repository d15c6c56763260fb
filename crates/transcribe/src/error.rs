//! What can go wrong.

use std::path::PathBuf;

/// A cause from a library below, kept for the chain of sources.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a transcription, a model file or a download failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file at the model's path.
    #[error("no speech model at {}; `model download NAME` fetches one", path.display())]
    ModelMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is not a whisper model, or part of it is missing.
    #[error("{} is not a whole ggml Whisper model: {detail}; fetch it again", path.display())]
    ModelDamaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file looks right but whisper.cpp does not take it: a lack of memory, mostly.
    #[error("cannot load the speech model {}; a smaller model needs less memory", path.display())]
    ModelLoad {
        /// The file.
        path: PathBuf,
        /// What whisper.cpp said.
        source: Cause,
    },
    /// The bundled voice activity network does not start.
    #[error("cannot start voice activity detection")]
    VoiceDetection {
        /// What whisper.cpp said.
        source: Cause,
    },
    /// A language code that Whisper does not know.
    #[error(
        "Whisper knows no language `{language}`; give an ISO 639-1 code such as `en` or `es`, or none to detect it"
    )]
    UnknownLanguage {
        /// The code given.
        language: String,
    },
    /// A model for English was asked for another language.
    #[error("{} knows English only, not `{language}`; use a model whose name does not end in `.en`", path.display())]
    EnglishOnly {
        /// The model.
        path: PathBuf,
        /// The language asked for.
        language: String,
    },
    /// whisper.cpp failed while recognising.
    #[error("speech recognition failed")]
    Recognition {
        /// What whisper.cpp said.
        source: Cause,
    },
    /// The caller set the interrupt flag.
    #[error("interrupted")]
    Interrupted,
    /// A name that the catalogue does not hold.
    #[error("there is no model `{name}`; known are: {known}")]
    UnknownModel {
        /// The name given.
        name: String,
        /// The names of the catalogue, separated by commas.
        known: String,
    },
    /// The server answered with a status that a second try does not mend.
    #[error("{url} answered {status}; check the base address of the models")]
    DownloadRefused {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Every try ended early; what has arrived is kept and the next call goes on from there.
    #[error("the download of {url} broke off after {tries} tries without progress; run it again to resume")]
    DownloadBroken {
        /// What was asked for.
        url: String,
        /// Tries since the last byte arrived.
        tries: u32,
        /// What ended the last one.
        source: Cause,
    },
    /// The whole file arrived, but it is another one than was published. It has been removed.
    #[error(
        "the file from {url} has SHA-1 {actual}, but `{name}` is published with {expected}; it was removed"
    )]
    ChecksumMismatch {
        /// The model.
        name: String,
        /// Where it came from.
        url: String,
        /// The published checksum, in hexadecimal.
        expected: String,
        /// What arrived.
        actual: String,
    },
    /// A file or directory could not be read or written; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Whether this is [`Error::Interrupted`], which is a wish and not a failure.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted)
    }
}
