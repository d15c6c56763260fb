//! Names for things that are stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The first 16 bytes of a SHA-256, shown as 32 hexadecimal digits: enough to tell any two apart, short enough for a file name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; Self::BYTES]);

/// A text is not a [`Digest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestError(String);

impl fmt::Display for DigestError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not an id: an id is {} hexadecimal digits", self.0, Digest::BYTES * 2)
    }
}

impl std::error::Error for DigestError {}

impl Digest {
    /// How many bytes one has.
    pub const BYTES: usize = 16;

    /// From the first bytes of a longer hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let refuse = || DigestError(text.to_owned());
        if text.len() != Self::BYTES * 2 || !text.is_ascii() {
            return Err(refuse());
        }
        let mut bytes = [0; Self::BYTES];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| refuse())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| refuse())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

macro_rules! digest_id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Digest);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = DigestError;
            fn from_str(text: &str) -> Result<Self, DigestError> {
                text.parse().map(Self)
            }
        }
    )+};
}

digest_id! {
    /// One recording, by its content.
    SourceId,
    /// One moment in one recording.
    HighlightId,
    /// One rendered clip of one moment, with the settings it was rendered by.
    ClipId,
}

/// The name of a streamer as the user writes it: 1 to 64 letters, digits, `-`, `_` or `.`, not starting with a dot
/// or a dash, so that it is safe in a file name and in an object key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamerName(String);

/// A text is not a [`StreamerName`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamerNameError(String);

impl fmt::Display for StreamerNameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} cannot be a streamer's name: use 1 to 64 letters, digits, '-', '_' or '.', not starting with '.' or '-'",
            self.0
        )
    }
}

impl std::error::Error for StreamerNameError {}

impl StreamerName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for StreamerName {
    type Err = StreamerNameError;
    fn from_str(text: &str) -> Result<Self, StreamerNameError> {
        let allowed = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
        let fits = (1..=Self::MAX_CHARS).contains(&text.chars().count());
        if fits && text.chars().all(allowed) && !text.starts_with(['.', '-']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StreamerNameError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for StreamerName {
    type Error = StreamerNameError;
    fn try_from(text: String) -> Result<Self, StreamerNameError> {
        text.parse()
    }
}

impl From<StreamerName> for String {
    fn from(name: StreamerName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_would_leave_a_folder_are_refused() {
        for bad in ["", ".", "..", "../up", "a/b", "-rf", "a b", "a\\b", "a\"b", &"x".repeat(65)] {
            assert!(bad.parse::<StreamerName>().is_err(), "{bad:?}");
        }
        for good in ["demo", "señor_99", "a.b-c"] {
            assert_eq!(good.parse::<StreamerName>().expect("fine").as_str(), good);
        }
    }

    proptest! {
        #[test]
        fn digests_survive_text(bytes: [u8; Digest::BYTES]) {
            let digest = Digest::from_bytes(bytes);
            prop_assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Digest>().map_err(|error| error.to_string());
        }
    }
}
