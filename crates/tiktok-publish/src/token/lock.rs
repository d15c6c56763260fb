//! One process at a time renews a login.

use std::fs::TryLockError;
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::AuthError;

/// How often a lock that others hold is tried again. Asking the system is cheap, and waiting in a thread could not be given up.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long is waited for others. A renewal with all its tries takes less than this.
const PATIENCE: Duration = Duration::from_secs(150);

/// Held for as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Turn {
    #[expect(dead_code, reason = "the lock lives as long as the file is open")]
    file: fs_err::File,
}

impl Turn {
    /// Waits for the lock at `path`.
    ///
    /// # Errors
    /// [`AuthError::File`] if it cannot be had, or others hold it for too long.
    pub(super) async fn wait_for(path: &Path) -> Result<Self, AuthError> {
        let failed = || AuthError::file("locked", path);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder).map_err(failed())?;
        }
        let file = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed())?;
        let began = Instant::now();
        loop {
            match file.file().try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(TryLockError::WouldBlock) => {
                    let held = std::io::Error::other("another process holds it");
                    return Err(failed()(held));
                }
                Err(TryLockError::Error(source)) => return Err(failed()(source)),
            }
        }
    }
}
