//! `streamliner monitor` when streams and disks fail: the real binary against streams
//! that are played over loopback.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use support::background::Running;
use support::recording::files_below;
use support::sandbox::Sandbox;
use support::watching::{assert_whole, gaps, listed, only, play, runtime, verdict, watch};
use testkit::origin::{Fault, FaultScript, Repeat};
use testkit::{Placement, Truth, frame_numbers};
use timeline::MediaDuration;

/// The clock that tells when segments were made is set back by an hour and forward again, and a segment is lost in between.
fn clock_set() -> FaultScript {
    let hour = MediaDuration::from_secs(3_600);
    FaultScript::new()
        .at(30..31, Fault::ClockStep { by: MediaDuration::ZERO - hour })
        .at(35..36, Fault::NotFound { times: None })
        .at(40..41, Fault::ClockStep { by: hour })
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
        ("clock", clock_set(), 1),
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
        assert_whole(&sandbox, name, origin, &monitor);
        assert_eq!(gaps(&monitor, name).len(), *missing, "{name}: {:#?}", monitor.said);
        assert!(origin.log().repeated().is_empty(), "{name} was fetched twice");
        only(&sandbox.path("out").join(name), "report.html");
    }
}

#[test]
fn no_clip_spans_a_gap_unless_it_says_so() {
    let runtime = runtime();
    // Before, in and after moments of the fixture, and one is left alone.
    let lost = [15, 41, 66];
    let script = lost.iter().fold(FaultScript::new(), |script, index| {
        script.at(*index..index + 1, Fault::NotFound { times: None })
    });
    let origin = play(&runtime, 10.0, Repeat::Once, script);
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("demo", &origin)]);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);
    let verdict = assert_whole(&sandbox, "demo", &origin, &monitor);
    assert_eq!(verdict.gaps.len(), lost.len());

    let list = listed(&sandbox, "demo", &verdict);
    // What the list says is one thing, what is to be seen another.
    let truth = Truth::arena_night().expect("the truth");
    let placement = Placement::centred((truth.width, truth.height), (1080, 1920), 1.0);
    let clips = files_below(&sandbox.path("out"));
    let clips = clips.iter().filter(|path| path.extension().is_some_and(|extension| extension == "mp4"));
    let mut torn = 0;
    for clip in clips {
        let numbers = frame_numbers(clip, &truth.strip, placement).expect("it can be looked at");
        let first = numbers[0].expect("a number");
        torn += usize::from(numbers != (first..first + numbers.len() as u32).map(Some).collect::<Vec<_>>());
    }
    let said = list.highlights.iter().filter(|one| one.reasons.iter().any(|it| it.signal == "gap")).count();
    assert!(torn <= said, "{torn} clips with pictures missing, {said} that say so");
}

/// The size limit of files of a process stands for a full disk: nothing more can be written, whoever runs the test.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_what_was_on_air_while_it_was_full() {
    let runtime = runtime();
    let origin = play(&runtime, 8.0, Repeat::Once, FaultScript::new());
    let sandbox = Sandbox::new();
    watch(&sandbox, &[("demo", &origin)]);
    let arguments = ["monitor", "--exit-when-idle", "--set=detection.min_score=0.999"];
    let mut monitor = Running::start_unlimited(&sandbox, &arguments);
    monitor.wait_for("demo: live");
    runtime.block_on(origin.reached(30));
    let before = verdict(&sandbox, "demo", &origin).recorded();
    monitor.limit_files(Some(0));
    // Some segments, and the books.
    for _ in 0..6 {
        while !monitor.next_line(None).expect("it goes on").contains("a segment could not be recorded") {}
    }
    monitor.limit_files(None);
    assert!(monitor.end().success(), "{:#?}", monitor.said);

    let verdict = verdict(&sandbox, "demo", &origin);
    assert!(before.iter().all(|index| verdict.stored[index] == 1), "what was there is there: {before:?}");
    assert_eq!((verdict.repeated(), verdict.strangers.len()), (Vec::new(), 0));
    assert_eq!(verdict.unmarked(), [], "{:?} {:?}", verdict.missing, verdict.gaps);
    assert_eq!(verdict.gaps.len(), 1, "{:?}", verdict.gaps);
    assert!((6..40).contains(&verdict.wanting().len()), "{:?}", verdict.wanting());
    let told = gaps(&monitor, "demo");
    assert_eq!(told.len(), 1, "{told:?}");
    only(&sandbox.path("out"), "report.html");
}
