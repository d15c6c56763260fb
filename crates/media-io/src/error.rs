//! What can go wrong, by what it means for the caller.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use timeline::Span;

use crate::ffmpeg::{FfmpegVersion, MINIMUM_VERSION};

/// Why a medium could not be read, decoded, cut or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file.
    #[error("{} does not exist: check the path", path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
        /// What the system said; the message needs no more than the path.
        cause: io::Error,
    },
    /// The path is a directory, not a file.
    #[error("{} is a directory: name a media file in it", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file has no bytes.
    #[error("{} is empty: it holds no media", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else than sound or moving pictures.
    #[error("{} is not a media file that can be read: {detail}", path.display())]
    NotMedia {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// The file ends before the index that is needed to read it.
    #[error("{} is cut off: its index (moov atom) is missing or incomplete, so copy or record it again to the end", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// The file has no sound.
    #[error("{} has no audio track", path.display())]
    NoAudio {
        /// The file.
        path: PathBuf,
    },
    /// The file has fewer audio tracks than asked for.
    #[error("{} has no audio track {index}: it has {count}, counted from 0", path.display())]
    NoSuchTrack {
        /// The file.
        path: PathBuf,
        /// The track asked for, counted from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Only ffmpeg can decode the file's sound, and it was not to be used.
    #[error("{} cannot be decoded without ffmpeg ({detail}): {INSTALL_HINT}", path.display())]
    NeedsFfmpeg {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        detail: String,
    },
    /// The file has no moving picture.
    #[error("{} has no video track", path.display())]
    NoVideo {
        /// The file.
        path: PathBuf,
    },
    /// A span of no length was asked for.
    #[error("the span {span} is shorter than one frame: its end must lie after its start")]
    EmptySpan {
        /// The span asked for.
        span: Span,
    },
    /// A span was asked for that the medium does not hold.
    #[error("the span {span} is not inside {}, which holds {held}", path.display())]
    SpanOutside {
        /// The file.
        path: PathBuf,
        /// The span asked for.
        span: Span,
        /// What there is.
        held: Span,
    },
    /// No `ffmpeg` or `ffprobe` was found.
    #[error("{} was not found: install ffmpeg {MINIMUM_VERSION} or later ({INSTALL_HINT}), or name it in the configuration", program.display())]
    FfmpegMissing {
        /// The program looked for.
        program: PathBuf,
    },
    /// The program is there but is no ffmpeg that works.
    #[error("{} does not work as an ffmpeg program ({detail}): install ffmpeg {MINIMUM_VERSION} or later ({INSTALL_HINT})", program.display())]
    FfmpegUnusable {
        /// The program.
        program: PathBuf,
        /// What it did.
        detail: String,
    },
    /// The ffmpeg found is older than [`MINIMUM_VERSION`].
    #[error("{} is version {found}, but {MINIMUM_VERSION} or later is needed: {INSTALL_HINT}", program.display())]
    FfmpegTooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        found: FfmpegVersion,
    },
    /// ffmpeg ran and failed.
    #[error("{0}")]
    Ffmpeg(Box<FfmpegFailure>),
    /// There is no room for the output.
    #[error("no space left to write {}: free some, or choose another folder", path.display())]
    NoSpace {
        /// The file that was being written.
        path: PathBuf,
        /// What was being done.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file may not be read or written.
    #[error("no permission for {}: mend its permissions, or choose another folder", path.display())]
    PermissionDenied {
        /// The file.
        path: PathBuf,
        /// What was being done.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The folder that the output should go to is not there, or the output is a folder itself.
    #[error("{} cannot be written: it must be a file in a folder that exists", path.display())]
    Output {
        /// The output asked for.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Reading or writing failed otherwise.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How to get an ffmpeg, in one line.
pub(crate) const INSTALL_HINT: &str = "`apt install ffmpeg` or `brew install ffmpeg`";

impl Error {
    /// Whether the caller itself asked to stop.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted)
    }

    /// The failure of reading `path`, by its meaning.
    pub(crate) fn reading(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path, cause: source },
            io::ErrorKind::IsADirectory => Self::Directory { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path, source: source.into() },
            _ => Self::Io { path, source },
        }
    }

    /// The failure of writing `path`, by its meaning.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { path, source: source.into() }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied { path, source: source.into() }
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                Self::Output { path, source }
            }
            _ => Self::Io { path, source },
        }
    }
}

/// What ffmpeg was told, how it ended and the last it said.
#[derive(Debug)]
pub struct FfmpegFailure {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// How it ended.
    pub status: ExitStatus,
    /// The end of its standard error, some 40 lines at most.
    pub stderr: String,
}

impl FfmpegFailure {
    /// The line of standard error that says most: the last one that is not ffmpeg's own closing remark.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        let lines = || self.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        let closing =
            |line: &&str| line.starts_with("Conversion failed") || line.contains("last message repeated");
        lines().rev().find(|line| !closing(line)).or_else(|| lines().next_back())
    }

    /// The command as a person would type it, for a log.
    #[must_use]
    pub fn command_line(&self) -> String {
        let mut text = self.program.display().to_string();
        for argument in &self.arguments {
            let argument = argument.to_string_lossy();
            let plain = |character: char| character.is_alphanumeric() || "-_./:=,+@%".contains(character);
            if !argument.is_empty() && argument.chars().all(plain) {
                text.push(' ');
                text.push_str(&argument);
            } else {
                text.push_str(" '");
                text.push_str(&argument.replace('\'', r"'\''"));
                text.push('\'');
            }
        }
        text
    }
}

impl fmt::Display for FfmpegFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str()).display();
        if self.status.success() {
            write!(formatter, "{name} wrote nothing")?;
        } else {
            write!(formatter, "{name} failed ({})", self.status)?;
        }
        match self.reason() {
            Some(reason) => write!(formatter, ": {reason}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FfmpegFailure {}
