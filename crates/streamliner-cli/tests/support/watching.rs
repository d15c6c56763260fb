//! What tests of the monitor share: configurations, and a look at what was recorded.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use testkit::kick::FakeKick;
use testkit::origin::Origin;

use crate::background::Running;
use crate::recording::files_below;
use crate::sandbox::Sandbox;

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

/// How often each segment of the stream is in the recording, by index. Panics over a stored file that is none of them.
#[track_caller]
pub(crate) fn stored(sandbox: &Sandbox, streamer: &str, origin: &Origin) -> BTreeMap<u64, usize> {
    let truth = origin.truth();
    let mut counts: BTreeMap<u64, usize> = truth.iter().map(|one| (one.index, 0)).collect();
    let originals: Vec<_> = truth.iter().map(|one| (one.index, origin.segment_bytes(0, one.index))).collect();
    for path in segments(sandbox, streamer) {
        let bytes = fs_err::read(&path).expect("a segment");
        let found = originals.iter().find(|(_, original)| *original == bytes);
        let (index, _) = found.unwrap_or_else(|| panic!("{} is no segment of the stream", path.display()));
        *counts.entry(*index).or_default() += 1;
    }
    counts
}

/// Asserts that what could be had is in the recording once, and nothing else is.
///
/// Where the numbers of a stream begin anew, what came just before is not listed any more. A list is read every second or so,
/// in which a stream at ten times its pace gives several segments; those need not be there, and are a gap.
#[track_caller]
pub(crate) fn assert_whole(
    sandbox: &Sandbox,
    streamer: &str,
    origin: &Origin,
    resets: &[u64],
    monitor: &Running,
) {
    let stored = stored(sandbox, streamer, origin);
    let unseen = |index: u64| {
        resets.iter().any(|reset| {
            (index..*reset).all(|index| stored[&index] == 0) && index < *reset && reset - index < 20
        })
    };
    let wrong: Vec<_> = origin
        .truth()
        .into_iter()
        .map(|one| (one.index, stored[&one.index], usize::from(!one.lost)))
        .filter(|(index, is, should)| is != should && !unseen(*index))
        .collect();
    assert!(wrong.is_empty(), "{streamer}: (index, times stored, should be): {wrong:?}\n{:#?}", monitor.said);
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
