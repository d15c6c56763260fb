//! What symphonia does not read: ffmpeg decodes it.
//!
//! ffmpeg writes Matroska with float samples to a pipe and symphonia takes it from there, so timestamps survive, and late
//! starts and missing stretches are found as in any other container. Channels and rate are left as they are.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use symphonia::core::io::MediaSource;
use timeline::{MediaDuration, MediaTime};

use super::TrackChoice;
use super::native::{self, Attempt, Opening};
use super::source::{Opened, Source, Step};
use crate::{Error, Ffmpeg, FfmpegPipe, file_argument};

/// A span is decoded from this much before its start, for decoders to settle.
const PREROLL: MediaDuration = MediaDuration::from_millis(500);

/// A running ffmpeg, shared between the demuxer that reads it and the source that asks how it ended.
#[derive(Clone)]
struct SharedPipe(Arc<Mutex<Option<FfmpegPipe>>>);

struct PipeSource {
    inner: Box<dyn Source>,
    pipe: SharedPipe,
    path: std::path::PathBuf,
    any: bool,
}

/// Opens the file with ffmpeg.
pub(super) fn open(
    ffmpeg: &Ffmpeg,
    path: &Path,
    track: TrackChoice,
    start: Option<MediaTime>,
) -> Result<Opened, Error> {
    let info = ffmpeg.probe(path)?;
    if info.audio.is_empty() {
        return Err(Error::NoAudio { path: path.to_owned() });
    }
    let index = match track {
        TrackChoice::Default => info.audio.iter().position(|stream| stream.is_default).unwrap_or(0),
        TrackChoice::Index(index) if index < info.audio.len() => index,
        TrackChoice::Index(index) => {
            return Err(Error::NoSuchTrack { path: path.to_owned(), index, count: info.audio.len() });
        }
    };
    let begins = start.map(|start| start - PREROLL).filter(|start| *start > MediaTime::ZERO);
    // Left to itself, ffmpeg begins its output where the chosen track does, and closes large gaps.
    let mut arguments: Vec<OsString> = vec!["-copyts".into()];
    if let Some(begins) = begins {
        arguments.extend([
            "-noaccurate_seek".into(),
            "-ss".into(),
            format!("{:.6}", begins.as_secs_f64()).into(),
        ]);
    }
    arguments.extend(["-i".into(), file_argument(path), "-map".into(), format!("0:a:{index}").into()]);
    let offset = (MediaTime::ZERO - info.start).as_secs_f64();
    arguments.extend(["-output_ts_offset".into(), format!("{offset:.6}").into()]);
    arguments.extend(["-c:a", "pcm_f32le", "-f", "matroska", "pipe:1"].map(OsString::from));
    let pipe = SharedPipe(Arc::new(Mutex::new(Some(ffmpeg.open_pipe(arguments)?))));
    let opening =
        Opening { track: TrackChoice::Default, start: None, path, on_media_time: true, insist: true };
    match native::open(Box::new(pipe.clone()), &opening)? {
        Attempt::Ready(opened) => {
            let source = PipeSource { inner: opened.source, pipe, path: path.to_owned(), any: false };
            Ok(Opened {
                source: Box::new(source),
                duration: info.duration,
                seeked: begins.is_some(),
                only_sound: info.video.is_empty(),
            })
        }
        // ffmpeg wrote nothing that could be read: it knows why.
        Attempt::Unsupported(unsupported) => {
            pipe.finish()?;
            Err(Error::NotMedia { path: path.to_owned(), detail: unsupported.detail })
        }
        Attempt::NoAudio | Attempt::NoSuchTrack { .. } | Attempt::LostPlace => {
            pipe.finish()?;
            Err(Error::NoAudio { path: path.to_owned() })
        }
    }
}

impl Source for PipeSource {
    fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error> {
        let step = self.inner.step(expected, mono)?;
        match step {
            Step::End => match self.pipe.finish() {
                // What it could decode before it failed is worth having.
                Err(error) if self.any => {
                    tracing::warn!(path = %self.path.display(), %error, "ffmpeg stopped before the end");
                }
                ended => ended?,
            },
            _ => self.any = true,
        }
        Ok(step)
    }
}

impl SharedPipe {
    fn finish(&self) -> Result<(), Error> {
        let pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        pipe.map_or(Ok(()), FfmpegPipe::finish)
    }
}

impl Read for SharedPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pipe.as_mut().map_or(Ok(0), |pipe| pipe.read(buffer))
    }
}

impl Seek for SharedPipe {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::NotSeekable.into())
    }
}

impl MediaSource for SharedPipe {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}
