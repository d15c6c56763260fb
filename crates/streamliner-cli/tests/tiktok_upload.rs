//! Uploads to TikTok with the real binary, against a stand-in that enforces TikTok's rules.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/background.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod background;
#[path = "support/sandbox.rs"]
mod sandbox;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use background::Running;
use sandbox::{Outcome, Sandbox};
use testkit::TestMedia;
use testkit::tiktok::{Builder, Endpoint, FakeTikTok, Fault, Mode};
use tokio::runtime::Runtime;

/// How often an upload is killed.
const KILLS: u64 = 12;
/// The longest time from the start to the kill: an upload of [`LARGE`] takes about as long.
const LONGEST_FUSE_MS: u64 = 900;
/// A file of several chunks.
const LARGE: usize = 70_000_000;

/// A TikTok, and a folder that is logged in to it.
struct World {
    sandbox: Sandbox,
    tiktok: FakeTikTok,
    runtime: Runtime,
}

impl World {
    fn new(builder: Builder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let tiktok = runtime.block_on(builder.start()).expect("a TikTok");
        let world = Self { sandbox: Sandbox::new(), tiktok, runtime };
        world.configure("");
        let tokens = world.tiktok.log_in("demo", &["user.info.basic", "video.upload", "video.publish"]);
        world.sandbox.write(
            ".env",
            &format!(
                "{}TIKTOK_ACCESS_TOKEN={}\nTIKTOK_REFRESH_TOKEN={}\nTIKTOK_OPEN_ID={}\n",
                app(),
                tokens.access_token,
                tokens.refresh_token,
                tokens.open_id
            ),
        );
        world
    }

    fn configure(&self, tiktok: &str) {
        let bases = self.tiktok.bases();
        self.sandbox.write(
            "streamliner.toml",
            &format!(
                "[paths]\ndata_dir = \"data\"\n[tiktok]\napi_base = \"{}\"\nauth_base = \"{}\"\n{tiktok}\n",
                bases.api_base, bases.auth_base
            ),
        );
    }

    /// A video that TikTok takes; other lengths are other videos.
    fn video(&self, name: &str, frames: u16) -> PathBuf {
        let path = self.sandbox.path(name);
        TestMedia::new(frames).write(&path).expect("a video");
        path
    }

    fn upload(&self, name: &str, more: &[&str]) -> Outcome {
        self.sandbox.run(&[&["upload", "--file", name, "--streamer=demo"], more].concat())
    }

    fn drafts(&self) -> usize {
        self.tiktok.record().drafts().count()
    }
}

fn app() -> String {
    format!(
        "TIKTOK_CLIENT_KEY={}\nTIKTOK_CLIENT_SECRET={}\n",
        FakeTikTok::CLIENT_KEY,
        FakeTikTok::CLIENT_SECRET
    )
}

/// Makes a video larger with bytes that no player reads.
fn pad(path: &Path, to: usize) {
    let have = fs_err::metadata(path).expect("the video").len() as usize;
    let size = to - have;
    let mut atom = u32::try_from(size).expect("an atom").to_be_bytes().to_vec();
    atom.extend(b"free");
    atom.resize(size, 7);
    let mut file = fs_err::OpenOptions::new().append(true).open(path).expect("the video");
    file.write_all(&atom).expect("room");
}

#[track_caller]
fn says(outcome: &Outcome, text: &str) {
    assert!(outcome.stderr.contains(text), "“{text}” is not in {}", outcome.stderr);
}

#[test]
fn a_draft_is_delivered_once() {
    let world = World::new(FakeTikTok::builder());
    world.video("clip.mp4", 90);
    let done = world.upload("clip.mp4", &[]).expect(0);
    says(&done, "delivered to the account's inbox as a draft (tiktok)");
    // TikTok takes no text with a draft.
    says(&done, "demo: clip #demo #clips");
    assert!(done.stdout.starts_with("v_inbox_file~"), "{}", done.stdout);
    assert_eq!(world.drafts(), 1);
    let refused = world.upload("clip.mp4", &[]).expect(2);
    says(&refused, "clip was published before");
    says(&refused, done.stdout.trim());
    assert_eq!(world.drafts(), 1);
    world.upload("clip.mp4", &["--force"]).expect(0);
    assert_eq!(world.drafts(), 2);
}

#[test]
fn a_dry_run_needs_no_login_and_asks_nobody() {
    let world = World::new(FakeTikTok::builder());
    world.sandbox.write(".env", "");
    world.video("clip.mp4", 90);
    let rehearsed = world.upload("clip.mp4", &["--dry-run"]).expect(0);
    says(&rehearsed, "it would be sent as a draft into the inbox on TikTok (sandbox), from here");
    assert!(!world.sandbox.path("data").exists());
    assert!(world.tiktok.record().requests.is_empty());
    says(&world.upload("clip.mp4", &[]).expect(2), "TIKTOK_CLIENT_KEY");
    world.sandbox.write(".env", &app());
    says(&world.upload("clip.mp4", &[]).expect(2), "streamliner tiktok-login");
}

#[test]
fn posts_are_made_directly_where_that_is_chosen() {
    let world = World::new(FakeTikTok::builder());
    world.video("clip.mp4", 90);
    says(&world.upload("clip.mp4", &["--strategy=direct_post"]).expect(2), "tiktok.privacy");
    world.configure("privacy = \"SELF_ONLY\"");
    let done = world
        .upload("clip.mp4", &["--strategy=DIRECT_POST", "--wait-status", "--text=hello #there"])
        .expect(0);
    says(&done, "posted, visible to the account only (tiktok)");
    let record = world.tiktok.record();
    let post = record.posts().next().expect("a post");
    assert_eq!(post.mode, Mode::Direct);
    let info = post.post_info.as_ref().expect("what it says");
    assert_eq!((&info["title"], &info["privacy_level"]), (&"hello #there".into(), &"SELF_ONLY".into()));
}

#[test]
fn bad_input_gets_one_clear_line() {
    let world = World::new(FakeTikTok::builder());
    world.video("clip.mp4", 90);
    TestMedia::new(30).size(320, 180).write(&world.sandbox.path("small.mp4")).expect("a video");
    for (file, more, code, said) in [
        ("clip.mp4", ["--strategy=BYTES"].as_slice(), 1, "switched off"),
        ("clip.mp4", &["--strategy=FASTEST"], 2, "MULTIPART"),
        ("clip.mp4", &["--strategy=PULL_FROM_URL", "--no-fallback"], 2, "tiktok.verified_base_url"),
        ("small.mp4", &[], 1, "320 pixels wide"),
        ("streamliner.toml", &[], 1, "no video"),
        ("gone.mp4", &[], 2, "gone.mp4"),
        ("clip.mp4", &["--set=tiktok.account=nobody"], 2, "no TikTok account is called \"nobody\""),
        ("clip.mp4", &["--set=tiktok.chunk_size=1"], 2, "tiktok.chunk_size"),
    ] {
        says(&world.upload(file, more).expect(code), said);
    }
    assert_eq!(world.tiktok.record().publications.len(), 0);
    world.tiktok.fail_next(Endpoint::InboxInit, None, Fault::Refuse("scope_not_authorized"));
    says(&world.upload("clip.mp4", &[]), "scope_not_authorized");
    world.tiktok.behave(Endpoint::InboxInit);
    world.upload("clip.mp4", &[]).expect(0);
}

#[test]
fn a_full_inbox_is_waited_for_and_told() {
    let world = World::new(FakeTikTok::builder().pending_shares(2));
    for number in 1..=3_u16 {
        world.video(&format!("clip-{number}.mp4"), 60 + number);
    }
    world.upload("clip-1.mp4", &[]).expect(0);
    world.upload("clip-2.mp4", &[]).expect(0);
    let full = world.upload("clip-3.mp4", &[]).expect(2);
    says(&full, "not now");
    says(&full, "possible from");
    let again = world.upload("clip-3.mp4", &[]).expect(2);
    assert_eq!(world.tiktok.requests(Endpoint::InboxInit), 3, "TikTok is not bothered: {}", again.stderr);
    let waiting = ["upload-when-ready", "--file=clip-3.mp4", "--streamer=demo", "--max-wait-seconds=60"];
    says(&world.sandbox.run(&waiting).expect(2), "cannot go in the time that you gave");

    let told = world.sandbox.run(&["tiktok-diagnose", "--json", "--check"]).expect(2).json();
    let account = &told["accounts"][0];
    assert_eq!(account["limits"]["block"]["code"], "spam_risk_too_many_pending_share");
    assert_eq!(account["limits"]["pending"].as_array().map(Vec::len), Some(2));
    world.sandbox.run(&["tiktok-diagnose"]).expect(0);
    let open: Vec<String> = world.tiktok.record().drafts().map(|draft| draft.publish_id.clone()).collect();
    for draft in open {
        world.tiktok.finish_draft(&draft);
    }
    world.sandbox.run(&["tiktok-clear-sandbox-state"]).expect(0);
    world.sandbox.run(&["tiktok-clear-sandbox-state", "--all"]).expect(0);
    world.sandbox.run(&waiting).expect(0);
    world.sandbox.run(&["tiktok-diagnose", "--check", "--online"]).expect(0);
    assert_eq!(world.drafts(), 3);
}

#[test]
fn uploads_that_are_killed_make_one_draft_each() {
    // What was announced and never sent counts as waiting for a day, so the inbox is made large.
    let world =
        World::new(FakeTikTok::builder().pending_shares(1_000).empty_inits_pend(false).time_scale(600.0));
    world.configure("chunk_size = 5242880\nsandbox_spam_backoff_seconds = 1");
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    for number in 0..KILLS {
        let name = format!("clip-{number}.mp4");
        let frames = u16::try_from(30 + number).expect("few");
        pad(&world.video(&name, frames), LARGE);
        let arguments = ["upload", "--file", &name, "--streamer=demo", "-v"];
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let mut running = Running::start(&world.sandbox, &arguments);
        let fuse = Duration::from_millis(dice % LONGEST_FUSE_MS);
        while running.next_line(Some(fuse)).is_some_and(|line| !line.contains("sending")) {}
        running.next_line(Some(Duration::from_millis(dice / 7 % LONGEST_FUSE_MS)));
        running.kill();
        world.sandbox.run(&["tiktok-clear-sandbox-state", "--all"]).expect(0);
        let rerun = world.sandbox.run(&arguments);
        let done_before = rerun.code == Some(2) && rerun.stderr.contains("published before");
        assert!(rerun.code == Some(0) || done_before, "{number}: {}", rerun.stderr);
        fs_err::remove_file(world.sandbox.path(&name)).expect("it is ours");
    }
    let record = world.tiktok.record();
    assert_eq!(record.repeated(), [""; 0]);
    assert_eq!(
        record.drafts().filter_map(|draft| draft.sha256.clone()).collect::<BTreeSet<_>>().len() as u64,
        KILLS
    );
}

#[test]
fn a_login_by_browser_is_kept_and_used() {
    let world = World::new(FakeTikTok::builder());
    world.sandbox.write(".env", &app());
    let mut login = Running::start(&world.sandbox, &["tiktok-login", "--no-browser", "--account=mine"]);
    let page = loop {
        let line = login.next_line(None).expect("an address");
        if let Some(page) = line.strip_prefix("Agree in the browser: ") {
            break page.to_owned();
        }
    };
    let back = world.tiktok.agree(&page).expect("the page is right");
    let address = back.strip_prefix("http://").expect("this machine");
    let (host, path) = address.split_once('/').expect("a path");
    let mut browser = TcpStream::connect(host).expect("it listens");
    write!(browser, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut said = String::new();
    browser.read_to_string(&mut said).expect("an answer");
    assert!(said.contains("You can close this page"), "{said}");
    assert_eq!(login.end().code(), Some(0), "{:#?}", login.said);
    let told = world.sandbox.run(&["tiktok-diagnose", "--json"]).expect(0).json();
    assert_eq!(told["accounts"][0]["alias"], "mine");
    world.video("clip.mp4", 60);
    world.upload("clip.mp4", &["--set=tiktok.account=mine"]).expect(0);
    assert_eq!(world.drafts(), 1);
}

#[test]
fn no_secret_is_told_or_kept_where_others_read() {
    let world = World::new(FakeTikTok::builder());
    pad(&world.video("clip.mp4", 90), LARGE);
    let before = world.tiktok.secrets();
    world.tiktok.void_access_tokens();
    world.tiktok.fail_next(Endpoint::Upload, Some(1), Fault::CutBody { after: 1_000_000 });
    let done = world.upload("clip.mp4", &["-vv"]).expect(0);
    let told = world.sandbox.run(&["tiktok-diagnose", "--online", "-vv"]).expect(0);
    let listed = world.sandbox.run(&["queue", "--all", "--format=json", "-vv"]).expect(0);
    let mut secrets = world.tiktok.secrets();
    assert!(secrets.len() > before.len(), "a token and an address for the upload came");
    secrets.push(FakeTikTok::CLIENT_SECRET.to_owned());
    let mut texts: Vec<(String, Vec<u8>)> = Vec::new();
    for outcome in [&done, &told, &listed] {
        texts.push(("stdout".to_owned(), outcome.stdout.clone().into_bytes()));
        texts.push(("stderr".to_owned(), outcome.stderr.clone().into_bytes()));
    }
    let data = world.sandbox.path("data");
    for file in ["streamliner.db", "streamliner.db-wal", ".tiktok_sandbox_state.json"] {
        if data.join(file).exists() {
            texts.push((file.to_owned(), fs_err::read(data.join(file)).expect("it is ours")));
        }
    }
    assert!(texts.len() >= 8);
    for (name, text) in texts {
        for secret in &secrets {
            let there = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!there, "a secret is in {name}");
        }
    }
    drop(world.runtime);
}
