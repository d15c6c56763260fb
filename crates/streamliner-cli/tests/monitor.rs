//! `streamliner monitor`: the real binary against a stream that is played over loopback.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::path::PathBuf;

use serde::Deserialize;
use support::background::Running;
use support::contract::Detection;
use support::sandbox::Sandbox;
use support::watching::{only, play, runtime};
use testkit::origin::{FaultScript, Origin, Repeat};
use testkit::{Placement, Truth, arena_night, fixture, frame_numbers};

/// Seconds of the stream in a second.
const PACE: f64 = 8.0;
/// The length of a segment of the stream, in seconds.
const SEGMENT_S: f64 = 2.0;

/// The clips of `highlights.json`.
#[derive(Debug, Deserialize)]
struct Clips {
    highlights: Vec<Clip>,
}

#[derive(Debug, Deserialize)]
struct Clip {
    clip: ClipFile,
}

#[derive(Debug, Deserialize)]
struct ClipFile {
    file: PathBuf,
    first_frame: u32,
    last_frame: u32,
}

/// A configuration that watches one playlist.
fn configure(sandbox: &Sandbox, origin: &Origin) {
    let model = fixture("models/ggml-nano.en.bin");
    sandbox.write(
        "streamliner.toml",
        &format!(
            "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[transcription]\nmodel = \"{}\"\nlanguage = \"en\"\n\
             [render]\npreset = \"ultrafast\"\nfps = 30\n[monitor]\npoll_interval_s = 1\nclips_per_hour = 0\n\
             [streamers.demo]\nurl = \"{}\"\n",
            model.display(),
            origin.url(),
        ),
    );
}

#[test]
fn a_stream_played_live_gives_what_its_recording_gives() {
    let runtime = runtime();
    let origin = play(&runtime, PACE, Repeat::Once, FaultScript::new());
    let sandbox = Sandbox::new();
    configure(&sandbox, &origin);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle", "-v"]);
    monitor.wait_for("demo: live");
    let status = monitor.end();
    assert!(status.success(), "{:#?}", monitor.said);

    let list = only(&sandbox.path("out"), "highlights.json");
    let live = Detection::read(&fs_err::read_to_string(&list).expect("the list"));
    let model = fixture("models/ggml-nano.en.bin");
    let arena = arena_night();
    let arguments = ["detect", arena.to_str().expect("UTF-8"), "--format", "json", "--model"];
    let whole =
        sandbox.run(&[&arguments[..], &[model.to_str().expect("UTF-8"), "--language", "en"]].concat());
    let whole = Detection::read(&whole.expect(0).stdout);
    let cores = |detection: &Detection| {
        let mut cores: Vec<(f64, f64)> =
            detection.highlights.iter().map(|one| (one.core_start_s, one.core_end_s)).collect();
        cores.sort_by(|one, two| one.0.total_cmp(&two.0));
        cores
    };
    let (live_cores, whole_cores) = (cores(&live), cores(&whole));
    assert_eq!(live_cores.len(), whole_cores.len(), "{live_cores:?} {whole_cores:?}\n{:#?}", monitor.said);
    for (live, whole) in live_cores.iter().zip(&whole_cores) {
        assert!((live.0 - whole.0).abs() <= SEGMENT_S, "{live_cores:?} {whole_cores:?}");
        assert!((live.1 - whole.1).abs() <= SEGMENT_S, "{live_cores:?} {whole_cores:?}");
    }
    // The list names the frames that the clips show.
    let clips: Clips = serde_json::from_str(&fs_err::read_to_string(&list).expect("the list"))
        .expect("the machine contract");
    let truth = Truth::arena_night().expect("the truth");
    let placement = Placement::centred((truth.width, truth.height), (1080, 1920), 1.0);
    assert!(!clips.highlights.is_empty());
    for Clip { clip } in &clips.highlights {
        let path = list.parent().expect("a folder").join(&clip.file);
        let numbers = frame_numbers(&path, &truth.strip, placement).expect("a video");
        assert_eq!(numbers.first(), Some(&Some(clip.first_frame)), "{clip:?}");
        assert_eq!(numbers.last(), Some(&Some(clip.last_frame)), "{clip:?}");
        assert_eq!(numbers.len(), (clip.last_frame - clip.first_frame + 1) as usize, "{clip:?}");
    }
    // Nothing was fetched twice, and nothing is left of work in progress.
    assert!(origin.log().repeated().is_empty());
}
