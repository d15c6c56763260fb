//! `streamliner monitor` keeps to its limits of clips: the real binary against streams that are played over loopback.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use support::background::Running;
use support::recording::files_below;
use support::sandbox::Sandbox;
use support::watching::{assert_whole, listed, play, runtime, watch};
use testkit::origin::{FaultScript, Repeat};

#[test]
fn each_limit_of_clips_holds_and_is_the_reason_that_is_told() {
    let runtime = runtime();
    // The limit, and by which words it is known. All moments of the fixture are within four minutes.
    let cases = [
        ("hour", "clips_per_hour = 1", "clips_per_hour"),
        ("day", "clips_per_day = 1", "clips_per_day"),
        ("pause", "cooldown_s = 600", "cooldown_s"),
        ("free", "", ""),
    ];
    let origins = cases.map(|(name, _, _)| (name, play(&runtime, 8.0, Repeat::Once, FaultScript::new())));
    let sandbox = Sandbox::new();
    watch(&sandbox, &origins.each_ref().map(|(name, origin)| (*name, origin)));
    let mut text = fs_err::read_to_string(sandbox.path("streamliner.toml")).expect("the configuration");
    for (name, limit, _) in cases {
        let section = format!("[streamers.{name}]\n");
        assert!(text.contains(&section));
        text = text.replace(&section, &format!("{section}{limit}\n"));
    }
    sandbox.write("streamliner.toml", &text);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle"]);
    assert!(monitor.end().success(), "{:#?}", monitor.said);

    let lists = origins.each_ref().map(|(name, origin)| {
        let verdict = assert_whole(&sandbox, name, origin, &monitor);
        listed(&sandbox, name, &verdict)
    });
    let free = lists[3].highlights.len();
    assert!(free > 1, "without a limit there are more: {:#?}", monitor.said);
    for ((name, _, words), list) in cases.iter().zip(&lists).take(3) {
        assert_eq!(list.highlights.len(), 1, "{name}: {:#?}", monitor.said);
        let over = list.rejected.iter().filter(|one| one.why.contains(words)).count();
        assert_eq!(over, free - 1, "{name}: {:#?}", list.rejected);
        let files = files_below(&sandbox.path("out").join(name));
        let clips = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "mp4"));
        assert_eq!(clips.count(), 1, "{name}");
    }
}
