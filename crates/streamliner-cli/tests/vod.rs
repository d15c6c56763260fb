//! `streamliner process URL`: finished broadcasts, fetched selectively; the real binary against stand-ins.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/background.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod background;
#[path = "support/contract.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod contract;
#[path = "support/host.rs"]
mod host;
#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod recording;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod sandbox;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use background::Running;
use contract::{Detection, Moment};
use host::{Host, Page};
use recording::files_below;
use sandbox::Sandbox;
use serde::Deserialize;
use testkit::kick::{Endpoint, FakeKick, Misbehaviour, Vod, VodStatus};
use testkit::origin::{Fault, FaultScript, LiveMedia, Origin, OriginBuilder, Packing, Preparation, Rung};
use testkit::{Placement, Truth, arena_night, frame_numbers};
use tokio::runtime::Runtime;

/// The length of a segment, in seconds.
const SEGMENT_S: f64 = 2.0;
/// Frames a second of the fixture.
const FPS: f64 = 30.0;
/// The rungs of the ladder: the order in a playlist means nothing, so the cheap one comes second.
const BEST: usize = 0;
const LOW: usize = 1;
/// Segments that may be under way or not yet on disk when the program is killed.
const IN_FLIGHT: usize = 8;

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
    first_frame: u32,
    last_frame: u32,
}

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn ladder(packing: Packing) -> Arc<LiveMedia> {
    let rungs = [Rung::KEYED, Rung::scaled(160).kilobits(60)];
    Preparation::of(&arena_night()).rungs(rungs).packing(packing).prepare().expect("segments")
}

fn start(runtime: &Runtime, origin: OriginBuilder) -> Origin {
    runtime.block_on(origin.start()).expect("an origin")
}

/// Clips are quickly made here; which moments there are does not depend on it.
fn configured(kick: Option<&FakeKick>) -> Sandbox {
    let sandbox = Sandbox::new();
    let mut text = "[paths]\ndata_dir = \"data\"\n[transcription]\nenabled = false\n[detection]\nmax_clips = 2\nmin_score = 0.2\n\
         clip_min_s = 3\nclip_max_s = 16\nsetup_s = 2\nsettle_s = 1\n[render]\npreset = \"ultrafast\"\n"
        .to_owned();
    if let Some(kick) = kick {
        let bases = kick.bases();
        text += &format!("[kick]\nsite_base = \"{}\"\nweb_base = \"{}\"\n", bases.site_base, bases.web_base);
    }
    sandbox.write("streamliner.toml", &text);
    sandbox
}

fn arguments(address: &str) -> [&str; 5] {
    ["process", address, "--streamer=demo", "--dry-run", "--output-dir=out"]
}

fn list(sandbox: &Sandbox) -> (Detection, Vec<Clip>) {
    let text = fs_err::read_to_string(sandbox.path("out/highlights.json")).expect("the list");
    let values: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let clips = serde_json::from_value(values["highlights"].clone()).expect("a clip of each highlight");
    (Detection::read(&text), clips)
}

/// What detection finds in the file that the broadcast was made of.
fn found_in_file(sandbox: &Sandbox) -> Detection {
    let file = arena_night().display().to_string();
    Detection::read(&sandbox.run(&["detect", &file, "--format=json"]).expect(0).stdout)
}

#[track_caller]
fn assert_alike(one: &Detection, other: &Detection) {
    assert_eq!(one.highlights.len(), other.highlights.len(), "{one:#?}\n{other:#?}");
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
fn assert_frames(sandbox: &Sandbox, clips: &[Clip]) {
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
fn assert_tidy(sandbox: &Sandbox, secret: &str) {
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

#[test]
fn a_video_on_kick_is_fetched_where_its_moments_are() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let ids = kick.add_vod("demo", Vod::of(&origin));
    let sandbox = configured(Some(&kick));
    let address = format!("https://kick.com/demo/videos/{}?t=12", ids.vod_id);
    let outcome = sandbox.run(&[&arguments(&address)[..], &["-vv"]].concat()).expect(0);
    let (found, clips) = list(&sandbox);
    assert_alike(&found, &found_in_file(&sandbox));
    assert_frames(&sandbox, &clips);
    let log = origin.log();
    assert_eq!(log.repeated(), [], "fetched twice");
    let whole: usize =
        origin.media().renditions[BEST].segments.iter().map(|segment| segment.bytes.len()).sum();
    let (best, low) = (log.rung_bytes(BEST), log.rung_bytes(LOW));
    // Each clip, a margin of a second or two around it, and the segments that these begin and end in.
    let needed: f64 =
        clips.iter().map(|clip| clip.moment.end_s - clip.moment.start_s + 3.0 + 2.0 * SEGMENT_S).sum();
    let share = (needed + 2.0 * SEGMENT_S) / found.duration_s;
    assert!(best as f64 <= share * 1.25 * whole as f64, "{best} of {whole} bytes, {share}");
    assert!(low > 0);
    let caption = clips[0].clip.file.with_extension("txt");
    let caption = fs_err::read_to_string(sandbox.path("out").join(caption)).expect("a caption");
    assert!(caption.contains("Late night arena"), "{caption}");
    let hidden = origin.url();
    let hidden = hidden.split("/ivs/").nth(1).expect("a path");
    assert!(!outcome.stderr.contains(hidden), "{}", outcome.stderr);
    assert_tidy(&sandbox, hidden);

    let again = sandbox.run(&arguments(&address)).expect(0);
    assert!(again.stderr.contains("done before"), "{}", again.stderr);
    assert_eq!(origin.log().rung_bytes(BEST), best);
    assert_eq!(origin.log().rung_bytes(LOW), low);

    // The older form of the address, and the whole in full quality.
    let older = format!("https://kick.com/video/{}", ids.uuid);
    sandbox.run(&["detect", &older, "--format=json"]).expect(0);
    sandbox.run(&[&arguments(&address)[..], &["--keep-full"]].concat()).expect(0);
    let full = sandbox.path(&format!("out/{}.ts", ids.vod_id));
    let parts = &origin.media().renditions[BEST].segments;
    assert_eq!(
        fs_err::read(&full).expect("the whole"),
        parts.iter().flat_map(|part| part.bytes.to_vec()).collect::<Vec<_>>()
    );
    assert_tidy(&sandbox, hidden);
}

#[test]
fn fragments_and_timestamps_that_wrap_give_the_same_frames() {
    let runtime = runtime();
    for packing in [Packing::Transport, Packing::Fragmented] {
        // A minute before the 33 bits of timestamps begin anew.
        let offset = timeline::MediaDuration::from_secs(95_443 - 60);
        let mut builder = Origin::vod(ladder(packing));
        if packing == Packing::Transport {
            builder = builder.pts_offset(offset);
        }
        let origin = start(&runtime, builder);
        let sandbox = configured(None);
        sandbox.run(&arguments(&origin.url())).expect(0);
        let (found, clips) = list(&sandbox);
        assert_alike(&found, &found_in_file(&sandbox));
        assert_frames(&sandbox, &clips);
        assert_eq!(origin.log().repeated(), []);
    }
}

#[test]
fn what_is_killed_goes_on_and_fetches_nothing_twice() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let sandbox = configured(None);
    let url = origin.url();
    for line in ["ingest: fetching the cheapest rendition, 25 %", "render: clip at"] {
        let mut running = Running::start(&sandbox, &arguments(&url));
        running.wait_for(line);
        drop(running);
    }
    sandbox.run(&arguments(&url)).expect(0);
    let (found, clips) = list(&sandbox);
    assert_alike(&found, &found_in_file(&sandbox));
    assert_frames(&sandbox, &clips);
    let repeated = origin.log().repeated();
    assert!(repeated.len() <= 2 * IN_FLIGHT, "{repeated:?}");
    assert_tidy(&sandbox, "no secret");
}

#[test]
fn what_a_host_has_lost_is_a_gap() {
    let runtime = runtime();
    // In the quiet before the first moment.
    let script = FaultScript::new().at(3..4, Fault::NotFound { times: None });
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)).script(script));
    let sandbox = configured(None);
    let outcome = sandbox.run(&arguments(&origin.url())).expect(0);
    assert!(outcome.stderr.contains("1 segment could not be had"), "{}", outcome.stderr);
    let (found, clips) = list(&sandbox);
    assert_alike(&found, &found_in_file(&sandbox));
    assert_frames(&sandbox, &clips);
}

#[test]
fn a_media_file_goes_on_where_the_connection_broke() {
    let file = fs_err::read(arena_night()).expect("the fixture");
    let host =
        Host::start(vec![("/a/night.mp4", Page::Media { bytes: file.clone(), cut_after: file.len() / 3 })]);
    let sandbox = configured(None);
    let address = host.url("/a/night.mp4?token=SECRETTOKEN");
    sandbox.run(&[&arguments(&address)[..], &["--keep-full", "-vv"]].concat()).expect(0);
    let (found, clips) = list(&sandbox);
    assert_alike(&found, &found_in_file(&sandbox));
    assert_frames(&sandbox, &clips);
    assert!(host.ranges().iter().any(|first| *first > 0), "{:?}", host.ranges());
    assert_eq!(fs_err::read(sandbox.path("out/night.mp4")).expect("the whole"), file);
    assert_tidy(&sandbox, "SECRETTOKEN");
}

#[test]
fn a_program_finds_what_is_not_known_here() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let sandbox = configured(None);
    let page = "https://videos.example/watch?v=1";
    let refused = sandbox.run(&arguments(page)).expect(2);
    assert!(refused.stderr.contains("vod.resolver_command"), "{}", refused.stderr);
    let command = format!("vod.resolver_command=[\"echo\", \"{}\", \"{{url}}\"]", origin.url());
    let printed = sandbox
        .run(&["detect", page, "--format=json", "--set", &command.replace(", \"{url}\"", "")])
        .expect(0);
    assert_alike(&Detection::read(&printed.stdout), &found_in_file(&sandbox));
    let failing = sandbox.run(&["detect", page, "--set=vod.resolver_command=[\"false\"]"]).expect(1);
    assert!(failing.stderr.contains("false does not find the video"), "{}", failing.stderr);
}

#[test]
fn what_cannot_be_had_is_told_in_a_line() {
    let runtime = runtime();
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let only = kick.add_vod("demo", Vod::of(&origin).status(VodStatus::SubscriberOnly));
    let processing = kick.add_vod("demo", Vod::of(&origin).status(VodStatus::Processing));
    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nloop.m3u8\n";
    let host = Host::start(vec![
        ("/page.m3u8", Page::Text("text/html", "<!doctype html><html></html>".into())),
        ("/page.mp4", Page::Text("text/html", "<!doctype html><html></html>".into())),
        ("/loop.m3u8", Page::Text("application/vnd.apple.mpegurl", master.into())),
        ("/empty.m3u8", Page::Text("application/vnd.apple.mpegurl", "#EXTM3U\n".into())),
        ("/turn.mp4", Page::Redirect("ftp://elsewhere.example/a.mp4".into())),
    ]);
    let sandbox = configured(Some(&kick));
    let id = "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";
    let cases = [
        (format!("https://kick.com/demo/videos/{}", only.vod_id), 2, "subscribers"),
        (format!("https://kick.com/demo/videos/{}", processing.vod_id), 2, "processing"),
        (format!("https://kick.com/demo/videos/{id}"), 2, "deletes them"),
        ("https://kick.com/demo".to_owned(), 2, "address of the channel"),
        ("kick.com/demo/clips/clip_1".to_owned(), 2, "address of a clip"),
        ("ftp://h.example/a.mp4".to_owned(), 2, "ftp:// addresses cannot be fetched"),
        ("https://".to_owned(), 2, "not an address"),
        (host.url("/page.m3u8?token=SECRETTOKEN"), 2, "not a playlist"),
        (host.url("/page.mp4?token=SECRETTOKEN"), 2, "web page"),
        (host.url("/loop.m3u8?token=SECRETTOKEN"), 2, "lead to one another"),
        (host.url("/empty.m3u8?token=SECRETTOKEN"), 2, "nothing"),
        (host.url("/gone.m3u8?token=SECRETTOKEN"), 2, "404"),
        (host.url("/gone.mp4?token=SECRETTOKEN"), 2, "404"),
        (host.url("/turn.mp4?token=SECRETTOKEN"), 2, "not an address to fetch"),
    ];
    for (address, code, words) in &cases {
        let outcome = sandbox.run(&arguments(address)).expect(*code);
        let error = outcome.stderr.lines().find(|line| line.starts_with("error: ")).expect("an error");
        assert!(error.contains(words), "{address}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("SECRETTOKEN"), "{}", outcome.stderr);
        assert!(outcome.stderr.lines().count() <= 2, "{}", outcome.stderr);
    }
    let public = kick.add_vod("demo", Vod::of(&origin));
    for endpoint in
        [Endpoint::Playback, Endpoint::SiteChannel, Endpoint::Video, Endpoint::Videos, Endpoint::OldVideo]
    {
        kick.misbehave(endpoint, Misbehaviour::Waf, None);
    }
    let blocked =
        sandbox.run(&arguments(&format!("https://kick.com/demo/videos/{}", public.vod_id))).expect(2);
    assert!(blocked.stderr.contains("is blocked by"), "{}", blocked.stderr);
    assert!(!sandbox.path("out").exists() && !sandbox.path("data").exists(), "something was begun");
}
