//! Broadcasts to process, and what must be true of what came of them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use testkit::kick::FakeKick;
use testkit::origin::{LiveMedia, Origin, OriginBuilder, Packing, Preparation, Rung};
use testkit::{Placement, Truth, arena_night, frame_numbers};
use tokio::runtime::Runtime;

use crate::contract::{Detection, Moment};
use crate::recording::files_below;
use crate::sandbox::Sandbox;

/// The length of a segment, in seconds.
pub(crate) const SEGMENT_S: f64 = 2.0;
/// Frames a second of the fixture.
const FPS: f64 = 30.0;
/// The rungs of the ladder: the order in a playlist means nothing, so the cheap one comes second.
pub(crate) const BEST: usize = 0;
pub(crate) const LOW: usize = 1;

/// A highlight of `highlights.json` and its clip.
#[derive(Debug, Deserialize)]
pub(crate) struct Clip {
    #[serde(flatten)]
    pub(crate) moment: Moment,
    pub(crate) clip: ClipFile,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ClipFile {
    pub(crate) file: PathBuf,
    pub(crate) first_frame: u32,
    pub(crate) last_frame: u32,
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

pub(crate) fn ladder(packing: Packing) -> Arc<LiveMedia> {
    let rungs = [Rung::KEYED, Rung::scaled(160).kilobits(60)];
    Preparation::of(&arena_night()).rungs(rungs).packing(packing).prepare().expect("segments")
}

pub(crate) fn start(runtime: &Runtime, origin: OriginBuilder) -> Origin {
    runtime.block_on(origin.start()).expect("an origin")
}

/// One clip, quickly made; which moments there are does not depend on it.
pub(crate) fn configured(kick: Option<&FakeKick>) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = "[paths]\ndata_dir = \"data\"\n[transcription]\nenabled = false\n[detection]\nmax_clips = 1\nmin_score = 0.2\n\
         clip_min_s = 3\nclip_max_s = 16\nsetup_s = 2\nsettle_s = 1\n[render]\npreset = \"ultrafast\"\n"
        .to_owned();
    if let Some(kick) = kick {
        let bases = kick.bases();
        text += &format!("[kick]\nsite_base = \"{}\"\nweb_base = \"{}\"\n", bases.site_base, bases.web_base);
    }
    sandbox.write("streamliner.toml", &text);
    sandbox
}

pub(crate) fn arguments(address: &str) -> [&str; 5] {
    ["process", address, "--streamer=demo", "--dry-run", "--output-dir=out"]
}

pub(crate) fn list(sandbox: &Sandbox) -> (Detection, Vec<Clip>) {
    let text = fs_err::read_to_string(sandbox.path("out/highlights.json")).expect("the list");
    let values: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let clips = serde_json::from_value(values["highlights"].clone()).expect("a clip of each highlight");
    (Detection::read(&text), clips)
}

/// All that detection finds in the file that the broadcasts are made of, as they are configured here.
pub(crate) fn found_in_file() -> &'static Detection {
    static FOUND: OnceLock<Detection> = OnceLock::new();
    FOUND.get_or_init(|| {
        let file = arena_night().display().to_string();
        Detection::read(
            &configured(None).run(&["detect", &file, "--format=json", "--max-clips=9"]).expect(0).stdout,
        )
    })
}

/// What was chosen of the one is in the `other`, which holds more: two moments that are nearly as good may change places.
#[track_caller]
pub(crate) fn assert_alike(one: &Detection, other: &Detection) {
    assert!(!one.highlights.is_empty(), "{one:#?}");
    for highlight in &one.highlights {
        let near = |a: f64, b: f64| (a - b).abs() <= SEGMENT_S;
        let same = other.highlights.iter().find(|other| {
            near(highlight.core_start_s, other.core_start_s) && near(highlight.core_end_s, other.core_end_s)
        });
        let same = same.unwrap_or_else(|| panic!("{highlight:#?} is not in {other:#?}"));
        assert!(
            near(highlight.start_s, same.start_s) && near(highlight.end_s, same.end_s),
            "{highlight:#?} {same:#?}"
        );
    }
}

#[track_caller]
pub(crate) fn assert_frames(sandbox: &Sandbox, clips: &[Clip]) {
    let truth = Truth::arena_night().expect("the truth");
    let placement = Placement::centred((truth.width, truth.height), (1080, 1920), 1.0);
    assert!(!clips.is_empty());
    for clip in clips {
        let file = &clip.clip;
        let numbers =
            frame_numbers(&sandbox.path("out").join(&file.file), &truth.strip, placement).expect("a video");
        assert_eq!(numbers.first(), Some(&Some(file.first_frame)), "{clip:?}");
        assert_eq!(numbers.last(), Some(&Some(file.last_frame)), "{clip:?}");
        assert_eq!(numbers.len(), (file.last_frame - file.first_frame + 1) as usize, "{clip:?}");
        assert!((f64::from(file.first_frame) - clip.moment.start_s * FPS).abs() < 1.0, "{clip:?}");
    }
}

/// Nothing but the database and locks is left in the data folder, and no file holds what is secret.
#[track_caller]
pub(crate) fn assert_tidy(sandbox: &Sandbox, secret: &str) {
    for path in files_below(&sandbox.path("data")) {
        let known = path
            .extension()
            .is_some_and(|ending| ["db", "db-wal", "db-shm", "lock"].iter().any(|known| ending == *known));
        assert!(known, "left behind: {}", path.display());
    }
    for path in files_below(&sandbox.path("")) {
        assert!(!holds(&path, secret), "{} holds {secret}", path.display());
    }
}

fn holds(path: &Path, text: &str) -> bool {
    let bytes = fs_err::read(path).expect("a file");
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
