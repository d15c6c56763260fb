//! Cuts hold the frames asked for and the sound that belongs to them.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use media_io::{Error, ExactCut, MediaInfo, extract};
use tempfile::TempDir;
use timeline::{FrameRate, MediaDuration, MediaTime, Span};

use crate::media;

/// How far sound may be from its picture, in seconds.
const SYNC: f64 = 0.020;

/// A source, and how it relates to the master.
struct Source {
    path: PathBuf,
    info: MediaInfo,
    /// The number of its first frame.
    first_number: f64,
    /// How much later than in the master the sound comes after the picture, in seconds.
    sound_delay: f64,
    source_rate: f64,
}

impl Source {
    fn new(path: PathBuf) -> Self {
        let info = media::ffmpeg().probe(&path).expect("it can be probed");
        Self { path, info, first_number: 0.0, sound_delay: 0.0, source_rate: 30.0 }
    }

    fn plan(&self, span: Span, rate: FrameRate) -> ExactCut {
        ExactCut::plan(&self.info, &self.path, span, rate).expect("it can be cut")
    }

    /// When on the media timeline the master begins, by the picture. Sound may start before it (an encoder's priming).
    fn begin(&self) -> f64 {
        self.info.video[0].start.as_secs_f64() - self.first_number / self.source_rate
    }

    /// Cuts `span` and compares the frames with `expected` (given the time of each in the master) and the tones with
    /// those of the master.
    fn check(&self, span: Span, rate: FrameRate, expected: impl Fn(f64) -> u32) {
        let folder = TempDir::new().expect("a folder");
        let output = folder.path().join("cut.mp4");
        let cut = self.plan(span, rate);
        extract(media::ffmpeg(), &cut, &output, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
        let what = format!("{} {span}", self.path.display());
        let begin = self.begin();

        let numbers = media::frame_numbers(&output);
        let times = (0..cut.frame_count()).map(|frame| {
            let frame = i64::try_from(frame).expect("few frames");
            cut.span().start().as_secs_f64() - begin + cut.rate().time_of_frame(frame).as_secs_f64()
        });
        let wanted: Vec<u32> = times.map(expected).collect();
        assert_eq!(numbers, wanted, "{what}");
        let frame = 1.0 / rate.as_f64();
        assert!(
            (cut.span().start() - span.start()).as_secs_f64().abs() <= frame / 2.0 + 1e-6,
            "{what}: {}",
            cut.span()
        );
        assert!(
            (cut.span().end() - span.end()).as_secs_f64().abs() <= frame / 2.0 + 1e-6,
            "{what}: {}",
            cut.span()
        );

        let samples = media::samples(&output);
        let expected_samples = usize::try_from(cut.sample_count()).expect("few samples");
        // AAC comes in packets of 1024 samples.
        assert!(
            (expected_samples..expected_samples + 1_024).contains(&samples.len()),
            "{what}: {}",
            samples.len()
        );
        let (start, end) = (cut.span().start().as_secs_f64(), cut.span().end().as_secs_f64());
        let tones = media::tones(&samples);
        let seconds = (0..media::LENGTH).map(|second| second as f64 + begin + self.sound_delay - start);
        // A tone that is cut in two may be heard or not.
        let wanted: Vec<f64> = seconds.filter(|at| *at > 0.01 && *at < end - start - 0.01).collect();
        for tone in &wanted {
            assert!(tones.iter().any(|heard| (heard - tone).abs() <= SYNC), "{what}: {tone} in {tones:?}");
        }
        let heard = tones.iter().filter(|heard| **heard > 0.03 && **heard < end - start - 0.03);
        assert!(heard.count() <= wanted.len() + 1, "{what}: {tones:?} for {wanted:?}");
    }

    /// Checks several spans where every frame of the source comes out once.
    fn check_frames(&self, spans: &[(f64, f64)]) {
        let rate = FrameRate::new(self.source_rate as u32, 1).expect("above zero");
        for (start, end) in spans {
            self.check(Span::from_secs_f64(*start, *end), rate, |time| {
                (time.max(0.0) * self.source_rate).round() as u32
            });
        }
    }
}

const SPANS: [(f64, f64); 5] = [(0.0, 1.0), (0.51, 2.0), (9.99, 10.034), (12.7, 16.2), (18.4, 20.0)];

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn b_frames() {
    let folder = folder();
    let path = folder.path().join("b frames.mp4");
    media::encoded(30, &path, &["-x264-params", "b-pyramid=normal:bframes=5:b-adapt=0"]);
    Source::new(path).check_frames(&SPANS);
}

#[test]
fn open_groups_of_pictures() {
    let folder = folder();
    for name in ["open.mp4", "open.mkv", "open.ts"] {
        let path = folder.path().join(name);
        media::encoded(
            30,
            &path,
            &["-x264-params", "open-gop=1:keyint=50:min-keyint=50:scenecut=0:bframes=5"],
        );
        Source::new(path).check_frames(&SPANS[1..4]);
    }
}

#[test]
fn times_rounded_to_milliseconds() {
    let folder = folder();
    let path = folder.path().join("sixty.mkv");
    media::encoded(60, &path, &[]);
    let mut source = Source::new(path);
    source.source_rate = 60.0;
    source.check_frames(&SPANS);
}

#[test]
fn a_transport_stream_that_starts_late() {
    let folder = folder();
    let path = folder.path().join("late.ts");
    media::encoded(30, &path, &["-g", "250", "-sc_threshold", "0"]);
    Source::new(path).check_frames(&SPANS);
}

#[test]
fn a_transport_stream_whose_clock_wraps() {
    let folder = folder();
    // The 33 bits of a 90 kHz clock wrap after 95,443.7 s.
    for offset in ["95430", "95300"] {
        let path = folder.path().join(format!("{offset}.ts"));
        media::encoded(30, &path, &["-output_ts_offset", offset]);
        Source::new(path).check_frames(&SPANS);
    }
}

#[test]
fn an_edit_list_that_hides_the_first_frames() {
    let folder = folder();
    let whole = folder.path().join("whole.mp4");
    media::encoded(30, &whole, &[]);
    let path = folder.path().join("edited.mp4");
    media::copied(&whole, &["-ss", "2.5"], &path, &[]);
    let mut source = Source::new(path);
    source.first_number = 75.0;
    source.check_frames(&[(0.5, 2.0), (3.333, 5.1), (11.7, 17.2)]);
}

#[test]
fn sound_that_starts_late() {
    let folder = folder();
    for name in ["late.mkv", "late.ts", "late.mp4"] {
        let path = folder.path().join(name);
        media::moved(&path, "0", "2.25");
        let mut source = Source::new(path);
        source.sound_delay = 2.25;
        source.check_frames(&[(0.0, 3.0), (1.5, 4.0), (3.333, 5.1)]);
        let before = source.plan(Span::from_secs_f64(0.0, 1.5), FrameRate::FPS_30);
        assert_eq!(before.audio_pad(), None, "{name}");
    }
}

#[test]
fn sound_of_other_rates() {
    let folder = folder();
    for (name, rate) in [("cd.mp4", "44100"), ("cd.ts", "44100"), ("low.mkv", "22050"), ("high.mp4", "96000")]
    {
        let path = folder.path().join(name);
        media::encoded(30, &path, &["-ar", rate]);
        Source::new(path).check_frames(&SPANS[3..]);
    }
}

#[test]
fn picture_that_starts_late() {
    let folder = folder();
    for name in ["late.mkv", "late.ts", "late.mp4"] {
        let path = folder.path().join(name);
        media::moved(&path, "1.51", "0");
        let mut source = Source::new(path);
        source.sound_delay = -1.51;
        source.check_frames(&[(0.5, 3.0), (1.0, 4.0), (7.7, 9.0)]);
    }
}

#[test]
fn variable_frame_rate() {
    let folder = folder();
    // Frames 7 to 12 of every 20 are missing, and so are 3 s in the middle: the one before stays on screen.
    let missing = |frame: u32| (7..=12).contains(&(frame % 20)) || (241..=330).contains(&frame);
    let select = "select='not(between(mod(n,20),7,12))*not(between(n,241,330))'";
    for name in ["variable.mp4", "variable.mkv"] {
        let path = folder.path().join(name);
        media::encoded(30, &path, &["-vf", select, "-fps_mode", "vfr"]);
        let source = Source::new(path);
        assert!(source.info.video[0].variable_frame_rate, "{name}");
        for (start, end) in [(0.0, 2.0), (0.3, 0.5), (5.3, 7.1), (9.5, 12.0), (10.1, 10.5)] {
            source.check(Span::from_secs_f64(start, end), FrameRate::FPS_30, |time| {
                let mut frame = (time.max(0.0) * 30.0).round() as u32;
                while missing(frame) {
                    frame -= 1;
                }
                frame
            });
        }
    }
}

#[test]
fn files_without_an_index() {
    let folder = folder();
    let whole = folder.path().join("whole.mp4");
    media::encoded(30, &whole, &[]);
    for (name, options) in [
        ("fragmented.mp4", ["-movflags", "frag_keyframe+empty_moov+default_base_moof"]),
        ("live.mkv", ["-live", "1"]),
        ("x.flv", ["-flvflags", "no_duration_filesize"]),
    ] {
        let path = folder.path().join(name);
        media::copied(&whole, &[], &path, &options);
        Source::new(path).check_frames(&SPANS[1..4]);
    }
}

#[test]
fn a_cut_has_a_constant_rate_and_its_index_in_front() {
    let folder = folder();
    let path = folder.path().join("source.ts");
    media::encoded(60, &path, &[]);
    let rate = FrameRate::new(30_000, 1_001).expect("above zero");
    let span = Span::from_secs_f64(3.0, 8.0);
    let cut = Source::new(path).plan(span, rate);
    assert_eq!(cut.frame_count(), 150);
    let output = folder.path().join("cut.mp4");
    extract(media::ffmpeg(), &cut, &output, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
    let info = media::ffmpeg().probe(&output).expect("it can be probed");
    let made = &info.video[0];
    assert_eq!((made.average_rate, made.variable_frame_rate), (Some(rate), false));
    assert_eq!((made.start, info.audio[0].start), (MediaTime::ZERO, MediaTime::ZERO));
    assert_eq!((info.audio[0].sample_rate, info.audio[0].channels), (48_000, 2));
    let length = info.duration.expect("a length");
    assert!((length - cut.span().duration()).abs() < MediaDuration::from_millis(25), "{length}");
    let bytes = fs_err::read(&output).expect("read");
    let position = |kind: &[u8]| bytes.windows(4).position(|window| window == kind).expect("a box");
    assert!(position(b"moov") < position(b"mdat"));
}

#[test]
fn another_frame_rate() {
    let folder = folder();
    let path = folder.path().join("sixty.mp4");
    media::encoded(60, &path, &[]);
    let mut source = Source::new(path);
    source.source_rate = 60.0;
    source.check(Span::from_secs_f64(3.3, 5.0), FrameRate::FPS_30, |time| (time * 60.0).round() as u32);

    let path = folder.path().join("thirty.mp4");
    media::encoded(30, &path, &[]);
    // A frame half a frame after the last stands for the next one, which is as near.
    let doubled = |time: f64| (time * 30.0 + 1e-6).floor() as u32;
    Source::new(path).check(Span::from_secs_f64(3.3, 5.0), FrameRate::FPS_60, doubled);
}

#[test]
fn a_source_without_sound_is_cut_without() {
    let folder = folder();
    let path = folder.path().join("mute.mp4");
    media::encoded(30, &path, &["-an"]);
    let cut = Source::new(path).plan(Span::from_secs_f64(1.0, 2.0), FrameRate::FPS_30);
    assert_eq!((cut.audio_pad(), cut.audio_filter()), (None, None));
    let output = folder.path().join("cut.mp4");
    extract(media::ffmpeg(), &cut, &output, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
    assert_eq!(media::frame_numbers(&output), (30..60).collect::<Vec<_>>());
    assert!(media::ffmpeg().probe(&output).expect("probed").audio.is_empty());
}

#[test]
fn a_picture_that_ends_early_is_held() {
    let folder = folder();
    let path = folder.path().join("short.mp4");
    media::encoded(30, &path, &["-vf", "trim=end_frame=300"]);
    let source = Source::new(path);
    source.check(Span::from_secs_f64(9.0, 12.0), FrameRate::FPS_30, |time| {
        ((time * 30.0).round() as u32).min(299)
    });
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let folder = folder();
    let path = folder.path().join("x.mp4");
    media::encoded(30, &path, &["-t", "5"]);
    let sound = folder.path().join("x.m4a");
    media::encoded(30, &sound, &["-vn", "-t", "5"]);
    let info = media::ffmpeg().probe(&path).expect("probed");
    let plan = |start: f64, end: f64| {
        ExactCut::plan(&info, &path, Span::from_secs_f64(start, end), FrameRate::FPS_30)
    };
    assert!(matches!(plan(1.0, 1.0), Err(Error::EmptySpan { .. })));
    assert!(matches!(plan(1.0, 1.01), Err(Error::EmptySpan { .. })));
    assert!(matches!(plan(-1.0, 1.0), Err(Error::SpanOutside { .. })));
    assert!(matches!(plan(4.0, 6.0), Err(Error::SpanOutside { .. })));
    assert!(matches!(plan(7.0, 8.0), Err(Error::SpanOutside { .. })));
    let info = media::ffmpeg().probe(&sound).expect("probed");
    let span = Span::starting_at(MediaTime::ZERO, MediaDuration::from_secs(1));
    assert!(matches!(ExactCut::plan(&info, &sound, span, FrameRate::FPS_30), Err(Error::NoVideo { .. })));
}

#[test]
fn names_that_look_like_something_else() {
    let folder = folder();
    for name in ["-y.mp4", "http:x.mp4", "a b'\"c.mp4", "50%d.mp4", "pipe:1.mp4", "[0:v],null.mp4"] {
        let path = folder.path().join(name);
        media::encoded(30, &path, &["-t", "1"]);
        let source = Source::new(path.clone());
        let cut = source.plan(Span::from_secs_f64(0.2, 0.8), FrameRate::FPS_30);
        assert_eq!(cut.source(), Path::new(&path));
        let output = folder.path().join(format!("cut of {name}"));
        extract(media::ffmpeg(), &cut, &output, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
        assert_eq!(media::frame_numbers(&output), (6..24).collect::<Vec<_>>());
    }
}
