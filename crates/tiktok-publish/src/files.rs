//! Files that are private and appear whole, and locks between processes.

use std::fs::TryLockError;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A lock between processes. Held for as long as it lives; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    #[expect(dead_code, reason = "the lock lives as long as the file is open")]
    file: fs_err::File,
}

impl Lock {
    /// Waits for the lock, which others hold for moments only. Blocks.
    pub(crate) fn wait_for(path: &Path) -> io::Result<Self> {
        let file = open_lock(path)?;
        file.file().lock()?;
        Ok(Self { file })
    }

    /// Takes the lock unless someone else holds it.
    pub(crate) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = open_lock(path)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn open_lock(path: &Path) -> io::Result<fs_err::File> {
    fs_err::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Writes a file that its owner alone can read, whole or not at all, and lasting.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    // Temporary files are readable for their owner alone from the start.
    let mut file = tempfile::Builder::new().prefix(".streamliner-").suffix(".part").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Removes a file; one that is not there is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Reads a file; `None` if it is not there.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a file that cannot be read aside, under a name with the second in it. Gives the new name.
pub(crate) fn put_aside(path: &Path, second: i64) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".corrupt-{second}"));
    let aside = PathBuf::from(name);
    fs_err::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on unix")]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Runs something that waits for the disk or for a lock where nobody else waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_does_not_get_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path).unwrap().unwrap();
        assert!(Lock::take(&path).unwrap().is_none());
        drop(first);
        assert!(Lock::wait_for(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn private_files_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let aside = put_aside(&path, 7).unwrap();
        assert!(aside.ends_with("file.corrupt-7") && read(&path).unwrap().is_none());
        remove(&path).unwrap();
    }
}
