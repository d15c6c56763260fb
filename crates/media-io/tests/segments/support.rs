//! Streams cut into segments, and ways to look at them.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use media_io::hls::clock::{Placed, SegmentClock};
use media_io::hls::{InitSection, Packing, Segment};
use media_io::{AudioEvent, AudioRequest, Ffmpeg, FfmpegJob, FfmpegOptions, open_audio};
use tempfile::TempDir;
use timeline::{Gap, MediaDuration, MediaTime, SampleRate, Span};

/// The ffmpeg of this machine.
pub(crate) static FFMPEG: LazyLock<Ffmpeg> =
    LazyLock::new(|| Ffmpeg::locate(&FfmpegOptions::default()).expect("ffmpeg is installed"));

/// A stream as an origin has it.
pub(crate) struct Stream {
    pub(crate) segments: Vec<Segment>,
    pub(crate) folder: TempDir,
}

/// Makes segments of what ffmpeg's `arguments` (parted by blanks) make of `input`.
pub(crate) fn stream(packing: Packing, input: &[&str], arguments: &str) -> Stream {
    let folder = TempDir::new().expect("a folder");
    let (kind, extension) = match packing {
        Packing::Transport => ("mpegts", "ts"),
        Packing::Fragmented => ("fmp4", "m4s"),
    };
    let pattern = folder.path().join(format!("%05d.{extension}"));
    let job = FfmpegJob::new()
        .arguments(input)
        .arguments(arguments.split_whitespace())
        .arguments(["-f", "hls", "-hls_list_size", "0", "-hls_segment_type", kind])
        .arguments(["-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename"])
        .arguments([pattern.as_os_str()])
        .output(&folder.path().join("list.m3u8"));
    FFMPEG.run(&job, &AtomicBool::new(false), &mut |_| {}).expect("segments are made");
    let list = fs_err::read_to_string(folder.path().join("list.m3u8")).expect("a playlist");
    let init = fs_err::read(folder.path().join("init.mp4")).ok();
    let init = init.map(|bytes| Arc::new(InitSection { bytes: Bytes::from(bytes) }));
    let (mut segments, mut duration) = (Vec::new(), MediaDuration::ZERO);
    for line in list.lines() {
        if let Some(length) = line.strip_prefix("#EXTINF:") {
            let seconds: f64 = length.trim_end_matches(',').parse().expect("a length");
            duration = MediaDuration::from_secs_f64(seconds);
        } else if !line.starts_with('#') && !line.is_empty() {
            let name = Path::new(line).file_name().expect("a name");
            let bytes = fs_err::read(folder.path().join(name)).expect("a segment");
            segments.push(Segment {
                sequence: segments.len() as u64,
                epoch: 0,
                duration,
                discontinuity: false,
                program_date_time: None,
                packing,
                init: init.clone().filter(|_| packing == Packing::Fragmented),
                bytes: bytes.into(),
            });
        }
    }
    assert!(segments.len() >= 3, "{list}");
    Stream { segments, folder }
}

impl Stream {
    /// All segments joined to one file.
    pub(crate) fn whole(&self) -> PathBuf {
        let path = self.folder.path().join("whole.bin");
        let init = self.segments[0].init.iter().map(|init| init.bytes.clone());
        let parts: Vec<Bytes> =
            init.chain(self.segments.iter().map(|segment| segment.bytes.clone())).collect();
        fs_err::write(&path, parts.concat()).expect("it is written");
        path
    }

    /// Where a new clock places each segment.
    pub(crate) fn placed(&self) -> Vec<Placed> {
        let mut clock = SegmentClock::new();
        self.segments.iter().map(|segment| clock.place(segment).expect("it has timestamps")).collect()
    }
}

/// Runs of samples with the time of their first, and gaps, in order.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Run(MediaTime, Vec<f32>),
    Gap(Gap),
}

/// Appends samples to the run that they continue.
pub(crate) fn add(heard: &mut Vec<Heard>, rate: SampleRate, at: MediaTime, samples: &[f32]) {
    match heard.last_mut() {
        Some(Heard::Run(start, run)) if rate.sample_at(*start) + run.len() as i64 == rate.sample_at(at) => {
            run.extend_from_slice(samples);
        }
        _ => heard.push(Heard::Run(at, samples.to_vec())),
    }
}

/// What the offline reader hears in the file at `path`, without the help of ffmpeg.
pub(crate) fn hear(path: &Path, span: Option<Span>) -> Vec<Heard> {
    let request = AudioRequest { span, ..AudioRequest::new(SampleRate::HZ_16000) };
    let mut reader = open_audio(path, &request, None).expect("it opens");
    let mut heard = Vec::new();
    while let Some(event) = reader.next_event().expect("it can be read") {
        match event {
            AudioEvent::Samples { at, samples } => add(&mut heard, SampleRate::HZ_16000, at, samples),
            AudioEvent::Gap(gap) => heard.push(Heard::Gap(gap)),
        }
    }
    heard
}

/// In short, for messages.
pub(crate) fn outline(heard: &[Heard]) -> Vec<String> {
    let describe = |part: &Heard| match part {
        Heard::Run(at, samples) => format!("{} samples at {at}", samples.len()),
        Heard::Gap(gap) => format!("gap {} ({})", gap.span, gap.cause),
    };
    heard.iter().map(describe).collect()
}
