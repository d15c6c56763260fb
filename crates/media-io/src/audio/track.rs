//! The packets of one track, as its container gives them.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::{FormatReader, SeekMode, SeekTo};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use crate::Error;

/// Errors of the container in a row, without a packet between them, after which it is taken to have ended.
const CONTAINER_ERRORS: u32 = 1_000;

/// Reads the packets of one track and passes over those of others.
pub(super) struct TrackPackets {
    path: PathBuf,
    format: Box<dyn FormatReader>,
    track: u32,
    /// Packets read before, of any track.
    ahead: VecDeque<Packet>,
    errors: u32,
    ended: bool,
}

/// What the container gave.
pub(super) enum Next {
    Packet(Packet),
    Damage,
    End,
}

/// What a packet says of its time, in units of its track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stamp {
    /// When it is presented, priming included.
    pub(super) at: i64,
    /// How long it lasts.
    pub(super) length: i64,
    /// How much at its beginning is priming.
    pub(super) priming: i64,
}

impl Stamp {
    /// The stamp of `packet`.
    pub(super) fn of(packet: &Packet) -> Self {
        Self {
            at: packet.pts.get(),
            length: packet.dur.get() as i64,
            priming: packet.trim_start.get() as i64,
        }
    }
}

impl TrackPackets {
    /// The packets of `track` of the file at `path`, of which `ahead` were read from `format` already.
    pub(super) fn new(
        path: &Path,
        format: Box<dyn FormatReader>,
        track: u32,
        ahead: VecDeque<Packet>,
    ) -> Self {
        Self { path: path.to_owned(), format, track, ahead, errors: 0, ended: false }
    }

    /// The file, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Goes to the packet at `timestamp`, and gives the timestamp landed on; `None` where the reader may be anywhere.
    pub(super) fn seek(&mut self, timestamp: i64) -> Option<i64> {
        let to = SeekTo::Timestamp { ts: Timestamp::new(timestamp), track_id: self.track };
        let sought = catch_unwind(AssertUnwindSafe(|| self.format.seek(SeekMode::Accurate, to)));
        self.ahead.clear();
        Some(sought.ok()?.ok()?.actual_ts.get())
    }

    /// The next packet of the track.
    ///
    /// # Errors
    /// [`Error::Io`] and the like where the file can no longer be read. Damage is no error.
    pub(super) fn next(&mut self) -> Result<Next, Error> {
        loop {
            let packet = match self.ahead.pop_front() {
                Some(packet) => packet,
                None if self.ended => return Ok(Next::End),
                None => match self.demux() {
                    Ok(Some(packet)) => packet,
                    Ok(None) | Err(SymphoniaError::ResetRequired) => return Ok(Next::End),
                    Err(SymphoniaError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                        return Ok(Next::End);
                    }
                    // Damaged tables can tell of a place where no file reaches.
                    Err(SymphoniaError::IoError(error)) if error.kind() != ErrorKind::InvalidInput => {
                        return Err(Error::reading(&self.path, error));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a packet could not be read");
                        self.errors += 1;
                        self.ended |= self.errors >= CONTAINER_ERRORS;
                        return Ok(Next::Damage);
                    }
                },
            };
            if packet.track_id == self.track {
                self.errors = 0;
                return Ok(Next::Packet(packet));
            }
        }
    }

    /// The next packet of any track. A demuxer that trips over damaged tables has lost its place for good.
    fn demux(&mut self) -> Result<Option<Packet>, SymphoniaError> {
        let read = catch_unwind(AssertUnwindSafe(|| self.format.next_packet()));
        read.unwrap_or_else(|_| {
            self.ended = true;
            Err(SymphoniaError::DecodeError("the demuxer tripped over damaged tables"))
        })
    }
}
