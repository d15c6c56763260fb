//! All of a broadcast in full quality, as one file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::VodError;
use super::broadcast::Broadcast;
use super::input::FILES;
use crate::Error;
use crate::blocking::blocking;
use crate::export::UNFINISHED;

/// Endings of the file.
const ENDINGS: [&str; 2] = ["ts", "mp4"];

/// Segments that are fetched before progress is told.
const AT_ONCE: usize = 16;

/// The media file of this stem in `folder`, if it is there.
pub(crate) fn kept(folder: &Path, stem: &str) -> Option<PathBuf> {
    FILES.iter().map(|ending| folder.join(format!("{stem}.{ending}"))).find(|path| path.is_file())
}

/// Puts a file that is whole somewhere else, on another disk if need be.
pub(crate) fn move_file(from: &Path, to: &Path) -> Result<(), Error> {
    if fs_err::rename(from, to).is_ok() {
        return Ok(());
    }
    let folder = to.parent().unwrap_or_else(|| Path::new("."));
    Parts { init: None, files: vec![from.to_owned()] }.join(folder, to)
}

/// Whether fetching failed because a segment cannot be had.
fn is_lost(fetched: Result<(), Error>) -> Result<bool, Error> {
    match fetched {
        Ok(()) => Ok(false),
        Err(Error::Vod(VodError::Lost { .. })) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Segments on disk that make one file.
#[derive(Debug, Default)]
struct Parts {
    init: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl Broadcast {
    /// Fetches what is not here of the best rendition and joins all of it to a file in `folder`. Also tells how many segments could
    /// not be had and are missing in it.
    pub(crate) async fn keep_full(
        &self,
        folder: &Path,
        stem: &str,
        interrupt: &AtomicBool,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(PathBuf, usize), Error> {
        let mut lost = 0;
        let parts = if self.is_single().await? {
            lost = self.fetch_low(interrupt, progress).await?.lost as usize;
            self.parts_of_low()?
        } else {
            let count = self.best().await?.segments.len();
            for begin in (0..count).step_by(AT_ONCE) {
                let end = (begin + AT_ONCE).min(count);
                if is_lost(self.fetch(begin..end, interrupt).await)? {
                    for index in begin..end {
                        lost += usize::from(is_lost(self.fetch(index..index + 1, interrupt).await)?);
                    }
                }
                progress(end as f64 / count as f64);
            }
            self.parts_of_best(count)
        };
        let ending = ENDINGS[usize::from(parts.init.is_some())];
        let path = folder.join(format!("{stem}.{ending}"));
        let (target, folder) = (path.clone(), folder.to_owned());
        blocking(move || parts.join(&folder, &target)).await??;
        Ok((path, lost))
    }

    fn parts_of_low(&self) -> Result<Parts, Error> {
        let store = self.store()?;
        let store = store.lock();
        let init = store.segments().find_map(|segment| segment.init.clone());
        Ok(Parts {
            init: init.map(|name| store.dir().join(name)),
            files: store.segments().map(|segment| store.dir().join("segments").join(&segment.file)).collect(),
        })
    }

    fn parts_of_best(&self, count: usize) -> Parts {
        let held: Vec<_> = (0..count).filter_map(|index| self.cache.held(index)).collect();
        Parts {
            init: held.iter().find_map(|held| held.init.clone()),
            files: held.into_iter().map(|held| held.path).collect(),
        }
    }
}

impl Parts {
    /// Joins them; the file appears whole or not at all.
    fn join(&self, folder: &Path, target: &Path) -> Result<(), Error> {
        let failed = || Error::file("written", target);
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED.0)
            .suffix(UNFINISHED.1)
            .tempfile_in(folder)
            .map_err(failed())?;
        for path in self.init.iter().chain(&self.files) {
            let mut part = fs_err::File::open(path).map_err(Error::file("read", path))?;
            std::io::copy(&mut part, file.as_file_mut()).map_err(failed())?;
        }
        file.flush().and_then(|()| file.as_file().sync_all()).map_err(failed())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Temporary files are private; what comes out is for everyone whom the folder lets in.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(failed())?;
        }
        file.persist(target).map_err(|error| failed()(error.error))?;
        Ok(())
    }
}
