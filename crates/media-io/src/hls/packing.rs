//! Telling by its bytes what a segment is: origins label transport streams as anything.

use super::playlist::describe;
use super::segment::Packing;

/// The length of a packet of a transport stream, in bytes (ISO/IEC 13818-1).
const PACKET: usize = 188;
/// The byte that every packet begins with.
const SYNC: u8 = 0x47;
/// The boxes that a fragment or its head may begin with (ISO/IEC 14496-12).
const BOXES: [&[u8; 4]; 9] =
    [b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"free", b"skip"];

/// What the bytes are, or else in words what they seem to be.
pub(super) fn sniff(bytes: &[u8]) -> Result<Packing, &'static str> {
    let in_step = [0, PACKET, 2 * PACKET].iter().all(|at| bytes.get(*at).is_none_or(|byte| *byte == SYNC));
    if bytes.len() >= PACKET && in_step {
        return Ok(Packing::Transport);
    }
    if bytes.get(4..8).is_some_and(|name| BOXES.iter().any(|known| *known == name)) {
        return Ok(Packing::Fragmented);
    }
    let head = &bytes[..bytes.len().min(256)];
    Err(match head {
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "bare AAC",
        _ if head.starts_with(b"ID3") => "bare audio with ID3 tags",
        _ if head.starts_with(b"WEBVTT") => "subtitles",
        _ => describe(&String::from_utf8_lossy(head)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_known_by_their_bytes() {
        let mut stream = vec![0; 3 * PACKET];
        for at in [0, PACKET, 2 * PACKET] {
            stream[at] = SYNC;
        }
        assert_eq!(sniff(&stream), Ok(Packing::Transport));
        assert_eq!(sniff(&stream[..PACKET]), Ok(Packing::Transport));
        stream[PACKET] = 0;
        assert_eq!(sniff(&stream), Err("something else"));
        assert_eq!(sniff(b"\0\0\0\x18stypmsdh"), Ok(Packing::Fragmented));
        assert_eq!(sniff(b" <!DOCTYPE html><html>"), Err("an HTML page"));
        assert_eq!(sniff(b""), Err("empty"));
        assert_eq!(sniff(&[0xff, 0xf1, 0x50]), Err("bare AAC"));
    }
}
