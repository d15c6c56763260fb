//! Finished clips go out by themselves, once: `process` and `queue` with the target `folder`, on the real binary.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/recording.rs"]
mod recording;
#[path = "support/sandbox.rs"]
mod sandbox;

use std::path::PathBuf;

use recording::{excerpt, files_below};
use sandbox::{Outcome, Sandbox};
use serde_json::Value;

/// Short clips of a short recording, by its sound alone.
const CONFIGURATION: &str = "
[paths]
data_dir = \"data\"
[transcription]
enabled = false
[detection]
min_score = 0
max_clips = 2
clip_min_s = 3
clip_max_s = 6
setup_s = 2
settle_s = 1
[render]
preset = \"ultrafast\"
";
const PROCESS: [&str; 4] = ["process", "vod.mp4", "--streamer=demo", "--output-dir=out"];

fn prepared(publishing: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    excerpt(62, 40, &sandbox.path("vod.mp4"));
    sandbox.write("streamliner.toml", &format!("{CONFIGURATION}[publishing]\n{publishing}\n"));
    sandbox
}

fn names(sandbox: &Sandbox, folder: &str, ending: &str) -> Vec<String> {
    let mut files = files_below(&sandbox.path(folder));
    files.retain(|path| path.extension().is_some_and(|known| known == ending));
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(name).collect()
}

fn queue(sandbox: &Sandbox) -> Vec<Value> {
    let listed = sandbox.run(&["queue", "--all", "--format=json"]).expect(0);
    listed.json().as_array().expect("a list").clone()
}

fn states(sandbox: &Sandbox) -> Vec<String> {
    queue(sandbox).iter().map(|one| one["state"].as_str().expect("a state").to_owned()).collect()
}

#[track_caller]
fn says(outcome: &Outcome, text: &str) {
    assert!(outcome.stderr.contains(text), "“{text}” is not in {}", outcome.stderr);
}

#[test]
fn clips_are_exported_once() {
    let sandbox = prepared(
        "targets = [\"folder\"]\nfolder = \"outbox\"\ndescription_template = \"{{ streamer }} {{ category }} {{ hashtags }}\"\nhashtags = [\"one\", \"two\"]",
    );
    let command = [PROCESS.as_slice(), &["--category=Chess"]].concat();
    let mut dry = command.clone();
    dry.push("--dry-run");
    sandbox.run(&dry).expect(0);
    assert!(!sandbox.path("outbox").exists(), "a dry run publishes nothing");
    assert!(queue(&sandbox).is_empty());

    // The clips are there; only publishing is left to do.
    let made = names(&sandbox, "out/clips", "mp4");
    assert_eq!(made.len(), 2);
    let done = sandbox.run(&command).expect(0);
    says(&done, "exported (folder)");
    assert_eq!(names(&sandbox, "outbox", "mp4"), made);
    for text in files_below(&sandbox.path("outbox"))
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
    {
        assert_eq!(fs_err::read_to_string(text).expect("the text"), "demo Chess #one #two\n");
    }
    assert_eq!(states(&sandbox), ["delivered", "delivered"]);

    fs_err::remove_file(sandbox.path("outbox").join(&made[0])).expect("it is there");
    sandbox.run(&command).expect(0);
    sandbox.run(&["queue", "run"]).expect(0);
    assert_eq!(names(&sandbox, "outbox", "mp4"), made[1..], "what was exported is not exported again");
    let listed = sandbox.run(&["queue"]).expect(0);
    assert_eq!(listed.stdout, "nothing waits\n2 are over; --all lists them too\n");
}

#[test]
fn clips_wait_for_a_word_where_that_is_asked_for() {
    let sandbox = prepared("targets = [\"folder\"]\nauto = false");
    // Nothing is there yet, and looking makes nothing.
    assert_eq!(sandbox.run(&["queue"]).expect(0).stdout, "nothing waits\n");
    assert!(!sandbox.path("data").exists());
    says(&sandbox.run(&["queue", "drop", "demo-01"]).expect(2), "the queue is empty");

    let made = sandbox.run(&PROCESS).expect(0);
    says(&made, "2 wait in the queue: it waits for your word");
    assert_eq!(states(&sandbox), ["paused", "paused"]);
    let clips: Vec<String> =
        queue(&sandbox).iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
    says(&sandbox.run(&["queue", "resume", &clips[0], "nobody"]).expect(2), "\"nobody\"");
    assert_eq!(states(&sandbox), ["paused", "paused"], "a slip changes nothing");

    sandbox.run(&["queue", "resume", &clips[0]]).expect(0);
    sandbox.run(&["queue", "pause"]).expect(0);
    let held = sandbox.run(&["queue", "run"]).expect(0);
    says(&held, "the queue is paused");
    assert!(names(&sandbox, "streamliner-output/published", "mp4").is_empty());
    let listed = sandbox.run(&["queue"]).expect(0);
    assert!(
        listed.stdout.contains("the queue is paused; `streamliner queue resume` lets it go on"),
        "{}",
        listed.stdout
    );

    let key = queue(&sandbox)[1]["key"].as_str().expect("a key").to_owned();
    sandbox.run(&["queue", "drop", &key[..8]]).expect(0);
    sandbox.run(&["queue", "resume"]).expect(0);
    sandbox.run(&["queue", "run"]).expect(0);
    assert_eq!(names(&sandbox, "streamliner-output/published", "mp4"), [format!("{}.mp4", clips[0])]);
    assert_eq!(states(&sandbox), ["delivered", "dropped"]);
    says(&sandbox.run(&["queue", "drop", &clips[0]]).expect(2), "is delivered, so it cannot be dropped");
    sandbox.run(&["queue", "retry", &clips[1]]).expect(0);
    sandbox.run(&["queue", "run"]).expect(0);
    assert_eq!(states(&sandbox), ["delivered", "delivered"]);
}

#[test]
fn a_clip_that_cannot_be_published_fails_the_run_and_keeps_the_rest() {
    let sandbox = prepared("targets = [\"folder\"]\nfolder = \"outbox\"\nauto = false");
    sandbox.run(&PROCESS).expect(0);
    let all = queue(&sandbox);
    let file = all[0]["file"].as_str().expect("a file");
    let original = fs_err::read(file).expect("the clip");
    fs_err::write(file, b"something else").expect("it is ours");
    sandbox.run(&["queue", "resume"]).expect(0);
    let failed = sandbox.run(&PROCESS).expect(1);
    says(&failed, "not what it was");
    says(&failed, "queue retry");
    assert_eq!(states(&sandbox), ["failed", "delivered"]);
    fs_err::write(file, original).expect("it is ours");
    sandbox.run(&["queue", "retry", all[0]["name"].as_str().expect("a name")]).expect(0);
    sandbox.run(&PROCESS).expect(0);
    assert_eq!(states(&sandbox), ["delivered", "delivered"]);
}

#[test]
fn one_file_is_exported_by_hand() {
    let sandbox = prepared("");
    let upload = ["upload", "--file=vod.mp4", "--streamer=demo", "--to=folder"];
    let mut dry = upload.to_vec();
    dry.push("--dry-run");
    let rehearsed = sandbox.run(&dry).expect(0);
    says(&rehearsed, "nothing was sent");
    assert_eq!(rehearsed.stdout, "demo: vod #demo #clips\n");
    assert!(!sandbox.path("data").exists());
    let done = sandbox.run(&upload).expect(0);
    assert!(done.stdout.trim_end().ends_with("published/vod.mp4"), "{}", done.stdout);
    says(&sandbox.run(&upload).expect(2), "vod was published before");
    let mut again = upload.to_vec();
    again.extend(["--force", "--format=json"]);
    assert_eq!(sandbox.run(&again).expect(0).json()["state"], "delivered");
    assert_eq!(names(&sandbox, "streamliner-output/published", "mp4"), ["vod.mp4"], "the folder knows it");
    for (file, code, said) in
        [("gone.mp4", 2, "gone.mp4"), ("streamliner.toml", 1, "no video"), ("data", 2, "not a file")]
    {
        let refused = sandbox.run(&["upload", "--file", file, "--streamer=demo", "--to=folder"]).expect(code);
        says(&refused, said);
    }
}

#[test]
fn wrong_settings_stop_the_start_with_their_key() {
    let sandbox = Sandbox::new();
    for (setting, said) in [
        ("targets = [\"youtube\"]", "publishing.targets"),
        ("hours = [\"evening\"]", "publishing.hours"),
        ("time_zone = \"Mars/Olympus\"", "publishing.time_zone"),
        ("hashtags = [\"#a\"]", "publishing.hashtags"),
        ("posts_per_day = -1", "publishing.posts_per_day"),
        ("description_template = \"{{ titel }}\"", "uses `titel`, which is unknown"),
    ] {
        sandbox.write("streamliner.toml", &format!("[publishing]\n{setting}\n"));
        let refused = sandbox.run(&["queue"]).expect(2);
        says(&refused, said);
        says(&refused, "streamliner.toml:2");
    }
}
