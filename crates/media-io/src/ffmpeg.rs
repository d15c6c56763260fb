//! The one place that runs ffmpeg and ffprobe.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::Error;

mod job;
mod locate;
mod output;
mod pipe;
mod process;
mod progress;
mod version;

pub use job::FfmpegJob;
pub use locate::FfmpegOptions;
pub use pipe::FfmpegPipe;
pub use progress::FfmpegProgress;
pub use version::{FfmpegVersion, MINIMUM_VERSION};

use process::RunningProcess;

/// What every call of ffmpeg starts with: no banner, no reading of our standard input, warnings and errors only.
const QUIET: [&str; 5] = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"];

/// An ffmpeg and an ffprobe that are there and new enough.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    ffmpeg: PathBuf,
    ffprobe: PathBuf,
    version: FfmpegVersion,
}

impl Ffmpeg {
    /// Finds both programs and checks their version.
    ///
    /// # Errors
    /// [`Error::FfmpegMissing`], [`Error::FfmpegUnusable`] or [`Error::FfmpegTooOld`].
    pub fn locate(options: &FfmpegOptions) -> Result<Self, Error> {
        locate::locate(options)
    }

    /// The version of the ffmpeg found.
    #[must_use]
    pub const fn version(&self) -> &FfmpegVersion {
        &self.version
    }

    /// Where ffmpeg is.
    #[must_use]
    pub fn ffmpeg_path(&self) -> &Path {
        &self.ffmpeg
    }

    /// Where ffprobe is.
    #[must_use]
    pub fn ffprobe_path(&self) -> &Path {
        &self.ffprobe
    }

    /// Runs `job` to its end. Its outputs appear under their names when all of them are complete and on disk; after a
    /// failure or an interruption nothing of them is left.
    ///
    /// # Errors
    /// [`Error::Interrupted`] as soon as `interrupt` is set (ffmpeg is killed); [`Error::NoSpace`] and
    /// [`Error::PermissionDenied`] where an output could not be written; [`Error::Ffmpeg`] where ffmpeg failed otherwise.
    pub fn run(
        &self,
        job: &FfmpegJob,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(FfmpegProgress),
    ) -> Result<(), Error> {
        let (arguments, outputs) = job.resolve()?;
        let head = ["-y", "-progress", "pipe:1"].into_iter().map(OsString::from);
        let mut parser = progress::ProgressParser::default();
        self.read_lines(head.chain(arguments).collect(), interrupt, &mut |line| {
            if let Some(event) = parser.push_line(line) {
                progress(event);
            }
        })
        .map_err(|error| output::explain(error, &outputs))?;
        outputs.into_iter().try_for_each(output::PendingOutput::publish)
    }

    /// Runs ffmpeg and reads its standard output while it works: samples, raw frames.
    ///
    /// # Errors
    /// [`Error::FfmpegUnusable`] where it cannot be started. What ffmpeg itself reports comes from [`FfmpegPipe::finish`].
    pub fn open_pipe(&self, arguments: Vec<OsString>) -> Result<FfmpegPipe, Error> {
        RunningProcess::start(&self.ffmpeg, quiet(arguments)).map(FfmpegPipe::new)
    }

    /// Runs ffmpeg to its end and returns what it wrote to standard output: lists of encoders, small pictures.
    ///
    /// # Errors
    /// [`Error::Ffmpeg`] where it failed.
    pub fn capture(&self, arguments: Vec<OsString>) -> Result<Vec<u8>, Error> {
        process::capture(&self.ffmpeg, quiet(arguments))
    }

    /// Runs ffprobe to its end and returns what it wrote to standard output.
    ///
    /// # Errors
    /// [`Error::Ffmpeg`] where it failed.
    pub fn capture_ffprobe(&self, arguments: Vec<OsString>) -> Result<Vec<u8>, Error> {
        process::capture(&self.ffprobe, arguments)
    }

    /// Runs ffmpeg and hands over each line of its standard output as it comes.
    pub(crate) fn read_lines(
        &self,
        arguments: Vec<OsString>,
        interrupt: &AtomicBool,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        process::read_lines(&self.ffmpeg, quiet(arguments), interrupt, line)
    }
}

/// `path` as ffmpeg must be told it, so that a leading dash is no option and `a:b` no protocol.
#[must_use]
pub fn file_argument(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

fn quiet(arguments: Vec<OsString>) -> Vec<OsString> {
    QUIET.into_iter().map(OsString::from).chain(arguments).collect()
}
