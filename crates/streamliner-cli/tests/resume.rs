//! `streamliner process` is killed, interrupted and started twice: nothing is lost, nothing is done again, on the real binary.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row as _;
use support::background::Running;
use support::recording::{excerpt, files_below};
use support::sandbox::Sandbox;
use testkit::fixture;

/// Three short clips of 76 s with speech: all stages, most of them more than once.
const CONFIGURATION: &str = "
[paths]
data_dir = \"data\"
[detection]
min_score = 0
max_clips = 3
clip_min_s = 3
clip_max_s = 8
setup_s = 2
settle_s = 1
[render]
preset = \"ultrafast\"
";
const COMMAND: [&str; 5] = ["process", "vod.mp4", "--streamer=demo", "--dry-run", "--output-dir=out"];
/// How often the program is killed.
const KILLS: usize = 10;
/// The longest time from a line to the kill, so that it comes in the middle of what the line announces.
const LONGEST_FUSE: u64 = 900;

/// A folder with the excerpt and its configuration.
fn prepared(speech: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    excerpt(62, 76, &sandbox.path("vod.mp4"));
    let transcription = if speech {
        format!("[transcription]\nmodel = '{}'\n", fixture("models/ggml-nano.en.bin").display())
    } else {
        "[transcription]\nenabled = false\n".to_owned()
    };
    sandbox.write("streamliner.toml", &(CONFIGURATION.to_owned() + &transcription));
    sandbox
}

/// Numbers that look random and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A line that tells of work begun or done, not of how far it is.
fn is_step(line: &str) -> bool {
    ["ingest", "analyse", "transcribe", "rank", "render", "store"]
        .iter()
        .any(|stage| line.starts_with(&format!("{stage}: ")))
        && !line.ends_with('%')
        && !line.contains("kept from before")
}

/// Everything in the output folder but the report, which tells how long things took, and the times of storing.
fn results(sandbox: &Sandbox) -> Vec<(PathBuf, Vec<u8>)> {
    let out = sandbox.path("out");
    files_below(&out)
        .into_iter()
        .filter(|path| path.extension().is_none_or(|ending| ending != "html"))
        .map(|path| {
            let mut bytes = fs_err::read(&path).expect("a result");
            if path.extension().is_some_and(|ending| ending == "json") {
                let mut facts: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                if let Some(facts) = facts.as_object_mut() {
                    facts.remove("created_at");
                }
                bytes = facts.to_string().into_bytes();
            }
            (path.strip_prefix(&out).expect("it is below").to_owned(), bytes)
        })
        .collect()
}

#[track_caller]
fn assert_same_results(one: &Sandbox, other: &Sandbox) {
    let (one, other) = (results(one), results(other));
    let names =
        |results: &[(PathBuf, Vec<u8>)]| results.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for ((path, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "{} differs", path.display());
    }
}

/// Checks that nothing is left but results and the database.
#[track_caller]
fn assert_tidy(sandbox: &Sandbox) {
    assert_eq!(files_below(&sandbox.home()), Vec::<PathBuf>::new(), "temporary files");
    assert_eq!(files_below(&sandbox.path("data/spool")), Vec::<PathBuf>::new(), "clips in progress");
    for path in files_below(&sandbox.path("out")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        assert!(
            !name.starts_with('.') && !name.contains("part") && !name.contains("tmp"),
            "left behind: {name}"
        );
    }
    let allowed = ["db", "db-wal", "db-shm", "lock"];
    for path in files_below(&sandbox.path("data")) {
        assert!(
            path.extension().is_some_and(|ending| allowed.iter().any(|known| ending == *known)),
            "{path:?}"
        );
    }
}

/// How often stages were begun, after checking that none was begun after it had finished.
fn starts(data: &Path) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("streamliner.db"));
        let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
        let finished = sqlx::query("SELECT stage, item, finished_at FROM stages")
            .fetch_all(&pool)
            .await
            .expect("stages");
        let begun = sqlx::query("SELECT stage, item, started_at FROM stage_starts")
            .fetch_all(&pool)
            .await
            .expect("starts");
        pool.close().await;
        let time =
            |row: &sqlx::sqlite::SqliteRow| row.get::<String, _>(2).parse::<Timestamp>().expect("a time");
        for row in &finished {
            let (stage, item): (String, String) = (row.get(0), row.get(1));
            let own: Vec<Timestamp> = begun
                .iter()
                .filter(|begun| begun.get::<String, _>(0) == stage && begun.get::<String, _>(1) == item)
                .map(time)
                .collect();
            assert!(!own.is_empty(), "{stage} {item} finished without a beginning");
            assert!(own.iter().all(|start| *start <= time(row)), "{stage} {item} was done again");
        }
        begun.len()
    })
}

#[test]
fn ten_kills_change_nothing_and_repeat_nothing() {
    let undisturbed = prepared(true);
    let mut run = Running::start(&undisturbed, &COMMAND);
    assert_eq!(run.end().code(), Some(0), "{:#?}", run.said);
    assert_tidy(&undisturbed);
    let steps = run.said.iter().filter(|line| is_step(line)).collect::<BTreeSet<_>>().len();
    assert!(steps > KILLS, "{:#?}", run.said);
    let without = starts(&undisturbed.path("data"));

    // Each kill comes when a share of all steps was seen, over all of the runs, and a fuse has burnt.
    let killed = prepared(true);
    let mut dice = Dice(0x5eed_cafe_f00d);
    let mut seen = BTreeSet::new();
    for kill in 0..KILLS {
        let enough = 1 + kill * (steps - 1) / KILLS;
        let mut run = Running::start(&killed, &COMMAND);
        while seen.len() < enough || run.said.is_empty() {
            let line =
                run.next_line(None).unwrap_or_else(|| panic!("kill {kill}: ended early: {:#?}", run.said));
            if is_step(&line) {
                seen.insert(line);
            }
        }
        let fuse = Duration::from_millis(dice.below(LONGEST_FUSE));
        if let Some(line) = run.next_line(Some(fuse)).filter(|line| is_step(line)) {
            seen.insert(line);
        }
        run.kill();
        // What it still said counts: it may not be said again.
        while let Some(line) = run.next_line(None) {
            if is_step(&line) {
                seen.insert(line);
            }
        }
    }
    let mut run = Running::start(&killed, &COMMAND);
    assert_eq!(run.end().code(), Some(0), "{:#?}", run.said);
    assert!(run.said.iter().any(|line| line.starts_with("transcribe: kept from before")), "{:#?}", run.said);

    assert_same_results(&undisturbed, &killed);
    assert_tidy(&killed);
    let with = starts(&killed.path("data"));
    // At most two jobs run at once, so a kill costs at most two beginnings.
    assert!(with > without && with <= without + 2 * KILLS, "{with} beginnings, undisturbed {without}");

    // As if the machine had died right after the end, too: nothing is left to do.
    let again = killed.run(&[&COMMAND[..], &["--format=json"]].concat()).expect(0);
    assert_eq!(again.json()["outcome"], "already_done");
    assert_eq!(again.json()["clips"].as_array().map(Vec::len), Some(3), "{}", again.stdout);
}

#[test]
fn ctrl_c_stops_cleanly_and_the_next_run_goes_on() {
    let sandbox = prepared(false);
    let mut run = Running::start(&sandbox, &COMMAND);
    run.wait_for("render: ");
    run.interrupt();
    assert_eq!(run.end().code(), Some(130), "{:#?}", run.said);
    assert_eq!(
        run.said.last().map(String::as_str),
        Some("error: interrupted; run the same command again to go on")
    );
    assert_eq!(files_below(&sandbox.path("out")), Vec::<PathBuf>::new());
    assert_eq!(files_below(&sandbox.home()), Vec::<PathBuf>::new(), "temporary files");

    let mut run = Running::start(&sandbox, &COMMAND);
    assert_eq!(run.end().code(), Some(0), "{:#?}", run.said);
    for stage in ["ingest", "analyse", "transcribe"] {
        assert!(
            run.said.iter().any(|line| line.starts_with(&format!("{stage}: kept from before"))),
            "{:#?}",
            run.said
        );
    }
    assert!(!run.said.iter().any(|line| line == "analyse: listening"), "it listens again: {:#?}", run.said);
    starts(&sandbox.path("data"));
    assert_tidy(&sandbox);
}

#[test]
fn of_two_at_once_one_works_and_the_other_says_who() {
    let sandbox = prepared(false);
    let mut first = Running::start(&sandbox, &COMMAND);
    first.wait_for("ingest: ");
    let second = sandbox.run(&COMMAND).expect(2);
    let says = format!("error: another streamliner (process {}) is working on this recording", first.id());
    assert!(second.stderr.starts_with(&says), "{}", second.stderr);
    assert_eq!(second.stdout, "");

    // Another output folder is another matter.
    let mut elsewhere = COMMAND;
    elsewhere[4] = "--output-dir=elsewhere";
    let mut third = Running::start(&sandbox, &elsewhere);
    assert_eq!(
        (first.end().code(), third.end().code()),
        (Some(0), Some(0)),
        "{:#?} {:#?}",
        first.said,
        third.said
    );
    let [one, other] = ["out", "elsewhere"]
        .map(|folder| fs_err::read(sandbox.path(folder).join("highlights.json")).expect("the list"));
    assert!(one == other, "both found the same");
    assert_tidy(&sandbox);
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    use std::os::unix::fs::PermissionsExt as _;

    // An ffmpeg that never answers holds the program up where no interruption is looked for.
    let sandbox = Sandbox::new();
    let (ready, never) = (sandbox.path("ready"), sandbox.path("never"));
    for pipe in [&ready, &never] {
        assert_cmd::Command::new("mkfifo").arg(pipe).assert().success();
    }
    let script = format!("#!/bin/sh\necho up > '{}'\nexec cat '{}'\n", ready.display(), never.display());
    sandbox.write("ffmpeg", &script);
    fs_err::set_permissions(sandbox.path("ffmpeg"), std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut run = Running::start(
        &sandbox,
        &[&COMMAND[..], &["--no-transcribe", "--set=tools.ffmpeg=./ffmpeg"]].concat(),
    );
    assert_eq!(fs_err::read_to_string(&ready).expect("the script runs"), "up\n");

    run.interrupt();
    // The first is known to have arrived, and to have stopped nothing, when the next changes something.
    let mut sent = 1;
    let status = loop {
        match run.ended() {
            Some(status) => break status,
            None => run.interrupt(),
        }
        sent += 1;
        assert!(sent < 1_000, "it does not end");
    };
    assert_eq!(status.code(), Some(130));
    assert!(sent > 1, "one is not enough to end it");
    // Lets the script go.
    fs_err::write(&never, "").expect("the script waits");
}
