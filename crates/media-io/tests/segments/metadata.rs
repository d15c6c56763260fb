//! ID3 tags beside sound and picture, as streaming services send them.

use bytes::Bytes;
use media_io::hls::Packing;
use media_io::hls::clock::SegmentClock;
use media_io::hls::store::SegmentStore;
use tempfile::TempDir;
use timeline::{GapCause, MediaDuration, MediaTime};

use crate::support::{self, FFMPEG, Heard, hear, outline};

const PACKET: usize = 188;
/// Where ffmpeg puts the program map, and where the tags go.
const MAP_PID: u16 = 0x1000;
const TAG_PID: u16 = 0x102;

fn pid(packet: &[u8]) -> u16 {
    u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2])
}

/// The checksum of ISO/IEC 13818-1 annex A.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// The program map `packet` with one more stream: timed ID3.
fn with_tag_stream(packet: &[u8]) -> Vec<u8> {
    let length = usize::from(packet[6] & 0xf) << 8 | usize::from(packet[7]);
    let mut section = packet[5..8 + length - 4].to_vec();
    let descriptor = *b"\x26\x0d\xff\xffID3 \xffID3 \x00\x0f";
    section.extend([0x15, 0xe0 | (TAG_PID >> 8) as u8, TAG_PID as u8, 0xf0, descriptor.len() as u8]);
    section.extend(descriptor);
    section[2] = (section.len() + 1) as u8;
    section.extend(checksum(&section).to_be_bytes());
    let mut packet = packet[..5].to_vec();
    packet.extend(section);
    packet.resize(PACKET, 0xff);
    packet
}

/// A packet with a tag for the time `timestamp`, in 90 kHz units.
fn tag(timestamp: u64) -> Vec<u8> {
    let id3 = b"ID3\x04\0\0\0\0\0\x10TXXX\0\0\0\x06\0\0\x03ab\0cd";
    let time = timestamp;
    let time = [time >> 29 & 0xe | 0x21, time >> 22, time >> 14 | 1, time >> 7, time << 1 | 1]
        .map(|part| part as u8);
    let head = [0, 0, 1, 0xbd, 0, (id3.len() + 8) as u8, 0x84, 0x80, 5];
    let payload = [&head[..], &time, id3].concat();
    let stuffing = PACKET - 4 - payload.len();
    let mut packet = vec![0x47, 0x40 | (TAG_PID >> 8) as u8, TAG_PID as u8, 0x30, (stuffing - 1) as u8, 0];
    packet.resize(PACKET - payload.len(), 0xff);
    packet.extend(payload);
    packet
}

#[test]
fn tags_before_sound_and_picture_begin_the_medium_as_ffmpeg_has_it() {
    let input = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=8", "-f", "lavfi", "-i", "sine=d=8"];
    let encoding = "-c:v libx264 -preset ultrafast -g 50 -keyint_min 50 -sc_threshold 0 -c:a aac -ar 48000";
    // The earliest timestamp is that of the sound: 101.4 s, for ffmpeg delays what it muxes, less an AAC frame.
    for (tag_at, begins) in [(101.0, true), (100.1, false), (101.8, false)] {
        let mut stream = support::stream(
            Packing::Transport,
            &input,
            &format!("{encoding} -hls_time 2 -output_ts_offset 100"),
        );
        for (index, segment) in stream.segments.iter_mut().enumerate() {
            let mut bytes = Vec::new();
            let mut tagged = false;
            for packet in segment.bytes.chunks(PACKET) {
                if pid(packet) != MAP_PID {
                    bytes.extend(packet);
                    continue;
                }
                bytes.extend(with_tag_stream(packet));
                if !std::mem::replace(&mut tagged, true) {
                    bytes.extend(tag(((tag_at + 2.0 * index as f64) * 90_000.0) as u64));
                }
            }
            segment.bytes = Bytes::from(bytes);
        }
        let info = FFMPEG.probe(&stream.whole()).expect("it can be probed");
        let micro = MediaDuration::from_millis(1);
        assert_eq!(
            (info.start - MediaTime::from_secs_f64(tag_at)).abs() < micro,
            begins,
            "{tag_at}: {}",
            info.start
        );
        // The clock, the offline reader and the files that a store gives agree with it.
        let placed = stream.placed();
        assert!(
            (placed[0].placement.offset + (info.start - MediaTime::ZERO)).abs() < micro,
            "{tag_at}: {placed:?}"
        );
        let heard = hear(&stream.whole(), None);
        let late =
            heard.iter().any(|part| matches!(part, Heard::Gap(gap) if gap.cause == GapCause::LateStart));
        assert_eq!(late, begins, "{tag_at}: {:?}", outline(&heard));
        let folder = TempDir::new().expect("a folder");
        let (mut store, _) = SegmentStore::open(folder.path()).expect("it is made");
        let mut clock = SegmentClock::new();
        for segment in &stream.segments {
            store
                .append(segment, &clock.place(segment).expect("it has times").placement)
                .expect("it is stored");
        }
        let span = placed[2].placement.span;
        let extract = store.extract(span, &folder.path().join("extract")).expect("it is there");
        let start = FFMPEG.probe(&extract.path).expect("it can be probed").start;
        let origin = start + placed[0].placement.offset;
        assert!((extract.origin - origin).abs() < micro, "{tag_at}: {} is not {origin}", extract.origin);
    }
}
