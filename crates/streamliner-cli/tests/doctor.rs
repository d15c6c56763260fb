//! `streamliner doctor`, on the real binary.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/sandbox.rs"]
mod sandbox;

use sandbox::{Outcome, Sandbox};

/// State and remedy of a check in `doctor --format json`.
fn check(outcome: &Outcome, name: &str) -> (String, String) {
    let json = outcome.json();
    let check = json["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|check| check["name"] == name)
        .expect("the check")
        .clone();
    (
        check["state"].as_str().expect("a state").to_owned(),
        check["remedy"].as_str().unwrap_or_default().to_owned(),
    )
}

const DOCTOR: [&str; 3] = ["doctor", "--format", "json"];

#[test]
fn a_missing_model_is_a_warning_with_the_command_that_fetches_it() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&DOCTOR).expect(0);
    assert_eq!(outcome.json()["ok"], true);
    assert_eq!(check(&outcome, "speech model"), ("warn".into(), "streamliner model download base".into()));
    for name in ["configuration", "ffmpeg", "captions", "encoders"] {
        assert_eq!(check(&outcome, name).0, "ok", "{}", outcome.stdout);
    }
    let text = sandbox.run(&["doctor"]).expect(0).stdout;
    assert!(text.contains("-> streamliner model download base"), "{text}");
    let home: Vec<_> = fs_err::read_dir(sandbox.home()).expect("the folder").collect();
    assert!(home.is_empty(), "looking leaves no traces: {home:?}");
}

#[test]
fn a_missing_ffmpeg_fails_with_the_command_that_installs_it() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&[&DOCTOR[..], &["--set", "tools.ffmpeg=no-such-ffmpeg"]].concat()).expect(2);
    assert_eq!(outcome.json()["ok"], false);
    let (state, remedy) = check(&outcome, "ffmpeg");
    assert!(state == "fail" && remedy.contains("apt install ffmpeg"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "error: 1 check failed\n");
}

#[test]
fn a_wrong_configuration_fails_and_the_rest_is_looked_at_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.write("streamliner.toml", "[detection]\nmax_clip = 3\n[transcription]\nenabled = false\n");
    let outcome = sandbox.run(&DOCTOR).expect(2);
    assert_eq!(check(&outcome, "configuration").0, "fail");
    assert_eq!(check(&outcome, "speech model").0, "ok");
    assert!(outcome.stdout.contains("streamliner.toml:2: detection.max_clip"), "{}", outcome.stdout);
}

#[test]
fn a_damaged_model_and_a_folder_that_is_a_file_fail() {
    let sandbox = Sandbox::new();
    sandbox.write("data/models/ggml-base.bin", "not a model");
    sandbox.write("occupied", "");
    let settings = ["--set", "paths.data_dir=data", "--set", "paths.output_dir=occupied"];
    let outcome = sandbox.run(&[&DOCTOR[..], &settings].concat()).expect(2);
    assert_eq!(check(&outcome, "speech model"), ("fail".into(), "streamliner model download base".into()));
    let (state, remedy) = check(&outcome, "output folder");
    assert!(state == "fail" && remedy.contains("paths.output_dir"), "{}", outcome.stdout);
}
