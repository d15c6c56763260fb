//! Learning what a file holds, by ffprobe.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use timeline::{MediaDuration, MediaTime};

use crate::ffmpeg::file_argument;
use crate::{Error, Ffmpeg, FfmpegFailure, MediaInfo, VideoStream};

mod cadence;
mod report;

/// How many packets of a video track are looked at, at the start and in the middle, to learn whether its rate is
/// constant: 10 s at 60 frames a second, read in milliseconds.
const SAMPLED_PACKETS: usize = 600;

/// From this length on the middle is looked at too.
const LONG: MediaDuration = MediaDuration::from_secs(60);

/// Average and guessed frame rate differ by more than this share where the rate may vary.
const RATE_TOLERANCE: f64 = 0.001;

/// The average rate of a whole file differs by more than this share from its sampled rate where the rate varies
/// elsewhere in it.
const WHOLE_FILE_TOLERANCE: f64 = 0.01;

impl Ffmpeg {
    /// Learns what the file at `path` holds.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Directory`], [`Error::Empty`], [`Error::PermissionDenied`], [`Error::NotMedia`]
    /// (text, a still picture, a playlist) or [`Error::Truncated`].
    pub fn probe(&self, path: &Path) -> Result<MediaInfo, Error> {
        check_file(path)?;
        let options = ["-show_format", "-show_streams"].map(OsString::from);
        let json = self.ffprobe_json(path, options).map_err(|error| explain(error, path))?;
        let report: report::Report = self.parse(&json)?;
        if report.is_incomplete() && begins_as_mp4(path) {
            // The index is there but ends before it tells what the streams are.
            return Err(Error::Truncated { path: path.to_owned() });
        }
        let mut info = report.into_info(path)?;
        for stream in 0..info.video.len() {
            self.look_at_packets(&mut info, stream);
        }
        Ok(info)
    }

    /// Learns the frame rate of video track `position` from its packets, where the header is not enough.
    fn look_at_packets(&self, info: &mut MediaInfo, position: usize) {
        let stream = &info.video[position];
        let is_mov = info.container.split(',').any(|name| name == "mp4");
        if is_mov && rates_agree(stream) {
            return;
        }
        let mut starts = vec![None];
        if let Some(duration) = info.duration.filter(|duration| *duration >= LONG) {
            starts.push(Some(info.start + duration.half()));
        }
        let samples = starts.into_iter().filter_map(|start| self.packets(&info.path, stream.index, start));
        let samples: Vec<_> = samples.map(|packets| cadence::Cadence::of(&packets)).collect();
        let average = stream.average_rate.map(|rate| MediaDuration::from_secs_f64(1.0 / rate.as_f64()));
        let sampled = samples.iter().find_map(|sample| sample.frame);
        let varies_elsewhere = is_mov
            && average.zip(sampled).is_some_and(|(average, sampled)| {
                let ratio = average.as_secs_f64() / sampled.as_secs_f64();
                (ratio - 1.0).abs() > WHOLE_FILE_TOLERANCE
            });
        let stream = &mut info.video[position];
        stream.variable_frame_rate = varies_elsewhere || samples.iter().any(|sample| sample.is_variable);
        stream.key_frame_distance = samples.iter().filter_map(|sample| sample.key_frame_distance).max();
    }

    /// The first packets of a stream, or those after the raw time `start`; `None` where they cannot be read.
    fn packets(&self, path: &Path, stream: usize, start: Option<MediaTime>) -> Option<Vec<cadence::Packet>> {
        let start = start.map(|start| format!("{:.6}", start.as_secs_f64())).unwrap_or_default();
        let options = [
            "-select_streams".to_owned(),
            stream.to_string(),
            "-show_packets".to_owned(),
            "-show_entries".to_owned(),
            "packet=pts_time,flags".to_owned(),
            "-read_intervals".to_owned(),
            format!("{start}%+#{SAMPLED_PACKETS}"),
        ];
        let json = self.ffprobe_json(path, options.map(OsString::from)).ok()?;
        self.parse::<cadence::PacketReport>(&json).ok().map(cadence::PacketReport::into_packets)
    }

    fn ffprobe_json<const N: usize>(&self, path: &Path, options: [OsString; N]) -> Result<Vec<u8>, Error> {
        // A file that names other files or addresses (a playlist) must not make us open them.
        let head =
            ["-v", "error", "-protocol_whitelist", "file", "-print_format", "json"].map(OsString::from);
        let arguments = head.into_iter().chain(options).chain([OsString::from("-i"), file_argument(path)]);
        self.capture_ffprobe(arguments.collect())
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, json: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(json).map_err(|error| Error::FfmpegUnusable {
            program: self.ffprobe_path().to_owned(),
            detail: format!("its answer cannot be read: {error}"),
        })
    }
}

fn rates_agree(stream: &VideoStream) -> bool {
    stream
        .average_rate
        .zip(stream.real_rate)
        .is_some_and(|(average, real)| (average.as_f64() / real.as_f64() - 1.0).abs() <= RATE_TOLERANCE)
}

/// What can be said of a path without ffprobe.
fn check_file(path: &Path) -> Result<(), Error> {
    let metadata = fs_err::metadata(path).map_err(|source| Error::reading(path, source))?;
    if metadata.is_dir() {
        return Err(Error::Directory { path: path.to_owned() });
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(Error::Empty { path: path.to_owned() });
    }
    fs_err::File::open(path).map_err(|source| Error::reading(path, source))?;
    Ok(())
}

fn explain(error: Error, path: &Path) -> Error {
    let Error::Ffmpeg(failure) = error else { return error };
    let says = |text: &str| failure.stderr.contains(text);
    // A text that is called .mp4 lacks the index too, but is not cut off.
    if (says("moov atom not found") || says("error reading header")) && begins_as_mp4(path) {
        return Error::Truncated { path: path.to_owned() };
    }
    if says("Permission denied") {
        return Error::reading(path, io::Error::from(io::ErrorKind::PermissionDenied));
    }
    if !failure.status.success() {
        let detail = describe(&failure);
        return Error::NotMedia { path: path.to_owned(), detail };
    }
    Error::Ffmpeg(failure)
}

/// Whether the first box of the file is one that MP4 and QuickTime files begin with.
fn begins_as_mp4(path: &Path) -> bool {
    let mut head = [0; 8];
    let read = fs_err::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok()
        && [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"]
            .iter()
            .any(|kind| head[4..] == **kind)
}

fn describe(failure: &FfmpegFailure) -> String {
    if ["Invalid data found", "moov atom not found"].iter().any(|text| failure.stderr.contains(text)) {
        return "its content is no known audio or video format".to_owned();
    }
    failure.reason().map_or_else(|| failure.to_string(), str::to_owned)
}
