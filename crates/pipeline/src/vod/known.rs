//! What was made of an address before, told without asking its host, and what unfinished runs left behind.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use timeline::{Digest, SourceId};

use super::VodInput;
use crate::catalogue::Catalogue;
use crate::export::Outputs;
use crate::fingerprint::digest_of;
use crate::lock::RunLock;
use crate::{Error, RunSettings, Stage};

/// Where broadcasts are held, in the data folder.
const FOLDER: &str = "vods";

/// Where a broadcast is held while it is worked on.
pub(crate) fn folder_of(data_dir: &Path, recording: SourceId) -> PathBuf {
    data_dir.join(FOLDER).join(recording.to_string())
}

/// The lock of a broadcast: runs over the same one share what is fetched of it.
pub(crate) fn lock_of(locks: &Path, recording: impl std::fmt::Display) -> PathBuf {
    locks.join(format!("vod-{recording}.lock"))
}

/// What tells one way to process an address from others, by what is known before its host is asked.
pub(crate) fn request_id(input: &VodInput, settings: &RunSettings, output_dir: &Path) -> Digest {
    digest_of(&[&input.key(), &input.start(), settings, &output_dir.as_os_str().as_encoded_bytes()])
}

/// What an earlier run over the same address came to.
#[derive(Clone, Debug)]
pub(crate) struct FinishedRun {
    /// The run.
    pub(crate) run: Digest,
    /// What it was about.
    pub(crate) recording: SourceId,
    /// What it made.
    pub(crate) outputs: Outputs,
}

impl FinishedRun {
    /// The finished run over this address, if there is one.
    pub(crate) async fn find(catalogue: &Catalogue, request: Digest) -> Result<Option<Self>, Error> {
        let Some((run, recording)) = catalogue.run_of_address(request).await? else { return Ok(None) };
        let outputs = catalogue.result(run, Stage::Store, "").await?;
        Ok(outputs.map(|outputs| Self { run, recording, outputs }))
    }
}

/// Removes what is held of broadcasts that nobody has worked on for `age`. What cannot be removed is left for the next time.
pub(crate) fn sweep(data_dir: &Path, locks: &Path, age: Duration) {
    let Ok(entries) = fs_err::read_dir(data_dir.join(FOLDER)) else { return };
    for entry in entries.flatten() {
        let folder = entry.path();
        let is_old = |changed: SystemTime| changed.elapsed().is_ok_and(|elapsed| elapsed > age);
        // Who holds the lock works on it just now, however long ago something came.
        if last_change(&folder).is_some_and(is_old)
            && let Ok(_lock) = RunLock::take(&lock_of(locks, entry.file_name().display()))
        {
            match fs_err::remove_dir_all(&folder) {
                Ok(()) => tracing::info!(folder = %folder.display(), "an abandoned broadcast is removed"),
                Err(error) => tracing::warn!(%error, "an abandoned broadcast cannot be removed"),
            }
        }
    }
}

/// When something was last put into the folder or one in it. Each file that comes is a change of its folder.
fn last_change(folder: &Path) -> Option<SystemTime> {
    let mut latest = fs_err::metadata(folder).and_then(|facts| facts.modified()).ok()?;
    for entry in fs_err::read_dir(folder).ok()?.flatten() {
        let facts = entry.metadata().ok()?;
        let changed = if facts.is_dir() { last_change(&entry.path()) } else { facts.modified().ok() };
        latest = latest.max(changed?);
    }
    Some(latest)
}

#[cfg(test)]
mod tests {
    use highlight_detect::RankOptions;
    use render::RenderSettings;

    use super::*;
    use crate::LexiconSettings;

    fn settings() -> RunSettings {
        RunSettings {
            streamer: "demo".parse().expect("a name"),
            title: String::new(),
            rank: RankOptions::default(),
            lexicon: LexiconSettings::default(),
            chat: None,
            sampled_chat: false,
            transcript: None,
            speech: None,
            no_speech_reason: None,
            render: RenderSettings::default(),
            rate: None,
            category: String::new(),
            hashtags: Vec::new(),
            description_template: String::new(),
        }
    }

    #[test]
    fn what_is_abandoned_goes_and_what_is_worked_on_stays() {
        let data = tempfile::tempdir().expect("a folder");
        let locks = data.path().join("locks");
        fs_err::create_dir_all(&locks).expect("made");
        for name in ["left", "held"] {
            let segments = data.path().join(FOLDER).join(name).join("low/segments");
            fs_err::create_dir_all(&segments).expect("made");
            fs_err::write(segments.join("a.ts"), "a segment").expect("written");
        }
        let there = |name: &str| data.path().join(FOLDER).join(name).exists();
        let _lock = RunLock::take(&lock_of(&locks, "held")).expect("free");
        sweep(data.path(), &locks, Duration::from_secs(3_600));
        assert!(there("left") && there("held"));
        sweep(data.path(), &locks, Duration::ZERO);
        assert!(!there("left") && there("held"));
    }

    #[test]
    fn the_token_of_an_address_makes_no_other_request() {
        let request = |address: &str| {
            request_id(&VodInput::parse(address).expect("an address"), &settings(), Path::new("out"))
        };
        let kick = "https://kick.com/a/videos/0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";
        assert_eq!(request("https://h.example/a.m3u8?token=1"), request("https://h.example/a.m3u8?token=2"));
        assert_ne!(request("https://h.example/a.m3u8"), request("https://h.example/b.m3u8"));
        assert_ne!(request(kick), request(&format!("{kick}?t=60")));
    }
}
