//! Segments joined to one file again.

use std::io::Write;
use std::path::{Path, PathBuf};

use fs_err::File;
use timeline::{MediaDuration, MediaTime, Span};

use super::SegmentStore;
use super::entry::{Entry, SegmentEntry};
use crate::Error;
use crate::audio::SourceTimes;

/// Sound may come this much later in a stream than the picture it belongs to: that of a segment's end lies in the next one.
/// ffmpeg muxes within 0.7 s (`-max_delay`).
const MUX_DELAY: MediaDuration = MediaDuration::from_secs(1);

/// A file that was cut out of a recording, whole segments long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// The file.
    pub path: PathBuf,
    /// The recording's media time at the file's media time zero, as [`open_audio`](crate::open_audio),
    /// [`Ffmpeg::probe`](crate::Ffmpeg::probe) and [`ExactCut`](crate::ExactCut) count it: what is at `t` in the recording is at
    /// `t - origin` in the file.
    pub origin: MediaTime,
    /// The part of the recording that the file was made for: what was asked for, as far as it is there.
    pub span: Span,
}

/// An extract that is not written yet. It needs the store no more, only its files.
#[derive(Clone, Debug)]
pub struct ExtractPlan {
    span: Span,
    first: SegmentEntry,
    init: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl SegmentStore {
    /// Finds what [`extract`](Self::extract) joins, so that a store that is shared need not be locked while it is written.
    /// The span must be pinned until then.
    ///
    /// # Errors
    /// [`Error::SpanOutside`] where the middle of the span is not here.
    pub fn plan_extract(&self, span: Span) -> Result<ExtractPlan, Error> {
        let outside = || Error::SpanOutside { path: self.dir().to_owned(), span, held: self.span() };
        let run = self.run_around(span.middle()).ok_or_else(outside)?;
        let part = self.contiguous(span).ok_or_else(outside)?;
        let run: Vec<&SegmentEntry> = self.entries[run].iter().filter_map(Entry::segment).collect();
        // One more before it, so that decoders have settled where it begins.
        let begin = run.partition_point(|segment| segment.placement.span.end() <= part.start());
        let end = run.partition_point(|segment| segment.placement.span.start() < part.end() + MUX_DELAY);
        let chosen = &run[begin.saturating_sub(1)..end];
        let first = (*chosen.first().ok_or_else(outside)?).clone();
        Ok(ExtractPlan {
            span: part,
            init: first.init.as_deref().map(|name| self.files.init(name)),
            files: chosen.iter().map(|segment| self.files.segment(&segment.file)).collect(),
            first,
        })
    }
}

impl ExtractPlan {
    /// Writes the file `out`, over what is there. It appears whole or not at all.
    ///
    /// # Errors
    /// Those of reading the segments and writing `out`; [`Error::NotMedia`] where the first segment was damaged on disk.
    pub fn write(&self, out: &Path) -> Result<Extract, Error> {
        let read = |path: &Path| fs_err::read(path).map_err(|error| Error::reading(path, error));
        let (Some((first, others)), placement) = (self.files.split_first(), self.first.placement) else {
            return Err(Error::EmptySpan { span: self.span });
        };
        let init = self.init.as_deref().map(read).transpose()?;
        let bytes = read(first)?;
        let times = match &init {
            Some(init) => SourceTimes::of_fragment(init, &bytes),
            None => SourceTimes::of_transport(&bytes, Some(placement.span.start() - placement.offset)),
        };
        let times = times.ok_or_else(|| Error::NotMedia {
            path: first.clone(),
            detail: "it holds no timestamps".to_owned(),
        })?;
        let failed = |error| Error::writing(out, error);
        let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(&init.unwrap_or_default()).and_then(|()| file.write_all(&bytes)).map_err(failed)?;
        for path in others {
            let mut segment = File::open(path).map_err(|error| Error::reading(path, error))?;
            std::io::copy(&mut segment, file.as_file_mut()).map_err(failed)?;
        }
        file.persist(out).map_err(|error| failed(error.error))?;
        Ok(Extract { path: out.to_owned(), origin: times.zero + placement.offset, span: self.span })
    }
}
