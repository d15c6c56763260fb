//! Sound without a container, which some packagers list beside the picture (RFC 8216, section 3.4), as a transport stream.
//!
//! A segment of it is an ID3 tag with the timestamp of its first sample, and then AAC frames one after another (ADTS). Put into a
//! transport stream it can be placed in time, listened to and joined as all other segments are.

use mpeg2ts_reader::mpegts_crc::sum32;

/// Whose frame of the tag holds the timestamp.
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
/// The length of the head of a tag, and of that of each frame in it, in bytes (ID3v2.3 and 2.4).
const TAG_HEAD: usize = 10;
/// The shortest head of an ADTS frame, in bytes.
const ADTS_HEAD: usize = 7;
/// Samples in a block of AAC.
const BLOCK: u64 = 1_024;
/// Sample rates by their index in ADTS (ISO/IEC 14496-3).
const RATES: [u64; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// Timestamps count in this rate and begin anew after 33 bits.
const CLOCK: u64 = 90_000;
const CLOCK_MASK: u64 = (1 << 33) - 1;
/// The length of a packet of a transport stream and of its head, in bytes.
const PACKET: usize = 188;
const HEAD: usize = 4;
/// The places of the tables and of the sound.
const MAP_PID: u16 = 0x1000;
const SOUND_PID: u16 = 0x100;
/// AAC with ADTS, as a program map calls it.
const ADTS_STREAM: u8 = 0x0f;

/// The transport stream of a segment of packed AAC; `None` if it is none, or has no timestamp.
pub(super) fn to_transport(bytes: &[u8]) -> Option<Vec<u8>> {
    let (timestamp, mut rest) = tag(bytes)?;
    let mut stream = Writer::default();
    let mut samples = 0_u64;
    while let Some((length, rate, blocks)) = frame(rest) {
        let (whole, after) = rest.split_at_checked(length)?;
        let pts = (timestamp + samples * CLOCK / rate) & CLOCK_MASK;
        stream.sound(pts, whole);
        samples += blocks * BLOCK;
        rest = after;
    }
    (samples > 0).then_some(stream.bytes)
}

/// The timestamp in the ID3 tag at the front, and what follows the tag.
fn tag(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let head = bytes.get(..TAG_HEAD).filter(|head| head.starts_with(b"ID3"))?;
    let (mut frames, rest) = bytes[TAG_HEAD..].split_at_checked(syncsafe(&head[6..])?)?;
    loop {
        let (head, content) = frames.split_at_checked(TAG_HEAD)?;
        // Lengths below 128 are the same in both versions; longer frames hold no timestamp.
        let (content, after) = content.split_at_checked(syncsafe(&head[4..8])?)?;
        if let (b"PRIV", Some(timestamp)) = (&head[..4], content.strip_prefix(OWNER)) {
            let timestamp: [u8; 8] = timestamp.try_into().ok()?;
            return Some((u64::from_be_bytes(timestamp) & CLOCK_MASK, rest));
        }
        frames = after;
    }
}

/// A number in the lower seven bits of each of four bytes.
fn syncsafe(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.get(..4)?;
    bytes
        .iter()
        .all(|byte| *byte < 0x80)
        .then(|| bytes.iter().fold(0, |sum, byte| sum << 7 | usize::from(*byte)))
}

/// The length of the ADTS frame at the front, its sample rate and how many blocks it holds.
fn frame(bytes: &[u8]) -> Option<(usize, u64, u64)> {
    let head = bytes.get(..ADTS_HEAD)?;
    if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
        return None;
    }
    let length = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
    let rate = RATES.get(usize::from(head[2] >> 2 & 0xf))?;
    (length >= ADTS_HEAD).then_some((length, *rate, u64::from(head[6] & 3) + 1))
}

/// Writes a transport stream of one sound.
#[derive(Debug)]
struct Writer {
    bytes: Vec<u8>,
    /// Counts the packets of the sound.
    counter: u8,
}

impl Default for Writer {
    fn default() -> Self {
        let mut writer = Self { bytes: Vec::new(), counter: 0 };
        let [map_high, map_low] = (0xe000 | MAP_PID).to_be_bytes();
        writer.table(0, &[0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, map_high, map_low]);
        let [high, low] = (0xe000 | SOUND_PID).to_be_bytes();
        writer.table(
            MAP_PID,
            &[0x02, 0xb0, 18, 0, 1, 0xc1, 0, 0, high, low, 0xf0, 0, ADTS_STREAM, high, low, 0xf0, 0],
        );
        writer
    }
}

impl Writer {
    /// A packet with a table, which fits into one.
    fn table(&mut self, pid: u16, section: &[u8]) {
        let mut payload = vec![0];
        payload.extend_from_slice(section);
        payload.extend_from_slice(&sum32(section).to_be_bytes());
        payload.resize(PACKET - HEAD, 0xff);
        self.head(pid, true, 0x10);
        self.bytes.extend_from_slice(&payload);
    }

    fn head(&mut self, pid: u16, is_start: bool, control: u8) {
        let [high, low] = (pid | if is_start { 0x4000 } else { 0 }).to_be_bytes();
        self.bytes.extend_from_slice(&[0x47, high, low, control]);
    }

    /// A frame with its timestamp, in as many packets as it needs.
    fn sound(&mut self, pts: u64, frame: &[u8]) {
        let length = u16::try_from(frame.len() + 8).unwrap_or(0).to_be_bytes();
        let mut packet = vec![0, 0, 1, 0xc0, length[0], length[1], 0x80, 0x80, 5];
        packet.push(0x21 | (pts >> 29) as u8 & 0x0e);
        packet.extend_from_slice(&((pts >> 14) as u16 | 1).to_be_bytes());
        packet.extend_from_slice(&((pts << 1) as u16 | 1).to_be_bytes());
        packet.extend_from_slice(frame);
        let mut rest = &packet[..];
        let is_first = self.counter == 0 && self.bytes.len() == 2 * PACKET;
        let mut is_start = true;
        while !rest.is_empty() {
            // The clock goes before the first frame, with the word that the counting of packets begins anew.
            let clock = (is_first && is_start).then_some(pts);
            let least = if clock.is_some() { 8 } else { 0 };
            let room = PACKET - HEAD;
            let taken = rest.len().min(room - least);
            let stuffed = room - taken;
            self.head(SOUND_PID, is_start, self.counter | if stuffed > 0 { 0x30 } else { 0x10 });
            self.adaptation(stuffed, clock);
            self.bytes.extend_from_slice(&rest[..taken]);
            self.counter = (self.counter + 1) & 0xf;
            (rest, is_start) = (&rest[taken..], false);
        }
    }

    /// An adaptation field of `length` bytes, its own length included.
    fn adaptation(&mut self, length: usize, clock: Option<u64>) {
        let end = self.bytes.len() + length;
        let Some(count) = length.checked_sub(1) else { return };
        self.bytes.push(count as u8);
        match clock {
            Some(clock) => {
                // Discontinuity, clock.
                self.bytes.push(0x90);
                self.bytes.extend_from_slice(&((clock >> 1) as u32).to_be_bytes());
                self.bytes.extend_from_slice(&[(clock as u8 & 1) << 7 | 0x7e, 0]);
            }
            None if count > 0 => self.bytes.push(0),
            None => {}
        }
        self.bytes.resize(end, 0xff);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use timeline::{MediaDuration, MediaTime};

    use super::*;
    use crate::audio::SourceTimes;

    /// A tag and so many frames of silence of 48 kHz.
    fn packed(timestamp: u64, frames: usize, length: usize) -> Vec<u8> {
        let mut content = OWNER.to_vec();
        content.extend_from_slice(&timestamp.to_be_bytes());
        let mut bytes = b"ID3\x04\0\0\0\0\0".to_vec();
        bytes.push(TAG_HEAD as u8 + content.len() as u8);
        bytes.extend_from_slice(b"PRIV\0\0\0");
        bytes.push(content.len() as u8);
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&content);
        for _ in 0..frames {
            bytes.extend_from_slice(&[0xff, 0xf1, 0x4c, 0x80 | (length >> 11) as u8]);
            bytes.extend_from_slice(&[(length >> 3) as u8, (length << 5) as u8 | 0x1f, 0xfc]);
            bytes.resize(bytes.len() + length - ADTS_HEAD, 0);
        }
        bytes
    }

    #[test]
    fn times_are_those_of_the_tag() {
        for timestamp in [0, 900_000, CLOCK_MASK - 1_000] {
            for length in [7, 100, 168, 169, 170, 176, 177, 200, 700] {
                let stream = to_transport(&packed(timestamp, 50, length)).expect("it is packed sound");
                assert_eq!(stream.len() % PACKET, 0);
                assert!(stream.chunks(PACKET).all(|packet| packet[0] == 0x47), "{length}");
                let times = SourceTimes::of_transport(&stream, None).expect("it has times");
                assert_eq!(times.zero, MediaTime::from_units(timestamp as i64, 90_000), "{length}");
                let expected = MediaDuration::from_units(50 * BLOCK as i64, 48_000);
                assert!(
                    (times.shown.duration() - expected).abs() < MediaDuration::from_millis(1),
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn what_has_no_time_or_no_sound_is_none() {
        let whole = packed(5, 3, 100);
        assert_eq!(to_transport(&whole[whole.len() - 300..]), None);
        assert_eq!(to_transport(&packed(5, 0, 100)), None);
        assert_eq!(to_transport(&whole[..whole.len() - 1]), None);
        assert_eq!(to_transport(b"ID3"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), tagged: bool) {
            if tagged {
                bytes.splice(0..0, packed(1, 1, 50));
            }
            if let Some(stream) = to_transport(&bytes) {
                prop_assert_eq!(stream.len() % PACKET, 0);
            }
        }
    }
}
