//! What bad input gets from the real binary: one line with the remedy, the right exit code, nothing half-written; and odd
//! names, which are no bad input.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/recording.rs"]
mod recording;
#[path = "support/sandbox.rs"]
mod sandbox;

use std::path::Path;

use assert_cmd::Command;
use recording::{excerpt, ffmpeg, files_below};
use sandbox::{Outcome, Sandbox};
use testkit::fixture;

/// Words that let `process` find something small to render in an excerpt of the fixture.
const SMALL: [&str; 9] = [
    "--no-transcribe",
    "--min-score=0",
    "--max-clips=1",
    "--set=detection.clip_min_s=3",
    "--set=detection.clip_max_s=6",
    "--set=detection.setup_s=2",
    "--set=detection.settle_s=1",
    "--set=render.preset=ultrafast",
    "--set=paths.data_dir=data",
];
const PROCESS: [&str; 4] = ["process", "--streamer=demo", "--dry-run", "--output-dir=out"];

fn process<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&PROCESS[..], &SMALL, more].concat()
}

/// Checks that a run was refused as it should be; its one error.
#[track_caller]
fn refused(sandbox: &Sandbox, outcome: &Outcome, code: i32) -> String {
    assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let [error] = errors[..] else { panic!("not one error but {errors:?}: {}", outcome.stderr) };
    assert_eq!(files_below(&sandbox.path("out")), Vec::<std::path::PathBuf>::new(), "half-written");
    error.to_owned()
}

/// `detect` and `process` on the same input; both must say this.
#[track_caller]
fn both_refuse(sandbox: &Sandbox, input: &str, code: i32, says: &str) {
    let runs = [vec!["detect", "--no-transcribe", "--format=json", input], process(&[input])];
    for arguments in runs {
        let outcome = sandbox.run(&arguments);
        let error = refused(sandbox, &outcome, code);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    assert!(!sandbox.path("data").exists(), "what is no recording leaves no trace");
}

#[test]
fn what_is_not_there_or_no_file_is_refused() {
    let sandbox = Sandbox::new();
    both_refuse(&sandbox, "none.mp4", 2, "none.mp4 does not exist");
    both_refuse(&sandbox, ".", 2, "is a directory");
    both_refuse(&sandbox, "no/such/folder.mp4", 2, "does not exist");
}

#[test]
fn what_is_no_media_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.mp4", "");
    both_refuse(&sandbox, "empty.mp4", 1, "empty.mp4 is empty");
    sandbox.write("text.mp4", "This is a shopping list.\nBread\nMilk\n");
    both_refuse(&sandbox, "text.mp4", 1, "text.mp4 is not a media file");
    let whole = fs_err::read(testkit::arena_night()).expect("the fixture");
    fs_err::write(sandbox.path("cut.mp4"), &whole[..200_000]).expect("a file");
    // The fixture has its index in front; without the end of it there is no telling what the rest is.
    let outcome = sandbox.run(&["detect", "--no-transcribe", "--format=json", "cut.mp4"]);
    assert!(outcome.code.is_some_and(|code| code <= 1), "{outcome:?}");
}

#[test]
fn a_recording_without_its_index_is_told_to_be_cut_off() {
    let sandbox = Sandbox::new();
    // As OBS leaves it when the power goes: the index would have come last.
    ffmpeg([
        "-v",
        "error",
        "-i",
        testkit::arena_night().to_str().expect("a plain name"),
        "-t",
        "10",
        "-c",
        "copy",
        sandbox.path("whole.mp4").to_str().expect("a plain name"),
    ]);
    let whole = fs_err::read(sandbox.path("whole.mp4")).expect("the excerpt");
    fs_err::write(sandbox.path("cut.mp4"), &whole[..whole.len() / 2]).expect("a file");
    both_refuse(&sandbox, "cut.mp4", 1, "cut.mp4 is cut off");
}

#[test]
fn a_picture_without_sound_is_refused() {
    let sandbox = Sandbox::new();
    let silent = fixture("awkward/no-audio.mp4");
    let silent = silent.to_str().expect("a plain name");
    for arguments in [vec!["detect", "--no-transcribe", silent], process(&[silent])] {
        let outcome = sandbox.run(&arguments);
        let error = refused(&sandbox, &outcome, 1);
        assert!(error.contains("has no audio track"), "{error}");
    }
}

#[test]
fn sound_without_a_picture_gives_all_but_clips_and_says_so() {
    let sandbox = Sandbox::new();
    let source = testkit::arena_night();
    let source = source.to_str().expect("a plain name");
    let target = sandbox.path("sound.m4a");
    let target = target.to_str().expect("a plain name");
    ffmpeg(["-v", "error", "-ss", "62", "-t", "40", "-i", source, "-vn", "-c", "copy", target]);
    for again in [false, true] {
        let outcome = sandbox.run(&process(&["sound.m4a"])).expect(1);
        let errors: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(
            matches!(errors[..], [error] if error.contains("no video track")),
            "again: {again}, {}",
            outcome.stderr
        );
        let names: Vec<_> = files_below(&sandbox.path("out"))
            .iter()
            .filter_map(|path| path.file_name().map(ToOwned::to_owned))
            .collect();
        assert_eq!(names, ["highlights.json", "report.html"]);
    }
    let list = fs_err::read_to_string(sandbox.path("out/highlights.json")).expect("the list");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["highlights"].as_array().map(Vec::len), Some(1), "{list}");
}

#[test]
fn a_recording_without_a_sample_is_refused_and_a_very_short_one_has_no_highlights() {
    let sandbox = Sandbox::new();
    let specification = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    hound::WavWriter::create(sandbox.path("zero.wav"), specification)
        .and_then(hound::WavWriter::finalize)
        .expect("a file");
    for arguments in [vec!["detect", "--no-transcribe", "zero.wav"], process(&["zero.wav"])] {
        let outcome = sandbox.run(&arguments);
        let error = refused(&sandbox, &outcome, 1);
        assert!(error.contains("zero.wav"), "{error}");
    }
    let target = sandbox.path("short.mp4");
    testkit::TestMedia::new(6).sound(testkit::Sound::Beeps).write(&target).expect("a fifth of a second");
    let outcome = sandbox.run(&["detect", "--no-transcribe", "--format=json", "short.mp4"]).expect(0);
    assert_eq!(outcome.json()["highlights"], serde_json::json!([]));
    sandbox.run(&process(&["short.mp4"])).expect(0);
    assert!(sandbox.path("out/report.html").is_file());
}

#[test]
fn a_full_disk_is_told_leaves_nothing_and_is_got_over() {
    let sandbox = Sandbox::new();
    excerpt(62, 40, &sandbox.path("vod.mp4"));
    // A limit on the size of files does what a full disk does and needs no rights. The database fits in, the clip does not.
    let limited = "trap '' XFSZ; ulimit -f 3000; exec \"$0\" \"$@\"";
    let arguments = process(&["vod.mp4", "--set=detection.clip_max_s=14", "--set=detection.clip_min_s=14"]);
    let program = assert_cmd::cargo::cargo_bin!("streamliner");
    let output = Command::new("sh")
        .arg("-c")
        .arg(limited)
        .arg(program)
        .args(&arguments)
        .env_clear()
        .env("HOME", sandbox.home())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TMPDIR", sandbox.home())
        .current_dir(sandbox.path(""))
        .output()
        .expect("a shell");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let error = refused(&sandbox, &outcome, 1);
    assert!(error.contains("no space left to write"), "{error}");
    assert_eq!(files_below(&sandbox.home()), Vec::<std::path::PathBuf>::new());
    assert_eq!(files_below(&sandbox.path("data/spool")), Vec::<std::path::PathBuf>::new());

    let outcome = sandbox.run(&arguments).expect(0);
    assert!(outcome.stderr.contains("analyse: kept from before"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 3, "a clip, the list, the report: {}", outcome.stdout);
}

#[test]
fn an_output_that_cannot_be_is_refused_at_once() {
    let sandbox = Sandbox::new();
    excerpt(62, 20, &sandbox.path("vod.mp4"));
    // Not even root can make a folder in a file.
    sandbox.write("occupied", "precious");
    for folder in ["occupied", "occupied/below"] {
        let output = format!("--output-dir={folder}");
        let outcome =
            sandbox.run(&[&["process", "vod.mp4", "--streamer=demo", &output], &SMALL[..]].concat());
        let error = refused(&sandbox, &outcome, 1);
        assert!(error.contains("occupied"), "{error}");
    }
    assert_eq!(fs_err::read_to_string(sandbox.path("occupied")).expect("the file"), "precious");
}

#[test]
fn a_wrong_configuration_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    for (text, says) in [
        ("[render]\nfsp = 30\n", "error: streamliner.toml:2: render.fsp: unknown key"),
        ("[render]\n\nfps = \"fast\"\n", "error: streamliner.toml:3: render.fps: must be"),
        ("[detection]\nmin_score = 2\n", "error: streamliner.toml:2: detection.min_score: must be"),
    ] {
        sandbox.write("streamliner.toml", text);
        let outcome = sandbox.run(&process(&["vod.mp4"]));
        let error = refused(&sandbox, &outcome, 2);
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn wrong_usage_is_refused() {
    let sandbox = Sandbox::new();
    for arguments in [
        vec!["process", "vod.mp4"],
        vec!["process", "--streamer=demo"],
        vec!["process", "vod.mp4", "--streamer=not a name/"],
        vec!["detect"],
        vec!["detect", "vod.mp4", "--transcript=x.json", "--no-transcribe"],
        vec!["clip"],
    ] {
        let outcome = sandbox.run(&arguments);
        refused(&sandbox, &outcome, 2);
    }
}

#[test]
fn a_damaged_model_is_refused_with_the_remedy() {
    let sandbox = Sandbox::new();
    excerpt(62, 40, &sandbox.path("vod.mp4"));
    let nano = fs_err::read(fixture("models/ggml-nano.en.bin")).expect("the model");
    fs_err::write(sandbox.path("half.bin"), &nano[..nano.len() / 2]).expect("a file");
    sandbox.write("text.bin", "not a model");
    let mut arguments = process(&["vod.mp4"]);
    arguments.retain(|argument| *argument != "--no-transcribe");
    for model in ["--model=./half.bin", "--model=./text.bin"] {
        let outcome = sandbox.run(&[&arguments[..], &[model]].concat());
        let error = refused(&sandbox, &outcome, 1);
        assert!(error.contains(".bin"), "{error}");
        assert!(outcome.stderr.contains("hint: `streamliner model download"), "{}", outcome.stderr);
    }
    let outcome = sandbox.run(&[&arguments[..], &["--model=./none.bin"]].concat());
    assert!(refused(&sandbox, &outcome, 2).contains("none.bin"));
}

#[test]
fn without_ffmpeg_process_says_how_to_get_it_and_detect_does_without() {
    let sandbox = Sandbox::new();
    fs_err::copy(fixture("speech/jfk.wav"), sandbox.path("speech.wav")).expect("a copy");
    let nowhere = [("PATH", "")];
    let outcome = sandbox.run_with(&nowhere, &process(&["speech.wav"]));
    let error = refused(&sandbox, &outcome, 2);
    assert!(error.contains("ffmpeg was not found: install ffmpeg"), "{error}");
    let outcome = sandbox.run_with(&nowhere, &["detect", "--no-transcribe", "--format=json", "speech.wav"]);
    assert!(outcome.expect(0).json()["duration_s"].as_f64().is_some_and(|seconds| seconds > 10.0));
}

#[cfg(unix)]
#[test]
fn an_old_ffmpeg_is_refused_with_both_versions() {
    use std::os::unix::fs::PermissionsExt as _;

    let sandbox = Sandbox::new();
    for program in ["ffmpeg", "ffprobe"] {
        let path = sandbox.path(program);
        sandbox
            .write(program, &format!("#!/bin/sh\necho '{program} version 4.4.2 Copyright (c) 2000-2021'\n"));
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let outcome = sandbox.run(&process(&["vod.mp4", "--set=tools.ffmpeg=./ffmpeg"]));
    let error = refused(&sandbox, &outcome, 2);
    assert!(error.contains("is version 4.4, but 5.1 or later is needed"), "{error}");
}

/// Names that shells, ffmpeg's filters and URLs would stumble over.
const ODD_NAMES: [&str; 9] = [
    "with space.wav",
    "quo'te.wav",
    "double\"quote.wav",
    "-dash.wav",
    "semi;colon & more.wav",
    "line\nend.wav",
    "Größe-日本-🎮.wav",
    "100%d [x],y=z:w.wav",
    "../work/up.wav",
];

#[test]
fn odd_names_are_read() {
    let sandbox = Sandbox::new();
    for name in ODD_NAMES {
        fs_err::copy(fixture("speech/nano/demo2_calm.wav"), sandbox.path(name)).expect("a copy");
        let outcome = sandbox.run(&["detect", "--no-transcribe", "--format=json", "-q", "--", name]);
        assert!(
            outcome.expect(0).json()["duration_s"].as_f64().is_some_and(|seconds| seconds > 1.0),
            "{name}"
        );
    }
}

#[test]
fn odd_names_are_cut_rendered_and_stored() {
    let sandbox = Sandbox::new();
    let folder = "it's \"odd\"; [x], y=z: 100%d\n日本🎮";
    let name = format!("-{folder}.mp4");
    fs_err::create_dir_all(sandbox.path(folder)).expect("a folder");
    excerpt(62, 40, &sandbox.path(folder).join(&name));
    let (input, output) = (format!("{folder}/../{folder}/{name}"), format!("{folder}/out"));
    let data = format!("--set=paths.data_dir={folder}/data");
    let more = ["--output-dir", &output, &data, "--format=json", "--", &input];
    let outcome =
        sandbox.run(&[&["process", "--streamer=demo", "--dry-run"], &SMALL[..], &more].concat()).expect(0);
    let clip = outcome.json()["clips"][0].as_str().expect("a clip").to_owned();
    let probed = testkit::probe(Path::new(&clip)).expect("a video");
    assert_eq!(probed["streams"][0]["height"], 1920, "{probed}");
    assert_eq!(probed["streams"][0]["profile"], "High", "also with the fastest preset");
    assert!(sandbox.path(folder).join("out/report.html").is_file());
}
