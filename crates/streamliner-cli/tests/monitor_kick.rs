//! `streamliner monitor` on a channel of Kick: the real binary against a stand-in that enforces Kick's rules.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/background.rs"]
mod background;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/sandbox.rs"]
mod sandbox;

use background::Running;
use recording::files_below;
use sandbox::Sandbox;
use testkit::arena_night;
use testkit::kick::{Broadcast, Endpoint, FakeKick};
use testkit::origin::{Origin, Pace, Preparation};
use tokio::runtime::Runtime;

fn configure(sandbox: &Sandbox, kick: &FakeKick) {
    let bases = kick.bases();
    sandbox.write(
        "streamliner.toml",
        &format!(
            "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[transcription]\nenabled = false\n[detection]\nmin_score = 0.3\n\
             [render]\npreset = \"ultrafast\"\nfps = 30\n[monitor]\npoll_interval_s = 1\n\
             [kick]\napi_base = \"{}\"\nauth_base = \"{}\"\nsite_base = \"{}\"\nweb_base = \"{}\"\npusher_url = \"{}\"\n\
             [streamers.demo]\n",
            bases.api_base, bases.auth_base, bases.site_base, bases.web_base, bases.pusher_url
        ),
    );
    sandbox.write(
        ".env",
        &format!("KICK_CLIENT_ID={}\nKICK_CLIENT_SECRET={}\n", FakeKick::CLIENT_ID, FakeKick::CLIENT_SECRET),
    );
}

#[test]
fn a_channel_goes_live_is_recorded_and_ends() {
    let runtime = Runtime::new().expect("a runtime");
    let media = Preparation::of(&arena_night()).prepare().expect("segments");
    let (origin, kick) = runtime.block_on(async {
        let origin = Origin::live(media).pace(Pace::Scaled(12.0)).start().await.expect("an origin");
        let kick = FakeKick::start().await.expect("a Kick");
        (origin, kick)
    });
    kick.add_streamer("demo");
    let sandbox = Sandbox::new();
    configure(&sandbox, &kick);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle", "-vv"]);
    kick.go_live("demo", Broadcast::of(&origin));
    monitor.wait_for("demo: live");
    runtime.block_on(origin.ended());
    kick.go_offline("demo");
    let status = monitor.end();
    assert!(status.success(), "{:#?}", monitor.said);
    assert_eq!(kick.requests(Endpoint::Token), 1);
    let out = files_below(&sandbox.path("out"));
    assert!(out.iter().any(|path| path.ends_with("report.html")), "{out:?} {:#?}", monitor.said);
    for path in files_below(&sandbox.path("data")).iter().chain(&out) {
        let bytes = fs_err::read(path).expect("a file");
        let secret = FakeKick::CLIENT_SECRET.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{}", path.display());
    }
}
