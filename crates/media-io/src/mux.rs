//! Picture and sound of two files brought together, as they are.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use timeline::{MediaDuration, MediaTime};

use crate::cut::seconds;
use crate::{Error, Ffmpeg, FfmpegJob};

/// A file, and how long after the start of what it becomes part of it begins.
#[derive(Clone, Copy, Debug)]
pub struct Delayed<'a> {
    /// The file.
    pub path: &'a Path,
    /// How much later than the other file it begins; never negative. One of the two begins at once.
    pub delay: MediaDuration,
}

/// Writes an MP4 of the first picture of `picture` and the first sound of `sound`, without encoding anything. Media time zero of
/// the result is that of the file that begins at once.
///
/// # Errors
/// Those of [`Ffmpeg::run`]: also where MP4 cannot hold what is in the files.
pub fn mux(
    ffmpeg: &Ffmpeg,
    picture: Delayed<'_>,
    sound: Delayed<'_>,
    output: &Path,
    interrupt: &AtomicBool,
) -> Result<(), Error> {
    let mut job = FfmpegJob::new();
    for Delayed { path, delay } in [picture, sound] {
        // ffmpeg lets each file begin at zero and then adds this.
        job = job
            .arguments(["-protocol_whitelist", "file", "-itsoffset", &seconds(MediaTime::ZERO + delay)])
            .input(path);
    }
    let job = job
        .arguments(["-map", "0:v:0", "-map", "1:a:0", "-c", "copy", "-map_metadata", "-1", "-f", "mp4"])
        .output(output);
    ffmpeg.run(&job, interrupt, &mut |_| {})
}
