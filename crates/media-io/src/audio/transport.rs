//! MPEG transport streams: demultiplexed by `mpeg2ts-reader`, decoded by symphonia.

mod demux;
mod frames;
mod live;
mod packets;
mod sound;
mod times;
mod trust;

use std::path::PathBuf;

use fs_err::File;
use mpeg2ts_reader::packet::Pid;
use timeline::{MediaDuration, MediaTime};

use self::demux::timestamp_in;
pub(super) use self::live::LiveTransport;
use self::packets::Packets;
pub(super) use self::packets::is_transport;
use self::sound::Sound;
pub(super) use self::times::times;
use self::trust::{TIMESTAMP_RATE, unroll};
use super::decoder::objection;
use super::native::{Attempt, Opening};
use super::source::{Opened, Source, Step};
use crate::Error;

/// How much of the file is searched for the first timestamp of every stream; ffprobe searches 5 MB.
const START_SCAN: u64 = 4 << 20;
/// The search for a time in the file ends when it is known to this many bytes.
const SEEK_PRECISION: u64 = 256 << 10;
/// In this many bytes a timestamp of the stream is bound to be.
const TIMESTAMP_REACH: u64 = 2 << 20;
/// As in other containers, so that the decoder has settled where a span begins.
const PREROLL: MediaDuration = MediaDuration::from_millis(500);

/// One audio stream of a transport stream file.
struct TransportSource {
    path: PathBuf,
    packets: Packets<File>,
    sound: Sound,
    /// Unrolled timestamp of media time zero.
    zero: i64,
}

/// Opens the transport stream at `opening.path`.
pub(super) fn open(opening: &Opening<'_>) -> Result<Attempt, Error> {
    let path = opening.path;
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let failed = |error| Error::reading(path, error);
    let mut source = TransportSource {
        path: path.to_owned(),
        packets: Packets::new(file),
        sound: Sound::new(opening.track),
        zero: 0,
    };
    source.scan_start()?;
    let pid = match source.sound.demuxer.streams.check() {
        Err(refusal) => return Ok(refusal),
        Ok((pid, header)) => {
            if let Some(objection) = objection(&header.parameters())
                && !(objection.usable && opening.insist)
            {
                return Ok(Attempt::Unsupported(objection));
            }
            pid
        }
    };
    let duration = source.find_end(pid).map_err(failed)?;
    let seeked = match opening.start {
        Some(start) => source.seek(pid, start - PREROLL).map_err(failed)?,
        None => false,
    };
    if !seeked {
        source.packets.seek(0).map_err(failed)?;
        source.sound.demuxer.jump();
        source.sound.at_end = false;
    }
    Ok(Attempt::Ready(Opened { source: Box::new(source), duration, seeked, only_sound: false }))
}

impl TransportSource {
    /// Reads until every stream has shown a timestamp, and sets media time zero to the earliest.
    fn scan_start(&mut self) -> Result<(), Error> {
        let mut read = 0;
        while read < START_SCAN {
            if !self.feed()? {
                break;
            }
            read += packets::PACKET as u64;
            let streams = &self.sound.demuxer.streams;
            if !streams.frames.is_empty() && streams.all_timed() {
                break;
            }
        }
        self.zero = self.sound.demuxer.streams.start(None).unwrap_or(0);
        self.sound.offset = -MediaDuration::from_units(self.zero, TIMESTAMP_RATE);
        self.sound.last = self.zero;
        Ok(())
    }

    /// Passes one packet on to the demultiplexer; false at the end of the file.
    fn feed(&mut self) -> Result<bool, Error> {
        let Some((packet, skipped)) =
            self.packets.next().map_err(|error| Error::reading(&self.path, error))?
        else {
            self.sound.demuxer.finish();
            self.sound.at_end = true;
            return Ok(false);
        };
        if skipped {
            self.sound.demuxer.lost();
        }
        self.sound.demuxer.push(packet);
        Ok(true)
    }

    /// The first timestamp of `pid` at or after byte `offset`.
    fn timestamp_after(&mut self, pid: Pid, offset: u64) -> std::io::Result<Option<u64>> {
        self.packets.seek(offset)?;
        let mut read = 0;
        while read < TIMESTAMP_REACH
            && let Some((packet, _)) = self.packets.next()?
        {
            if let Some(timestamp) = timestamp_in(packet, pid) {
                return Ok(Some(timestamp));
            }
            read += packets::PACKET as u64;
        }
        Ok(None)
    }

    /// When the stream ends, by its last timestamp.
    fn find_end(&mut self, pid: Pid) -> std::io::Result<Option<MediaDuration>> {
        let length = self.packets.length()?;
        self.packets.seek(length.saturating_sub(TIMESTAMP_REACH))?;
        let mut last = None;
        while let Some((packet, _)) = self.packets.next()? {
            last = timestamp_in(packet, pid).or(last);
        }
        // A file is shorter than the 26.5 hours after which timestamps repeat, so a negative length has wrapped.
        Ok(last.map(|timestamp| {
            let unrolled = unroll(timestamp, self.zero);
            let wrapped = if unrolled < self.zero { unrolled + trust::TIMESTAMP_PERIOD } else { unrolled };
            self.sound.time_of(wrapped) - MediaTime::ZERO
        }))
    }

    /// Goes to a place in the file shortly before `time`.
    fn seek(&mut self, pid: Pid, time: MediaTime) -> std::io::Result<bool> {
        let (mut low, mut high) = (0, self.packets.length()?);
        let mut landed = self.zero;
        while high - low > SEEK_PRECISION {
            let middle = low + (high - low) / 2;
            match self.timestamp_after(pid, middle)?.map(|timestamp| unroll(timestamp, landed)) {
                Some(unrolled) if self.sound.time_of(unrolled) <= time => (low, landed) = (middle, unrolled),
                _ => high = middle,
            }
        }
        if low == 0 {
            return Ok(false);
        }
        self.packets.seek(low)?;
        self.sound.demuxer.jump();
        self.sound.at_end = false;
        self.sound.last = landed;
        Ok(true)
    }
}

impl Source for TransportSource {
    fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error> {
        while !self.sound.is_ready(expected) {
            self.feed()?;
        }
        Ok(self.sound.step(expected, mono))
    }
}
