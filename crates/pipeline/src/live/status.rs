//! What the monitor is doing, in a file that others may read while it runs.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::presence::State;
use crate::Error;
use crate::blocking::blocking;

/// The file, in the data folder.
const FILE: &str = "monitor.json";
/// It is written here first, so that readers never see half of it.
const UNFINISHED: &str = "monitor.json.new";

/// What the monitor is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorStatus {
    /// Its process; 0 if it does not run.
    pub process: u32,
    /// When this was written, by the wall clock.
    pub at: Option<Timestamp>,
    /// The streamers that are watched.
    pub streamers: Vec<StreamerStatus>,
    /// Jobs that wait or are being worked on.
    pub pending_jobs: usize,
    /// Bytes of all recordings.
    pub recorded_bytes: u64,
    /// What they may take; `None` for no limit.
    pub budget_bytes: Option<u64>,
}

/// One streamer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamerStatus {
    /// Who.
    pub name: String,
    /// Where things stand.
    pub state: State,
    /// What the stream is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Of the session: how much is recorded, gaps included.
    pub recorded_s: f64,
    /// How many gaps are in it.
    pub gaps: usize,
    /// How long they are together.
    pub gaps_s: f64,
    /// How far the recording is behind the wall clock; `None` if nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_s: Option<f64>,
    /// Clips of the session so far.
    pub clips: usize,
    /// Jobs of the session that wait or are being worked on.
    pub pending_jobs: usize,
    /// Whether chat is there: `connected`, or why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<String>,
    /// What went wrong last, while it is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl MonitorStatus {
    /// Where it is written.
    #[must_use]
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// What was written last; `None` if no monitor ever ran there.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Stored`] where it is not what it should be.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, Error> {
        let path = Self::path(data_dir);
        let text = match fs_err::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("read", path)(error)),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| Error::Stored { what: "the state of the monitor", source })
    }

    /// Writes it for others to read. It is not made sure that it survives a crash of the machine: a second later there is another.
    pub(super) async fn write(&self, data_dir: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| Error::Stored { what: "the state of the monitor", source })?;
        let (path, unfinished) = (Self::path(data_dir), data_dir.join(UNFINISHED));
        let write = move || {
            fs_err::write(&unfinished, text + "\n").map_err(Error::file("written", &unfinished))?;
            fs_err::rename(&unfinished, &path).map_err(Error::file("written", &path))
        };
        blocking(write).await?
    }
}
