//! `streamliner monitor` when streams fail, when it is killed, and when it is told to stop: the real binary against streams
//! that are played over loopback.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/background.rs"]
mod background;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/contract.rs"]
mod contract;
#[expect(dead_code, reason = "other tests use the rest")]
#[path = "support/recording.rs"]
mod recording;
#[path = "support/sandbox.rs"]
mod sandbox;
#[path = "support/watching.rs"]
mod watching;

use std::collections::BTreeSet;

use background::Running;
use contract::Detection;
use recording::files_below;
use sandbox::Sandbox;
use testkit::arena_night;
use testkit::origin::{Fault, FaultScript, Origin, Pace, Preparation, Repeat};
use timeline::MediaDuration;
use tokio::runtime::Runtime;
use watching::{assert_whole, configure, gaps, only, segments, sessions, stored};

fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

fn play(runtime: &Runtime, pace: f64, repeat: Repeat, script: FaultScript) -> Origin {
    let media = Preparation::of(&arena_night()).prepare().expect("segments");
    let stream = Origin::live(media).pace(Pace::Scaled(pace)).repeat(repeat).script(script);
    runtime.block_on(stream.start()).expect("an origin")
}

fn watch(sandbox: &Sandbox, streams: &[(&str, &Origin)]) {
    let streamers: Vec<_> = streams.iter().map(|(name, origin)| (*name, Some(origin.url()))).collect();
    configure(sandbox, None, &streamers);
}

#[test]
fn what_goes_wrong_with_one_stream_costs_what_was_lost_and_no_other_stream_anything() {
    let runtime = runtime();
    let none = FaultScript::new;
    let jump = MediaDuration::from_secs(30_000);
    // The name, what goes wrong, and how many gaps that makes.
    let cases = [
        ("healthy", none(), 0),
        ("lost", none().at(20..21, Fault::NotFound { times: None }), 1),
        (
            "torn",
            none()
                .at(20..22, Fault::CutBody { fraction: 0.5, times: Some(1) })
                .at(40..41, Fault::CutBody { fraction: 0.5, times: None }),
            1,
        ),
        ("jump", none().at(30..31, Fault::Discontinuity { pts_jump: jump }), 0),
        ("reset", none().at(30..31, Fault::SequenceReset), 0),
        ("rotated", none().at(30..31, Fault::RotatedUrls), 0),
        ("stalled", none().at(30..34, Fault::Stall), 0),
        ("unsaid", none().at(40..41, Fault::EndWithoutEndlist), 0),
        ("twice", none().at(20..22, Fault::DuplicateSegments), 0),
    ];
    let origins =
        cases.clone().map(|(name, script, gaps)| (name, play(&runtime, 10.0, Repeat::Once, script), gaps));
    let sandbox = Sandbox::new();
    watch(&sandbox, &origins.each_ref().map(|(name, origin, _)| (*name, origin)));
    // Clips are the subject of other tests.
    let mut monitor =
        Running::start(&sandbox, &["monitor", "--exit-when-idle", "--set=detection.min_score=0.999"]);
    let status = monitor.end();
    assert!(status.success(), "{:#?}", monitor.said);
    for (name, origin, missing) in &origins {
        assert_eq!(sessions(&sandbox, name).len(), 1, "{name}: {:#?}", monitor.said);
        let resets: &[u64] = if *name == "reset" { &[30] } else { &[] };
        assert_whole(&sandbox, name, origin, resets, &monitor);
        let told = gaps(&monitor, name).len();
        assert!(told == *missing || *name == "reset" && told == 1, "{name}: {:#?}", monitor.said);
        assert!(origin.log().repeated().is_empty(), "{name} was fetched twice");
        only(&sandbox.path("out").join(name), "report.html");
    }
}

#[test]
fn killed_ten_times_it_goes_on_where_it_was() {
    let runtime = runtime();
    let origin = play(&runtime, 5.0, Repeat::Once, FaultScript::new());
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("demo", &origin)]);
    // Any moments will do, if they are the same each time.
    for made in [5, 9, 16, 22, 31, 33, 47, 58, 66, 79] {
        let monitor = &mut Running::start(&sandbox, &["monitor"]);
        runtime.block_on(async {
            tokio::join!(origin.reached(made), async { origin.go() });
        });
        monitor.kill();
    }
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);

    assert_eq!(sessions(&sandbox, "demo").len(), 1);
    let stored = stored(&sandbox, "demo", &origin);
    assert!(stored.values().all(|times| *times <= 1), "{stored:?}");
    let missing = stored.values().filter(|times| **times == 0).count();
    assert!(missing <= 10, "at most the segment in hand of each: {stored:?}");

    let list = only(&sandbox.path("out"), "highlights.json");
    let live = Detection::read(&fs_err::read_to_string(&list).expect("the list"));
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
    if missing == 0 {
        let arena = arena_night();
        let whole = sandbox.run(&["detect", arena.to_str().expect("UTF-8"), "--format", "json"]).expect(0);
        let whole = Detection::read(&whole.stdout);
        assert_eq!(live.highlights.len(), whole.highlights.len(), "{live:#?} {whole:#?}");
    }

    // What is over is the first to go when there is no room, but for the segment that its clock hangs on; its clips stay.
    let mut monitor =
        Running::start(&sandbox, &["monitor", "--exit-when-idle", "--set=monitor.disk_budget_gb=0.000001"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);
    assert_eq!(segments(&sandbox, "demo").len(), 1);
    assert!(clips.iter().all(|path| path.is_file()));
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
    let held = stored(&sandbox, "ana", &ana);
    assert!(held.values().all(|times| *times <= 1), "{held:?}");
    let last =
        held.iter().rev().find(|(_, times)| **times > 0).map(|(index, _)| *index).expect("some segments");
    let missing: Vec<_> = held.range(..last).filter(|(_, times)| **times == 0).collect();
    assert!(missing.is_empty(), "the pause was shorter than the list: {missing:?}");
    monitor.interrupt();
    assert_eq!(monitor.end().code(), Some(130), "{:#?}", monitor.said);
}
