//! All of a broadcast in full quality, as one file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use media_io::{Delayed, Ffmpeg, mux};
use tempfile::TempDir;
use timeline::{MediaDuration, MediaTime};

use super::VodError;
use super::broadcast::Broadcast;
use super::input::FILES;
use crate::Error;
use crate::blocking::blocking;
use crate::export::UNFINISHED;
use crate::footage::SEGMENTS;

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
    Parts { files: vec![from.to_owned()], ..Parts::default() }.join(folder, to)
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
    /// The run's media time where the first of them begins.
    origin: MediaDuration,
}

impl Broadcast {
    /// Fetches what is not here of the best rendition and joins it to a file in `folder`: all of it, or what is looked through. Also
    /// tells how many segments could not be had and are missing in it.
    pub(crate) async fn keep_full(
        &self,
        ffmpeg: &Ffmpeg,
        folder: &Path,
        stem: &str,
        interrupt: &Arc<AtomicBool>,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(PathBuf, usize), Error> {
        let is_apart = self.is_apart().await?;
        let mut lost = 0;
        if is_apart {
            // By the sound one also knows where the pictures lie.
            lost += self.fetch_low(interrupt, progress).await?.lost as usize;
        }
        let (parts, missing) = if self.is_single().await? {
            let missing = self.fetch_low(interrupt, progress).await?.lost as usize;
            (self.parts_of_low()?, missing)
        } else {
            self.all_of_best(is_apart, interrupt, progress).await?
        };
        lost += missing;
        let ending = ENDINGS[usize::from(is_apart || parts.init.is_some())];
        let path = folder.join(format!("{stem}.{ending}"));
        let (target, folder) = (path.clone(), folder.to_owned());
        if !is_apart {
            blocking(move || parts.join(&folder, &target)).await??;
            return Ok((path, lost));
        }
        let sound = self.parts_of_low()?;
        let scratch = TempDir::new_in(self.folder()).map_err(Error::file("made", self.folder()))?;
        let (ffmpeg, interrupt) = (ffmpeg.clone(), Arc::clone(interrupt));
        blocking(move || parts.join_with(&sound, &ffmpeg, scratch.path(), &target, &interrupt)).await??;
        Ok((path, lost))
    }

    /// Fetches the best rendition as far as it is wanted. Where its sound is apart, its place is known, too. Also tells how many
    /// segments could not be had.
    async fn all_of_best(
        &self,
        is_apart: bool,
        interrupt: &AtomicBool,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(Parts, usize), Error> {
        let best = self.best().await?;
        let (first, count) = (self.first_wanted(&best), best.segments.len());
        let mut lost = 0;
        for begin in (first..count).step_by(AT_ONCE) {
            let end = (begin + AT_ONCE).min(count);
            if is_lost(self.fetch(begin..end, interrupt).await)? {
                for index in begin..end {
                    lost += usize::from(is_lost(self.fetch(index..index + 1, interrupt).await)?);
                }
            }
            progress((end - first) as f64 / (count - first) as f64);
        }
        let held: Vec<_> =
            (first..count).filter_map(|index| Some((index, self.cache.held(index)?))).collect();
        let origin = match held.first() {
            Some((index, _)) if is_apart => self.origin_of(*index).await?,
            _ => MediaDuration::ZERO,
        };
        let init = held.iter().find_map(|(_, held)| held.init.clone());
        Ok((Parts { init, files: held.into_iter().map(|(_, held)| held.path).collect(), origin }, lost))
    }

    fn parts_of_low(&self) -> Result<Parts, Error> {
        let (store, first) = (self.store()?, self.first_wanted(&self.low()));
        let first = self.low().segments.get(first).map_or(0, |segment| segment.entry.sequence);
        let store = store.lock();
        let segments: Vec<_> = store.segments().filter(|segment| segment.sequence >= first).collect();
        let init = segments.iter().find_map(|segment| segment.init.clone());
        Ok(Parts {
            init: init.map(|name| store.dir().join(name)),
            files: segments.iter().map(|segment| store.dir().join(SEGMENTS).join(&segment.file)).collect(),
            origin: segments
                .first()
                .map_or(MediaDuration::ZERO, |first| first.placement.span.start() - MediaTime::ZERO),
        })
    }
}

impl Parts {
    /// Joins these pictures and their `sound`; the file appears whole or not at all.
    fn join_with(
        &self,
        sound: &Self,
        ffmpeg: &Ffmpeg,
        scratch: &Path,
        target: &Path,
        interrupt: &AtomicBool,
    ) -> Result<(), Error> {
        let (picture_file, sound_file) = (scratch.join("picture"), scratch.join("sound"));
        self.join(scratch, &picture_file)?;
        sound.join(scratch, &sound_file)?;
        let begin = self.origin.min(sound.origin);
        mux(
            ffmpeg,
            Delayed { path: &picture_file, delay: self.origin - begin },
            Delayed { path: &sound_file, delay: sound.origin - begin },
            target,
            interrupt,
        )?;
        Ok(())
    }

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
