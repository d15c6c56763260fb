//! The files of a store, which appear whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use fs_err::File;

use crate::Error;
use crate::hls::Packing;

/// Folder of the segments.
const SEGMENTS: &str = "segments";
/// Extension of transport streams and of fragments.
const TRANSPORT: &str = "ts";
const FRAGMENT: &str = "m4s";
/// What is appended to the name of a file that is being written.
const PARTIAL: &str = ".partial";
/// Bytes of the SHA-256 of an init section that its name shows: enough that two of one session never meet.
const SHOWN_DIGEST: usize = 8;

/// No entry has a larger number, which is that of segments of a second in thirty million years: whoever writes one into
/// an index or a name did not count.
pub(super) const LARGEST_NUMBER: u64 = 1_000_000_000_000_000;

/// Where the files of a store lie.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    segments: PathBuf,
}

/// A segment that is on disk under a temporary name.
#[must_use = "it gets its name when it is published"]
pub(super) struct Partial {
    from: PathBuf,
    to: PathBuf,
}

/// The name under which an init section is stored: the same for the same bytes.
pub(in crate::hls) fn init_file_name(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    let shown = digest.as_ref().iter().take(SHOWN_DIGEST);
    format!("init-{}.mp4", shown.map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Whether `name` is one that [`init_file_name`] gives.
pub(super) fn is_init_name(name: &str) -> bool {
    let digest = name.strip_prefix("init-").and_then(|rest| rest.strip_suffix(".mp4"));
    digest.is_some_and(|digest| {
        digest.len() == 2 * SHOWN_DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The name of segment `number`.
pub(super) fn segment_name(number: u64, packing: Packing) -> String {
    let extension = match packing {
        Packing::Transport => TRANSPORT,
        Packing::Fragmented => FRAGMENT,
    };
    format!("{number:08}.{extension}")
}

/// Number and packing of the segment with this name, if it is a name of a segment.
pub(super) fn parse_segment_name(name: &str) -> Option<(u64, Packing)> {
    let (stem, extension) = name.split_once('.')?;
    let packing = match extension {
        TRANSPORT => Packing::Transport,
        FRAGMENT => Packing::Fragmented,
        _ => return None,
    };
    let number = stem.parse().ok().filter(|number| *number <= LARGEST_NUMBER)?;
    (segment_name(number, packing) == name).then_some((number, packing))
}

impl Files {
    /// The files in `dir`, which is made if it is not there.
    pub(super) fn in_folder(dir: &Path) -> Result<Self, Error> {
        let segments = dir.join(SEGMENTS);
        fs_err::create_dir_all(&segments).map_err(|error| Error::writing(&segments, error))?;
        Ok(Self { dir: dir.to_owned(), segments })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a segment.
    pub(super) fn segment(&self, name: &str) -> PathBuf {
        self.segments.join(name)
    }

    /// The file of an init section.
    pub(super) fn init(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn partial(&self, name: &str) -> PathBuf {
        self.segments.join(format!("{name}{PARTIAL}"))
    }

    /// Writes an init section, unless it is there.
    pub(super) fn write_init(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.init(name);
        if fs_err::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes.len() as u64) {
            return Ok(());
        }
        let partial = Partial { from: self.dir.join(format!("{name}{PARTIAL}")), to: path };
        write(&partial.from, bytes)?;
        partial.publish()
    }

    /// Brings a segment to disk under a temporary name.
    pub(super) fn write_partial(&self, name: &str, bytes: &[u8]) -> Result<Partial, Error> {
        let partial = Partial { from: self.partial(name), to: self.segment(name) };
        write(&partial.from, bytes)?;
        Ok(partial)
    }

    /// A segment of `length` bytes that was brought to disk and has not got its name.
    pub(super) fn find_partial(&self, name: &str, length: u64) -> Option<Partial> {
        let partial = Partial { from: self.partial(name), to: self.segment(name) };
        fs_err::metadata(&partial.from).is_ok_and(|metadata| metadata.len() == length).then_some(partial)
    }

    /// Deletes the file of a segment. That it is gone already is fine.
    pub(super) fn remove(&self, name: &str) -> Result<(), Error> {
        remove(&self.segment(name))
    }

    /// Deletes what was being written when a process ended, and init sections that `is_used` does not know.
    pub(super) fn sweep(&self, is_used: impl Fn(&str) -> bool) -> Result<(), Error> {
        for dir in [&self.dir, &self.segments] {
            for name in names(dir)? {
                if name.ends_with(PARTIAL) || dir == &self.dir && is_init_name(&name) && !is_used(&name) {
                    remove(&dir.join(name))?;
                }
            }
        }
        Ok(())
    }

    /// The names of all init sections.
    pub(super) fn init_names(&self) -> Result<Vec<String>, Error> {
        let mut names = names(&self.dir)?;
        names.retain(|name| is_init_name(name));
        Ok(names)
    }

    /// The names of all segment files.
    pub(super) fn segment_names(&self) -> Result<Vec<String>, Error> {
        names(&self.segments)
    }
}

impl Partial {
    /// Gives the file its name.
    pub(super) fn publish(self) -> Result<(), Error> {
        fs_err::rename(&self.from, &self.to).map_err(|error| Error::writing(&self.to, error))?;
        self.to.parent().map_or(Ok(()), sync_folder)
    }
}

/// Brings the names in `dir` to disk.
pub(super) fn sync_folder(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(|error| Error::writing(dir, error))
}

/// Writes a file and brings it to disk; leaves nothing behind where that fails.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|error| {
        let _ = fs_err::remove_file(path);
        Error::writing(path, error)
    })
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::writing(path, error)),
        _ => Ok(()),
    }
}

fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let failed = |error| Error::reading(dir, error);
    let mut names = Vec::new();
    for entry in fs_err::read_dir(dir).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}
