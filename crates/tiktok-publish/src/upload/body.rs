//! A part of a file as the body of a request: read piece by piece ahead of the network, never whole in memory.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use tokio::sync::{mpsc, watch};

/// Bytes that are read at a time. Larger pieces are not faster.
const PIECE: usize = 256 << 10;
/// Pieces that are read ahead: enough to keep the network busy while the disk is.
const AHEAD: usize = 4;

/// What is known of a body while it is sent.
pub(super) struct Watched {
    /// The body.
    pub(super) body: reqwest::Body,
    /// Bytes that were taken from it. Closed once all were, or nobody wants any more.
    pub(super) taken: watch::Receiver<u64>,
    /// Why the file could not be read, if it could not.
    pub(super) trouble: Trouble,
}

/// Why a file could not be read.
#[derive(Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<io::Error>>>);

impl Trouble {
    fn note(&self, error: io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The bytes `range` of a file that has `size` bytes.
pub(super) fn part_of(path: PathBuf, range: Range<u64>, size: u64) -> Watched {
    let (pieces, from_disk) = mpsc::channel::<Bytes>(AHEAD);
    let trouble = Trouble::default();
    let noted = trouble.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&path, range, size, &pieces) {
            // The channel ends early, so the request does: it has less than it announced.
            noted.note(error);
        }
    });
    let (counter, taken) = watch::channel(0_u64);
    let body = stream::unfold((from_disk, counter), async |(mut from_disk, counter)| {
        let piece = from_disk.recv().await?;
        counter.send_modify(|taken| *taken += piece.len() as u64);
        Some((Ok::<_, io::Error>(piece), (from_disk, counter)))
    });
    Watched { body: reqwest::Body::wrap_stream(body), taken, trouble }
}

fn read(path: &PathBuf, range: Range<u64>, size: u64, pieces: &mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut file = fs_err::File::open(path)?;
    if file.metadata()?.len() != size {
        return Err(changed());
    }
    file.seek(SeekFrom::Start(range.start))?;
    let mut left = range.end - range.start;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; length];
        file.read_exact(&mut piece)
            .map_err(|error| if error.kind() == io::ErrorKind::UnexpectedEof { changed() } else { error })?;
        left -= length as u64;
        if pieces.blocking_send(piece.into()).is_err() {
            // Nobody wants any more.
            return Ok(());
        }
    }
    Ok(())
}

fn changed() -> io::Error {
    io::Error::other("its length has changed since it was prepared")
}
