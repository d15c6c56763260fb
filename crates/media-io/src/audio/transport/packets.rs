//! Cuts a transport stream into its 188-byte packets, finding the way back after damage.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Size of a transport packet, ISO/IEC 13818-1 2.4.3.2.
pub(super) const PACKET: usize = 188;
/// The first byte of each.
pub(super) const SYNC_BYTE: u8 = 0x47;
/// How much is read at once.
const BUFFER: usize = 512 * PACKET;

/// Cuts bytes, which may come in pieces of any size, into packets.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    buffer: Vec<u8>,
    position: usize,
    /// Bytes were skipped since the last packet.
    skipped: bool,
    at_end: bool,
}

impl Cutter {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.position);
        self.position = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// There are no more bytes.
    pub(super) fn finish(&mut self) {
        self.at_end = true;
    }

    /// The next packet, and whether bytes before it were skipped; `None` until more bytes are there.
    pub(super) fn next(&mut self) -> Option<(&[u8], bool)> {
        let (range, skipped) = self.find()?;
        Some((&self.buffer[range], skipped))
    }

    fn find(&mut self) -> Option<(Range<usize>, bool)> {
        loop {
            let rest = &self.buffer[self.position..];
            if rest.len() < PACKET {
                return None;
            }
            // One sync byte may be damaged by itself; the next packet tells.
            let here = rest[0] == SYNC_BYTE;
            let undamaged = here && !self.skipped;
            let next = match rest.get(PACKET) {
                Some(byte) => *byte == SYNC_BYTE,
                None if self.at_end || undamaged => true,
                None => return None,
            };
            if here && (next || !self.skipped) {
                let start = self.position;
                self.position += PACKET;
                return Some((start..self.position, std::mem::take(&mut self.skipped)));
            }
            self.position += if next && !self.skipped { PACKET } else { 1 };
            self.skipped = true;
        }
    }
}

/// The packets of a file.
#[derive(Debug)]
pub(super) struct Packets<R> {
    file: R,
    cutter: Cutter,
}

impl<R: Read + Seek> Packets<R> {
    pub(super) fn new(file: R) -> Self {
        let cutter = Cutter { buffer: Vec::with_capacity(BUFFER), ..Cutter::default() };
        Self { file, cutter }
    }

    /// Goes to byte `offset` of the file.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.cutter.buffer.clear();
        (self.cutter.position, self.cutter.skipped, self.cutter.at_end) = (0, false, false);
        Ok(())
    }

    /// Length of the file in bytes.
    pub(super) fn length(&mut self) -> io::Result<u64> {
        let position = self.file.stream_position()?;
        let length = self.file.seek(SeekFrom::End(0))?;
        self.file.seek(SeekFrom::Start(position))?;
        Ok(length)
    }

    /// The next packet, and whether bytes before it were skipped.
    pub(super) fn next(&mut self) -> io::Result<Option<(&[u8], bool)>> {
        loop {
            match self.cutter.find() {
                Some((range, skipped)) => return Ok(Some((&self.cutter.buffer[range], skipped))),
                None if self.cutter.at_end => return Ok(None),
                None => self.fill()?,
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let Cutter { buffer, position, at_end, .. } = &mut self.cutter;
        buffer.drain(..*position);
        *position = 0;
        while buffer.len() < BUFFER && !*at_end {
            let wanted = BUFFER - buffer.len();
            let read = self.file.by_ref().take(wanted as u64).read_to_end(buffer)?;
            *at_end = read < wanted;
        }
        Ok(())
    }
}

/// Whether `head`, the beginning of a file, is a transport stream.
pub(in crate::audio) fn is_transport(head: &[u8]) -> bool {
    // A recording may begin inside a packet; four sync bytes at the right distance are no accident.
    let wanted = (head.len() / PACKET).min(4);
    wanted >= 2
        && (0..PACKET).any(|start| {
            (0..wanted).all(|index| head.get(start + index * PACKET).is_some_and(|byte| *byte == SYNC_BYTE))
        })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn packets(bytes: Vec<u8>) -> Vec<(u8, bool)> {
        let mut packets = Packets::new(Cursor::new(bytes));
        let mut found = Vec::new();
        while let Some((packet, skipped)) = packets.next().expect("a cursor does not fail") {
            found.push((packet[1], skipped));
        }
        found
    }

    fn packet(number: u8) -> Vec<u8> {
        let mut packet = vec![number; PACKET];
        packet[0] = SYNC_BYTE;
        packet
    }

    #[test]
    fn the_way_back_is_found() {
        assert_eq!(packets([packet(1), packet(2)].concat()), [(1, false), (2, false)]);
        assert_eq!(packets([packet(1), vec![9; 50], packet(2), packet(3)].concat())[2..], [(3, false)]);
        let mut broken = packet(2);
        broken[0] = 0;
        assert_eq!(
            packets([packet(1), broken, packet(3), packet(4)].concat()),
            [(1, false), (3, true), (4, false)]
        );
        assert_eq!(packets(vec![0x47; 100]), []);
    }

    proptest! {
        #[test]
        fn packets_do_not_depend_on_how_bytes_arrive(
            pieces in prop::collection::vec(
                prop_oneof![
                    3 => any::<u8>().prop_map(packet),
                    1 => prop::collection::vec(prop_oneof![Just(SYNC_BYTE), any::<u8>()], 0..250),
                ],
                0..6,
            ),
            cut in 1_usize..300,
        ) {
            let bytes = pieces.concat();
            let (mut cutter, mut found) = (Cutter::default(), Vec::new());
            for part in bytes.chunks(cut) {
                cutter.push(part);
                while let Some((packet, skipped)) = cutter.next() {
                    found.push((packet[1], skipped));
                }
            }
            cutter.finish();
            while let Some((packet, skipped)) = cutter.next() {
                found.push((packet[1], skipped));
            }
            prop_assert_eq!(found, packets(bytes));
        }
    }

    #[test]
    fn other_files_are_no_transport_streams() {
        assert!(is_transport(&[packet(1), packet(2), packet(3)].concat()));
        assert!(is_transport(&[vec![0; 17], packet(1), packet(2), packet(3)].concat()));
        assert!(!is_transport(&vec![b'a'; 4_000]));
        assert!(!is_transport(b"G"));
    }
}
