//! What a file is, by its first bytes.

use super::transport::is_transport;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// symphonia knows this kind.
    Native,
    /// An MPEG transport stream.
    Transport,
    /// Something else, if it is a medium at all.
    Foreign,
}

/// Recognises the file that begins with `head`.
pub(super) fn container(head: &[u8]) -> Container {
    if is_native(head) {
        Container::Native
    } else if is_transport(head) {
        Container::Transport
    } else {
        Container::Foreign
    }
}

fn is_native(head: &[u8]) -> bool {
    let at = |offset: usize, wanted: &[u8]| head.get(offset..offset + wanted.len()) == Some(wanted);
    let boxes: [&[u8]; 7] = [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"];
    let mut signatures = [&b"\x1a\x45\xdf\xa3"[..], b"fLaC", b"OggS", b"ID3"].into_iter();
    boxes.into_iter().any(|kind| at(4, kind))
        || signatures.any(|signature| at(0, signature))
        || (at(0, b"RIFF") && at(8, b"WAVE"))
        || (at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")))
        || is_mpeg_audio(head)
}

/// A frame header of MPEG audio or ADTS at the very beginning: eleven set bits, and none of the reserved values.
fn is_mpeg_audio(head: &[u8]) -> bool {
    let [0xff, second, third, ..] = head else { return false };
    let is_adts = second & 0xf6 == 0xf0 && third >> 2 & 0xf < 13;
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let is_mpeg =
        second & 0xe0 == 0xe0 && version != 1 && layer != 0 && third >> 4 != 0xf && third >> 2 & 3 != 3;
    is_adts || is_mpeg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(container(b"\0\0\0\x20ftypisom"), Container::Native);
        assert_eq!(container(b"RIFF\0\0\0\0WAVEfmt "), Container::Native);
        assert_eq!(container(b"RIFF\0\0\0\0AVI LIST"), Container::Foreign);
        assert_eq!(container(&[0xff, 0xfb, 0x90, 0x64]), Container::Native);
        assert_eq!(container(&[0xff, 0xf1, 0x4c, 0x80]), Container::Native);
        assert_eq!(container(&[0xff, 0xd8, 0xff, 0xe0]), Container::Foreign);
        assert_eq!(container(b"just text, whatever its name"), Container::Foreign);
        assert_eq!(container(b""), Container::Foreign);
    }
}
