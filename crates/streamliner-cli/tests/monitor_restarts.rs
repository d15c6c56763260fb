//! `streamliner monitor` when it is killed, when it is told to stop, and when it starts again: the real binary against streams
//! that are played over loopback.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use support::background::Running;
use support::contract::Detection;
use support::recording::files_below;
use support::sandbox::Sandbox;
use support::watching::{
    configure, kick, listed, only, play, runtime, segments, sessions, stream, verdict, watch,
};
use testkit::arena_night;
use testkit::kick::Broadcast;
use testkit::origin::{FaultScript, Repeat};

/// Segments that may be under way or not yet on disk when the program is killed: 8 are fetched ahead, and 24 wait while what was
/// recorded before is listened to again. They are had again if they are still listed.
const IN_FLIGHT: usize = 32;
/// A look at a stream asks for its list as well as the recording, so one of so many is the first that is recorded from.
const FIRST_LISTS: usize = 4;

#[test]
fn killed_ten_times_it_goes_on_where_it_was() {
    // How long it lives each time, and then is dead, in segments. Once that is longer than the list is.
    const LIVES: [(u64, u64); 10] =
        [(4, 0), (3, 0), (6, 0), (4, 0), (5, 22), (4, 0), (7, 0), (4, 0), (3, 0), (6, 0)];
    const WINDOW: u64 = 16;
    let runtime = runtime();
    let origin = stream(&runtime, 5.0, FaultScript::new(), |stream| stream.window(WINDOW));
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("demo", &origin)]);
    let mut starts = Vec::new();
    for (alive, dead) in LIVES {
        starts.push(origin.log().lists.len());
        let mut monitor = Running::start(&sandbox, &["monitor"]);
        origin.go();
        runtime.block_on(origin.reached(origin.made() + alive));
        monitor.kill();
        runtime.block_on(origin.reached(origin.made() + dead));
    }
    starts.push(origin.log().lists.len());
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);

    // Each run of missing segments ends where a list began that was offered after a kill: it was not to be had any more.
    // What was in flight when the program was killed is had again, unless it is among those.
    let verdict = verdict(&sandbox, "demo", &origin);
    let log = origin.log();
    assert_eq!((verdict.repeated(), verdict.strangers.len()), (Vec::new(), 0));
    assert_eq!(verdict.unmarked(), [], "{:?} {:?}", verdict.missing, verdict.gaps);
    assert!(!verdict.missing.is_empty() && verdict.missing.len() <= LIVES.len(), "{:?}", verdict.missing);
    let wanting = verdict.wanting();
    let mut runs: Vec<Range<u64>> = Vec::new();
    for index in wanting {
        match runs.last_mut().filter(|run| run.end == index) {
            Some(run) => run.end += 1,
            None => runs.push(index..index + 1),
        }
    }
    for run in runs {
        let offered = starts
            .iter()
            .any(|start| log.lists.iter().skip(*start).take(FIRST_LISTS).any(|list| list.start == run.end));
        assert!(offered, "{run:?} was to be had: {starts:?} {:?}", log.lists);
        let had = log.served().iter().filter(|index| run.contains(index)).count();
        assert!(had <= IN_FLIGHT, "{had} of {run:?} were had, and lost by the program");
    }

    // Not by the strict reader: a moment that reaches over so long a gap may have its highest point in it.
    let list = only(&sandbox.path("out"), "highlights.json");
    let live: Detection = serde_json::from_slice(&fs_err::read(&list).expect("the list")).expect("JSON");
    let folder = list.parent().expect("a folder").join("clips");
    let clips: Vec<_> = files_below(&folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "mp4"))
        .collect();
    assert!(!clips.is_empty(), "{:#?}", monitor.said);
    assert_eq!(clips.len(), live.highlights.len(), "{clips:?}");
    let starts: BTreeSet<u64> = live.highlights.iter().map(|one| one.start_s.to_bits()).collect();
    assert_eq!(starts.len(), live.highlights.len(), "no moment twice");
    let spool: Vec<_> =
        sessions(&sandbox, "demo").iter().flat_map(|folder| files_below(&folder.join("spool"))).collect();
    assert!(spool.is_empty(), "{spool:?}");

    // What is over is the first to go when there is no room, but for the segment that its clock hangs on; its clips stay.
    let mut monitor =
        Running::start(&sandbox, &["monitor", "--exit-when-idle", "--set=monitor.disk_budget_gb=0.000001"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);
    assert_eq!(segments(&sandbox, "demo").len(), 1);
    assert!(clips.iter().all(|path| path.is_file()));
}

#[test]
fn killed_within_its_list_it_finds_what_it_would_have_found() {
    let runtime = runtime();
    let origin = play(&runtime, 8.0, Repeat::Once, FaultScript::new());
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("demo", &origin)]);
    // Any moments will do, if they are the same each time.
    for made in [9, 33, 58, 79] {
        let mut monitor = Running::start(&sandbox, &["monitor"]);
        origin.go();
        runtime.block_on(origin.reached(made));
        monitor.kill();
    }
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);
    let verdict = verdict(&sandbox, "demo", &origin);
    assert_eq!(verdict.faults(), Vec::<String>::new());
    assert_eq!(verdict.gaps, []);
    let live = listed(&sandbox, "demo", &verdict);
    let arena = arena_night();
    let whole = sandbox.run(&["detect", arena.to_str().expect("UTF-8"), "--format", "json"]).expect(0);
    let whole = Detection::read(&whole.stdout);
    assert_eq!(live.highlights.len(), whole.highlights.len(), "{live:#?} {whole:#?}");
}

#[test]
fn it_stops_goes_on_and_takes_up_what_changes() {
    let runtime = runtime();
    let [ana, ben] = [(); 2].map(|()| play(&runtime, 4.0, Repeat::Forever, FaultScript::new()));
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("ana", &ana)]);

    let mut monitor = Running::start(&sandbox, &["monitor"]);
    monitor.wait_for("ana: live");
    runtime.block_on(ana.reached(12));
    let status = sandbox.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["running"], true, "{status}");
    assert_eq!(status["streamers"][0]["name"], "ana");
    assert_eq!(status["streamers"][0]["gaps"], 0);
    let text = sandbox.run(&["status"]).expect(0).stdout;
    assert!(text.contains("ana") && text.contains("jobs wait"), "{text}");
    // Two monitors on one data folder would record twice.
    let second = sandbox.run(&["monitor"]);
    assert_ne!(second.code, Some(0), "{}", second.stderr);
    monitor.interrupt();
    assert_eq!(monitor.end().code(), Some(130), "{:#?}", monitor.said);
    let status = sandbox.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["running"], false, "{status}");
    assert!(sandbox.run(&["status"]).expect(0).stdout.starts_with("no monitor is running"));
    assert!(
        files_below(&sandbox.path("out")).iter().all(|path| !path.ends_with("report.html")),
        "it is not over"
    );

    // Into the same session, while more and fewer are watched.
    let mut monitor = Running::start(&sandbox, &["monitor"]);
    monitor.wait_for("ana: live");
    assert_eq!(sessions(&sandbox, "ana").len(), 1);
    sandbox.write("streamliner.toml", "[monitor]\npoll_interval_s = \"often\"\n");
    while let Some(line) = monitor.next_line(None) {
        if line.contains("the changed configuration is not used") {
            break;
        }
    }
    watch(&sandbox, &[("ana", &ana), ("ben", &ben)]);
    monitor.wait_for("ben: live");
    watch(&sandbox, &[("ben", &ben)]);
    monitor.wait_for("ana: not watched any more");
    monitor.wait_for("ana: over");
    assert_eq!(sessions(&sandbox, "ana").len(), 1);
    only(&sandbox.path("out/ana"), "report.html");
    let held = verdict(&sandbox, "ana", &ana);
    assert_eq!(held.repeated(), Vec::<u64>::new());
    let last = held.recorded().last().copied().expect("some segments");
    let missing: Vec<_> = held.wanting().into_iter().filter(|index| *index < last).collect();
    assert!(missing.is_empty(), "the pause was shorter than the list: {missing:?}");
    monitor.interrupt();
    assert_eq!(monitor.end().code(), Some(130), "{:#?}", monitor.said);
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let runtime = runtime();
    let kick = kick(&runtime);
    kick.add_streamer("demo");
    let origin = play(&runtime, 4.0, Repeat::Forever, FaultScript::new());
    let sandbox = Sandbox::new();
    configure(&sandbox, Some(&kick), &[("demo", None)]);
    kick.go_live("demo", Broadcast::of(&origin));
    let mut monitor = Running::start(&sandbox, &["monitor"]);
    monitor.wait_for("demo: live");
    monitor.interrupt();
    assert_eq!(monitor.end().code(), Some(130), "{:#?}", monitor.said);

    // A file that hangs whoever opens it, as on a disk that is gone: the first interrupt waits for it for ever.
    let chat = sessions(&sandbox, "demo").remove(0).join("chat.jsonl");
    if chat.exists() {
        fs_err::remove_file(&chat).expect("it is removed");
    }
    let made = assert_cmd::Command::new("mkfifo").arg(&chat).output().expect("a mkfifo program");
    assert!(made.status.success());
    let mut monitor = Running::start(&sandbox, &["monitor"]);
    monitor.wait_for("demo: starting");
    monitor.interrupt();
    // Nothing tells that nothing happens.
    assert_eq!(monitor.next_line(Some(Duration::from_millis(700))), None);
    assert!(monitor.ended().is_none(), "it did not wait");
    monitor.interrupt();
    assert_eq!(monitor.end().code(), Some(130), "{:#?}", monitor.said);
}
