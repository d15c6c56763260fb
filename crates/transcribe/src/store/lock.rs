//! One download of a model at a time, over all processes.

use std::fs::TryLockError;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Error;

/// How often a lock held by another process is tried again.
const PERIOD: Duration = Duration::from_millis(100);

/// Held until dropped, or until the process ends, however it ends. The empty lock file stays: removing it would let two
/// processes hold locks on different files of the same name.
#[derive(Debug)]
pub(super) struct DownloadLock {
    _file: fs_err::File,
}

impl DownloadLock {
    pub(super) fn acquire(path: &Path, interrupt: &AtomicBool) -> Result<Self, Error> {
        let file = fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        loop {
            match file.file().try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            if interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            std::thread::park_timeout(PERIOD);
        }
    }
}
