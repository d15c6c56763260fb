//! One process at a time on one run.

use std::fs::TryLockError;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::blocking::blocking;

/// A lock that is waited for. Held for as long as it lives; the system lets go of it when the process ends.
#[derive(Debug)]
pub(crate) struct Turn {
    #[expect(dead_code, reason = "the lock lives as long as the file is open")]
    file: fs_err::File,
}

impl Turn {
    /// Waits for the lock at `path`, which others hold for moments only.
    pub(crate) async fn wait_for(path: PathBuf) -> Result<Self, Error> {
        let wait = move || {
            let file = open(&path)?;
            file.file().lock().map_err(Error::file("locked", &path))?;
            Ok(Self { file })
        };
        blocking(wait).await?
    }
}

fn open(path: &Path) -> Result<fs_err::File, Error> {
    fs_err::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::file("locked", path))
}

/// Held for as long as it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    #[expect(dead_code, reason = "the lock lives as long as the file is open")]
    file: fs_err::File,
}

impl RunLock {
    /// Takes the lock at `path`.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process holds it.
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let failed = || Error::file("locked", path);
        let mut file = open(path)?;
        match file.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder =
                    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0);
                return Err(Error::Busy { holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed()(source)),
        }
        file.set_len(0).map_err(failed())?;
        file.rewind().map_err(failed())?;
        write!(file, "{}", std::process::id()).map_err(failed())?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_is_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.lock");
        let first = RunLock::take(&path).expect("free");
        let error = RunLock::take(&path).expect_err("held");
        assert!(matches!(error, Error::Busy { holder } if holder == std::process::id()), "{error}");
        drop(first);
        RunLock::take(&path).expect("free again");
    }
}
