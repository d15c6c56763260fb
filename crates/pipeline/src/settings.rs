//! How a recording is to be processed. All that changes the result is here; two runs with equal settings are the same run.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use highlight_detect::RankOptions;
use highlight_detect::lexicon::{Lexicon, Overlay};
use render::RenderSettings;
use serde::{Deserialize, Serialize};
use timeline::{Digest, FrameRate, MediaDuration, StreamerName};

use crate::Error;
use crate::fingerprint::digest_of;

/// Everything that decides what comes out of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Whose stream it is.
    pub streamer: StreamerName,
    /// What the stream is called, for the posting text; empty if unknown.
    pub title: String,
    /// How moments are chosen and cut.
    pub rank: RankOptions,
    /// Which words are exciting.
    pub lexicon: LexiconSettings,
    /// Chat of the stream, in the form of the machine contract.
    pub chat: Option<InputFile>,
    /// Whether the chat of a finished broadcast is asked for around its moments.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sampled_chat: bool,
    /// What is said, in the form of the machine contract; nobody listens for words then.
    pub transcript: Option<InputFile>,
    /// How speech is recognised; `None` if it is not.
    pub speech: Option<SpeechSettings>,
    /// Why speech is not recognised, with the remedy, for the report.
    pub no_speech_reason: Option<String>,
    /// How clips look.
    pub render: RenderSettings,
    /// Frames a second of clips; `None` follows the source (30 or 60).
    pub rate: Option<FrameRate>,
    /// What the stream is filed under, for the posting text; empty if unknown.
    #[serde(default)]
    pub category: String,
    /// The template of the posting text.
    pub description_template: String,
    /// The hashtags of the posting text, without their sign.
    #[serde(default)]
    pub hashtags: Vec<String>,
}

/// A file that is read beside the recording. Another content makes another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    path: PathBuf,
    content: Digest,
}

impl InputFile {
    /// The file at `path` with what it holds now.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let read = || Error::file("read", path);
        let content = digest_of(&[&fs_err::read(path).map_err(read())?]);
        Ok(Self { path: fs_err::canonicalize(path).map_err(read())?, content })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Which words are exciting, and how much.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LexiconSettings {
    /// A whole lexicon in TOML in place of the one compiled in.
    pub replacement: Option<String>,
    /// Changes, in order: the user's, then the streamer's.
    pub overlays: Vec<Overlay>,
    /// Only patterns of these languages (ISO 639-1); all if empty.
    pub languages: Vec<String>,
}

impl LexiconSettings {
    /// The lexicon.
    ///
    /// # Errors
    /// [`Error::Lexicon`] with the pattern at fault.
    pub fn build(&self) -> Result<Lexicon, Error> {
        let mut lexicon = match &self.replacement {
            Some(text) => Lexicon::from_toml(text)?,
            None => Lexicon::builtin(),
        };
        for overlay in &self.overlays {
            lexicon = lexicon.with_overlay(overlay)?;
        }
        if !self.languages.is_empty() {
            let codes: Vec<&str> = self.languages.iter().map(String::as_str).collect();
            lexicon = lexicon.for_languages(&codes);
        }
        Ok(lexicon)
    }
}

/// How speech is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechSettings {
    /// The model file.
    pub model: PathBuf,
    /// ISO 639-1 code, or `None` to detect the language.
    pub language: Option<String>,
    /// Threads; `None` for one fewer than there are cores.
    pub threads: Option<NonZeroUsize>,
    /// Whether to use a graphics card where the build has support.
    pub gpu: bool,
    /// At most this much sound is transcribed, the most promising first; `None` for no limit.
    pub budget: Option<MediaDuration>,
}
