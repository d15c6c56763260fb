//! Recording a stream, and measuring what is cut out of it.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use media_io::hls::Segment;
use media_io::hls::clock::SegmentClock;
use media_io::hls::store::SegmentStore;
use media_io::{ExactCut, Ffmpeg, FfmpegOptions};
use tempfile::TempDir;
use testkit::{FrameStrip, Placement, beep_starts, decode_audio, frame_numbers};
use timeline::{FrameRate, MediaDuration, MediaTime, SampleRate, Span};

/// How far sound may be from picture.
pub(crate) const SYNC: MediaDuration = MediaDuration::from_millis(20);

static FFMPEG: LazyLock<Ffmpeg> =
    LazyLock::new(|| Ffmpeg::locate(&FfmpegOptions::default()).expect("ffmpeg is installed"));

/// A stream whose frames are numbered, again from zero after `period` of them, and whose sound beeps on every full second
/// counted from frame zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) strip: FrameStrip,
    pub(crate) rate: FrameRate,
    pub(crate) period: i64,
}

impl Numbered {
    /// The index of the first frame at or after `time`, where frame zero is at `zero`; within half a frame.
    fn frame_at(&self, time: MediaTime, zero: MediaTime) -> i64 {
        ((time - zero).as_secs_f64() * self.rate.as_f64()).round() as i64
    }

    /// The greatest distance of a beep in `samples` from where the picture puts it, the first picture being frame `first`.
    /// Beeps that the ends may have cut are left out.
    #[track_caller]
    pub(crate) fn sync(&self, first: i64, samples: &[f32], what: &str) -> MediaDuration {
        let start_s = first as f64 / self.rate.as_f64();
        let mut worst = MediaDuration::ZERO;
        let mut beeps = 0;
        let length_s = samples.len() as f64 / 48_000.0;
        for beep in beep_starts(samples, SampleRate::HZ_48000) {
            let at = start_s + (beep - MediaTime::ZERO).as_secs_f64();
            // Where the piece begins within a beep, that is where it begins to sound.
            if (0.1..length_s - 0.1).contains(&(beep - MediaTime::ZERO).as_secs_f64()) {
                worst = worst.max(MediaDuration::from_secs_f64((at - at.round()).abs()));
                beeps += 1;
            }
        }
        let expected = ((start_s + length_s - 0.1).floor() - (start_s + 0.1).ceil()) as i64 + 1;
        assert_eq!(beeps, expected, "{what}: beeps in {length_s} s from {start_s} s");
        worst
    }

    /// Cuts `span` out of `store`, checks that its frames are those that belong there, frame zero being at `zero`, and tells how far
    /// its sound is from its picture.
    #[track_caller]
    pub(crate) fn cut(&self, store: &SegmentStore, span: Span, zero: MediaTime, what: &str) -> MediaDuration {
        let folder = TempDir::new().expect("a folder");
        let extract = store.extract(span, &folder.path().join("extract.part")).expect("it is there");
        assert_eq!(extract.span, span, "{what}");
        let out = folder.path().join("cut.mp4");
        let info = FFMPEG.probe(&extract.path).expect("it can be probed");
        let in_file = span.shifted(MediaTime::ZERO - extract.origin);
        let cut = ExactCut::plan(&info, &extract.path, in_file, self.rate).expect("it can be cut");
        media_io::extract(&FFMPEG, &cut, &out, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
        let first = self.frame_at(span.start(), zero);
        let count = self.frame_at(span.end(), zero) - first;
        let expected: Vec<Option<u32>> =
            (first..first + count).map(|index| u32::try_from(index % self.period).ok()).collect();
        assert_eq!(self.numbers(&out), expected, "{what}: frames of {span}");
        self.sync(first, &sound(&out), what)
    }

    /// The number in each frame.
    pub(crate) fn numbers(&self, path: &Path) -> Vec<Option<u32>> {
        frame_numbers(path, &self.strip, Placement::IDENTITY).expect("it can be looked at")
    }
}

/// When the first picture of `path` is shown, on its media timeline.
pub(crate) fn first_frame(path: &Path) -> MediaTime {
    let found = testkit::probe(path).expect("it can be probed");
    let seconds = |value: &serde_json::Value| value["start_time"].as_str()?.parse::<f64>().ok();
    let streams = found["streams"].as_array().expect("streams");
    let video = streams.iter().find(|stream| stream["codec_type"] == "video").expect("a picture");
    let (video, all) = (seconds(video).expect("a time"), seconds(&found["format"]).expect("a time"));
    MediaTime::from_secs_f64(video - all)
}

fn sound(path: &Path) -> Vec<f32> {
    decode_audio(path, SampleRate::HZ_48000).expect("it can be heard")
}

/// Places `segments` and stores them. Tells how many gaps the clock found.
pub(crate) fn keep(store: &mut SegmentStore, clock: &mut SegmentClock, segments: &[Segment]) -> usize {
    let mut gaps = 0;
    for segment in segments {
        let placed = clock.place(segment).expect("it has timestamps");
        gaps += usize::from(placed.gap.is_some());
        store.append(segment, &placed.placement).expect("it is stored").expect("it is new");
    }
    gaps
}
