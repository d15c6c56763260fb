//! Model files on disk: which are there, whether they are whole, and fetching those that are not.

mod checksum;
mod download;
mod lock;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use self::checksum::sha1_of;
use self::download::Download;
use self::lock::DownloadLock;
use crate::{Catalogue, Error, ModelEntry};

/// The pause before the first repeated request; it doubles with each in a row.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What is at the place of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelStatus {
    /// The file has the published checksum.
    Verified,
    /// There is a file, and it is not the published one.
    Damaged,
    /// There is no file.
    Missing,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DownloadProgress {
    /// Bytes on disk, those of earlier tries among them.
    pub received: u64,
    /// The length of the file, where the server tells it.
    pub total: Option<u64>,
}

/// A directory of model files.
#[derive(Clone, Debug)]
pub struct ModelStore {
    directory: PathBuf,
    catalogue: Catalogue,
    retry_pause: Duration,
}

impl ModelStore {
    /// The store in `directory`, which need not exist yet, with the [published](Catalogue::published) models.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, catalogue: Catalogue::published(), retry_pause: RETRY_PAUSE }
    }

    /// The store with another catalogue.
    #[must_use]
    pub fn with_catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The store with another pause before the first repeated request of a download (1 s at first).
    #[must_use]
    pub const fn with_retry_pause(mut self, pause: Duration) -> Self {
        self.retry_pause = pause;
        self
    }

    /// What can be fetched into it.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Where it lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the model `name` lies or would lie.
    ///
    /// # Errors
    /// [`Error::UnknownModel`].
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.directory.join(self.entry(name)?.file_name()))
    }

    /// The models of the catalogue that have a file here, whole or not.
    #[must_use]
    pub fn installed(&self) -> Vec<&ModelEntry> {
        let is_here = |entry: &&ModelEntry| self.directory.join(entry.file_name()).is_file();
        self.catalogue.entries().iter().filter(is_here).collect()
    }

    /// Reads the file of `name` and compares its checksum.
    ///
    /// # Errors
    /// [`Error::UnknownModel`]; [`Error::Io`] where the file cannot be read; [`Error::Interrupted`].
    pub fn verify(&self, name: &str, interrupt: &AtomicBool) -> Result<ModelStatus, Error> {
        let entry = self.entry(name)?;
        let path = self.directory.join(entry.file_name());
        if !path.exists() {
            return Ok(ModelStatus::Missing);
        }
        let whole = sha1_of(&path, interrupt)? == entry.sha1;
        Ok(if whole { ModelStatus::Verified } else { ModelStatus::Damaged })
    }

    /// Fetches `name` from `base_url` unless a whole file is there, and gives its path.
    ///
    /// What arrives goes to a `.part` file, which a later call resumes; under its own name the model appears only when it
    /// is whole, by checksum, and on disk. Where another process is fetching the same model, this waits for it. `progress`
    /// is called now and then while bytes arrive.
    ///
    /// # Errors
    /// [`Error::UnknownModel`], [`Error::DownloadRefused`], [`Error::DownloadBroken`], [`Error::ChecksumMismatch`],
    /// [`Error::Io`] (a full disk, a directory that cannot be written) and [`Error::Interrupted`].
    pub fn download(
        &self,
        name: &str,
        base_url: &str,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(DownloadProgress),
    ) -> Result<PathBuf, Error> {
        let entry = self.entry(name)?;
        fs_err::create_dir_all(&self.directory)?;
        let path = self.directory.join(entry.file_name());
        let _lock = DownloadLock::acquire(&path.with_extension("bin.lock"), interrupt)?;
        if self.verify(name, interrupt)? == ModelStatus::Verified {
            return Ok(path);
        }
        let download = Download {
            entry,
            url: format!("{}/{}", base_url.trim_end_matches('/'), entry.file_name()),
            part: path.with_extension("bin.part"),
            validator: path.with_extension("bin.part.etag"),
            retry_pause: self.retry_pause,
            interrupt,
        };
        download.run(progress)?;
        fs_err::rename(&download.part, &path)?;
        sync_directory(&self.directory)?;
        Ok(path)
    }

    fn entry(&self, name: &str) -> Result<&ModelEntry, Error> {
        self.catalogue.entry(name).ok_or_else(|| Error::UnknownModel {
            name: name.to_owned(),
            known: self
                .catalogue
                .entries()
                .iter()
                .map(|entry| entry.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

/// Makes a rename in `directory` last through a power cut.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<(), Error> {
    Ok(fs_err::File::open(directory)?.sync_all()?)
}

/// Windows cannot open directories; a rename there is written through by the file system.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "same shape as on Unix")]
fn sync_directory(_directory: &Path) -> Result<(), Error> {
    Ok(())
}
