//! Probing, decoding, shot changes and exact cutting of media files.
//!
//! This is the one crate that starts other programs: [`Ffmpeg`] finds `ffmpeg` and `ffprobe`, checks their version and
//! runs them so that nothing is left behind, neither a process nor half a file. It knows nothing of clips or scores.
//!
//! Every time in this crate is on the *media timeline*: zero is the container's start (the earliest presentation time
//! of its streams, what a player shows as 0:00), whatever the raw timestamps in the file are.
//!
//! | to do this | use |
//! |---|---|
//! | read a file's sound | [`open_audio`] |
//! | find ffmpeg, check its version | [`Ffmpeg::locate`] |
//! | learn what a file holds | [`Ffmpeg::probe`] |
//! | write a file with ffmpeg, with progress | [`FfmpegJob`], [`Ffmpeg::run`] |
//! | read what ffmpeg writes | [`Ffmpeg::open_pipe`], [`Ffmpeg::capture`] |
//! | cut a span to the frame | [`ExactCut`], [`extract`] |
//! | bring picture and sound together | [`mux`](fn@mux) |
//! | find cuts in the picture | [`shot_changes`] |
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! use media_io::{ExactCut, Ffmpeg, FfmpegOptions, extract};
//! use timeline::{FrameRate, Span};
//!
//! let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default())?;
//! let source = Path::new("stream.ts");
//! let info = ffmpeg.probe(source)?;
//! let cut = ExactCut::plan(&info, source, Span::from_secs_f64(61.0, 81.0), FrameRate::FPS_60)?;
//! extract(&ffmpeg, &cut, Path::new("clip.mp4"), &AtomicBool::new(false), &mut |_| {})?;
//! # Ok::<(), media_io::Error>(())
//! ```

mod audio;
mod cut;
mod error;
mod ffmpeg;
pub mod hls;
mod info;
mod mux;
mod probe;
mod program;
mod shots;

pub use audio::{AudioEvent, AudioReader, AudioRequest, Backend, DecodeReport, TrackChoice, open_audio};
pub use cut::{ExactCut, extract};
pub use error::{Error, FfmpegFailure};
pub use ffmpeg::{
    Ffmpeg, FfmpegJob, FfmpegOptions, FfmpegPipe, FfmpegProgress, FfmpegVersion, MINIMUM_VERSION,
    file_argument,
};
pub use info::{AudioStream, Colour, MediaInfo, VideoStream};
pub use mux::{Delayed, mux};
pub use program::{ProgramOutput, run_program};
pub use shots::{SHOT_CHANGE_THRESHOLD, shot_changes};
