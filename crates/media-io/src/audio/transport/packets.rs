//! Reads the 188-byte packets of a transport stream file, finding its way back after damage.

use std::io::{self, Read, Seek, SeekFrom};

/// Size of a transport packet, ISO/IEC 13818-1 2.4.3.2.
pub(super) const PACKET: usize = 188;
/// The first byte of each.
pub(super) const SYNC_BYTE: u8 = 0x47;
/// How much is read at once.
const BUFFER: usize = 512 * PACKET;

/// The packets of a file.
#[derive(Debug)]
pub(super) struct Packets<R> {
    file: R,
    buffer: Vec<u8>,
    position: usize,
    at_end: bool,
}

impl<R: Read + Seek> Packets<R> {
    pub(super) fn new(file: R) -> Self {
        Self { file, buffer: Vec::with_capacity(BUFFER), position: 0, at_end: false }
    }

    /// Goes to byte `offset` of the file.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.buffer.clear();
        (self.position, self.at_end) = (0, false);
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
        let mut skipped = false;
        loop {
            if self.buffer.len() - self.position < 2 * PACKET && !self.at_end {
                self.fill()?;
            }
            let rest = &self.buffer[self.position..];
            if rest.len() < PACKET {
                return Ok(None);
            }
            // One sync byte may be damaged by itself; the next packet tells.
            let here = rest[0] == SYNC_BYTE;
            let next = rest.get(PACKET).is_none_or(|byte| *byte == SYNC_BYTE);
            if here && (next || !skipped) {
                let start = self.position;
                self.position += PACKET;
                return Ok(Some((&self.buffer[start..start + PACKET], skipped)));
            }
            self.position += if next && !skipped { PACKET } else { 1 };
            skipped = true;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.position);
        self.position = 0;
        while self.buffer.len() < BUFFER && !self.at_end {
            let wanted = BUFFER - self.buffer.len();
            let read = self.file.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
            self.at_end = read < wanted;
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

    #[test]
    fn other_files_are_no_transport_streams() {
        assert!(is_transport(&[packet(1), packet(2), packet(3)].concat()));
        assert!(is_transport(&[vec![0; 17], packet(1), packet(2), packet(3)].concat()));
        assert!(!is_transport(&vec![b'a'; 4_000]));
        assert!(!is_transport(b"G"));
    }
}
