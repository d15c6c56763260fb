//! Addresses of which no clips can be made: each is told in a line, at once, and nothing is begun or left behind.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/broadcast.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod broadcast;
#[path = "support/contract.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
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

use std::sync::Arc;

use broadcast::{arguments, configured, runtime, start};
use host::{Host, Page};
use recording::files_below;
use sandbox::{Outcome, Sandbox};
use testkit::kick::{Endpoint, FakeKick, Misbehaviour, Vod, VodStatus};
use testkit::origin::{Fault, FaultScript, LiveMedia, Origin, Preparation};
use testkit::{Sound, TestMedia};

/// Segments of the broadcasts here: few, since none comes.
const SEGMENTS: u64 = 3;
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// A few seconds.
fn short() -> Arc<LiveMedia> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("short.mp4");
    TestMedia::new(30 * 2 * SEGMENTS as u16).sound(Sound::Beeps).write(&file).expect("a file");
    Preparation::of(&file).prepare().expect("segments")
}

/// One line that tells what is wrong, perhaps one with the remedy, and nothing that is secret.
#[track_caller]
fn assert_told(outcome: &Outcome, words: &str, secret: &str) {
    let error = outcome.stderr.lines().find(|line| line.starts_with("error: ")).expect("an error");
    assert!(error.contains(words), "{words}: {}", outcome.stderr);
    assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    let told =
        outcome.stderr.lines().filter(|line| line.starts_with("error: ") || line.starts_with("hint: "));
    assert!(told.count() <= 2, "{}", outcome.stderr);
}

#[track_caller]
fn assert_nothing_begun(sandbox: &Sandbox) {
    assert!(!sandbox.path("out").exists() && !sandbox.path("data").exists(), "something was begun");
}

#[test]
fn what_kick_does_not_give_out_is_told() {
    let runtime = runtime();
    let kick = runtime.block_on(FakeKick::start()).expect("a Kick");
    kick.add_streamer("demo");
    let origin = start(&runtime, Origin::vod(short()));
    let add = |status| kick.add_vod("demo", Vod::of(&origin).status(status));
    let unknown = "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";
    let newer = |id: &str| format!("https://kick.com/demo/videos/{id}");
    let older = |id: &str| format!("https://kick.com/video/{id}");
    let sandbox = configured(Some(&kick));
    for (address, words) in [
        (newer(&add(VodStatus::SubscriberOnly).vod_id), "subscribers"),
        (older(&add(VodStatus::SubscriberOnly).uuid), "subscribers"),
        (newer(&add(VodStatus::Processing).vod_id), "processing"),
        (newer(&add(VodStatus::Private).vod_id), "private"),
        (older(&add(VodStatus::Private).uuid), "private"),
        (older(&add(VodStatus::Deleted).uuid), "was deleted"),
        (newer(&add(VodStatus::Deleted).vod_id), "deletes them"),
        (newer(unknown), "deletes them"),
    ] {
        let outcome = sandbox.run(&arguments(&address)).expect(2);
        assert_told(&outcome, words, "media/hls");
    }
    let public = add(VodStatus::Public).vod_id;
    for endpoint in
        [Endpoint::Playback, Endpoint::SiteChannel, Endpoint::Video, Endpoint::Videos, Endpoint::OldVideo]
    {
        kick.misbehave(endpoint, Misbehaviour::Waf, None);
    }
    let blocked = sandbox.run(&arguments(&newer(&public))).expect(2);
    assert_told(&blocked, "is blocked by", "media/hls");
    assert_nothing_begun(&sandbox);
}

#[test]
fn what_is_no_video_is_told() {
    let html = || Page::Text("text/html", "<!doctype html><html></html>".into());
    let list = |text: &str| Page::Text(PLAYLIST, text.into());
    let host = Host::start(vec![
        ("/page.m3u8", html()),
        ("/page.mp4", html()),
        ("/loop.m3u8", list("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nloop.m3u8\n")),
        ("/empty.m3u8", list("#EXTM3U\n")),
        (
            "/sealed.m3u8",
            list("#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n"),
        ),
        ("/elsewhere.m3u8", list("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///etc/passwd\n")),
        ("/turn.mp4", Page::Redirect("ftp://elsewhere.example/a.mp4".into())),
        ("/turn.m3u8", Page::Redirect("file:///etc/passwd".into())),
        ("/round.m3u8", Page::Redirect("/round.m3u8".into())),
        ("/text.mp4", Page::Text("video/mp4", "no film at all".into())),
    ]);
    let at = |path: &str| host.url(&format!("{path}?token=SECRETTOKEN"));
    let sandbox = configured(None);
    for (address, words) in [
        ("https://kick.com/demo".to_owned(), "address of the channel"),
        ("kick.com/demo/clips/clip_1".to_owned(), "address of a clip"),
        ("https://kick.com/browse".to_owned(), "no video"),
        ("ftp://h.example/a.mp4".to_owned(), "ftp:// addresses cannot be fetched"),
        ("file:///etc/passwd".to_owned(), "file:// addresses cannot be fetched"),
        ("https://".to_owned(), "not an address"),
        (at("/page.m3u8"), "not a playlist"),
        (at("/page.mp4"), "web page"),
        (at("/loop.m3u8"), "lead to one another"),
        (at("/empty.m3u8"), "nothing"),
        (at("/sealed.m3u8"), "encrypted"),
        (at("/elsewhere.m3u8"), "not an address to fetch"),
        (at("/gone.m3u8"), "404"),
        (at("/gone.mp4"), "404"),
        (at("/turn.mp4"), "not an address to fetch"),
        (at("/turn.m3u8"), "not an address to fetch"),
        (at("/round.m3u8"), "redirects more than"),
    ] {
        let outcome = sandbox.run(&arguments(&address)).expect(2);
        assert_told(&outcome, words, "SECRETTOKEN");
    }
    assert_nothing_begun(&sandbox);
    // Only when it is here one sees what it is.
    let text = sandbox.run(&arguments(&at("/text.mp4"))).expect(1);
    assert_told(&text, "not a media file", "SECRETTOKEN");
}

#[test]
fn hosts_that_mean_ill_are_told_and_cost_little() {
    let runtime = runtime();
    let media = short();
    let all = |fault: Fault| FaultScript::new().at(0..SEGMENTS, fault);
    let times = None;
    let cases = [
        (Fault::PlaylistBomb, 1, "larger than"),
        (Fault::HtmlPlaylist, 2, "not a playlist"),
        (Fault::PlaylistLoop, 2, "lead to one another"),
        (Fault::HtmlSegment { times }, 1, "not one segment"),
        (Fault::GzipBomb { times }, 1, "not one segment"),
        (Fault::HugeSegment { announced: true, times }, 1, "too large"),
        (Fault::HugeSegment { announced: false, times }, 1, "too large"),
        (Fault::NotFound { times }, 1, "not one segment"),
        (Fault::Redirect { to: "file:///etc/passwd".to_owned(), times }, 1, "not one segment"),
    ];
    for (fault, code, words) in cases {
        let origin = start(&runtime, Origin::vod(Arc::clone(&media)).script(all(fault.clone())));
        let sandbox = configured(None);
        let outcome = sandbox.run(&arguments(&origin.url())).expect(code);
        let hidden = origin.url();
        let hidden = hidden.split("/ivs/").nth(1).expect("a path");
        assert_told(&outcome, words, hidden);
        // Nothing of what came is kept.
        let kept: u64 = files_below(&sandbox.path(""))
            .iter()
            .filter_map(|path| fs_err::metadata(path).ok())
            .map(|facts| facts.len())
            .sum();
        assert!(kept < 1 << 20, "{fault:?} left {kept} bytes");
        assert!(!sandbox.path("out/highlights.json").exists(), "{fault:?}");
    }
}
