//! `streamliner config` and the layers of the configuration, on the real binary.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/sandbox.rs"]
mod sandbox;

use sandbox::{Outcome, Sandbox};

/// The value and the origin of a key in `config show --format json`.
fn shown(outcome: &Outcome, key: &str) -> (serde_json::Value, serde_json::Value) {
    let json = outcome.json();
    let values = json["values"].as_array().expect("a list");
    let entry = values.iter().find(|entry| entry["key"] == key).expect("the key");
    (entry["value"].clone(), entry["origin"].clone())
}

const SHOW: [&str; 4] = ["config", "show", "--format", "json"];

#[test]
fn a_mistyped_key_stops_the_start_with_its_line_and_the_right_key() {
    let sandbox = Sandbox::new();
    sandbox.write("streamliner.toml", "[detection]\n\nmax_clip = 3\n");
    for command in [&["config", "show"][..], &["config", "check"], &["model", "list"]] {
        let outcome = sandbox.run(command).expect(2);
        assert_eq!(outcome.stdout, "");
        assert!(
            outcome.stderr.starts_with("error: streamliner.toml:3: detection.max_clip: unknown key; did you mean `max_clips`?\nhint: "),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn check_tells_all_problems_of_all_layers_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("streamliner.toml", "[detection]\nmax_clips = \"five\"\nmin_score = 1.5\n[render]\nfps = 50\n[kick]\napi_base = \"kick\"\n");
    sandbox.write(".env", "\nSTREAMLINER__RENDER__ZOOM=9\n");
    let environment = [("STREAMLINER__RENDER__QUALITI", "20")];
    let outcome =
        sandbox.run_with(&environment, &["--set", "render.style=loud", "config", "check"]).expect(2);
    let expected = [
        "error: streamliner.toml:2: detection.max_clips: must be a whole number from 1 to 100, not the text \"five\"",
        "error: streamliner.toml:3: detection.min_score: must be a number from 0 to 1, not 1.5",
        "error: streamliner.toml:5: render.fps: must be one of \"auto\", 30, 60, not 50",
        "error: streamliner.toml:7: kick.api_base: must be an address that starts with https:// or http://, not the text \"kick\": relative URL without a base",
        "error: .env:2: STREAMLINER__RENDER__ZOOM: must be a number from 1 to 4, not 9.0",
        "error: STREAMLINER__RENDER__QUALITI: unknown key; did you mean STREAMLINER__RENDER__QUALITY?",
        "error: flag --set: render.style: must be one of \"bold\", \"clean\", \"boxed\", not the text \"loud\"",
        "hint: correct the configuration; `streamliner config check` tells whether it is right",
    ];
    assert_eq!(outcome.stderr.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn later_layers_win_and_each_value_knows_where_it_came_from() {
    let sandbox = Sandbox::new();
    let key = "detection.max_clips";
    assert_eq!(shown(&sandbox.run(&SHOW).expect(0), key), (5.into(), serde_json::json!({"kind": "default"})));

    sandbox.write("streamliner.toml", "[detection]\nmax_clips = 6\n");
    let origin = serde_json::json!({"kind": "file", "path": "streamliner.toml", "line": 2});
    assert_eq!(shown(&sandbox.run(&SHOW).expect(0), key), (6.into(), origin));

    sandbox.write(".env", "# ours\nSTREAMLINER__DETECTION__MAX_CLIPS=7\n");
    let origin = serde_json::json!({"kind": "dot_env", "path": ".env", "line": 2});
    assert_eq!(shown(&sandbox.run(&SHOW).expect(0), key), (7.into(), origin));

    let environment = [("STREAMLINER__DETECTION__MAX_CLIPS", "8")];
    let origin = serde_json::json!({"kind": "environment", "variable": "STREAMLINER__DETECTION__MAX_CLIPS"});
    assert_eq!(shown(&sandbox.run_with(&environment, &SHOW).expect(0), key), (8.into(), origin));

    let with_flag = [&SHOW[..], &["--set", "detection.max_clips=9"]].concat();
    let origin = serde_json::json!({"kind": "flag", "flag": "--set"});
    assert_eq!(shown(&sandbox.run_with(&environment, &with_flag).expect(0), key), (9.into(), origin));

    let text = sandbox.run_with(&environment, &["config", "show"]).expect(0).stdout;
    let line = text.lines().find(|line| line.starts_with("detection.max_clips")).expect("the key");
    assert!(
        line.starts_with("detection.max_clips = 8 ")
            && line.ends_with("# environment STREAMLINER__DETECTION__MAX_CLIPS"),
        "{line}"
    );
}

#[test]
fn the_file_is_that_of_the_flag_else_of_the_folder_else_of_the_user() {
    let sandbox = Sandbox::new();
    let key = "render.quality";
    let user = sandbox.home().join(".config/streamliner");
    fs_err::create_dir_all(&user).expect("a folder");
    fs_err::write(user.join("streamliner.toml"), "[render]\nquality = 21\nlogo = \"logo.png\"\n")
        .expect("a file");
    let outcome = sandbox.run(&SHOW).expect(0);
    assert_eq!(shown(&outcome, key).0, 21);
    // A path in a file is meant from the folder of the file.
    assert_eq!(
        shown(&outcome, "render.logo").0.as_str().map(std::path::PathBuf::from),
        Some(user.join("logo.png"))
    );

    sandbox.write("streamliner.toml", "[render]\nquality = 22\n");
    assert_eq!(shown(&sandbox.run(&SHOW).expect(0), key).0, 22);
    sandbox.write("other.toml", "[render]\nquality = 23\n");
    assert_eq!(shown(&sandbox.run(&[&SHOW[..], &["--config", "other.toml"]].concat()).expect(0), key).0, 23);

    let outcome = sandbox.run(&["--config", "none.toml", "config", "check"]).expect(2);
    assert!(
        outcome.stderr.contains("none.toml: there is no such file; `streamliner config init` writes one"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_streamer_changes_what_it_names_and_adds_its_phrases() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "streamliner.toml",
        "[detection]\nmax_clips = 4\n[detection.keywords]\n\"no way\" = 2\n[streamers.Ana]\nmax_clips = 2\nkeywords = { vamos = 3 }\nlanguage = \"es\"\n",
    );
    let environment = [("STREAMLINER__STREAMERS__ANA__STYLE", "clean")];
    let outcome = sandbox.run_with(&environment, &[&SHOW[..], &["--streamer", "ANA"]].concat()).expect(0);
    assert_eq!(shown(&outcome, "detection.max_clips").0, 2);
    assert_eq!(shown(&outcome, "detection.keywords").0, serde_json::json!({"no way": 2.0, "vamos": 3.0}));
    assert_eq!(shown(&outcome, "transcription.language").0, "es");
    assert_eq!(shown(&outcome, "render.style").0, "clean");
    let other = sandbox.run(&[&SHOW[..], &["--streamer", "bob"]].concat()).expect(0);
    assert_eq!(shown(&other, "detection.max_clips").0, 4);
}

#[test]
fn secrets_are_known_by_their_old_names_and_never_shown() {
    const SECRET: &str = "hunter2-hunter2";
    let sandbox = Sandbox::new();
    sandbox.write(".env", &format!("KICK_CLIENT_ID={SECRET}\nTIKTOK_ENVIRONMENT=production\nOTHER_TOOL=1\n"));
    let environment = [("AWS_SECRET_ACCESS_KEY", SECRET), ("TIKTOK_CLIENT_SECRET", "")];
    let text = sandbox.run_with(&environment, &["-vvv", "config", "show"]).expect(0);
    let json = sandbox.run_with(&environment, &SHOW).expect(0);
    for outcome in [&text, &json] {
        assert!(!outcome.stdout.contains(SECRET) && !outcome.stderr.contains(SECRET), "{outcome:?}");
    }
    let line = |start: &str| {
        text.stdout.lines().find(|line| line.starts_with(start)).expect("the secret").to_owned()
    };
    assert!(line("KICK_CLIENT_ID: set ").ends_with("# .env:1"));
    assert!(line("AWS_SECRET_ACCESS_KEY: set ").ends_with("# environment AWS_SECRET_ACCESS_KEY"));
    assert_eq!(line("TIKTOK_CLIENT_SECRET: "), "TIKTOK_CLIENT_SECRET: not set");
    assert_eq!(shown(&json, "tiktok.environment").0, "production");

    // Neither a broken line of .env nor a secret in the wrong place is quoted.
    sandbox.write(".env", &format!("KICK_CLIENT_SECRET=two {SECRET}\n"));
    sandbox.write("streamliner.toml", &format!("[tiktok]\nclient_secret = \"{SECRET}\"\n"));
    let outcome = sandbox.run_with(&environment, &["-vvv", "config", "check"]).expect(2);
    assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("streamliner.toml:2: tiktok.client_secret: secrets do not stand in this file; set TIKTOK_CLIENT_SECRET"));
    assert!(outcome.stderr.contains(".env:1: "), "{}", outcome.stderr);
}

#[test]
fn init_writes_a_file_that_checks_and_says_nothing_new() {
    let sandbox = Sandbox::new();
    let before = sandbox.run(&SHOW).expect(0).json();
    sandbox.run(&["config", "init"]).expect(0);
    assert_eq!(sandbox.run(&["config", "check"]).expect(0).stdout, "streamliner.toml: ok\n");
    let after = sandbox.run(&SHOW).expect(0).json();
    assert_eq!((&after["values"], &after["file"]), (&before["values"], &"streamliner.toml".into()));

    let outcome = sandbox.run(&["config", "init"]).expect(2);
    assert_eq!(outcome.stderr, "error: streamliner.toml is there already\nhint: replace it with --force\n");
    sandbox.run(&["config", "init", "--force"]).expect(0);
    let names: Vec<_> = fs_err::read_dir(sandbox.path(""))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["streamliner.toml"], "nothing temporary is left");
}

#[test]
fn every_line_of_the_starter_file_can_be_taken_into_use() {
    let sandbox = Sandbox::new();
    sandbox.run(&["config", "init", "full.toml"]).expect(0);
    let starter = fs_err::read_to_string(sandbox.path("full.toml")).expect("the file");
    let in_use =
        |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned();
    sandbox.write("full.toml", &starter.lines().map(in_use).collect::<Vec<_>>().join("\n"));
    assert_eq!(sandbox.run(&["config", "check", "full.toml"]).expect(0).stdout, "full.toml: ok\n");
    let outcome = sandbox.run(&[&SHOW[..], &["--config", "full.toml"]].concat()).expect(0);
    let json = outcome.json();
    let not_from_file: Vec<_> = json["values"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|entry| entry["origin"]["kind"] != "file")
        .collect();
    assert!(not_from_file.is_empty(), "{not_from_file:?}");
    assert_eq!(shown(&outcome, "render.fps").0, "auto");
}

#[test]
fn the_page_in_docs_is_the_one_that_the_table_gives() {
    let page = Sandbox::new().run(&["config", "docs"]).expect(0).stdout;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let written = fs_err::read_to_string(path).unwrap_or_default();
    assert!(
        page == written,
        "write it again: cargo run -p streamliner-cli -- config docs > docs/configuration.md"
    );
}

#[test]
fn values_that_contradict_one_another_are_refused() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run(&["--set", "detection.clip_min_s=90", "config", "check"]).expect(2);
    assert!(
        outcome.stderr.starts_with("error: flag --set: detection.clip_min_s: must be at most detection.clip_max_s, which is 60, not 90\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn files_that_cannot_be_read_are_told_by_name() {
    let sandbox = Sandbox::new();
    fs_err::write(sandbox.path("streamliner.toml"), b"[paths]\n\xff\xfe\n").expect("a file");
    let outcome = sandbox.run(&["config", "check"]).expect(2);
    assert!(
        outcome.stderr.starts_with("error: streamliner.toml:2: this is not UTF-8 text\n"),
        "{}",
        outcome.stderr
    );
    let outcome = sandbox.run(&["config", "init", "no/such/folder.toml"]).expect(1);
    assert!(outcome.stderr.starts_with("error: cannot write no/such/folder.toml: "), "{}", outcome.stderr);
    assert_eq!(outcome.stderr.lines().count(), 1);
}

#[test]
fn errors_are_json_lines_where_logs_are() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["--log-format", "json", "config", "check", "none.toml"][..],
        &["--log-format=json", "no-such-command"],
    ] {
        let outcome = sandbox.run(arguments).expect(2);
        for line in outcome.stderr.lines() {
            let json: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
            assert_eq!((&json["level"], &json["exit"]), (&"ERROR".into(), &2.into()), "{line}");
        }
    }
}

#[test]
fn usage_and_help() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["--help"]).expect(0).stdout;
    for word in ["config", "doctor", "model", "completions", "--log-format", "Exit codes"] {
        assert!(help.contains(word), "{help}");
    }
    for command in [
        "config",
        "config show",
        "config check",
        "config init",
        "model",
        "model download",
        "doctor",
        "completions",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let help = sandbox.run(&arguments).expect(0).stdout;
        assert!(
            help.contains(&format!("Usage: streamliner {command}")) && help.contains("Global options:"),
            "{help}"
        );
    }
    sandbox.run(&["config", "shw"]).expect(2);
    sandbox.run(&["-q", "-v", "config", "show"]).expect(2);
    sandbox.run(&["--set", "nonsense", "config", "show"]).expect(2);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(sandbox.run(&["completions", shell]).expect(0).stdout.contains("streamliner"), "{shell}");
    }
}

#[test]
#[expect(
    clippy::disallowed_types,
    reason = "assert_cmd cannot hand the program a pipe of ours; what is started is the program under test"
)]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("streamliner"));
    let status = command
        .args(["config", "show"])
        .current_dir(sandbox.path(""))
        .stdout(writer)
        .status()
        .expect("a run");
    assert_eq!(status.code(), Some(0));
}
