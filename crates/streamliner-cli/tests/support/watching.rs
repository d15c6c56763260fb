//! What tests of the monitor share: configurations, and a look at what was recorded.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use testkit::arena_night;
use testkit::kick::FakeKick;
use testkit::origin::{FaultScript, Origin, OriginBuilder, Pace, Preparation, Repeat, Verdict};
use timeline::Span;
use tokio::runtime::Runtime;

use super::background::Running;
use super::contract::Detection;
use super::recording::files_below;
use super::sandbox::Sandbox;

/// Sound alone decides, and rendering is quick.
const QUICK: &str = "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[transcription]\nenabled = false\n\
    [detection]\nmin_score = 0.3\n[render]\npreset = \"ultrafast\"\nfps = 30\n\
    [monitor]\npoll_interval_s = 1\nclips_per_hour = 0\nclips_per_day = 0\ncooldown_s = 0\n";

/// Writes a configuration that watches these streamers: at an address, or on Kick.
pub(crate) fn configure(sandbox: &Sandbox, kick: Option<&FakeKick>, streamers: &[(&str, Option<String>)]) {
    let mut text = QUICK.to_owned();
    if let Some(kick) = kick {
        let bases = kick.bases();
        let _ = write!(
            text,
            "[kick]\napi_base = \"{}\"\nauth_base = \"{}\"\nsite_base = \"{}\"\nweb_base = \"{}\"\npusher_url = \"{}\"\n",
            bases.api_base, bases.auth_base, bases.site_base, bases.web_base, bases.pusher_url
        );
        let (id, secret) = (FakeKick::CLIENT_ID, FakeKick::CLIENT_SECRET);
        sandbox.write(".env", &format!("KICK_CLIENT_ID={id}\nKICK_CLIENT_SECRET={secret}\n"));
    }
    for (name, url) in streamers {
        let _ = writeln!(text, "[streamers.{name}]");
        if let Some(url) = url {
            let _ = writeln!(text, "url = \"{url}\"");
        }
    }
    sandbox.write("streamliner.toml", &text);
}

/// A runtime for the stand-ins; whatever they serve goes on while a test waits for the program.
pub(crate) fn runtime() -> Runtime {
    Runtime::new().expect("a runtime")
}

/// A Kick without streamers.
pub(crate) fn kick(runtime: &Runtime) -> FakeKick {
    runtime.block_on(FakeKick::start()).expect("a Kick")
}

/// The fixture VOD as a stream, which this changes.
pub(crate) fn stream(
    runtime: &Runtime,
    pace: f64,
    script: FaultScript,
    change: impl FnOnce(OriginBuilder) -> OriginBuilder,
) -> Origin {
    let media = Preparation::of(&arena_night()).prepare().expect("segments");
    let stream = change(Origin::live(media).pace(Pace::Scaled(pace)).script(script));
    runtime.block_on(stream.start()).expect("an origin")
}

/// The fixture VOD as a stream.
pub(crate) fn play(runtime: &Runtime, pace: f64, repeat: Repeat, script: FaultScript) -> Origin {
    stream(runtime, pace, script, |stream| stream.repeat(repeat))
}

/// Writes a configuration that watches these streams at their addresses.
pub(crate) fn watch(sandbox: &Sandbox, streams: &[(&str, &Origin)]) {
    let streamers: Vec<_> = streams.iter().map(|(name, origin)| (*name, Some(origin.url()))).collect();
    configure(sandbox, None, &streamers);
}

/// The stored segments of all sessions of a streamer.
pub(crate) fn segments(sandbox: &Sandbox, streamer: &str) -> Vec<PathBuf> {
    let mut files = files_below(&sandbox.path("data/recordings").join(streamer));
    files.retain(|path| path.parent().is_some_and(|folder| folder.ends_with("segments")));
    files
}

/// The folders of a streamer's sessions.
pub(crate) fn sessions(sandbox: &Sandbox, streamer: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(sandbox.path("data/recordings").join(streamer)) else {
        return Vec::new();
    };
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// The recording of a streamer's only session against the stream that it is of.
#[track_caller]
pub(crate) fn verdict(sandbox: &Sandbox, streamer: &str, origin: &Origin) -> Verdict {
    let sessions = sessions(sandbox, streamer);
    assert_eq!(sessions.len(), 1, "{streamer}: {sessions:?}");
    Verdict::of(origin, &sessions[0]).expect("a recording")
}

/// Asserts that what could be had is in the recording once, that nothing else is, and that each loss is one marked gap.
#[track_caller]
pub(crate) fn assert_whole(sandbox: &Sandbox, streamer: &str, origin: &Origin, monitor: &Running) -> Verdict {
    let verdict = verdict(sandbox, streamer, origin);
    assert!(verdict.faults().is_empty(), "{streamer}: {:#?}\n{:#?}", verdict.faults(), monitor.said);
    verdict
}

/// A list of highlights, and that no clip in it spans one of the gaps without a reason that says so.
#[track_caller]
pub(crate) fn listed(sandbox: &Sandbox, streamer: &str, verdict: &Verdict) -> Detection {
    let list = only(&sandbox.path("out").join(streamer), "highlights.json");
    let list = Detection::read(&fs_err::read_to_string(list).expect("the list"));
    for one in &list.highlights {
        let clip = Span::from_secs_f64(one.start_s, one.end_s);
        let spanned = verdict.gaps.iter().filter(|gap| gap.overlaps(clip)).count();
        let told = one.reasons.iter().filter(|reason| reason.signal == "gap").count();
        assert_eq!(told, spanned, "{streamer}: {one:#?} {:?}", verdict.gaps);
    }
    list
}

/// The lines that tell of gaps of a streamer.
pub(crate) fn gaps<'a>(monitor: &'a Running, streamer: &str) -> Vec<&'a String> {
    let beginning = format!("{streamer}: ");
    monitor
        .said
        .iter()
        .filter(|line| line.starts_with(&beginning) && line.contains(" is missing ("))
        .collect()
}

/// The one file of this name below a folder.
#[track_caller]
pub(crate) fn only(folder: &Path, name: &str) -> PathBuf {
    let mut found = files_below(folder);
    found.retain(|path| path.file_name().is_some_and(|known| known == name));
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}
