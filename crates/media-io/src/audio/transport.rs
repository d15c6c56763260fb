//! MPEG transport streams: demultiplexed by `mpeg2ts-reader`, decoded by symphonia.

mod demux;
mod frames;
mod packets;
mod trust;

use std::path::PathBuf;

use fs_err::File;
use mpeg2ts_reader::packet::Pid;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use timeline::{MediaDuration, MediaTime};

use self::demux::{Demuxer, Kind, timestamp_in};
use self::frames::FrameHeader;
use self::packets::Packets;
pub(super) use self::packets::is_transport;
use self::trust::{Belief, TIMESTAMP_RATE, believe, unroll};
use super::decoder::{MonoDecoder, Unsupported, objection};
use super::native::{Attempt, Opening};
use super::source::{Opened, Source, Step};
use crate::Error;

/// How much of the file is searched for the first timestamp of every stream; ffprobe searches 5 MB.
const START_SCAN: u64 = 4 << 20;
/// The search for a time in the file ends when it is known to this many bytes.
const SEEK_PRECISION: u64 = 256 << 10;
/// In this many bytes a timestamp of the stream is bound to be.
const TIMESTAMP_REACH: u64 = 2 << 20;
/// Frames that are kept at most while waiting for a timestamp that confirms another (1.4 s of AAC).
const LONGEST_WAIT: usize = 64;
/// As in other containers, so that the decoder has settled where a span begins.
const PREROLL: MediaDuration = MediaDuration::from_millis(500);

/// One audio stream of a transport stream file.
struct TransportSource {
    path: PathBuf,
    packets: Packets<File>,
    demuxer: Demuxer,
    at_end: bool,
    decoder: Option<(FrameHeader, MonoDecoder)>,
    /// Unrolled timestamp of media time zero.
    zero: i64,
    /// The last unrolled timestamp.
    last: i64,
    /// What is added to all times since the clock was set back.
    rebase: MediaDuration,
    /// Damage was reported for the frame that comes next.
    damage_told: bool,
}

/// Opens the transport stream at `opening.path`.
pub(super) fn open(opening: &Opening<'_>) -> Result<Attempt, Error> {
    let path = opening.path;
    let file = File::open(path).map_err(|error| Error::reading(path, error))?;
    let failed = |error| Error::reading(path, error);
    let mut source = TransportSource {
        path: path.to_owned(),
        packets: Packets::new(file),
        demuxer: Demuxer::new(opening.track),
        at_end: false,
        decoder: None,
        zero: 0,
        last: 0,
        rebase: MediaDuration::ZERO,
        damage_told: false,
    };
    source.scan_start()?;
    let streams = &source.demuxer.streams;
    let kinds: Vec<Kind> = streams.streams.iter().map(|stream| stream.kind).collect();
    let Some(chosen) = streams.streams.iter().find(|stream| Some(stream.pid) == streams.chosen) else {
        return Ok(match streams.audio().count() {
            _ if kinds.contains(&Kind::Private) => unsupported("it holds private streams"),
            0 if kinds.is_empty() => unsupported("it announces no streams"),
            0 => Attempt::NoAudio,
            count => Attempt::NoSuchTrack { count },
        });
    };
    if chosen.kind == Kind::ForeignAudio {
        return Ok(unsupported("its audio is not AAC (ADTS) or MPEG audio"));
    }
    let pid = chosen.pid;
    let Some(first) = source.demuxer.streams.frames.front() else {
        return Ok(unsupported("no audio was found in it"));
    };
    if !first.header.plain {
        return Ok(unsupported("its AAC is not of the LC profile with one or two channels"));
    }
    if let Some(objection) = objection(&first.header.parameters())
        && !(objection.usable && opening.insist)
    {
        return Ok(Attempt::Unsupported(objection));
    }
    let duration = source.find_end(pid).map_err(failed)?;
    let seeked = match opening.start {
        Some(start) => source.seek(pid, start - PREROLL).map_err(failed)?,
        None => false,
    };
    if !seeked {
        source.packets.seek(0).map_err(failed)?;
        source.demuxer.jump();
    }
    Ok(Attempt::Ready(Opened { source: Box::new(source), duration, seeked, only_sound: false }))
}

fn unsupported(detail: &str) -> Attempt {
    Attempt::Unsupported(Unsupported { detail: detail.to_owned(), usable: false })
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
            let streams = &self.demuxer.streams;
            let mut timed = streams.streams.iter().filter(|stream| stream.kind != Kind::Private);
            if !streams.frames.is_empty() && timed.all(|stream| stream.first_timestamp.is_some()) {
                break;
            }
        }
        let first = |stream: &demux::Stream| stream.first_timestamp;
        let streams = &self.demuxer.streams.streams;
        let reference = streams.iter().find_map(first).unwrap_or(0) as i64;
        let known = streams.iter().filter(|stream| stream.kind != Kind::Private).filter_map(first);
        self.zero = known.map(|timestamp| unroll(timestamp, reference)).min().unwrap_or(reference);
        self.last = self.zero;
        Ok(())
    }

    /// Passes one packet on to the demultiplexer; false at the end of the file.
    fn feed(&mut self) -> Result<bool, Error> {
        let Some((packet, skipped)) =
            self.packets.next().map_err(|error| Error::reading(&self.path, error))?
        else {
            self.demuxer.finish();
            self.at_end = true;
            return Ok(false);
        };
        if skipped {
            self.demuxer.lost();
        }
        self.demuxer.push(packet);
        Ok(true)
    }

    fn time_of(&self, unrolled: i64) -> MediaTime {
        MediaTime::from_units(unrolled.saturating_sub(self.zero), TIMESTAMP_RATE)
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
            self.time_of(wrapped) - MediaTime::ZERO
        }))
    }

    /// Goes to a place in the file shortly before `time`.
    fn seek(&mut self, pid: Pid, time: MediaTime) -> std::io::Result<bool> {
        let (mut low, mut high) = (0, self.packets.length()?);
        let mut landed = self.zero;
        while high - low > SEEK_PRECISION {
            let middle = low + (high - low) / 2;
            match self.timestamp_after(pid, middle)?.map(|timestamp| unroll(timestamp, landed)) {
                Some(unrolled) if self.time_of(unrolled) <= time => (low, landed) = (middle, unrolled),
                _ => high = middle,
            }
        }
        if low == 0 {
            return Ok(false);
        }
        self.packets.seek(low)?;
        self.demuxer.jump();
        self.at_end = false;
        self.last = landed;
        Ok(true)
    }

    /// Reads until the next frame is there, and, if `expected` contradicts its timestamp, one that confirms or refutes it.
    fn look_ahead(&mut self, expected: Option<MediaTime>) -> Result<(), Error> {
        while !self.at_end {
            let frames = &self.demuxer.streams.frames;
            let enough = match frames.front() {
                None => false,
                Some(frame) => match (frame.timestamp, expected) {
                    (Some(timestamp), Some(expected)) => {
                        let time = self.time_of(unroll(timestamp, self.last)) + self.rebase;
                        trust::agree(time, expected)
                            || frames.iter().skip(1).any(|frame| frame.timestamp.is_some())
                            || frames.len() >= LONGEST_WAIT
                    }
                    _ => true,
                },
            };
            if enough {
                return Ok(());
            }
            self.feed()?;
        }
        Ok(())
    }

    /// When the frame at the front of the queue is presented, if its timestamp is there and to be believed.
    fn time_of_front(&mut self, expected: Option<MediaTime>) -> Option<MediaTime> {
        let frames = &self.demuxer.streams.frames;
        let unrolled = unroll(frames.front()?.timestamp?, self.last);
        let time = self.time_of(unrolled) + self.rebase;
        let following = frames.iter().skip(1).position(|frame| frame.timestamp.is_some()).and_then(|index| {
            let between = frames.iter().take(index + 1).map(|frame| frame.header.duration()).sum();
            let later = unroll(frames[index + 1].timestamp?, unrolled);
            Some((self.time_of(later) + self.rebase, between))
        });
        match believe(time, expected, following) {
            Belief::Ignore => {
                tracing::debug!(%time, "a timestamp contradicts its neighbours and is ignored");
                None
            }
            Belief::Accept => {
                self.last = unrolled;
                Some(time)
            }
            Belief::ClockSet(expected) => {
                tracing::warn!(%time, %expected, "the stream's clock was set anew; its time goes on where it was");
                self.rebase += expected - time;
                self.last = unrolled;
                Some(expected)
            }
        }
    }
}

impl Source for TransportSource {
    fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error> {
        self.look_ahead(expected)?;
        if let Some(front) = self.demuxer.streams.frames.front()
            && front.after_loss
            && !std::mem::replace(&mut self.damage_told, true)
        {
            return Ok(Step::Damage { at: None, length: MediaDuration::ZERO });
        }
        self.damage_told = false;
        let at = self.time_of_front(expected);
        let Some(frame) = self.demuxer.streams.frames.pop_front() else { return Ok(Step::End) };
        let length = frame.header.duration();
        if !frame.header.plain {
            return Ok(Step::Damage { at, length });
        }
        if self.decoder.as_ref().is_none_or(|(header, _)| !header.same_decoder(&frame.header)) {
            self.decoder =
                MonoDecoder::new(&frame.header.parameters()).ok().map(|decoder| (frame.header, decoder));
        }
        let Some((_, decoder)) = &mut self.decoder else { return Ok(Step::Damage { at, length }) };
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(0), &frame.data);
        Ok(match decoder.decode(&packet, mono) {
            Some(rate) if frame.header.rate() == Some(rate) => Step::Block { at, rate },
            _ => Step::Damage { at, length },
        })
    }
}
