//! Cutting a span out of a file, exact to the frame.
//!
//! ffmpeg is told `-copyts -start_at_zero`, by which the timestamps that its filters see *are* media time, wherever in
//! the file the seek has landed. It then seeks to well before the span and lets everything through
//! (`-noaccurate_seek`), so that the frame that is already on screen when the span starts is there too. The filters
//! pick what belongs to the span by its time:
//!
//! * picture: `fps` with `start_time` puts the nearest frame on each tick of a grid that begins with the span, repeats
//!   frames where the source pauses and drops the rest; `tpad` holds the last frame where the source ends too early;
//!   `trim` counts the frames.
//! * sound: `aresample` with `first_pts` and `async` drops what lies before the span, fills holes and a late start with
//!   silence; `apad` and `atrim` make the length exact to the sample. Another `aresample` before it changes the rate, because
//!   `first_pts` counts in samples of the source.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use timeline::{FrameRate, MediaDuration, MediaTime, SampleRate, Span};

use crate::ffmpeg::file_argument;
use crate::{AudioStream, Error, Ffmpeg, FfmpegJob, FfmpegProgress, MediaInfo, VideoStream};

/// How long before the span an indexed file is read from. The seek lands on a key frame before that; this much more
/// covers frames that are shown in another order than decoded, and lets the audio decoder settle.
const INDEXED_LEAD: MediaDuration = MediaDuration::from_secs(1);

/// How long before the span a file is read from whose next key frame may be far: a transport stream (the seek lands
/// anywhere) or frames of very different lengths. x264 puts a key frame at every 250th frame by default, 8.3 s at 30
/// frames a second; streaming services ask for 2 to 4 s.
const UNINDEXED_LEAD: MediaDuration = MediaDuration::from_secs(12);

/// Where the distance of key frames is known, so many of them are a safe lead...
const LEAD_KEY_FRAMES: i64 = 2;

/// How far a span may reach past the end that the container tells: containers round it, and sound often ends a few
/// packets after the picture.
const END_TOLERANCE: MediaDuration = MediaDuration::from_millis(100);

/// The hole in the sound from which on it is filled, or the overlap from which on it is cut, in seconds: half of the
/// 20 ms that sound may be off, and more than the jitter of timestamps rounded to milliseconds.
const AUDIO_SYNC_SECONDS: f64 = 0.01;

/// Quality and speed of [`extract`]: visually lossless at a size that is fit to be kept.
const EXTRACT_VIDEO: [&str; 8] =
    ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"];

/// Sound of [`extract`].
const EXTRACT_AUDIO: [&str; 4] = ["-c:a", "aac", "-b:a", "192k"];

/// How to get the frames and the sound of one span out of one file.
///
/// It is a piece of an ffmpeg command: [`input_arguments`](Self::input_arguments) come first, so the file is input 0;
/// the filters go into `-filter_complex` after their pads.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactCut {
    source: PathBuf,
    span: Span,
    rate: FrameRate,
    frame_count: u64,
    seek: Option<MediaTime>,
    video_index: usize,
    audio_index: Option<usize>,
}

impl ExactCut {
    /// The sample rate of the cut's sound; it is always stereo.
    pub const SAMPLE_RATE: SampleRate = SampleRate::HZ_48000;

    /// Plans the cut of `span` (on the media timeline) out of `source`, of which `info` was probed, at a constant `rate`.
    ///
    /// Where the rate is the source's own, each frame of the source comes out once; at another rate, frames are
    /// repeated or left out, each shown within half a frame of its time.
    ///
    /// # Errors
    /// [`Error::NoVideo`], [`Error::EmptySpan`] where the span is shorter than a frame, [`Error::SpanOutside`] where it
    /// starts before the medium or ends more than 100 ms after it.
    pub fn plan(info: &MediaInfo, source: &Path, span: Span, rate: FrameRate) -> Result<Self, Error> {
        let Some(video) = info.default_video() else {
            return Err(Error::NoVideo { path: source.to_owned() });
        };
        if let Some(held) = info.span() {
            let start_is_inside = span.start() >= held.start() && span.start() < held.end();
            if !start_is_inside || span.end() > held.end() + END_TOLERANCE {
                return Err(Error::SpanOutside { path: source.to_owned(), span, held });
            }
        }
        let snapped = snap(span, rate, video.start);
        let frame_count = rate.frames_in(snapped.shifted(MediaTime::ZERO - video.start));
        if frame_count <= 0 {
            return Err(Error::EmptySpan { span });
        }
        let audio = info.default_audio().filter(|audio| has_sound(audio, snapped));
        let seek = snapped.start() - lead(info, video);
        Ok(Self {
            source: source.to_owned(),
            span: snapped,
            rate,
            frame_count: frame_count.unsigned_abs(),
            seek: (seek > MediaTime::ZERO).then_some(seek),
            video_index: video.index,
            audio_index: audio.map(|audio| audio.index),
        })
    }

    /// Where the cut truly lies: the span asked for with both ends moved to the nearest frame.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// How many frames it has, exactly.
    #[must_use]
    pub const fn frame_count(&self) -> u64 {
        self.frame_count
    }

    /// Its constant frame rate.
    #[must_use]
    pub const fn rate(&self) -> FrameRate {
        self.rate
    }

    /// The file it is cut from.
    #[must_use]
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// The arguments that open the source, to be put before those of any other input. They hold two options that
    /// apply to the whole command (`-copyts -start_at_zero`).
    #[must_use]
    pub fn input_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            ["-copyts", "-start_at_zero", "-protocol_whitelist", "file"].map(OsString::from).into();
        if let Some(seek) = self.seek {
            arguments.extend(["-noaccurate_seek".into(), "-ss".into(), seconds(seek).into()]);
        }
        arguments.extend(["-i".into(), file_argument(&self.source)]);
        arguments
    }

    /// The pad that [`video_filter`](Self::video_filter) takes its frames from.
    #[must_use]
    pub fn video_pad(&self) -> String {
        format!("[0:{}]", self.video_index)
    }

    /// The filters that make of [`video_pad`](Self::video_pad) exactly [`frame_count`](Self::frame_count) frames at
    /// a constant rate, the first at time zero. They come turned upright, in the source's size.
    #[must_use]
    pub fn video_filter(&self) -> String {
        let (rate, start, frames) = (self.rate, seconds(self.span.start()), self.frame_count);
        format!(
            "fps=fps={rate}:start_time={start},tpad=stop=-1:stop_mode=clone,trim=end_frame={frames},setpts=PTS-STARTPTS"
        )
    }

    /// The pad that [`audio_filter`](Self::audio_filter) takes its sound from; `None` where the source has no sound in
    /// the span.
    #[must_use]
    pub fn audio_pad(&self) -> Option<String> {
        self.audio_index.map(|index| format!("[0:{index}]"))
    }

    /// The filters that make of [`audio_pad`](Self::audio_pad) exactly the span's length of stereo at
    /// [`SAMPLE_RATE`](Self::SAMPLE_RATE), the first sample at time zero, with silence where the source has none;
    /// `None` where the source has no sound in the span.
    #[must_use]
    pub fn audio_filter(&self) -> Option<String> {
        self.audio_index?;
        let rate = Self::SAMPLE_RATE.hertz();
        let first = self.span.start().to_units(rate);
        let samples = self.sample_count();
        Some(format!(
            "aresample={rate},aresample={rate}:async=1:min_hard_comp={AUDIO_SYNC_SECONDS}:first_pts={first},\
             aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=end_sample={samples},asetpts=PTS-STARTPTS"
        ))
    }

    /// How many samples a channel of the sound has, exactly.
    #[must_use]
    pub fn sample_count(&self) -> u64 {
        let rate = Self::SAMPLE_RATE.hertz();
        let samples = self.span.end().to_units(rate) - self.span.start().to_units(rate);
        samples.unsigned_abs()
    }

    fn extract_job(&self, output: &Path) -> FfmpegJob {
        let mut graph = format!("{}{}[video]", self.video_pad(), self.video_filter());
        let mut maps = vec!["-map", "[video]"];
        if let Some((pad, filter)) = self.audio_pad().zip(self.audio_filter()) {
            graph.push_str(&format!(";{pad}{filter}[audio]"));
            maps.extend(["-map", "[audio]"]);
            maps.extend(EXTRACT_AUDIO);
        }
        FfmpegJob::new()
            .arguments(self.input_arguments())
            .arguments(["-filter_complex", &graph])
            .arguments(maps)
            .arguments(EXTRACT_VIDEO)
            .arguments(["-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4"])
            .output(output)
    }
}

/// Writes `cut` as an MP4 file: H.264, AAC, the index at its front.
///
/// # Errors
/// Those of [`Ffmpeg::run`].
pub fn extract(
    ffmpeg: &Ffmpeg,
    cut: &ExactCut,
    output: &Path,
    interrupt: &AtomicBool,
    progress: &mut dyn FnMut(FfmpegProgress),
) -> Result<(), Error> {
    ffmpeg.run(&cut.extract_job(output), interrupt, progress)
}

/// How long before a time the file must be read from to have the frames at that time.
pub(crate) fn lead(info: &MediaInfo, video: &VideoStream) -> MediaDuration {
    if info.is_indexed() && !video.variable_frame_rate {
        return INDEXED_LEAD;
    }
    match video.key_frame_distance {
        Some(distance) if !video.variable_frame_rate => distance * LEAD_KEY_FRAMES + INDEXED_LEAD,
        _ => UNINDEXED_LEAD,
    }
}

/// `time` as ffmpeg takes it: seconds to the microsecond, its own unit of time.
pub(crate) fn seconds(time: MediaTime) -> String {
    let micros = time.to_units(1_000_000);
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

/// Moves both ends to the nearest frame of a grid that starts with the source's first frame, so that frames of the
/// source's own rate lie on the grid and not between its lines.
fn snap(span: Span, rate: FrameRate, first_frame: MediaTime) -> Span {
    let offset = first_frame - MediaTime::ZERO;
    rate.snap(span.shifted(-offset)).shifted(offset)
}

/// Whether there is sound of the track in `span`, as far as the file tells. A track that is known to have ended would
/// make ffmpeg read the rest of the file in search of it.
fn has_sound(audio: &AudioStream, span: Span) -> bool {
    audio.start < span.end()
        && audio.duration.is_none_or(|duration| span.start() < audio.start + duration + END_TOLERANCE)
}
