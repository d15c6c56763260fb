//! One monitor at a time works on a data folder.

use std::fs::TryLockError;
use std::path::Path;
use std::time::Duration;

use crate::Error;
use crate::lock::RunLock;

/// Held while a monitor runs, in the folder of locks.
pub(super) const LOCK: &str = "monitor.lock";
/// Whoever asks whether a monitor runs holds its lock for a moment; so often and with this pause it is tried again.
const LOCK_ATTEMPTS: (u32, Duration) = (5, Duration::from_millis(50));

/// Whether a monitor runs on this data folder now.
///
/// # Errors
/// [`Error::File`] where that cannot be found out.
pub fn is_running(data_dir: &Path) -> Result<bool, Error> {
    let lock = data_dir.join("locks").join(LOCK);
    if !lock.exists() {
        return Ok(false);
    }
    // Reading only, and shared: others may ask at the same time, and the file stays as it is.
    let file = fs_err::File::open(&lock).map_err(Error::file("locked", &lock))?;
    match file.file().try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(Error::file("locked", &lock)(source)),
    }
}

/// Takes the lock at `path`.
pub(super) async fn take_lock(path: &Path) -> Result<RunLock, Error> {
    let (attempts, pause) = LOCK_ATTEMPTS;
    for _ in 1..attempts {
        match RunLock::take(path) {
            Err(Error::Busy { .. }) => tokio::time::sleep(pause).await,
            taken => return taken,
        }
    }
    RunLock::take(path)
}
