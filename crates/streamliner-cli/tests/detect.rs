//! `streamliner detect`: the machine contract, on the real binary.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/contract.rs"]
mod contract;
#[path = "support/sandbox.rs"]
mod sandbox;

use std::path::{Path, PathBuf};

use contract::{Detection, Moment};
use sandbox::{Outcome, Sandbox};
use testkit::{Truth, fixture, fixtures};
use timeline::{MediaTime, Span};

fn text(path: &Path) -> &str {
    path.to_str().expect("a fixture has a plain name")
}

fn detect(sandbox: &Sandbox, input: &Path, more: &[&str]) -> Outcome {
    sandbox.run(&[&["detect", text(input), "--format", "json"], more].concat())
}

/// Everything with sound in a folder, the ones below it left out.
fn media_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let known = ["aac", "flac", "m4a", "mkv", "mp3", "mp4", "ts", "wav"];
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| known.iter().any(|known| ending == *known)))
        .filter(|path| path.file_name().is_some_and(|name| name != "no-audio.mp4"))
        .collect();
    files.sort();
    files
}

/// Looks through a file, once as a script would and once with everything let through.
#[track_caller]
fn keeps_the_contract(input: &Path, more: &[&str]) -> Vec<Detection> {
    let sandbox = Sandbox::new();
    [&[][..], &["--min-score", "0"]]
        .map(|loose| {
            let outcome = detect(&sandbox, input, &[more, loose].concat()).expect(0);
            assert!(outcome.json().is_object(), "{}", outcome.stdout);
            Detection::read(&outcome.stdout)
        })
        .into()
}

#[test]
fn every_speech_file_keeps_the_contract() {
    let files = [media_in(&fixture("speech")), media_in(&fixture("speech/nano"))].concat();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        keeps_the_contract(&file, &["--no-transcribe"]);
    }
}

#[test]
fn every_awkward_file_keeps_the_contract() {
    let files = media_in(&fixture("awkward"));
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        keeps_the_contract(&file, &["--no-transcribe"]);
    }
}

#[test]
fn a_transport_stream_with_an_odd_clock_keeps_the_contract_and_its_length() {
    let truth = Truth::awkward().expect("the truth");
    for detection in keeps_the_contract(&testkit::awkward(), &["--no-transcribe"]) {
        assert!((detection.duration_s - truth.duration_s).abs() < 0.1, "{}", detection.duration_s);
    }
}

#[test]
fn recordings_of_people_keep_the_contract() {
    // They are not in the repository, so they are looked at where somebody has put them beside it.
    let beside = fixtures().join("../../shared/media");
    for file in media_in(&beside) {
        keeps_the_contract(&file, &["--no-transcribe"]);
    }
}

#[test]
fn speech_is_recognised_and_only_where_something_happens() {
    let model = fixture("models/ggml-nano.en.bin");
    let sandbox = Sandbox::new();
    let arguments = ["--model", text(&model), "--set", "detection.clip_min_s=3", "--min-score", "0"];
    let outcome = detect(&sandbox, &fixture("speech/nano/demo1_hype.wav"), &arguments).expect(0);
    let detection = Detection::read(&outcome.stdout);
    let all =
        || detection.highlights.iter().chain(detection.rejected.iter().map(|rejected| &rejected.moment));
    assert!(all().any(|moment| !moment.words.is_empty()), "{}", outcome.stdout);
    assert!(all().all(|moment| moment.weight("keywords").is_some()), "{}", outcome.stdout);

    let outcome = detect(&sandbox, &fixture("speech/jfk.wav"), &["--model", text(&model)]).expect(0);
    Detection::read(&outcome.stdout);
}

#[test]
fn a_picture_without_sound_is_refused_in_one_line() {
    let sandbox = Sandbox::new();
    let silent = fixture("awkward/no-audio.mp4");
    let outcome = detect(&sandbox, &silent, &["--no-transcribe", "-q"]).expect(1);
    assert_eq!(outcome.stdout, "");
    assert_eq!(outcome.stderr, format!("error: {} has no audio track\n", silent.display()));
}

fn fixture_moments(more: &[&str]) -> Detection {
    let outcome = detect(&Sandbox::new(), &testkit::arena_night(), more).expect(0);
    Detection::read(&outcome.stdout)
}

fn core(moment: &Moment) -> Span {
    Span::new(MediaTime::from_secs_f64(moment.core_start_s), MediaTime::from_secs_f64(moment.core_end_s))
}

#[test]
fn chat_and_transcript_find_the_moments_and_nothing_else() {
    let truth = Truth::arena_night().expect("the truth");
    let (chat, transcript) = (testkit::chat_lines(), testkit::transcript());
    let bare = fixture_moments(&["--no-transcribe"]);
    let told = fixture_moments(&["--transcript", text(&transcript)]);
    let both = fixture_moments(&["--transcript", text(&transcript), "--chat", text(&chat)]);

    for moment in &truth.moments {
        let found = |detection: &Detection| {
            let all = detection.highlights.iter().chain(detection.rejected.iter().map(|entry| &entry.moment));
            all.into_iter().find(|found| core(found).intersection(moment.span()).is_some()).cloned()
        };
        let [bare, told, both] =
            [&bare, &told, &both].map(|detection| found(detection).expect("a candidate at each moment"));
        assert_eq!((bare.weight("keywords"), bare.weight("chat")), (None, None));
        assert!(told.weight("keywords").is_some_and(|weight| weight > 0.0), "{told:?}");
        assert!(told.reasons.iter().any(|reason| reason.detail.contains('“')), "it quotes: {told:?}");
        assert!(both.weight("chat").is_some_and(|weight| weight > 0.0), "{both:?}");
        assert!(
            bare.score < told.score && told.score < both.score,
            "{} {} {}",
            bare.score,
            told.score,
            both.score
        );
        assert!(bare.text.is_empty() && !told.text.is_empty(), "{told:?}");
    }
    for detection in [&told, &both] {
        let hit = |span: Span| {
            detection.highlights.iter().take(5).any(|found| core(found).intersection(span).is_some())
        };
        for moment in &truth.moments {
            assert!(hit(moment.span()), "{moment:?} is not found: {:?}", detection.highlights);
        }
        for distractor in &truth.distractors {
            assert!(!hit(distractor.span()), "{distractor:?} is taken for a moment");
        }
    }
}

#[test]
fn malformed_chat_and_transcripts_are_told_with_file_and_line() {
    let sandbox = Sandbox::new();
    sandbox.write("chat.jsonl", "{\"t_s\": 1, \"user\": \"a\", \"text\": \"hi\"}\n\n{\"t_s\": \"soon\"}\n");
    sandbox.write("words.json", "{\"segments\": [\n{\"start_s\": 1, \"end_s\": 2}]}\n");
    sandbox.write("back.json", "{\"segments\": [{\"start_s\": 3, \"end_s\": 2, \"text\": \"no\"}]}\n");
    let speech = fixture("speech/jfk.wav");
    for (flag, file, place) in [
        ("--chat", "chat.jsonl", "error: chat.jsonl:3: "),
        ("--transcript", "words.json", "error: words.json:2: "),
        ("--transcript", "back.json", "error: back.json:1: segment 1: end_s 2 lies before start_s 3"),
        ("--chat", "none.jsonl", "error: none.jsonl cannot be read"),
    ] {
        let outcome = detect(&sandbox, &speech, &[flag, file]).expect(2);
        assert_eq!(outcome.stdout, "");
        let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(matches!(errors[..], [error] if error.starts_with(place)), "{}", outcome.stderr);
    }
}

#[test]
fn data_goes_to_stdout_and_progress_to_stderr() {
    let sandbox = Sandbox::new();
    let speech = fixture("speech/jfk.wav");
    let loud = detect(&sandbox, &speech, &["--no-transcribe"]).expect(0);
    assert!(loud.stderr.starts_with("analyse: listening\n"), "{}", loud.stderr);
    let quiet = detect(&sandbox, &speech, &["--no-transcribe", "-q"]).expect(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.stdout, loud.stdout, "the same file gives the same answer");

    let log = detect(&sandbox, &speech, &["--no-transcribe", "--log-format", "json"]).expect(0);
    for line in log.stderr.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(line["level"].is_string(), "{line}");
    }
    let words = sandbox.run(&["detect", text(&speech), "--no-transcribe", "-q"]).expect(0);
    assert!(!words.stdout.is_empty() && !words.stdout.starts_with('{'), "{}", words.stdout);
    assert!(!sandbox.path("streamliner-out").exists(), "looking leaves nothing behind");
}
