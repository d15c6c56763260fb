//! Where the sound and picture of a run lie, and files cut out of it to work on.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use media_io::hls::store::{Absence, Entry, GapEntry, SegmentEntry, SegmentStore};
use media_io::hls::{InitSection, Packing, Segment};
use media_io::{Delayed, Ffmpeg, mux};
use tempfile::TempPath;
use timeline::{Gap, GapCause, MediaDuration, MediaTime, Span};

use crate::Error;

/// Around a span this much more is taken from a recording, so that decoders have settled where it begins and the
/// resampler ends in sound.
pub(crate) const MARGIN: MediaDuration = MediaDuration::from_secs(1);

/// No clip reaches further from its moment.
const REACH: MediaDuration = MediaDuration::from_secs(3_600);

/// A recording that may still grow, shared between who records and who cuts.
#[derive(Clone, Debug)]
pub(crate) struct SharedStore(Arc<Mutex<SegmentStore>>);

impl SharedStore {
    pub(crate) fn new(store: SegmentStore) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    /// Nobody leaves a store half changed, so one whose holder panicked is still good.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SegmentStore> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of the recording around a moment that a clip of it may lie in: without a gap, or the moment itself where it
    /// is not whole.
    pub(crate) fn whole_around(&self, core: Span) -> Span {
        let reach = Span::around(core.middle(), REACH);
        self.lock().contiguous(reach).unwrap_or(core)
    }
}

/// Where a store keeps its segments, in its folder.
pub(crate) const SEGMENTS: &str = "segments";

/// A gap of a store, for the detector and the report.
pub(crate) fn gap_of(entry: &GapEntry) -> Gap {
    let cause = match entry.cause {
        Absence::Stream(cause) => cause,
        _ => GapCause::Missing,
    };
    Gap { span: entry.span, cause }
}

/// The entries of a store from `start` on, with an entry for each hole between them: its line in the index was lost with its
/// file.
pub(crate) fn with_holes(entries: Vec<Entry>, start: MediaTime) -> Vec<Entry> {
    let (mut whole, mut end) = (Vec::with_capacity(entries.len()), start);
    for entry in entries {
        let span = entry.span();
        if span.start() > end {
            let hole = Span::new(end, span.start());
            whole.push(Entry::Gap(GapEntry { number: entry.number(), span: hole, cause: Absence::FileLost }));
        }
        end = end.max(span.end());
        whole.push(entry);
    }
    whole
}

/// A segment of the store in `folder`, as it was when it came.
pub(crate) fn stored(folder: &Path, entry: &SegmentEntry) -> Result<Segment, Error> {
    let read = |path: PathBuf| fs_err::read(&path).map_err(Error::file("read", path));
    // The head of an MP4 lies in the folder of the store itself.
    let init = entry.init.as_deref().map(|name| read(folder.join(name))).transpose()?;
    Ok(Segment {
        sequence: entry.sequence,
        epoch: entry.epoch,
        duration: entry.placement.span.duration(),
        discontinuity: false,
        program_date_time: entry.program_date_time,
        packing: if init.is_some() { Packing::Fragmented } else { Packing::Transport },
        init: init.map(|bytes| Arc::new(InitSection { bytes: bytes.into() })),
        bytes: read(folder.join(SEGMENTS).join(&entry.file))?.into(),
    })
}

/// Where the sound and picture of a run lie.
#[derive(Clone, Debug)]
pub(crate) enum Footage {
    /// In one file, whose media time is that of the run.
    File(PathBuf),
    /// In the segments of a recorded stream.
    Segments(SharedStore),
    /// In pieces that were fetched for one span.
    Pieces(Pieces),
    /// The pictures in such pieces, their sound in a store of its own. ffmpeg brings them together.
    Apart { pieces: Pieces, sound: SharedStore, ffmpeg: Ffmpeg },
}

/// Segments on disk that hold one span of a broadcast and may be joined.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    /// The head of their MP4.
    pub(crate) init: Option<PathBuf>,
    pub(crate) files: Vec<PathBuf>,
    /// The run's media time at media time zero of what is joined of them.
    pub(crate) origin: MediaDuration,
    /// The part of the run that they hold.
    pub(crate) held: Span,
}

/// A file that vanishes with its handle, for what is needed for a while.
fn scratch_file(scratch: &Path) -> Result<tempfile::NamedTempFile, Error> {
    let made = tempfile::Builder::new().prefix(".excerpt-").suffix(".part").tempfile_in(scratch);
    made.map_err(Error::file("written", scratch))
}

impl Pieces {
    fn join(&self, scratch: &Path) -> Result<TempPath, Error> {
        let mut file = scratch_file(scratch)?;
        for path in self.init.iter().chain(&self.files) {
            let mut piece = fs_err::File::open(path).map_err(Error::file("read", path))?;
            std::io::copy(&mut piece, file.as_file_mut()).map_err(Error::file("written", file.path()))?;
        }
        Ok(file.into_temp_path())
    }
}

/// A file that holds a span of the footage.
#[derive(Debug)]
pub(crate) struct Excerpt {
    path: PathBuf,
    /// The run's media time at the file's media time zero.
    origin: MediaDuration,
    /// Removes the file when nobody needs it any more.
    _made: Option<TempPath>,
}

impl Footage {
    /// A file that holds `span` and a little more, made in `scratch` where there is none. Blocks while it is written.
    pub(crate) fn excerpt(&self, span: Span, scratch: &Path) -> Result<Excerpt, Error> {
        match self {
            Self::File(path) => Ok(Excerpt { path: path.clone(), origin: MediaDuration::ZERO, _made: None }),
            Self::Segments(store) => {
                let made = scratch_file(scratch)?.into_temp_path();
                let plan = store.lock().plan_extract(span.padded(MARGIN, MARGIN))?;
                let extract = plan.write(&made)?;
                Ok(Excerpt {
                    path: extract.path,
                    origin: extract.origin - MediaTime::ZERO,
                    _made: Some(made),
                })
            }
            Self::Pieces(pieces) => {
                let made = pieces.join(scratch)?;
                Ok(Excerpt { path: made.to_path_buf(), origin: pieces.origin, _made: Some(made) })
            }
            Self::Apart { pieces, sound, ffmpeg } => {
                let picture = pieces.join(scratch)?;
                let sound = Self::Segments(sound.clone()).excerpt(span, scratch)?;
                let origin = pieces.origin.min(sound.origin);
                let made = scratch_file(scratch)?.into_temp_path();
                let never = AtomicBool::new(false);
                mux(
                    ffmpeg,
                    Delayed { path: &picture, delay: pieces.origin - origin },
                    Delayed { path: &sound.path, delay: sound.origin - origin },
                    &made,
                    &never,
                )?;
                Ok(Excerpt { path: made.to_path_buf(), origin, _made: Some(made) })
            }
        }
    }
}

impl Excerpt {
    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What to add to the run's media time to get the file's.
    pub(crate) fn to_file(&self) -> MediaDuration {
        MediaDuration::ZERO - self.origin
    }

    /// What to add to the file's media time to get the run's.
    pub(crate) fn to_run(&self) -> MediaDuration {
        self.origin
    }
}

#[cfg(test)]
mod tests {
    use media_io::hls::clock::Placement;

    use super::*;

    #[test]
    fn segments_of_both_packings_are_read_back_as_they_came() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut store, _) = SegmentStore::open(folder.path()).expect("a new store");
        let init = Arc::new(InitSection { bytes: (&b"the head"[..]).into() });
        for (sequence, init) in [(0, None), (1, Some(init))] {
            let segment = Segment {
                sequence,
                epoch: 0,
                duration: MediaDuration::from_secs(2),
                discontinuity: false,
                program_date_time: None,
                packing: if init.is_some() { Packing::Fragmented } else { Packing::Transport },
                init,
                bytes: vec![sequence as u8; 9].into(),
            };
            let start = MediaTime::ZERO + MediaDuration::from_secs(2 * sequence as i64);
            let span = Span::starting_at(start, MediaDuration::from_secs(2));
            let placement = Placement { span, offset: MediaDuration::ZERO, group: sequence as u32 };
            let entry = store.append(&segment, &placement).expect("room").expect("it is new");
            assert_eq!(stored(folder.path(), &entry).expect("it is there"), segment);
        }
    }
}
