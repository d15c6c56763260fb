//! Moving the timestamps of a transport stream, as an encoder that was restarted would.
//!
//! Layouts by ISO/IEC 13818-1: 2.4.3.2 (packets), 2.4.3.4 (adaptation fields), 2.4.3.6 (PES packets).

use std::collections::BTreeMap;

use timeline::MediaDuration;

/// Bytes of a packet.
const PACKET: usize = 188;
/// Ticks a second of PTS, DTS and the base of PCR.
const CLOCK_HZ: u32 = 90_000;
/// They count modulo this.
const WRAP: i64 = 1 << 33;

/// Packets with payload, by PID: how far the continuity counters run.
pub(super) type PacketCounts = BTreeMap<u16, u64>;

/// Counts the packets that move a continuity counter.
pub(super) fn count(stream: &[u8], counts: &mut PacketCounts) {
    for packet in stream.as_chunks::<PACKET>().0 {
        if packet[3] & 0x10 != 0 {
            *counts.entry(pid(packet)).or_default() += 1;
        }
    }
}

/// Adds `by` to all timestamps, and `runs` times `counts` to the continuity counters.
pub(super) fn shift(stream: &mut [u8], by: MediaDuration, counts: &PacketCounts, runs: u64) {
    let ticks = by.to_units(CLOCK_HZ);
    for packet in stream.as_chunks_mut::<PACKET>().0 {
        if packet[0] != 0x47 {
            continue;
        }
        let counted = counts.get(&pid(packet)).copied().unwrap_or_default() * runs;
        packet[3] = packet[3] & 0xF0 | (packet[3] & 0x0F).wrapping_add((counted % 16) as u8) & 0x0F;
        let mut payload = 4;
        if packet[3] & 0x20 != 0 {
            let length = usize::from(packet[4]);
            if length >= 7 && packet[5] & 0x10 != 0 {
                move_pcr(&mut packet[6..12], ticks);
            }
            payload += 1 + length;
        }
        let begins = packet[1] & 0x40 != 0 && packet[3] & 0x10 != 0;
        if let (true, Some(header)) = (begins, packet.get_mut(payload..)) {
            move_pes(header, ticks);
        }
    }
}

fn pid(packet: &[u8; PACKET]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1F, packet[2]])
}

fn move_pcr(field: &mut [u8], ticks: i64) {
    let base = field[..4].iter().fold(0_i64, |base, byte| base << 8 | i64::from(*byte)) << 1
        | i64::from(field[4] >> 7);
    let base = (base + ticks).rem_euclid(WRAP);
    field[..4].copy_from_slice(&((base >> 1) as u32).to_be_bytes());
    field[4] = field[4] & 0x7F | ((base & 1) as u8) << 7;
}

fn move_pes(header: &mut [u8], ticks: i64) {
    // Video, audio and private streams; sections (PAT, PMT) do not begin like this.
    let timed = header.starts_with(&[0, 0, 1]) && header.len() >= 19 && header[3] >= 0xBD;
    if !timed {
        return;
    }
    if header[7] & 0x80 != 0 {
        move_stamp(&mut header[9..14], ticks);
    }
    if header[7] & 0xC0 == 0xC0 {
        move_stamp(&mut header[14..19], ticks);
    }
}

fn move_stamp(field: &mut [u8], ticks: i64) {
    let value = i64::from(field[0] >> 1 & 7) << 30
        | i64::from(field[1]) << 22
        | i64::from(field[2] >> 1) << 15
        | i64::from(field[3]) << 7
        | i64::from(field[4] >> 1);
    let value = (value + ticks).rem_euclid(WRAP);
    field[0] = field[0] & 0xF1 | ((value >> 30 & 7) as u8) << 1;
    field[1] = (value >> 22) as u8;
    field[2] = ((value >> 15) as u8) << 1 | 1;
    field[3] = (value >> 7) as u8;
    field[4] = (value as u8) << 1 | 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shifting_there_and_back_changes_nothing(
            bytes in prop::collection::vec(any::<u8>(), 0..2000),
            seconds in -200_000.0_f64..200_000.0,
        ) {
            // Marker bits are set as a muxer sets them, so that they survive.
            let mut stream = bytes;
            for packet in stream.as_chunks_mut::<PACKET>().0 {
                packet[0] = 0x47;
                packet[1] |= 0x40;
                packet[3] = packet[3] & 0x0F | 0x10;
                packet[4..8].copy_from_slice(&[0, 0, 1, 0xE0]);
                packet[11] |= 0xC0;
                for at in [15, 17, 20, 22] {
                    packet[at] |= 1;
                }
            }
            let before = stream.clone();
            let by = MediaDuration::from_secs_f64(seconds);
            let counts = PacketCounts::from([(7, 3)]);
            shift(&mut stream, by, &counts, 16);
            shift(&mut stream, MediaDuration::ZERO - by, &counts, 0);
            prop_assert_eq!(stream, before);
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..2000), seconds in -1e6_f64..1e6) {
            let length = bytes.len();
            for packet in bytes.as_chunks_mut::<PACKET>().0 {
                packet[0] = 0x47;
            }
            let mut counts = PacketCounts::new();
            count(&bytes, &mut counts);
            shift(&mut bytes, MediaDuration::from_secs_f64(seconds), &counts, 3);
            prop_assert_eq!(bytes.len(), length);
        }
    }
}
