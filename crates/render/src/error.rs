//! What can go wrong, by what it means for the caller.

use std::io;
use std::path::PathBuf;

/// Why a clip could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source has sound only.
    #[error("{} has no video track: highlights can be found in it, but there is no picture to make a clip of", path.display())]
    NoVideo {
        /// The source.
        path: PathBuf,
    },
    /// A setting is out of its range.
    #[error("render setting {key} is {value}: it must be {expected}")]
    Setting {
        /// Its name, with the names of the sections it is in.
        key: &'static str,
        /// What it was set to.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// The logo cannot be used.
    #[error("the logo {} cannot be read as a picture: set logo.path to a PNG file", path.display())]
    Logo {
        /// Its path.
        path: PathBuf,
        /// What ffmpeg said.
        source: media_io::Error,
    },
    /// The encoder asked for does not work on this machine.
    #[error("the video encoder {encoder} does not work here: choose \"auto\" or \"libx264\"")]
    EncoderUnusable {
        /// ffmpeg's name of it.
        encoder: &'static str,
        /// What ffmpeg said.
        source: media_io::Error,
    },
    /// ffmpeg has neither a hardware encoder that works nor libx264.
    #[error(
        "this ffmpeg cannot encode H.264: install one that has libx264 (`apt install ffmpeg` or `brew install ffmpeg`)"
    )]
    NoEncoder {
        /// What ffmpeg said of libx264.
        source: media_io::Error,
    },
    /// The temporary folder for fonts and captions cannot be used.
    #[error("the temporary folder cannot be written: free some space, or set TMPDIR to a folder that can")]
    Temporary {
        /// Why.
        source: io::Error,
    },
    /// The temporary folder's path is no Unicode text, which ffmpeg's filters need.
    #[error("the temporary folder {} has a name that is not Unicode: set TMPDIR to another", path.display())]
    TemporaryName {
        /// The folder.
        path: PathBuf,
    },
    /// The finished clip cannot be read back.
    #[error("the finished clip {} cannot be read", path.display())]
    Output {
        /// The clip.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// ffmpeg failed, or the caller asked to stop.
    #[error(transparent)]
    Media(#[from] media_io::Error),
}

impl Error {
    /// Whether the caller itself asked to stop.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Media(error) if error.is_interrupted())
    }
}
