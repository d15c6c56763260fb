//! Sound: any file's audio as mono samples at the rate asked for, on the media timeline.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use media_io::{AudioEvent, AudioRequest, Error, open_audio};
//! use timeline::SampleRate;
//!
//! let mut reader = open_audio(Path::new("stream.mp4"), &AudioRequest::new(SampleRate::HZ_16000), None)?;
//! while let Some(event) = reader.next_event()? {
//!     match event {
//!         AudioEvent::Samples { at, samples } => println!("{} samples at {at}", samples.len()),
//!         AudioEvent::Gap(gap) => println!("no sound in {} ({})", gap.span, gap.cause),
//!     }
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! | container | codecs | read by |
//! |---|---|---|
//! | MP4, fragmented MP4, MOV, Matroska, WebM | AAC-LC, MP3, FLAC, ALAC, Vorbis, PCM | symphonia |
//! | MP3, FLAC, WAV, AIFF, Ogg, ADTS | theirs | symphonia |
//! | MPEG transport stream | AAC-LC (ADTS), MPEG audio | mpeg2ts-reader and symphonia |
//! | anything else, and HE-AAC, AC-3, Opus and surround AAC in these | what ffmpeg decodes | ffmpeg, through a pipe |
//!
//! Which it is, is found in the content; names do not matter. Media time zero is the earliest presentation time of all
//! streams of the file. Priming samples are cut where the container marks them: by an MP4 edit list or `iTunSMPB`, a
//! LAME header, an Ogg granule position.
//!
//! Files without timestamps (MP3, ADTS) cannot say how much is missing where bytes were lost: what follows moves up, there
//! as in every player.

mod assembler;
mod decoder;
mod grid;
mod isobmff;
mod live;
mod native;
mod pipe;
mod reader;
mod resample;
mod sniff;
mod source;
mod source_times;
mod stretches;
mod track;
mod transport;
mod turns;
mod worker;

use std::io::Read;
use std::path::Path;

use fs_err::File;
use timeline::{GapCause, MediaDuration, MediaTime, SampleRate, Span};

use self::assembler::Assembler;
use self::decoder::Unsupported;
pub use self::live::{LiveAudio, LiveSound, UnsupportedSound};
use self::native::{Attempt, Opening};
pub use self::reader::{AudioEvent, AudioReader, Backend, DecodeReport};
use self::sniff::Container;
use self::source::Opened;
pub(crate) use self::source_times::SourceTimes;
use self::worker::Worker;
use crate::{Error, Ffmpeg};

/// Around a span this much more is decoded, for the resampling filter to begin and end in sound: more than its reach of 11
/// periods of the lower rate, down to rates of 400 Hz.
const SPAN_MARGIN: MediaDuration = MediaDuration::from_millis(40);
/// How much of a file is looked at to recognise it.
const HEAD: u64 = 4_096;

/// Which audio track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackChoice {
    /// The one marked as default, or else the first.
    #[default]
    Default,
    /// The one with this index, counted from zero among the audio tracks.
    Index(usize),
}

/// What to decode.
#[derive(Clone, Copy, Debug)]
pub struct AudioRequest {
    /// The rate of the samples wanted.
    pub rate: SampleRate,
    /// Which track.
    pub track: TrackChoice,
    /// The part of the medium wanted; all of it if `None`. A span begins and ends exactly, and its samples are those that
    /// decoding the whole file gives, so far as the codec allows (AAC may differ by its noise substitution) and the container: timestamps of Matroska, and
    /// of what ffmpeg decodes, are whole milliseconds, and place a span up to one of them beside.
    pub span: Option<Span>,
}

impl AudioRequest {
    /// All of the default track, at `rate`.
    #[must_use]
    pub const fn new(rate: SampleRate) -> Self {
        Self { rate, track: TrackChoice::Default, span: None }
    }
}

/// Opens the audio of the file at `path`. Where symphonia cannot decode it, `ffmpeg` does, if there is one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Directory`], [`Error::Empty`], [`Error::PermissionDenied`] and [`Error::Io`] for files that
/// cannot be read; [`Error::NotMedia`] and [`Error::Truncated`] for those that make no sense; [`Error::NoAudio`] and
/// [`Error::NoSuchTrack`]; [`Error::NeedsFfmpeg`] where ffmpeg is needed and `None`.
pub fn open_audio(
    path: &Path,
    request: &AudioRequest,
    ffmpeg: Option<&Ffmpeg>,
) -> Result<AudioReader, Error> {
    let head = read_head(path)?;
    let (opened, backend) = open_source(path, &head, request, ffmpeg)?;
    let limits = request.span.map_or(Span::new(MediaTime::ZERO, MediaTime::MAX), |span| {
        let padded = span.padded(SPAN_MARGIN, SPAN_MARGIN);
        Span::new(padded.start().max(MediaTime::ZERO), padded.end())
    });
    let late_cause = if opened.seeked { GapCause::Missing } else { GapCause::LateStart };
    let worker = Worker::start(opened.source, Assembler::new(limits, late_cause))
        .map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let (duration, only_sound) = (opened.duration, opened.only_sound);
    Ok(AudioReader::new(path, worker, (backend, only_sound), request.rate, request.span, duration))
}

/// The first bytes of the file, and errors for what is no file.
fn read_head(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::reading(path, error);
    if fs_err::metadata(path).map_err(failed)?.is_dir() {
        return Err(Error::Directory { path: path.to_owned() });
    }
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(failed)?;
    if head.is_empty() { Err(Error::Empty { path: path.to_owned() }) } else { Ok(head) }
}

fn open_source(
    path: &Path,
    head: &[u8],
    request: &AudioRequest,
    ffmpeg: Option<&Ffmpeg>,
) -> Result<(Opened, Backend), Error> {
    let start = request.span.map(Span::start);
    let container = sniff::container(head);
    if let (Container::Foreign, Some(ffmpeg)) = (container, ffmpeg) {
        let opened = pipe::open(ffmpeg, path, request.track, start).map_err(|error| match error {
            // A name that ends in .mp4 makes ffmpeg look for an index in anything.
            Error::Truncated { path } => {
                Error::NotMedia { path, detail: "it does not begin like one".to_owned() }
            }
            error => error,
        })?;
        return Ok((opened, Backend::Ffmpeg));
    }
    let attempt = |insist: bool| {
        let opening = Opening { track: request.track, start, path, on_media_time: false, insist };
        if container == Container::Transport {
            return transport::open(&opening);
        }
        let native = |opening: &Opening<'_>| {
            let file = File::open(path).map_err(|error| Error::reading(path, error))?;
            native::open(Box::new(file.into_file()), opening)
        };
        match native(&opening)? {
            Attempt::LostPlace => native(&Opening { start: None, ..opening }),
            attempt => Ok(attempt),
        }
    };
    let backend =
        if container == Container::Transport { Backend::TransportStream } else { Backend::Symphonia };
    let first = match (attempt(false)?, ffmpeg) {
        (Attempt::Ready(opened), Some(_)) => match opened.tried()? {
            Some(opened) => Attempt::Ready(opened),
            None => {
                Attempt::Unsupported(Unsupported { detail: "none of its packets".to_owned(), usable: false })
            }
        },
        (attempt, _) => attempt,
    };
    match first {
        Attempt::Ready(opened) => Ok((opened, backend)),
        Attempt::NoAudio | Attempt::LostPlace => Err(Error::NoAudio { path: path.to_owned() }),
        Attempt::NoSuchTrack { count } => Err(no_such_track(path, request.track, count)),
        Attempt::Unsupported(Unsupported { detail, usable }) => {
            if let Some(ffmpeg) = ffmpeg {
                tracing::debug!(path = %path.display(), detail, "ffmpeg decodes this");
                return Ok((pipe::open(ffmpeg, path, request.track, start)?, Backend::Ffmpeg));
            }
            match usable.then(|| attempt(true)).transpose()? {
                Some(Attempt::Ready(opened)) => Ok((opened, backend)),
                _ => Err(Error::NeedsFfmpeg { path: path.to_owned(), detail }),
            }
        }
    }
}

fn no_such_track(path: &Path, track: TrackChoice, count: usize) -> Error {
    let index = match track {
        TrackChoice::Default => 0,
        TrackChoice::Index(index) => index,
    };
    Error::NoSuchTrack { path: path.to_owned(), index, count }
}
