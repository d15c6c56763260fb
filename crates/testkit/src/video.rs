//! Looking at finished media.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use timeline::{MediaTime, SampleRate};

use crate::program;
use crate::strip::{FrameStrip, Placement};

/// The frame number in every picture that a player would show, in order; `None` where it cannot be read.
///
/// # Errors
/// If ffmpeg cannot decode the file, or the strip does not lie inside the picture.
pub fn frame_numbers(video: &Path, strip: &FrameStrip, placement: Placement) -> io::Result<Vec<Option<u32>>> {
    let area = strip
        .area(placement)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the strip begins outside the picture"))?;
    // ffmpeg itself averages the strip to one pixel a cell, so that a frame is 24 bytes on the pipe.
    let filter = format!(
        "format=gray,crop={}:{}:{}:{}:exact=1,scale={}:1:flags=area",
        area.width,
        area.height,
        area.x,
        area.y,
        FrameStrip::CELLS
    );
    let levels = program::output(
        "ffmpeg",
        arguments(
            &["-v", "error", "-nostdin", "-i"],
            video,
            &[
                "-map",
                "0:v:0",
                "-vf",
                &filter,
                "-fps_mode",
                "passthrough",
                "-f",
                "rawvideo",
                "-pix_fmt",
                "gray",
                "-",
            ],
        ),
    )?;
    Ok(levels.chunks_exact(FrameStrip::CELLS).map(FrameStrip::read_cells).collect())
}

/// When each picture of the first video stream is shown, by the file's own clock.
///
/// # Errors
/// If ffprobe cannot read the file.
pub fn frame_times(video: &Path) -> io::Result<Vec<MediaTime>> {
    let entries = "frame=best_effort_timestamp_time";
    let text = program::output(
        "ffprobe",
        arguments(
            &["-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json"],
            video,
            &[],
        ),
    )?;
    let shown: serde_json::Value = serde_json::from_slice(&text).map_err(io::Error::other)?;
    shown["frames"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|frame| {
            let seconds = frame["best_effort_timestamp_time"].as_str().and_then(|text| text.parse().ok());
            seconds.map(MediaTime::from_secs_f64).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("a frame has no time: {frame}"))
            })
        })
        .collect()
}

/// The first audio track as mono samples at `rate`, from the first sample a player would play.
///
/// # Errors
/// If ffmpeg cannot decode the file or it has no sound.
pub fn decode_audio(media: &Path, rate: SampleRate) -> io::Result<Vec<f32>> {
    let hertz = rate.hertz().to_string();
    let bytes = program::output(
        "ffmpeg",
        arguments(
            &["-v", "error", "-nostdin", "-i"],
            media,
            &["-map", "0:a:0", "-ac", "1", "-ar", &hertz, "-f", "f32le", "-"],
        ),
    )?;
    let (samples, _) = bytes.as_chunks::<4>();
    Ok(samples.iter().map(|sample| f32::from_le_bytes(*sample)).collect())
}

/// What ffprobe says about the container and its streams.
///
/// # Errors
/// If ffprobe cannot read the file.
pub fn probe(media: &Path) -> io::Result<serde_json::Value> {
    let text = program::output(
        "ffprobe",
        arguments(&["-v", "error", "-show_format", "-show_streams", "-of", "json"], media, &[]),
    )?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

fn arguments(before: &[&str], file: &Path, after: &[&str]) -> Vec<OsString> {
    // "file:" keeps ffmpeg from taking a leading dash or a colon for something else.
    let mut name = OsString::from("file:");
    name.push(file);
    before
        .iter()
        .map(OsStr::new)
        .chain([name.as_os_str()])
        .chain(after.iter().map(OsStr::new))
        .map(OsStr::to_owned)
        .collect()
}
