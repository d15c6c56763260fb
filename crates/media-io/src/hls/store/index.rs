//! The index of a store: one JSON object a line, appended to.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};
use serde::{Deserialize, Serialize};

use super::entry::{GapEntry, SegmentEntry};
use super::files::{sync_folder, write};
use crate::Error;

/// The file.
pub(super) const NAME: &str = "index.jsonl";
/// A new index is written here first.
const NEW: &str = "index.jsonl.partial";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// A segment was stored.
    Segment(SegmentEntry),
    /// There is none in a stretch.
    Gap(GapEntry),
    /// The segment with this number was removed.
    Removed { number: u64 },
    /// Segments up to this sequence of an epoch were here.
    Passed { epoch: u32, sequence: u64 },
}

/// An index that is open for appending.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    file: File,
    /// Length of all lines that are whole.
    length: u64,
}

/// What an index file holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Contents {
    pub(super) lines: Vec<Line>,
    /// Lines that make no sense.
    pub(super) damaged_lines: usize,
    /// The last line has no end.
    pub(super) is_torn: bool,
    length: u64,
}

impl Contents {
    /// Reads the index of the store in `dir`; none where there is no index.
    pub(super) fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        match fs_err::read(&path) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::reading(&path, error)),
        }
    }

    fn parse(bytes: &[u8]) -> Self {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut contents = Self { is_torn: whole < bytes.len(), length: whole as u64, ..Self::default() };
        for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => contents.lines.push(line),
                Err(error) => {
                    tracing::warn!(%error, "a line of a recording's index makes no sense and is left out");
                    contents.damaged_lines += 1;
                }
            }
        }
        contents
    }
}

impl Index {
    /// Opens the index in `dir`, of which `contents` was read, and cuts off what is torn.
    pub(super) fn open(dir: &Path, contents: &Contents) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let failed = |error| Error::writing(&path, error);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        file.set_len(contents.length).map_err(failed)?;
        sync_folder(dir)?;
        Ok(Self { path, file, length: contents.length })
    }

    /// Writes `lines` in place of the index in `dir`, at once, and opens it.
    pub(super) fn rewrite(dir: &Path, lines: &[Line]) -> Result<Self, Error> {
        let (path, new) = (dir.join(NAME), dir.join(NEW));
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend(encode(line, &path)?);
        }
        write(&new, &bytes)?;
        fs_err::rename(&new, &path).map_err(|error| Error::writing(&path, error))?;
        Self::open(dir, &Contents { length: bytes.len() as u64, ..Contents::default() })
    }

    /// Appends a line and brings it to disk. Where that fails, the line is not there.
    pub(super) fn append(&mut self, line: &Line) -> Result<(), Error> {
        self.append_all(std::slice::from_ref(line))
    }

    /// Appends lines and brings them to disk at once. Where that fails, none of them is there.
    pub(super) fn append_all(&mut self, lines: &[Line]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for line in lines {
            bytes.extend(encode(line, &self.path)?);
        }
        let file = &mut self.file;
        let written = file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| file.write_all(&bytes))
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // A disk that is full may have taken half of it; the next line is written over what is left.
            let _ = file.set_len(self.length);
            return Err(Error::writing(&self.path, error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn encode(line: &Line, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = serde_json::to_vec(line).map_err(|error| Error::writing(path, error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use timeline::{GapCause, Span};

    use super::*;
    use crate::hls::store::Absence;

    fn gap(number: u64) -> Line {
        let span = Span::from_secs_f64(number as f64, number as f64 + 1.0);
        Line::Gap(GapEntry { number, span, cause: Absence::Stream(GapCause::Missing) })
    }

    #[test]
    fn a_torn_line_is_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut index = Index::rewrite(folder.path(), &[gap(1)]).expect("it is written");
        index.append(&gap(2)).expect("it is written");
        let path = folder.path().join(NAME);
        let whole = fs_err::read(&path).expect("it is there");
        for cut in 1..whole.len() {
            fs_err::write(&path, &whole[..cut]).expect("it can be cut");
            let contents = Contents::read(folder.path()).expect("it is read");
            let kept = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!((contents.lines.len(), contents.damaged_lines), (kept, 0), "cut at {cut}");
            let mut index = Index::open(folder.path(), &contents).expect("it is opened");
            index.append(&gap(9)).expect("it is written");
            let contents = Contents::read(folder.path()).expect("it is read");
            assert_eq!(contents.lines.last(), Some(&gap(9)));
            assert_eq!((contents.lines.len(), contents.is_torn), (kept + 1, false));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[{}\":a-z0-9,\n]{0,100}") {
            let contents = Contents::parse(&bytes);
            prop_assert_eq!(contents.is_torn, bytes.last().is_some_and(|byte| *byte != b'\n'));
            Contents::parse(text.as_bytes());
        }
    }
}
