//! `streamliner process URL`: finished broadcasts, fetched selectively; the real binary against stand-ins.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/background.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod background;
#[path = "support/broadcast.rs"]
mod broadcast;
#[path = "support/contract.rs"]
mod contract;
#[path = "support/host.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod host;
#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod recording;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod sandbox;

use background::Running;
use broadcast::{
    BEST, LOW, SEGMENT_S, arguments, assert_alike, assert_frames, assert_tidy, configured, found_in_file,
    ladder, list, runtime, start,
};
use contract::Detection;
use host::{Host, Page};
use testkit::arena_night;
use testkit::kick::{ChatLine, Endpoint, FakeKick, Misbehaviour, Vod};
use testkit::origin::{Fault, FaultScript, Origin, Packing};

/// Segments that may be under way or not yet on disk when the program is killed.
const IN_FLIGHT: usize = 8;
/// The most requests that chat may take of a broadcast.
const MOST_CHAT: u32 = 480;

#[test]
fn a_video_on_kick_is_fetched_where_its_moments_are() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let ids = kick.add_vod("demo", Vod::of(&origin));
    let sandbox = configured(Some(&kick));
    let address = format!("https://kick.com/demo/videos/{}", ids.vod_id);
    let two = "--max-clips=2";
    let outcome = sandbox.run(&[&arguments(&address)[..], &["-vv", two]].concat()).expect(0);
    let (found, clips) = list(&sandbox);
    assert_eq!(clips.len(), 2);
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
    let hidden = hidden.split("/ivs/").nth(1).expect("a path").to_owned();
    assert!(!outcome.stderr.contains(&hidden), "{}", outcome.stderr);
    assert_tidy(&sandbox, &hidden);

    // The older form of the address, and the whole in full quality.
    let older = format!("https://kick.com/video/{}", ids.uuid);
    let printed = sandbox.run(&["detect", &older, "--format=json"]).expect(0);
    assert_alike(&Detection::read(&printed.stdout), found_in_file());
    sandbox.run(&[&arguments(&address)[..], &["--keep-full", two]].concat()).expect(0);
    let full = sandbox.path(&format!("out/{}.ts", ids.vod_id));
    let parts = &origin.media().renditions[BEST].segments;
    assert_eq!(
        fs_err::read(&full).expect("the whole"),
        parts.iter().flat_map(|part| part.bytes.to_vec()).collect::<Vec<_>>()
    );
    assert_tidy(&sandbox, &hidden);

    // What is known and done needs neither Kick nor the host.
    drop((kick, origin, runtime));
    let again = sandbox.run(&[&arguments(&address)[..], &["--keep-full", two]].concat()).expect(0);
    assert!(again.stderr.contains("done before"), "{}", again.stderr);
    assert_eq!(again.stdout.lines().filter(|line| line.ends_with(".mp4")).count(), 2, "{}", again.stdout);
}

#[test]
fn a_playlist_that_is_gone_is_answered_from_what_was_made() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let sandbox = configured(None);
    let address = origin.url();
    sandbox.run(&arguments(&address)).expect(0);
    let fetched = origin.log().rung_bytes(LOW);
    let again = sandbox.run(&arguments(&address)).expect(0);
    assert!(again.stderr.contains("done before") && !again.stderr.contains("changed"), "{}", again.stderr);
    assert_eq!(origin.log().rung_bytes(LOW), fetched);
    drop((origin, runtime));
    let offline = sandbox.run(&arguments(&address)).expect(0);
    assert!(offline.stderr.contains("whether it has changed since is not known"), "{}", offline.stderr);
    assert!(offline.stderr.contains("done before"), "{}", offline.stderr);
}

#[test]
fn an_address_says_where_to_begin() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let ids = kick.add_vod("demo", Vod::of(&origin));
    let sandbox = configured(Some(&kick));
    let address = |start: &str| format!("https://kick.com/demo/videos/{}?t={start}", ids.vod_id);
    let detect = |address: &str| {
        let printed = sandbox.run(&["detect", address, "--format=json", "--min-score=0", "--max-clips=50"]);
        Detection::read(&printed.expect(0).stdout)
    };
    let all = detect(&format!("https://kick.com/video/{}", ids.uuid));
    let fetched = origin.log().rung_bytes(LOW);
    let late = detect(&address("2m30s"));
    assert!(origin.log().rung_bytes(LOW) - fetched < fetched * 3 / 4);
    assert!((late.duration_s - all.duration_s).abs() < 0.1);
    assert!(late.highlights.iter().all(|moment| moment.core_end_s > 150.0), "{late:#?}");
    // Times are those of the whole, and the detector has heard enough before to know what is usual.
    let scare = |found: &Detection| {
        let mut near = found.highlights.iter().filter(|moment| (160.0..175.0).contains(&moment.peak_s));
        near.next().map(|moment| (moment.core_start_s, moment.peak_s))
    };
    let (whole, part) = (scare(&all).expect("a scare"), scare(&late).expect("a scare"));
    assert!((whole.0 - part.0).abs() <= SEGMENT_S && (whole.1 - part.1).abs() <= SEGMENT_S);
    let beyond = sandbox.run(&arguments(&address("9999"))).expect(2);
    assert!(beyond.stderr.contains("the recording is only"), "{}", beyond.stderr);
    let mistyped = sandbox.run(&arguments(&address("soon"))).expect(2);
    assert!(mistyped.stderr.contains("1h2m3s"), "{}", mistyped.stderr);

    // Clips show the frames of the whole, too.
    sandbox.run(&arguments(&address("150"))).expect(0);
    let (_, clips) = list(&sandbox);
    assert!(clips.iter().all(|clip| clip.moment.core_end_s > 150.0));
    assert_frames(&sandbox, &clips);
}

#[test]
fn chat_of_a_video_is_asked_for_around_its_moments_and_counts() {
    let runtime = runtime();
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)));
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let ids = kick.add_vod("demo", Vod::of(&origin));
    let chat = arena_night().with_file_name("arena-night.chat.jsonl");
    let lines = ChatLine::read(&chat).expect("the chat of the fixture");
    kick.add_history("demo", origin.began(), &lines);
    let sandbox = configured(Some(&kick));
    let address = format!("https://kick.com/demo/videos/{}", ids.vod_id);
    let detect = |more: &str| {
        let printed = sandbox.run(&["detect", &address, "--format=json", "--max-clips=9", more]);
        Detection::read(&printed.expect(0).stdout)
    };
    let without = detect("--set=vod.chat=false");
    assert_eq!(kick.requests(Endpoint::ChatHistory), 0);
    let with = detect("--set=vod.chat=true");
    let asked = kick.requests(Endpoint::ChatHistory);
    assert!((1..=MOST_CHAT).contains(&asked), "{asked}");
    let mut raised = 0;
    for before in &without.highlights {
        assert_eq!(before.weight("chat"), None);
        let same = with.highlights.iter().find(|after| (after.peak_s - before.peak_s).abs() < 0.1);
        let after = same.expect("chat takes nothing away");
        if let Some(weight) = after.weight("chat").filter(|weight| *weight > 1.0) {
            assert!(after.score > before.score, "{weight} {before:#?} {after:#?}");
            raised += 1;
        }
    }
    assert!(raised >= 2, "{with:#?}");
    // As much as the whole of it says, which is longer known to compare.
    let chat = chat.display().to_string();
    let known = sandbox.run(&["detect", &address, "--format=json", "--max-clips=9", "--chat", &chat]);
    let known = Detection::read(&known.expect(0).stdout);
    assert_eq!(kick.requests(Endpoint::ChatHistory), asked, "chat was given");
    let best = |found: &Detection| found.highlights[0].weight("chat").unwrap_or_default();
    assert!((best(&known) - best(&with)).abs() < 1.0, "{} {}", best(&known), best(&with));

    // No chat is no error.
    kick.misbehave(Endpoint::ChatHistory, Misbehaviour::Waf, None);
    let blocked = sandbox.run(&["detect", &address, "--format=json", "--max-clips=9"]).expect(0);
    assert!(blocked.stderr.contains("chat is missing for some moments"), "{}", blocked.stderr);
    let blocked = Detection::read(&blocked.stdout);
    assert_eq!(blocked.highlights.len(), without.highlights.len());
    assert!(kick.requests(Endpoint::ChatHistory) <= asked + 4, "it goes on asking");
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
        assert_alike(&found, found_in_file());
        assert_frames(&sandbox, &clips);
        assert_eq!(origin.log().repeated(), []);
    }
}

#[test]
fn what_is_killed_goes_on_and_fetches_nothing_twice() {
    let runtime = runtime();
    // What a host has lost, in the quiet between two moments, is a gap.
    let script = FaultScript::new().at(55..56, Fault::NotFound { times: None });
    let origin = start(&runtime, Origin::vod(ladder(Packing::Transport)).script(script));
    let sandbox = configured(None);
    let url = origin.url();
    for line in ["ingest: fetching the cheapest rendition, 25 %", "render: clip at"] {
        let mut running = Running::start(&sandbox, &arguments(&url));
        running.wait_for(line);
        if line.starts_with("render") {
            assert!(running.said.iter().any(|said| said.contains("1 segment could not be had")));
        }
        drop(running);
    }
    sandbox.run(&arguments(&url)).expect(0);
    let (found, clips) = list(&sandbox);
    assert_alike(&found, found_in_file());
    assert_frames(&sandbox, &clips);
    let repeated = origin.log().repeated();
    assert!(repeated.len() <= 2 * IN_FLIGHT, "{repeated:?}");
    assert_tidy(&sandbox, "no secret");
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
    assert_alike(&found, found_in_file());
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
    let command = format!("vod.resolver_command=[\"echo\", \"{}\"]", origin.url());
    let printed = sandbox.run(&["detect", page, "--format=json", "--set", &command]).expect(0);
    assert_alike(&Detection::read(&printed.stdout), found_in_file());
    let failing = sandbox.run(&["detect", page, "--set=vod.resolver_command=[\"false\"]"]).expect(1);
    assert!(failing.stderr.contains("false does not find the video"), "{}", failing.stderr);
}
