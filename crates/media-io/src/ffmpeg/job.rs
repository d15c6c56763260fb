//! What ffmpeg is asked to write.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::file_argument;
use super::output::PendingOutput;
use crate::Error;

/// The arguments of one run of ffmpeg, in order, with its inputs and outputs told apart so that paths are passed
/// safely and outputs appear whole or not at all.
///
/// ```
/// use std::path::Path;
///
/// use media_io::FfmpegJob;
///
/// let job = FfmpegJob::new()
///     .input(Path::new("-odd name.mkv"))
///     .arguments(["-c:v", "libx264", "-an"])
///     .output(Path::new("clip.mp4"));
/// assert_eq!(job.outputs().count(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FfmpegJob {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Argument(OsString),
    Output(PathBuf),
}

impl FfmpegJob {
    /// A job without arguments. What makes ffmpeg quiet and report progress is added when it is run.
    #[must_use]
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// Adds one argument as it is.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.parts.push(Part::Argument(argument.into()));
        self
    }

    /// Adds arguments as they are.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.parts.extend(arguments.into_iter().map(|argument| Part::Argument(argument.into())));
        self
    }

    /// Adds `-i` and the file, which takes the options given since the last input.
    #[must_use]
    pub fn input(self, path: &Path) -> Self {
        self.arguments([OsString::from("-i"), file_argument(path)])
    }

    /// Adds an output, which takes the options given since the last input or output. The container follows from its
    /// extension, unless `-f` was given. An existing file is replaced when the job has succeeded.
    #[must_use]
    pub fn output(mut self, path: &Path) -> Self {
        self.parts.push(Part::Output(path.to_owned()));
        self
    }

    /// The outputs in order.
    pub fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match part {
            Part::Output(path) => Some(path.as_path()),
            Part::Argument(_) => None,
        })
    }

    /// The arguments with each output under a temporary name, and those temporary files.
    pub(super) fn resolve(&self) -> Result<(Vec<OsString>, Vec<PendingOutput>), Error> {
        let mut outputs = Vec::new();
        let mut arguments = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            match part {
                Part::Argument(argument) => arguments.push(argument.clone()),
                Part::Output(path) => {
                    let pending = PendingOutput::create(path)?;
                    arguments.push(file_argument(pending.temporary()));
                    outputs.push(pending);
                }
            }
        }
        Ok((arguments, outputs))
    }
}
