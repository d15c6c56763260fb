//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::Error;

/// What a temporary file is called between the name it will have and its extension.
const PARTIAL: &str = ".partial";

/// How many characters of the name a temporary name keeps.
const STEM_CHARS: usize = 40;

/// An output that is being written under a temporary name in the same folder. It is deleted unless published.
///
/// The temporary file is locked as long as its writer lives, so what a killed process left behind can be told from
/// what another process is writing; the next job for the same output clears it away.
#[derive(Debug)]
pub(super) struct PendingOutput {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl PendingOutput {
    /// Makes the temporary file for `target`.
    pub(super) fn create(target: &Path) -> Result<Self, Error> {
        if target.is_dir() {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Error::Output { path: target.to_owned(), source });
        }
        let names = TemporaryNames::of(target)?;
        names.clear_abandoned();
        let mut builder = tempfile::Builder::new();
        builder.prefix(&names.prefix).suffix(&names.suffix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What any program would give a new file; the user's mask narrows it.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let temporary =
            builder.tempfile_in(&names.folder).map_err(|source| Error::writing(target, source))?;
        // Without a lock (some network file systems have none) the file is merely cleared away too early or never.
        let _ = temporary.as_file().try_lock();
        Ok(Self { target: target.to_owned(), temporary })
    }

    /// Where to write.
    pub(super) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Brings it to disk and gives it its name.
    pub(super) fn publish(self) -> Result<(), Error> {
        let Self { target, temporary } = self;
        // By its name: the program that wrote it may have made a new file.
        let written =
            fs_err::File::open(temporary.path()).map_err(|source| Error::writing(&target, source))?;
        written.sync_all().map_err(|source| Error::writing(&target, source))?;
        temporary.persist(&target).map_err(|error| Error::writing(&target, error.error))?;
        sync_folder(&target);
        Ok(())
    }
}

/// Says of an error of ffmpeg's what it means for its outputs, where the text tells.
pub(super) fn explain(error: Error, outputs: &[PendingOutput]) -> Error {
    let Error::Ffmpeg(failure) = error else { return error };
    let Some(output) = outputs.first() else { return Error::Ffmpeg(failure) };
    let path = output.target.clone();
    let says = |text: &str| failure.stderr.contains(text);
    if says("No space left on device") || says("Disk quota exceeded") || says("File too large") {
        return Error::NoSpace { path, source: failure };
    }
    if let Some(denied) = failure.stderr.lines().find(|line| line.ends_with(": Permission denied")) {
        // The temporary output could be made, so it is an input that may not be read.
        let named = denied.trim_end_matches(": Permission denied");
        let path = PathBuf::from(named.strip_prefix("file:").unwrap_or(named));
        return Error::PermissionDenied { path, source: failure };
    }
    Error::Ffmpeg(failure)
}

/// How the temporary files of one target are called.
struct TemporaryNames {
    folder: PathBuf,
    prefix: OsString,
    suffix: OsString,
}

impl TemporaryNames {
    fn of(target: &Path) -> Result<Self, Error> {
        let Some(name) = target.file_name() else {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Error::Output { path: target.to_owned(), source });
        };
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // Shortened to fit the longest name a file system takes; a % would be the number of a picture to ffmpeg.
        let stem: String = name.to_string_lossy().chars().take(STEM_CHARS).collect();
        let prefix = OsString::from(format!(".{}.", stem.replace('%', "_")));
        // The extension stays, because ffmpeg chooses the container by it.
        let mut suffix = OsString::from(PARTIAL);
        if let Some(extension) = target.extension() {
            suffix.push(".");
            suffix.push(extension);
        }
        Ok(Self { folder, prefix, suffix })
    }

    fn matches(&self, name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        name.starts_with(self.prefix.as_encoded_bytes()) && name.ends_with(self.suffix.as_encoded_bytes())
    }

    /// Deletes what a killed process left behind. Failing to is no reason to fail.
    fn clear_abandoned(&self) {
        let Ok(entries) = fs_err::read_dir(&self.folder) else { return };
        for entry in entries.map_while(Result::ok).filter(|entry| self.matches(&entry.file_name())) {
            let Ok(file) = fs_err::File::open(entry.path()) else { continue };
            if file.file().try_lock().is_ok() {
                tracing::debug!(path = %entry.path().display(), "deleting what an interrupted run left");
                let _ = fs_err::remove_file(entry.path());
            }
        }
    }
}

/// Makes the new name durable too, where the system can.
fn sync_folder(target: &Path) {
    let folder = target.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    if let Ok(folder) = fs_err::File::open(folder) {
        let _ = folder.sync_all();
    }
}
