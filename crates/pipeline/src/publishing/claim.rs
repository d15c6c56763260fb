//! One process at a time on one publication.
//!
//! Who claims a publication holds a file locked, whose name is in the database. The system lets go of the lock however the process ends, so a
//! claim of a dead process is known to be one, and nobody waits for it.

use std::fs::TryLockError;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::Error;

/// Held for as long as it lives; the file goes with it.
#[derive(Debug)]
pub(super) struct Claim {
    name: String,
    #[expect(dead_code, reason = "the lock lives as long as the file is open")]
    file: NamedTempFile,
}

impl Claim {
    /// A claim that nobody had before, in this folder.
    pub(super) fn make(folder: &Path) -> Result<Self, Error> {
        let failed = || Error::file("locked", folder);
        let file =
            tempfile::Builder::new().prefix("claim-").suffix(".lock").tempfile_in(folder).map_err(failed())?;
        file.as_file().lock().map_err(failed())?;
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, file })
    }

    /// What stands in the database.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Whether the process that made a claim still holds it. The file of one that does not is removed.
pub(super) fn is_alive(folder: &Path, name: &str) -> Result<bool, Error> {
    let path = folder.join(name);
    let file = match fs_err::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::file("locked", &path)(error)),
    };
    // Shared: others may ask at the same time.
    match file.file().try_lock_shared() {
        Ok(()) => {
            // Another may have removed it first.
            let _ = fs_err::remove_file(&path);
            Ok(false)
        }
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(Error::file("locked", &path)(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_lives_as_long_as_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let claim = Claim::make(folder.path()).unwrap();
        let name = claim.name().to_owned();
        assert!(is_alive(folder.path(), &name).unwrap());
        drop(claim);
        assert!(!is_alive(folder.path(), &name).unwrap());
        // As after SIGKILL: the file is there and nobody holds it.
        fs_err::write(folder.path().join("claim-old.lock"), "").unwrap();
        assert!(!is_alive(folder.path(), "claim-old.lock").unwrap());
        assert!(!folder.path().join("claim-old.lock").exists());
    }
}
