//! Segments of the best rendition on disk, by their index in its playlist.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media_io::hls::{InitSection, Packing, Segment, VodSegment};

use crate::Error;
use crate::process::made;

/// How names of files begin that are not whole yet.
const UNFINISHED: &str = ".segment-";
const TRANSPORT: &str = "ts";
const FRAGMENT: &str = "m4s";
const INIT: &str = "init";

/// A folder of segments.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

/// A segment in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) path: PathBuf,
    /// The head of its MP4.
    pub(super) init: Option<PathBuf>,
}

impl Cache {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn file(&self, index: usize, ending: &str) -> PathBuf {
        self.folder.join(format!("{index:06}.{ending}"))
    }

    /// The segment of this index, if it is here.
    pub(super) fn held(&self, index: usize) -> Option<Held> {
        let (transport, fragment) = (self.file(index, TRANSPORT), self.file(index, FRAGMENT));
        if transport.is_file() {
            return Some(Held { path: transport, init: None });
        }
        // The head is written first.
        fragment.is_file().then(|| Held { path: fragment, init: Some(self.file(index, INIT)) })
    }

    /// Keeps a segment. Blocks on the disk.
    pub(super) fn keep(&self, index: usize, segment: &Segment) -> Result<(), Error> {
        made(&self.folder)?;
        if let Some(init) = &segment.init {
            write(&self.file(index, INIT), &init.bytes)?;
        }
        let ending = match segment.packing {
            Packing::Transport => TRANSPORT,
            Packing::Fragmented => FRAGMENT,
        };
        write(&self.file(index, ending), &segment.bytes)
    }
}

impl Held {
    /// The segment as it came.
    pub(super) fn read(&self, listed: &VodSegment) -> Result<Segment, Error> {
        let read = |path: &Path| fs_err::read(path).map_err(Error::file("read", path));
        let init = self.init.as_deref().map(read).transpose()?;
        Ok(Segment {
            sequence: listed.entry.sequence,
            epoch: 0,
            duration: listed.entry.duration,
            discontinuity: listed.entry.discontinuity,
            program_date_time: listed.entry.program_date_time,
            packing: if init.is_some() { Packing::Fragmented } else { Packing::Transport },
            init: init.map(|bytes| Arc::new(InitSection { bytes: bytes.into() })),
            bytes: read(&self.path)?.into(),
        })
    }
}

/// Whole or not at all. Not forced to the disk: what a power cut takes is fetched again.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = || Error::file("written", path);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(failed())?;
    file.write_all(bytes).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(())
}
