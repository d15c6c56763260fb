//! A media file that is fetched whole, on from where an earlier process stopped, and then processed as a file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fs_err::OpenOptions;
use media_io::hls::{Address, HlsError};
use timeline::{MediaDuration, SourceId};

use super::input::{VodInput, ending};
use super::low::PROGRESS_PAUSE;
use super::{Place, VodAccess, VodError};
use crate::Error;
use crate::fingerprint::digest_of;
use crate::process::made;

/// The name of the file in the folder of the recording, without its ending.
const NAME: &str = "recording";
/// The ending where the address has none.
const ENDING: &str = "mp4";
/// Added to the name while the file is not whole.
const PARTIAL: &str = "part";
/// How often is asked again after the connection broke without anything having come.
const ATTEMPTS: u32 = 5;
/// Between attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the interrupt flag is looked at while nothing comes.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);

/// A media file on a host.
#[derive(Debug)]
pub(crate) struct MediaFile {
    access: VodAccess,
    input: VodInput,
    address: Address,
    title: Option<String>,
    length: Option<u64>,
}

impl MediaFile {
    /// Asks the host for the file, without fetching it.
    pub(crate) async fn open(access: &VodAccess, input: &VodInput, place: Place) -> Result<Self, VodError> {
        let length = access.client.download(&place.address, 0).await?.total();
        Ok(Self {
            access: access.clone(),
            input: input.clone(),
            address: place.address,
            title: place.title,
            length,
        })
    }

    /// What tells it from other files: its address and its length, and from where it is looked through.
    pub(crate) fn recording(&self) -> SourceId {
        SourceId(match self.start() {
            None => digest_of(&[&self.input.key(), &self.length]),
            Some(start) => digest_of(&[&self.input.key(), &self.length, &start]),
        })
    }

    /// From where it is looked through, if not from its beginning.
    pub(crate) fn start(&self) -> Option<MediaDuration> {
        self.input.start()
    }

    /// Refuses to look through what is not there.
    pub(crate) fn check_start(&self, length: Option<MediaDuration>) -> Result<(), VodError> {
        match (self.start(), length) {
            (Some(start), Some(length)) if start >= length => Err(VodError::StartsAfterEnd { start, length }),
            _ => Ok(()),
        }
    }

    /// What it is called, where that is known.
    pub(crate) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Where it is when it is whole, in the folder of the recording.
    pub(crate) fn path_in(&self, folder: &Path) -> PathBuf {
        let ending =
            ending(&self.address).filter(|ending| ending.chars().all(|one| one.is_ascii_alphanumeric()));
        folder.join(NAME).with_extension(ending.as_deref().unwrap_or(ENDING))
    }

    /// Fetches what is not here of it.
    pub(crate) async fn fetch(
        &self,
        folder: &Path,
        interrupt: &AtomicBool,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), Error> {
        let whole = self.path_in(folder);
        if whole.is_file() {
            return Ok(());
        }
        made(folder)?;
        let partial = folder.join(format!("{NAME}.{PARTIAL}"));
        let (mut address, mut renewed, mut failures) = (self.address.clone(), false, 0);
        loop {
            let before = length_of(&partial);
            let error = match self.fetch_on(&address, &partial, interrupt, progress).await {
                Ok(()) => break,
                Err(Error::Vod(VodError::Stream(error))) => error,
                Err(error) => return Err(error),
            };
            if matches!(error, HlsError::Status { status: 416, .. }) && before > 0 {
                // What is here is longer than what is there: it is of another file.
                remove(&partial)?;
            } else if error.is_expired() && !renewed {
                renewed = true;
                address = self.access.locate(&self.input).await?.address;
            } else {
                failures = if length_of(&partial) > before { 1 } else { failures + 1 };
                if !error.is_transient() || failures >= ATTEMPTS {
                    return Err(VodError::Stream(error).into());
                }
                tracing::debug!(%error, failures, "the file broke off");
                sleep(PAUSE, interrupt).await?;
            }
        }
        fs_err::rename(&partial, &whole).map_err(Error::file("renamed", &partial))
    }

    async fn fetch_on(
        &self,
        address: &Address,
        partial: &Path,
        interrupt: &AtomicBool,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), Error> {
        let failed = || Error::file("written", partial);
        let held = length_of(partial);
        if held > 0 && self.length == Some(held) {
            return Ok(());
        }
        let mut coming = self.access.client.download(address, held).await.map_err(VodError::from)?;
        // The host knows no ranges, or has another file there now.
        let anew = coming.offset() != held || (self.length.is_some() && coming.total() != self.length);
        if anew && held > 0 {
            remove(partial)?;
            if coming.offset() != 0 {
                coming = self.access.client.download(address, 0).await.map_err(VodError::from)?;
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(partial).map_err(failed())?;
        let mut written = coming.offset();
        let total = coming.total().or(self.length);
        let mut told = Instant::now();
        loop {
            let next = tokio::select! {
                biased;
                error = interrupted(interrupt) => return Err(error),
                next = coming.next() => next.map_err(VodError::from)?,
            };
            let Some(bytes) = next else { break };
            file.write_all(&bytes).map_err(failed())?;
            written += bytes.len() as u64;
            if let Some(total) = total.filter(|_| told.elapsed() >= PROGRESS_PAUSE) {
                told = Instant::now();
                progress(written as f64 / total.max(1) as f64);
            }
        }
        file.sync_all().map_err(failed())
    }
}

fn length_of(path: &Path) -> u64 {
    fs_err::metadata(path).map_or(0, |facts| facts.len())
}

fn remove(path: &Path) -> Result<(), Error> {
    fs_err::remove_file(path).map_err(Error::file("removed", path))
}

/// Ends when `interrupt` is set.
pub(crate) async fn interrupted(interrupt: &AtomicBool) -> Error {
    while !interrupt.load(Ordering::Relaxed) {
        tokio::time::sleep(INTERRUPT_INTERVAL).await;
    }
    Error::Interrupted
}

async fn sleep(length: Duration, interrupt: &AtomicBool) -> Result<(), Error> {
    match tokio::time::timeout(length, interrupted(interrupt)).await {
        Ok(error) => Err(error),
        Err(_) => Ok(()),
    }
}
