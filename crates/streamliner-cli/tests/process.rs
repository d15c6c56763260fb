//! `streamliner process`: the main job from end to end, on the real binary.
//!
//! The whole fixture is processed once, with the settings that a user gets, and many tests look at what came of it.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use support::contract::{Detection, Moment, Word};
use support::recording::{excerpt, ffmpeg, files_below};
use support::sandbox::{Outcome, Sandbox};
use testkit::{Placement, Speech, SpokenWord, Truth, fixture, frame_numbers, probe};
use timeline::{MediaTime, Span};

/// Frames a second of the fixture.
const FPS: f64 = 30.0;
/// How far a caption may be off, in seconds.
const CAPTION_TOLERANCE_S: f64 = 0.25;

/// What was made of the fixture.
struct Made {
    sandbox: Sandbox,
    outcome: Outcome,
    truth: Truth,
    detection: Detection,
    clips: Vec<Clip>,
}

/// A highlight of `highlights.json` and its clip.
#[derive(Debug, Deserialize)]
struct Clip {
    #[serde(flatten)]
    moment: Moment,
    clip: ClipFile,
}

#[derive(Debug, Deserialize)]
struct ClipFile {
    file: PathBuf,
    thumbnail: PathBuf,
    first_frame: u32,
    last_frame: u32,
    frames: u32,
    fps: f64,
    loudness_lufs: f64,
}

impl Clip {
    fn path(&self) -> PathBuf {
        made().sandbox.path("out").join(&self.clip.file)
    }

    /// All that is said in it, the alerts' voice left out.
    fn speech(&self) -> impl Iterator<Item = &'static Speech> + '_ {
        made()
            .truth
            .speech
            .iter()
            .filter(|speech| speech.start_s >= self.moment.start_s && speech.end_s <= self.moment.end_s)
    }
}

impl Sandbox {
    /// In the build folder and kept until the next time: what is shared by tests is never dropped.
    fn in_target(name: &str) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if root.exists() {
            fs_err::remove_dir_all(&root).expect("it is ours");
        }
        let sandbox = Self { root, _temporary: None };
        sandbox.make();
        sandbox
    }
}

fn arguments() -> Vec<String> {
    let (vod, model) = (testkit::arena_night(), fixture("models/ggml-nano.en.bin"));
    let arguments =
        ["process", "--streamer=demo", "--dry-run", "--output-dir=out", "--set=paths.data_dir=data"];
    arguments
        .map(str::to_owned)
        .into_iter()
        .chain([vod.display().to_string(), format!("--model={}", model.display())])
        .collect()
}

fn run(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let own = arguments();
    let all: Vec<&str> = own.iter().map(String::as_str).chain(more.iter().copied()).collect();
    sandbox.run(&all)
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let sandbox = Sandbox::in_target("process");
        let outcome = run(&sandbox, &[]).expect(0);
        let list = fs_err::read_to_string(sandbox.path("out/highlights.json")).expect("the list");
        let values: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        Made {
            outcome,
            truth: Truth::arena_night().expect("the truth"),
            detection: Detection::read(&list),
            clips: serde_json::from_value(values["highlights"].clone()).expect("a clip of each highlight"),
            sandbox,
        }
    })
}

fn core(moment: &Moment) -> Span {
    Span::new(MediaTime::from_secs_f64(moment.core_start_s), MediaTime::from_secs_f64(moment.core_end_s))
}

#[test]
fn every_moment_is_found_and_no_distractor() {
    let made = made();
    let top: Vec<&Moment> = made.detection.highlights.iter().take(5).collect();
    for moment in &made.truth.moments {
        let found = top.iter().any(|found| core(found).intersection(moment.span()).is_some());
        assert!(found, "{moment:?} is not among {top:#?}, but {:#?}", made.detection.rejected);
    }
    for distractor in &made.truth.distractors {
        let span = distractor.span();
        let taken = top.iter().find(|found| {
            let truly =
                made.truth.moments.iter().any(|moment| core(found).intersection(moment.span()).is_some());
            !truly && core(found).intersection(span).is_some()
        });
        assert!(taken.is_none(), "{distractor:?} is taken for a moment: {taken:#?}");
    }
    for highlight in top {
        assert!(highlight.weight("keywords").is_some(), "nobody listened for words: {highlight:?}");
    }
}

#[test]
fn clips_hold_what_led_to_the_moment_and_the_whole_reaction() {
    let made = made();
    for moment in &made.truth.moments {
        let clip = made
            .clips
            .iter()
            .find(|clip| core(&clip.moment).intersection(moment.span()).is_some())
            .expect("a clip");
        assert!(clip.moment.start_s < moment.start_s, "{:?} starts late: {moment:?}", clip.moment);
        assert!(clip.moment.end_s > moment.end_s, "{:?} ends early: {moment:?}", clip.moment);
    }
    for clip in &made.clips {
        for speech in &made.truth.speech {
            for edge in [clip.moment.start_s, clip.moment.end_s] {
                // A word may lose what a listener does not hear.
                let cut =
                    speech.words.iter().find(|word| word.start_s + 0.1 < edge && edge < word.end_s - 0.15);
                assert!(cut.is_none(), "cut at {edge} in {cut:?}");
            }
        }
    }
}

#[test]
fn clips_are_what_platforms_take() {
    for clip in &made().clips {
        let probed = probe(&clip.path()).expect("a video");
        let stream = |kind: &str| {
            let streams = probed["streams"].as_array().expect("streams");
            let of_kind: Vec<_> = streams.iter().filter(|stream| stream["codec_type"] == kind).collect();
            assert_eq!(of_kind.len(), 1, "{kind}: {probed}");
            of_kind[0].clone()
        };
        let (video, audio) = (stream("video"), stream("audio"));
        for (field, value) in [
            ("codec_name", "h264"),
            ("profile", "High"),
            ("pix_fmt", "yuv420p"),
            ("color_space", "bt709"),
            ("color_transfer", "bt709"),
            ("color_primaries", "bt709"),
            ("color_range", "tv"),
            ("r_frame_rate", "30/1"),
            ("avg_frame_rate", "30/1"),
            ("sample_aspect_ratio", "1:1"),
        ] {
            assert_eq!(video[field], value, "{field}: {video}");
        }
        assert_eq!((&video["width"], &video["height"]), (&1080.into(), &1920.into()));
        assert_eq!((&audio["codec_name"], &audio["sample_rate"]), (&"aac".into(), &"48000".into()));
        assert_eq!(audio["channels"], 2);
        assert_eq!(video["nb_frames"], clip.clip.frames.to_string());
        let boxes = boxes(&clip.path());
        let place = |kind: &[u8; 4]| boxes.iter().position(|found| found == kind);
        assert!(place(b"moov") < place(b"mdat") && place(b"moov").is_some(), "the index is not in front");
    }
}

/// The kinds of the boxes of an MP4, in order.
fn boxes(path: &Path) -> Vec<[u8; 4]> {
    let bytes = fs_err::read(path).expect("a clip");
    let (mut kinds, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + 8) {
        let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        kinds.push([head[4], head[5], head[6], head[7]]);
        assert!(size >= 8, "a box of {size} bytes");
        at += size;
    }
    kinds
}

#[test]
fn clips_are_as_loud_as_asked_for() {
    for clip in &made().clips {
        let path = clip.path();
        let (_, said) =
            ffmpeg(["-i", path.to_str().expect("a plain name"), "-vn", "-af", "ebur128", "-f", "null", "-"]);
        let summary = said.rsplit("Integrated loudness:").next().unwrap_or_default();
        let measured: f64 = summary
            .split_whitespace()
            .skip_while(|word| *word != "I:")
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a loudness");
        assert!((measured + 14.0).abs() <= 1.0, "{measured} LUFS: {path:?}");
        assert!((measured - clip.clip.loudness_lufs).abs() <= 0.5, "{measured}, not {:?}", clip.clip);
    }
}

#[test]
fn the_frames_are_those_that_the_list_names() {
    let made = made();
    let source = (made.truth.width, made.truth.height);
    let placement = Placement::centred(source, (1080, 1920), 1.0);
    for clip in &made.clips {
        let file = &clip.clip;
        let numbers = frame_numbers(&clip.path(), &made.truth.strip, placement).expect("a video");
        let expected: Vec<Option<u32>> = (file.first_frame..=file.last_frame).map(Some).collect();
        assert_eq!(numbers.len(), expected.len(), "{file:?}");
        assert_eq!(numbers.first(), expected.first(), "the first frame of {file:?}");
        assert_eq!(numbers.last(), expected.last(), "the last frame of {file:?}");
        let wrong =
            numbers.iter().zip(&expected).filter(|(shown, wanted)| shown.is_some() && shown != wanted);
        assert_eq!(wrong.count(), 0, "frames out of order in {file:?}");
        assert_eq!(file.frames as usize, expected.len());
        assert!((file.fps - FPS).abs() < 1e-9);
        assert!((f64::from(file.first_frame) - clip.moment.start_s * FPS).abs() < 1e-3, "{clip:?}");
        assert!((f64::from(file.last_frame) - (clip.moment.end_s * FPS - 1.0)).abs() < 1e-3, "{clip:?}");
    }
}

/// As it is compared: letters and apostrophes, small.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|letter| letter.is_alphanumeric() || *letter == '\'').collect()
}

/// How far the start of the nearest recognised word with the same letters is off, within a second.
fn offset(spoken: &SpokenWord, heard: &[Word]) -> Option<f64> {
    heard
        .iter()
        .filter(|word| plain(&word.text) == plain(&spoken.text))
        .map(|word| word.start_s - spoken.start_s)
        .filter(|offset| offset.abs() < 1.0)
        .min_by(|one, two| one.abs().total_cmp(&two.abs()))
}

#[test]
fn words_are_those_spoken_when_they_are_spoken() {
    let (mut spoken, mut heard, mut in_time) = (0, 0, 0);
    for clip in &made().clips {
        for speech in clip.speech() {
            let offsets: Vec<Option<f64>> =
                speech.words.iter().map(|word| offset(word, &clip.moment.words)).collect();
            spoken += offsets.len();
            heard += offsets.iter().flatten().count();
            in_time += offsets.iter().flatten().filter(|offset| offset.abs() <= CAPTION_TOLERANCE_S).count();
        }
        let [calm, shouted] = [false, true].map(|shouted| {
            clip.speech().filter(|speech| speech.moment == shouted).any(|speech| {
                speech.words.iter().all(|word| {
                    offset(word, &clip.moment.words).is_some_and(|offset| offset.abs() <= CAPTION_TOLERANCE_S)
                })
            })
        });
        assert!(calm, "no calm sentence is captioned in time: {:?}", clip.moment);
        assert!(shouted, "no shouted sentence is captioned in time: {:?}", clip.moment);
    }
    println!("{heard} of {spoken} words heard, {in_time} of them within {CAPTION_TOLERANCE_S} s");
    assert!(spoken > 80, "{spoken}");
    // The nano model mishears some of what is shouted over game sounds.
    assert!(heard * 10 >= spoken * 8, "{heard} of {spoken} words are heard");
    assert!(in_time * 100 >= heard * 95, "{in_time} of {heard} words are in time");
}

/// How many sharp edges there are below the picture at a time of the clip: letters have them, the blurred background has not.
fn edges(clip: &Path, at_s: f64) -> usize {
    const WIDTH: usize = 820;
    let (at, crop) = (format!("{at_s:.3}"), format!("crop={WIDTH}:400:130:1270,format=gray"));
    let name = clip.to_str().expect("a plain name");
    let arguments =
        ["-v", "error", "-ss", &at, "-i", name, "-frames:v", "1", "-vf", &crop, "-f", "rawvideo", "-"];
    let picture = ffmpeg(arguments).0;
    let rows = picture.chunks_exact(WIDTH);
    rows.flat_map(|row| row.windows(3)).filter(|near| near[0].abs_diff(near[2]) > 60).count()
}

#[test]
fn captions_are_there_when_somebody_speaks_and_only_then() {
    let mut quiet_seen = 0;
    for clip in &made().clips {
        let words = &clip.moment.words;
        let middle = words.get(words.len() / 2).expect("words");
        for word in [words.first().expect("words"), middle] {
            let at = f64::midpoint(word.start_s, word.end_s) - clip.moment.start_s;
            let edges = edges(&clip.path(), at);
            assert!(edges > 500, "no caption for {word:?} at {at} s of {:?}: {edges}", clip.clip);
        }
        let pause = words.windows(2).find(|pair| pair[1].start_s - pair[0].end_s > 3.0);
        if let Some([before, after]) = pause.map(|pair| [&pair[0], &pair[1]]) {
            quiet_seen += 1;
            let at = f64::midpoint(before.end_s, after.start_s) - clip.moment.start_s;
            let edges = edges(&clip.path(), at);
            assert!(edges < 20, "a caption while nobody speaks, {at} s into {:?}: {edges}", clip.clip);
        }
    }
    assert!(quiet_seen > 0, "a clip of the fixture has a pause");
}

#[test]
fn beside_each_clip_lie_its_facts_its_text_and_its_picture() {
    let made = made();
    let mut expected = Vec::new();
    for clip in &made.clips {
        let path = clip.path();
        let facts = fs_err::read_to_string(path.with_extension("json")).expect("facts");
        let facts: Moment = serde_json::from_str(&facts).expect("times, score, reasons, words");
        assert_eq!(
            (facts.start_s, facts.end_s, facts.score),
            (clip.moment.start_s, clip.moment.end_s, clip.moment.score)
        );
        assert_eq!(facts.reasons.len(), clip.moment.reasons.len());
        assert_eq!(facts.words.len(), clip.moment.words.len());
        let text = fs_err::read_to_string(path.with_extension("txt")).expect("a text");
        assert!(text.contains("demo") && text.ends_with('\n'), "{text}");
        let picture = probe(&made.sandbox.path("out").join(&clip.clip.thumbnail)).expect("a picture");
        assert_eq!(picture["streams"][0]["codec_name"], "png");
        assert_eq!(picture["streams"][0]["height"], 1920);
        expected.extend(["json", "mp4", "png", "txt"].map(|ending| path.with_extension(ending)));
    }
    expected.sort();
    assert_eq!(files_below(&made.sandbox.path("out/clips")), expected, "nothing else lies there");
    assert_eq!(files_below(&made.sandbox.path("data/spool")), Vec::<PathBuf>::new());
}

#[test]
fn the_report_needs_no_network_and_names_every_clip() {
    let made = made();
    let report = fs_err::read_to_string(made.sandbox.path("out/report.html")).expect("the report");
    assert!(!report.contains("http://") && !report.contains("https://"), "it points outside");
    assert!(!report.contains("<link") && !report.contains("<script src"), "it is not self-contained");
    for clip in &made.clips {
        for file in [&clip.clip.file, &clip.clip.thumbnail] {
            let name = file.file_name().expect("a name").to_string_lossy();
            assert!(report.contains(&*name), "{name} is not in the report");
        }
    }
}

#[test]
fn stdout_names_what_was_made_and_a_second_run_does_nothing() {
    let made = made();
    let out = made.sandbox.path("out");
    let mut expected: Vec<PathBuf> = made.clips.iter().map(Clip::path).collect();
    expected.extend(["highlights.json", "report.html"].map(|name| out.join(name)));
    let told: Vec<PathBuf> = made.outcome.stdout.lines().map(PathBuf::from).collect();
    assert_eq!(told, expected);

    let before = states(&out);
    let again = run(&made.sandbox, &[]).expect(0);
    assert_eq!(again.stderr, "done before with these settings; nothing to do (--force starts over)\n");
    assert_eq!(again.stdout, made.outcome.stdout);
    let json = run(&made.sandbox, &["--format=json"]).expect(0).json();
    assert_eq!(json["outcome"], "already_done");
    assert_eq!(json["clips"].as_array().map(Vec::len), Some(made.clips.len()));
    assert_eq!(states(&out), before, "nothing is touched");
}

/// Every file with the time of its last change and its length.
fn states(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime, u64)> {
    files_below(folder)
        .into_iter()
        .map(|path| {
            let metadata = fs_err::metadata(&path).expect("a file");
            (path, metadata.modified().expect("a time"), metadata.len())
        })
        .collect()
}

#[test]
fn force_and_a_lost_clip_make_it_again_the_same() {
    let sandbox = Sandbox::new();
    excerpt(62, 40, &sandbox.path("vod.mp4"));
    sandbox.write(
        "streamliner.toml",
        "[paths]\ndata_dir = \"data\"\n[detection]\nmin_score = 0\nmax_clips = 1\nclip_min_s = 3\nclip_max_s = 5\nsetup_s = 1\n[render]\npreset = \"ultrafast\"\n",
    );
    let command = [
        "process",
        "vod.mp4",
        "--streamer=demo",
        "--dry-run",
        "--output-dir=out",
        "--no-transcribe",
        "--format=json",
    ];
    let first = sandbox.run(&command).expect(0);
    assert_eq!(first.json()["outcome"], "done");
    let clip = PathBuf::from(first.json()["clips"][0].as_str().expect("a clip"));
    let (bytes, before) = (fs_err::read(&clip).expect("the clip"), states(&sandbox.path("out")));

    fs_err::remove_file(&clip).expect("it was there");
    let mended = sandbox.run(&command).expect(0);
    assert!(
        mended.stderr.contains("note: the output of an earlier run is not there any more"),
        "{}",
        mended.stderr
    );
    assert!(fs_err::read(&clip).expect("the clip") == bytes, "another clip came out");

    let forced = sandbox.run(&[&command[..], &["--force"]].concat()).expect(0);
    assert_eq!(forced.json()["outcome"], "done");
    assert!(forced.stderr.contains("\nrender: "), "{}", forced.stderr);
    assert!(fs_err::read(&clip).expect("the clip") == bytes, "another clip came out");
    assert_ne!(states(&sandbox.path("out")), before);
}
