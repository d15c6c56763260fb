//! `streamliner process` with chat and a transcript beside the recording, on the real binary.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/sandbox.rs"]
mod sandbox;

use std::path::Path;

use sandbox::{Outcome, Sandbox};
use testkit::{chat_lines, fixture, transcript};

fn text(path: &Path) -> &str {
    path.to_str().expect("a fixture has a plain name")
}

fn process(sandbox: &Sandbox, transcript: &str) -> Outcome {
    let (recording, chat) = (fixture("arena-night.mp4"), chat_lines());
    let input =
        ["process", text(&recording), "--streamer", "demo", "--output-dir", "out", "--format", "json"];
    let beside = ["--chat", text(&chat), "--transcript", transcript];
    let cheap = ["--max-clips", "1", "--set", "render.preset=ultrafast", "--set", "render.style=boxed"];
    sandbox.run(&[&input[..], &beside, &cheap].concat())
}

#[test]
fn chat_and_transcript_are_used_and_another_transcript_is_another_run() {
    let sandbox = Sandbox::new();
    let known = fs_err::read_to_string(transcript()).expect("a fixture");
    sandbox.write("known.json", &known);
    let first = process(&sandbox, "known.json").expect(0);
    assert_eq!(first.json()["outcome"], "done");
    assert!(!first.stderr.contains("speech model"), "{}", first.stderr);

    let list = fs_err::read_to_string(sandbox.path("out/highlights.json")).expect("the list");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let best = &list["highlights"][0];
    let signals: Vec<&str> = best["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .filter_map(|reason| reason["signal"].as_str())
        .collect();
    assert!(signals.contains(&"keywords") && signals.contains(&"chat"), "{signals:?}");
    let words = best["words"].as_array().expect("words");
    assert!(words.iter().all(|word| known.contains(word["text"].as_str().expect("text"))), "{words:?}");

    assert_eq!(process(&sandbox, "known.json").expect(0).json()["outcome"], "already_done");
    sandbox.write("known.json", r#"{"segments": []}"#);
    assert_eq!(process(&sandbox, "known.json").expect(0).json()["outcome"], "done");
}

#[test]
fn a_mistake_in_the_transcript_is_told_before_any_work() {
    let sandbox = Sandbox::new();
    sandbox.write("known.json", r#"{"segments": [{"start_s": 2, "end_s": 1, "text": "x"}]}"#);
    let outcome = process(&sandbox, "known.json").expect(2);
    assert!(
        outcome.stderr.contains("known.json:1: segment 1: end_s 1 lies before start_s 2"),
        "{}",
        outcome.stderr
    );
    assert!(!sandbox.path("out").exists());
}
