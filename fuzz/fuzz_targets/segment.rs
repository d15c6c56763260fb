//! Any bytes as the segments of a live stream, packed either way: they are placed and decoded, or refused; time only goes
//! forward, and no few bytes become hours of sound.
//!
//! The input is a row of pieces: flags, a value, the length in two bytes (big-endian), and that many bytes, or as many as
//! there are.

#![no_main]

#[path = "../panics.rs"]
mod panics;

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use media_io::hls::clock::SegmentClock;
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::{InitSection, Packing, Segment};
use timeline::{MediaDuration, MediaTime, SampleRate};

const RATE: SampleRate = SampleRate::HZ_16000;

/// Flags of a piece.
const FRAGMENTED: u8 = 1;
/// It is no segment but the head of the fragments that follow.
const INIT: u8 = 1 << 1;
const DISCONTINUITY: u8 = 1 << 2;
/// A segment as long as the value says was lost before it.
const LOST: u8 = 1 << 3;
/// The playlist tells its wall-clock time, moved by the value.
const WALL: u8 = 1 << 4;
/// The recorder was away before it.
const AWAY: u8 = 1 << 5;
/// Its bytes are those of packets without their sync bytes, which the fuzzer need not guess then.
const PACKETS: u8 = 1 << 6;
/// The stream ends after it.
const END: u8 = 1 << 7;

/// A transport packet without its sync byte, and that byte.
const PACKET_BODY: usize = 187;
const SYNC_BYTE: u8 = 0x47;
/// What rounding to whole samples may move.
const ROUNDING: MediaDuration = MediaDuration::from_millis(1);
/// The most samples that one byte can become: an MP4 can tell of a packet in 4 bytes, which is at most 2048 samples at
/// the lowest rate, 7350 Hz; and what is counted from no byte at all.
const SAMPLES_PER_BYTE: usize = 2_048;
const SAMPLES_OF_NOTHING: usize = 1 << 16;

fuzz_target!(init: panics::allow_caught_ones_of_dependencies(), |input: &[u8]| {
    let mut stream = Stream::new();
    let mut rest = input;
    while let [flags, value, high, low, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (bytes, after) = more.split_at(length);
        stream.piece(*flags, *value, bytes);
        rest = after;
    }
    stream.end();
});

struct Stream {
    clock: SegmentClock,
    audio: LiveAudio,
    init: Option<Arc<InitSection>>,
    sequence: u64,
    wall: Timestamp,
    /// Until when segments and gaps were placed.
    placed: MediaTime,
    /// Until when sound was told of.
    heard: Option<MediaTime>,
    bytes: usize,
    samples: usize,
}

impl Stream {
    fn new() -> Self {
        Self {
            clock: SegmentClock::new(),
            audio: LiveAudio::new(RATE),
            init: None,
            sequence: 0,
            wall: Timestamp::UNIX_EPOCH,
            placed: MediaTime::ZERO,
            heard: None,
            bytes: 0,
            samples: 0,
        }
    }

    fn piece(&mut self, flags: u8, value: u8, bytes: &[u8]) {
        let has = |flag: u8| flags & flag != 0;
        if has(INIT) {
            self.init = Some(Arc::new(InitSection { bytes: Bytes::copy_from_slice(bytes) }));
            return;
        }
        let duration = MediaDuration::from_millis(100 * i64::from(value));
        if has(LOST) {
            self.clock.lost(duration);
        }
        if has(AWAY) {
            self.clock.resume((value != 0).then_some(duration));
        }
        let packing = if has(FRAGMENTED) { Packing::Fragmented } else { Packing::Transport };
        let bytes = if has(PACKETS) { with_sync_bytes(bytes) } else { bytes.to_vec() };
        let moved = SignedDuration::from_secs(i64::from(value.cast_signed()));
        self.wall = self.wall.checked_add(moved).unwrap_or(self.wall);
        self.bytes += bytes.len() + self.init.as_ref().map_or(0, |init| init.bytes.len());
        self.sequence += 1;
        self.segment(&Segment {
            sequence: self.sequence,
            epoch: 0,
            duration,
            discontinuity: has(DISCONTINUITY),
            program_date_time: has(WALL).then_some(self.wall),
            packing,
            init: self.init.clone().filter(|_| packing == Packing::Fragmented),
            bytes: bytes.into(),
        });
        if has(END) {
            self.end();
        }
    }

    fn segment(&mut self, segment: &Segment) {
        let before = self.clock.now();
        let Ok(placed) = self.clock.place(segment) else {
            assert_eq!(self.clock.now(), before, "a segment that was refused moved the clock");
            return self.clock.lost(segment.duration);
        };
        let span = placed.placement.span;
        if let Some(gap) = placed.gap {
            assert_eq!((gap.span.start(), gap.span.end()), (self.placed, span.start()), "{placed:?}");
            let sounds = self.audio.gap(gap);
            self.listen(sounds);
        }
        assert!(placed.gap.is_some() || span.start() == self.placed, "{placed:?} after {}", self.placed);
        self.placed = span.end();
        assert_eq!(self.clock.now(), self.placed);
        if let Ok(sounds) = self.audio.push(segment, &placed.placement) {
            self.listen(sounds);
        }
        // A clock that was stored goes on like the one that was not.
        let stored = serde_json::to_string(&self.clock).expect("a clock can be stored");
        assert_eq!(serde_json::from_str::<SegmentClock>(&stored).expect("and restored"), self.clock);
    }

    fn end(&mut self) {
        if let Some(gap) = self.clock.finish() {
            assert_eq!(gap.span.start(), self.placed);
            self.placed = gap.span.end();
            let sounds = self.audio.gap(gap);
            self.listen(sounds);
        }
        let sounds = self.audio.finish();
        self.listen(sounds);
        self.heard = None;
    }

    fn listen(&mut self, sounds: Vec<LiveSound>) {
        for sound in sounds {
            let (start, end) = match sound {
                LiveSound::Samples { at, samples } => {
                    assert!(samples.iter().all(|sample| sample.is_finite()));
                    self.samples += samples.len();
                    (at, RATE.time_of_sample(RATE.sample_at(at) + samples.len() as i64))
                }
                LiveSound::Gap(gap) => (gap.span.start(), gap.span.end()),
            };
            let expected = self.heard.unwrap_or(start);
            assert!(expected <= start + ROUNDING, "{expected:?} and then {start:?}");
            self.heard = Some(end);
        }
        assert!(
            self.samples <= SAMPLES_OF_NOTHING + SAMPLES_PER_BYTE * self.bytes,
            "{} samples of {} bytes",
            self.samples,
            self.bytes
        );
    }
}

fn with_sync_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut packets = Vec::new();
    for body in bytes.chunks(PACKET_BODY) {
        packets.push(SYNC_BYTE);
        packets.extend_from_slice(body);
        packets.resize(packets.len() + PACKET_BODY - body.len(), 0xff);
    }
    packets
}
