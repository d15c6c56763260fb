//! `streamliner monitor` on channels of Kick: the real binary against a stand-in that enforces Kick's rules.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use support::background::Running;
use support::recording::files_below;
use support::sandbox::Sandbox;
use support::watching::{assert_whole, configure, gaps, kick, only, play, runtime, sessions};
use testkit::kick::{Broadcast, ChatLine, Endpoint, FakeKick, Misbehaviour};
use testkit::origin::{FaultScript, Mix, Repeat};

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_channel_goes_live_is_recorded_with_its_chat_and_ends() {
    let runtime = runtime();
    let origin = play(&runtime, 10.0, Repeat::Once, FaultScript::new());
    let kick = kick(&runtime);
    kick.add_streamer("demo");
    let sandbox = Sandbox::new();
    configure(&sandbox, Some(&kick), &[("demo", None)]);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle", "-vv"]);
    kick.go_live("demo", Broadcast::of(&origin));
    monitor.wait_for("demo: live");
    while kick.chat_connections() == 0 {
        monitor.next_line(None).expect("it goes on");
    }
    let lines: Vec<ChatLine> = (20..160)
        .step_by(5)
        .map(|second| {
            let line = serde_json::json!({ "t_s": f64::from(second), "user": "Fan", "text": format!("at {second}") });
            serde_json::from_value(line).expect("a line")
        })
        .collect();
    let said = {
        let _guard = runtime.enter();
        kick.play_chat("demo", lines, &origin)
    };
    runtime.block_on(said).expect("the chat is played");
    runtime.block_on(origin.ended());
    kick.go_offline("demo");
    let status = monitor.end();
    assert!(status.success(), "{:#?}", monitor.said);
    assert_eq!(kick.requests(Endpoint::Token), 1);
    assert_whole(&sandbox, "demo", &origin, &monitor);

    let chat = fs_err::read_to_string(only(&sandbox.path("data"), "chat.jsonl")).expect("chat");
    assert!(chat.lines().count() >= 20, "{chat}");
    for line in chat.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let said: f64 =
            line["text"].as_str().and_then(|text| text.strip_prefix("at ")?.parse().ok()).expect("ours");
        let at = line["t_s"].as_f64().expect("a time");
        assert!((at - said).abs() <= 1.0, "{line}");
    }
    let out = files_below(&sandbox.path("out"));
    assert!(out.iter().any(|path| path.extension().is_some_and(|kind| kind == "mp4")), "{:#?}", monitor.said);
    only(&sandbox.path("out"), "highlights.json");
    only(&sandbox.path("out"), "report.html");

    // Nothing secret is anywhere but in the one file that is for it, which only its owner may read.
    let token_file = sandbox.path("data/kick-token.json");
    let mode = fs_err::metadata(&token_file).expect("the token is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept: Value = serde_json::from_slice(&fs_err::read(&token_file).expect("the token")).expect("JSON");
    let mut secrets = vec![FakeKick::CLIENT_SECRET.to_owned(), "eyJ".to_owned(), "?token=".to_owned()];
    secrets.extend(
        kept.as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.contains("token"))
            .filter_map(|(_, value)| value.as_str().map(str::to_owned)),
    );
    assert!(secrets.len() > 3, "where is the token in {:?}?", kept.as_object().map(serde_json::Map::keys));
    let log = monitor.said.join("\n");
    for secret in &secrets {
        let line = monitor.said.iter().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "a secret is told: {line:?}");
    }
    assert!(log.contains("state changed"), "the log is there");
    let media = |path: &std::path::Path| {
        path.extension().is_some_and(|kind| ["ts", "mp4", "png"].iter().any(|it| kind == *it))
    };
    for path in files_below(&sandbox.path("data")).iter().chain(&out) {
        if *path == token_file || media(path) {
            continue;
        }
        let bytes = fs_err::read(path).expect("a file");
        for secret in secrets.iter().filter(|secret| *secret != "eyJ") {
            assert!(!contains(&bytes, secret), "a secret is in {}", path.display());
        }
    }

    // The same broadcast comes back long after: it is the same session, and closed once more.
    let mut monitor = Running::start(&sandbox, &["monitor"]);
    kick.go_live("demo", Broadcast::of(&origin));
    monitor.wait_for("demo: starting");
    kick.go_offline("demo");
    monitor.wait_for("demo: over");
    assert_eq!(sessions(&sandbox, "demo").len(), 1);
    assert_whole(&sandbox, "demo", &origin, &monitor);
}

#[test]
fn a_long_stream_on_which_everything_fails_is_recorded_but_for_what_is_lost() {
    const SEGMENTS: u64 = 324;
    // Nothing new goes wrong at the end, so that what follows a fault is seen.
    const QUIET: u64 = 40;
    let runtime = runtime();
    let script = FaultScript::random(7, Mix::new(SEGMENTS - QUIET, 15).mean_apart(8));
    let origin = play(&runtime, 15.0, Repeat::Times(3), script.clone());
    let kick = kick(&runtime);
    kick.add_streamer("demo");
    let sandbox = Sandbox::new();
    configure(&sandbox, Some(&kick), &[("demo", None)]);
    kick.go_live("demo", Broadcast::of(&origin));
    // Read with a failure: what went wrong, and where.
    let _ = writeln!(std::io::stderr(), "{:?}", script.faults());
    let mut monitor =
        Running::start(&sandbox, &["monitor", "--exit-when-idle", "--set=detection.min_score=0.999"]);
    monitor.wait_for("demo: live");
    runtime.block_on(origin.ended());
    let last = origin.truth().iter().filter(|one| !one.lost).map(|one| one.index).max().expect("segments");
    while !origin.log().served().contains(&last) {
        monitor.next_line(None).expect("it goes on");
    }
    kick.go_offline("demo");
    assert!(monitor.end().success(), "{:#?}", monitor.said);
    let verdict = assert_whole(&sandbox, "demo", &origin, &monitor);
    let told = gaps(&monitor, "demo").len();
    assert_eq!(told, verdict.gaps.len(), "each gap is told once: {:#?}", monitor.said);
}

#[test]
fn one_look_costs_a_request_for_each_fifty_channels() {
    let runtime = runtime();
    let kick = kick(&runtime);
    let names: Vec<String> = (0..500).map(|number| format!("streamer{number:03}")).collect();
    for name in &names {
        kick.add_streamer(name);
    }
    kick.go_live("streamer123", Broadcast::at("http://127.0.0.1:1/none.m3u8"));
    let sandbox = Sandbox::new();
    let streamers: Vec<(&str, Option<String>)> = names.iter().map(|name| (name.as_str(), None)).collect();
    configure(&sandbox, Some(&kick), &streamers);
    let seen = sandbox.run(&["monitor", "--once", "--format", "json"]).expect(0).json();
    let requests = [Endpoint::Channels, Endpoint::Livestreams, Endpoint::LivestreamsByUser, Endpoint::Users];
    assert_eq!(requests.iter().map(|endpoint| kick.requests(*endpoint)).sum::<u32>(), 10);
    assert_eq!(kick.requests(Endpoint::Token), 1);
    let seen = seen.as_array().expect("a list");
    assert_eq!(seen.len(), 500);
    let live: Vec<_> = seen.iter().filter(|one| one["state"] == "live").map(|one| &one["name"]).collect();
    assert_eq!(live, ["streamer123"]);
    assert!(seen.iter().all(|one| one["state"] == "live" || one["state"] == "offline"));
}

#[test]
fn what_keeps_a_look_from_being_made_is_told() {
    let runtime = runtime();
    let kick = kick(&runtime);
    kick.add_streamer("demo");
    let sandbox = Sandbox::new();
    configure(&sandbox, Some(&kick), &[("demo", None), ("nobody", None)]);
    let once = ["monitor", "--once", "--format", "json"];

    let seen = sandbox.run(&once).expect(0).json();
    assert_eq!(seen[0]["state"], "offline");
    assert_eq!(seen[1]["state"], "unknown");
    assert!(seen[1]["problem"].as_str().is_some_and(|problem| problem.contains("no channel")), "{seen}");

    kick.misbehave(Endpoint::Channels, Misbehaviour::Cloudflare, None);
    let blocked = sandbox.run(&once).expect(1).json();
    assert_eq!(blocked[0]["state"], "unknown");
    assert!(blocked[0]["problem"].as_str().is_some_and(|problem| problem.contains("blocked")), "{blocked}");
    // It goes on, and sees what there is when the block is over.
    let mut monitor = Running::start(&sandbox, &["monitor", "-v"]);
    while !monitor.next_line(None).expect("it goes on").contains("blocked") {}
    let origin = play(&runtime, 10.0, Repeat::Once, FaultScript::new());
    kick.go_live("demo", Broadcast::of(&origin));
    kick.behave(Endpoint::Channels);
    monitor.wait_for("demo: live");
    drop(monitor);

    fs_err::remove_file(sandbox.path("data/kick-token.json")).expect("the token");
    sandbox.write(".env", &format!("KICK_CLIENT_ID={}\nKICK_CLIENT_SECRET=wrong\n", FakeKick::CLIENT_ID));
    let refused = sandbox.run(&once).expect(1);
    assert!(refused.stdout.contains("client secret is refused"), "{}", refused.stdout);
    fs_err::remove_file(sandbox.path(".env")).expect("the file");
    let missing = sandbox.run(&once).expect(2);
    assert!(missing.stderr.contains("KICK_CLIENT_ID"), "{}", missing.stderr);
}

#[test]
fn a_webhook_starts_a_recording_at_once() {
    let runtime = runtime();
    let kick = kick(&runtime);
    kick.add_streamer("demo");
    let sandbox = Sandbox::new();
    configure(&sandbox, Some(&kick), &[("demo", None)]);
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let address = format!("127.0.0.1:{port}");
    let arguments = ["monitor", "-v", "--set=monitor.poll_interval_s=3600", "--webhook-listen", &address];
    let mut monitor = Running::start(&sandbox, &arguments);
    while !monitor.next_line(None).expect("it goes on").contains("webhooks are received") {}
    // The first look has found nobody, and the next is an hour away.
    while kick.requests(Endpoint::Channels) == 0 {
        monitor.next_line(Some(std::time::Duration::from_millis(20)));
    }
    let origin = play(&runtime, 10.0, Repeat::Once, FaultScript::new());
    kick.go_live("demo", Broadcast::of(&origin));
    let event = kick.status_event("demo");
    let mut forged = event.clone();
    forged.body = forged.body.replace("demo", "else");
    let url = format!("http://{address}/kick");
    assert!(runtime.block_on(kick.post(&url, &forged)).expect("an answer") >= 400);
    assert_eq!(runtime.block_on(kick.post(&url, &event)).expect("an answer"), 200);
    monitor.wait_for("demo: live");
    assert_eq!(kick.requests(Endpoint::Channels), 1, "nobody looked again");
}
