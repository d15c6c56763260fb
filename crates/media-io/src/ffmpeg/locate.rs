//! Finding ffmpeg and ffprobe.

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use super::{Ffmpeg, FfmpegVersion, process};
use crate::Error;

/// Where to find the programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FfmpegOptions {
    /// The ffmpeg to use; `None` for the one on the search path.
    pub ffmpeg: Option<PathBuf>,
    /// The ffprobe to use; `None` for the one beside a named `ffmpeg`, else the one on the search path.
    pub ffprobe: Option<PathBuf>,
}

pub(super) fn locate(options: &FfmpegOptions) -> Result<Ffmpeg, Error> {
    let ffmpeg = options.ffmpeg.clone().unwrap_or_else(|| PathBuf::from("ffmpeg"));
    let beside = options.ffmpeg.as_deref().map(probe_beside).filter(|path| path.exists());
    let ffprobe = options.ffprobe.clone().or(beside).unwrap_or_else(|| PathBuf::from("ffprobe"));
    // Each takes some 60 ms to load its libraries and say its version, so both are asked at once.
    let (version, probe_version) = thread::scope(|scope| {
        let probe = scope.spawn(|| check(&ffprobe));
        (check(&ffmpeg), probe.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let version = version?;
    probe_version?;
    tracing::debug!(ffmpeg = %ffmpeg.display(), ffprobe = %ffprobe.display(), %version, "found ffmpeg");
    Ok(Ffmpeg { ffmpeg, ffprobe, version })
}

fn probe_beside(ffmpeg: &Path) -> PathBuf {
    ffmpeg.with_file_name(format!("ffprobe{}", std::env::consts::EXE_SUFFIX))
}

fn check(program: &Path) -> Result<FfmpegVersion, Error> {
    let output = match process::capture(program, vec![OsString::from("-version")]) {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(Error::Ffmpeg(failure)) => {
            return Err(Error::FfmpegUnusable { program: program.to_owned(), detail: failure.to_string() });
        }
        Err(error) => return Err(error),
    };
    let Some(version) = FfmpegVersion::parse(&output) else {
        let detail = "it does not tell its version".to_owned();
        return Err(Error::FfmpegUnusable { program: program.to_owned(), detail });
    };
    if version.is_supported() {
        Ok(version)
    } else {
        Err(Error::FfmpegTooOld { program: program.to_owned(), found: version })
    }
}
