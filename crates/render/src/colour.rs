//! Colours as people write them and as ASS wants them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A colour with opacity, written `#RRGGBB` or `#RRGGBBAA`.
///
/// ```
/// let colour: render::Colour = "#FFD60A80".parse().expect("a colour");
/// assert_eq!(colour.to_string(), "#FFD60A80");
/// assert!("yellow".parse::<render::Colour>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
    alpha: u8,
}

/// The text is no colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a colour: write it as #RRGGBB or #RRGGBBAA")]
pub struct ColourError {
    /// What was written.
    pub text: String,
}

impl Colour {
    /// An opaque colour.
    #[must_use]
    pub const fn opaque(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue, alpha: u8::MAX }
    }

    /// The colour with another opacity, 0 (unseen) to 255.
    #[must_use]
    pub const fn with_alpha(self, alpha: u8) -> Self {
        Self { alpha, ..self }
    }

    /// As in a style of an ASS file: `&HAABBGGRR`, where 00 is opaque.
    pub(crate) fn ass_style(self) -> String {
        format!("&H{:02X}{:02X}{:02X}{:02X}", u8::MAX - self.alpha, self.blue, self.green, self.red)
    }

    /// As an override in a line of an ASS file, without braces.
    pub(crate) fn ass_override(self) -> String {
        let alpha = u8::MAX - self.alpha;
        format!("\\1c&H{:02X}{:02X}{:02X}&\\1a&H{alpha:02X}&", self.blue, self.green, self.red)
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let error = || ColourError { text: text.to_owned() };
        let digits = text.strip_prefix('#').ok_or_else(error)?;
        if !matches!(digits.len(), 6 | 8) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        let channel = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| error());
        let alpha = if digits.len() == 8 { channel(6)? } else { u8::MAX };
        Ok(Self { red: channel(0)?, green: channel(2)?, blue: channel(4)?, alpha })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02X}{:02X}{:02X}", self.red, self.green, self.blue)?;
        if self.alpha == u8::MAX { Ok(()) } else { write!(formatter, "{:02X}", self.alpha) }
    }
}

impl TryFrom<String> for Colour {
    type Error = ColourError;

    fn try_from(text: String) -> Result<Self, ColourError> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ass_has_the_channels_turned_round_and_transparency_for_opacity() {
        let colour: Colour = "#12345678".parse().unwrap();
        assert_eq!(colour.ass_style(), "&H87563412");
        assert_eq!(colour.ass_override(), "\\1c&H563412&\\1a&H87&");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "#?\\PC{0,10}") {
            if let Ok(colour) = text.parse::<Colour>() {
                prop_assert_eq!(colour.to_string().parse::<Colour>().unwrap(), colour);
            }
        }
    }
}
