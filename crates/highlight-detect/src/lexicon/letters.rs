//! Eight bytes of text at once.
//!
//! Most words are short and plain, and reading them byte by byte goes wrong at the end of each: the processor cannot
//! guess how long it is. So the bytes are held in one number and looked at together, each in its own eight bits.

/// How many bytes are read at once.
pub(super) const AT_ONCE: usize = 8;

const HIGH_BITS: u64 = everywhere(0x80);

/// A short word of ASCII letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlainWord {
    /// It in lower case, with spaces behind.
    pub(super) letters: [u8; AT_ONCE],
    /// How many letters it has.
    pub(super) length: usize,
    /// Whether a letter stands twice in a row.
    pub(super) has_double: bool,
}

/// The letters of ASCII that `bytes` begin with: from one to seven, before something that is neither letter nor digit.
pub(super) fn plain_word(bytes: [u8; AT_ONCE]) -> Option<PlainWord> {
    let text = u64::from_le_bytes(bytes);
    let lower = text | everywhere(b' ');
    let after = !(places_within(lower, b'a', b'z') & !text) & HIGH_BITS;
    if after == 0 {
        return None;
    }
    let length = (after.trailing_zeros() / u8::BITS) as usize;
    if length == 0 || bytes[length].is_ascii_digit() {
        return None;
    }
    let behind = u64::MAX << (length * 8);
    // Where a byte is what the one before it is, nothing is left of it. The first has none before it.
    let changes = (lower ^ (lower << 8)) | behind;
    Some(PlainWord {
        letters: ((lower & !behind) | (everywhere(b' ') & behind)).to_le_bytes(),
        length,
        has_double: has_zero_byte(changes),
    })
}

/// This byte in every place.
const fn everywhere(byte: u8) -> u64 {
    u64::from_le_bytes([byte; AT_ONCE])
}

/// The high bit of each byte below 0x80 that lies from `first` to `last`; of the others anything.
const fn places_within(bytes: u64, first: u8, last: u8) -> u64 {
    // With the high bits gone no sum reaches into the next byte.
    let low = bytes & !HIGH_BITS;
    (low + everywhere(0x80 - first)) & !(low + everywhere(0x7f - last))
}

const fn has_zero_byte(bytes: u64) -> bool {
    bytes.wrapping_sub(everywhere(1)) & !bytes & HIGH_BITS != 0
}
