//! The list of segments of one rendition.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use timeline::MediaDuration;

use super::{PlaylistError, Reference};

/// The segments of one rendition, as listed at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaList {
    /// The most that a segment may last, as the origin says; zero if it says nothing.
    pub target_duration: MediaDuration,
    /// The sequence number of the first entry.
    pub sequence: u64,
    /// How many discontinuities lie before the first entry, if the origin counts them.
    pub discontinuity_sequence: Option<u64>,
    /// In order, oldest first.
    pub entries: Vec<Entry>,
    /// Whether nothing will follow (`EXT-X-ENDLIST`).
    pub ended: bool,
}

/// One segment in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its sequence number.
    pub sequence: u64,
    /// Where it is.
    pub uri: Reference,
    /// How long it lasts.
    pub duration: MediaDuration,
    /// Whether timestamps or encoding may change before it.
    pub discontinuity: bool,
    /// The wall-clock time of its first sample: as listed, or counted on from the entry before it.
    pub program_date_time: Option<Timestamp>,
    /// The part of the resource that it is; none if it is the whole.
    pub byte_range: Option<ByteRange>,
    /// How it is encrypted; none if it is not.
    pub encryption: Option<Arc<Encryption>>,
    /// The head that it needs.
    pub init: Option<Arc<InitReference>>,
    /// Whether the origin says that it does not have it (`EXT-X-GAP`).
    pub absent: bool,
}

/// A part of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Its first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

impl ByteRange {
    /// The offset after its last byte.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// How segments are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Whole segments, by AES-128 in CBC mode with PKCS#7 padding.
    Aes128(KeyReference),
    /// In a way that cannot be undone here; the name of the method.
    Unsupported(String),
}

/// The key of encrypted segments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyReference {
    /// Where it is.
    pub uri: Reference,
    /// The initialisation vector; none if it is the sequence number of each segment.
    pub iv: Option<[u8; 16]>,
}

/// The head of fragmented segments (`EXT-X-MAP`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InitReference {
    /// Where it is.
    pub uri: Reference,
    /// The part of the resource that it is; none if it is the whole.
    pub byte_range: Option<ByteRange>,
    /// How it is encrypted; none if it is not.
    pub encryption: Option<Arc<Encryption>>,
}

impl MediaList {
    /// The sequence number after that of the last entry.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.entries.last().map_or(self.sequence, |entry| entry.sequence.saturating_add(1))
    }

    /// The entry with that number.
    #[must_use]
    pub fn entry(&self, sequence: u64) -> Option<&Entry> {
        let index = sequence.checked_sub(self.sequence)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// The method of the first entry that is encrypted in a way that cannot be undone here.
    #[must_use]
    pub fn unsupported_encryption(&self) -> Option<&str> {
        self.entries.iter().find_map(|entry| match entry.encryption.as_deref() {
            Some(Encryption::Unsupported(method)) => Some(method.as_str()),
            _ => None,
        })
    }

    pub(super) fn from_parsed(
        list: m3u8_rs::MediaPlaylist,
        has_discontinuity_sequence: bool,
    ) -> Result<Self, PlaylistError> {
        let sequence = list.media_sequence;
        let mut entries: Vec<Entry> = Vec::with_capacity(list.segments.len());
        let mut encryption: Option<Arc<Encryption>> = None;
        let mut init: Option<Arc<InitReference>> = None;
        for (index, parsed) in list.segments.into_iter().enumerate() {
            if let Some(key) = parsed.key {
                encryption = read_key(key).map(Arc::new);
            }
            if let Some(map) = parsed.map {
                let byte_range = map
                    .byte_range
                    .map(|range| ByteRange { offset: range.offset.unwrap_or(0), length: range.length });
                let uri = Reference::new(map.uri);
                init = Some(Arc::new(InitReference { uri, byte_range, encryption: encryption.clone() }));
            }
            let number = u64::try_from(index).ok().and_then(|index| sequence.checked_add(index));
            let number = number.ok_or(PlaylistError::Unreadable)?;
            let uri = Reference::new(parsed.uri);
            let before = entries.last();
            let byte_range = parsed.byte_range.map(|range| ByteRange {
                // Without an offset it follows the part before it of the same resource (RFC 8216, 4.3.2.2).
                offset: range.offset.unwrap_or_else(|| {
                    before
                        .filter(|before| before.uri == uri)
                        .and_then(|before| before.byte_range)
                        .map_or(0, ByteRange::end)
                }),
                length: range.length,
            });
            let listed = parsed.program_date_time.and_then(|time| {
                Timestamp::new(time.timestamp(), time.timestamp_subsec_nanos().cast_signed()).ok()
            });
            let counted_on = || {
                let before = before.filter(|_| !parsed.discontinuity)?;
                let length = SignedDuration::try_from(before.duration.to_std()).ok()?;
                before.program_date_time?.checked_add(length).ok()
            };
            entries.push(Entry {
                sequence: number,
                duration: exact_duration(parsed.duration),
                discontinuity: parsed.discontinuity,
                program_date_time: listed.or_else(counted_on),
                byte_range,
                encryption: encryption.clone(),
                init: init.clone(),
                absent: parsed.unknown_tags.iter().any(|tag| tag.tag == "X-GAP"),
                uri,
            });
        }
        Ok(Self {
            target_duration: MediaDuration::from_secs(
                i64::try_from(list.target_duration).unwrap_or(i64::MAX),
            ),
            sequence,
            discontinuity_sequence: has_discontinuity_sequence.then_some(list.discontinuity_sequence),
            entries,
            ended: list.end_list,
        })
    }
}

/// The decimal number that stood in the playlist. The parser keeps 24 bits of it; its shortest decimal form that has these
/// bits is the one that stood there, up to seven digits, so ten thousand segments of 10.01 s add up to what they should.
fn exact_duration(seconds: f32) -> MediaDuration {
    MediaDuration::from_secs_f64(seconds.to_string().parse().unwrap_or(f64::from(seconds)))
}

fn read_key(key: m3u8_rs::Key) -> Option<Encryption> {
    match (key.method, key.uri) {
        (m3u8_rs::KeyMethod::None, _) => None,
        (m3u8_rs::KeyMethod::AES128, Some(uri)) => {
            match key.keyformat.filter(|format| format != "identity") {
                Some(format) => Some(Encryption::Unsupported(format!("AES-128 with keys of {format}"))),
                None => {
                    let iv = key.iv.as_deref().and_then(read_iv);
                    Some(Encryption::Aes128(KeyReference { uri: Reference::new(uri), iv }))
                }
            }
        }
        (m3u8_rs::KeyMethod::AES128, None) => {
            Some(Encryption::Unsupported("AES-128 without the address of a key".to_owned()))
        }
        (other, _) => Some(Encryption::Unsupported(other.to_string())),
    }
}

/// An initialisation vector: `0x` and up to 32 hexadecimal digits.
pub(super) fn read_iv(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten().map(u128::to_be_bytes)
}
