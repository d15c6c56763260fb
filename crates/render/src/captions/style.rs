//! How captions look.

use serde::{Deserialize, Serialize};

use crate::Colour;
use crate::captions::{SAFE_BOTTOM, SAFE_TOP};
use crate::error::Error;
use crate::fonts::Typeface;
use crate::layout::CANVAS_HEIGHT;
use crate::settings::in_range;

/// A look that comes with Streamliner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StyleName {
    /// Large heavy capitals with a thick outline; the word being spoken turns yellow.
    #[default]
    Bold,
    /// Smaller, as spoken, with a thin outline and a soft shadow; the word being spoken turns sky blue.
    Clean,
    /// On a dark box; the word being spoken turns green.
    Boxed,
}

/// Where captions stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CaptionPosition {
    /// Their last line ends above what TikTok covers at the bottom.
    #[default]
    Bottom,
    /// In the middle of the picture.
    Middle,
    /// Their first line begins below what TikTok covers at the top.
    Top,
}

/// Captions as configured: a named style, and what differs from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptionSettings {
    /// Whether there are any.
    pub enabled: bool,
    /// The style to start from.
    pub style: StyleName,
    /// Typeface, instead of the style's.
    pub typeface: Option<Typeface>,
    /// Height of a line in pixels of 1080x1920, 24 to 240, instead of the style's.
    pub font_size: Option<u32>,
    /// Colour of words not being spoken.
    pub colour: Option<Colour>,
    /// Colour of the word being spoken.
    pub highlight_colour: Option<Colour>,
    /// Colour of keywords while they are not being spoken.
    pub emphasis_colour: Option<Colour>,
    /// Colour of the outline.
    pub outline_colour: Option<Colour>,
    /// Colour of the shadow, or of the box.
    pub back_colour: Option<Colour>,
    /// Width of the outline in pixels, 0 to 20.
    pub outline: Option<u32>,
    /// Whether everything is written in capitals.
    pub uppercase: Option<bool>,
    /// Where captions stand.
    pub position: CaptionPosition,
    /// Pixels from the edge that `position` names, 0 to 1600, instead of what keeps clear of TikTok's controls.
    pub margin: Option<u32>,
    /// How many lines at most, 1 to 3.
    pub max_lines: u32,
    /// How many characters a line at most, 6 to 60.
    pub max_characters: u32,
    /// How many words are shown together at most, 1 to 16.
    pub words_per_cue: u32,
}

impl Default for CaptionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            style: StyleName::default(),
            typeface: None,
            font_size: None,
            colour: None,
            highlight_colour: None,
            emphasis_colour: None,
            outline_colour: None,
            back_colour: None,
            outline: None,
            uppercase: None,
            position: CaptionPosition::default(),
            margin: None,
            max_lines: 2,
            max_characters: 20,
            words_per_cue: 6,
        }
    }
}

impl CaptionSettings {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        if let Some(size) = self.font_size {
            in_range("captions.font_size", size, 24, 240)?;
        }
        if let Some(outline) = self.outline {
            in_range("captions.outline", outline, 0, 20)?;
        }
        if let Some(margin) = self.margin {
            in_range("captions.margin", margin, 0, 1_600)?;
        }
        in_range("captions.max_lines", self.max_lines, 1, 3)?;
        in_range("captions.max_characters", self.max_characters, 6, 60)?;
        in_range("captions.words_per_cue", self.words_per_cue, 1, 16)
    }

    /// The named style with what differs from it.
    #[must_use]
    pub fn resolve(&self) -> CaptionStyle {
        let style = CaptionStyle::named(self.style);
        CaptionStyle {
            typeface: self.typeface.unwrap_or(style.typeface),
            font_size: self.font_size.unwrap_or(style.font_size),
            colour: self.colour.unwrap_or(style.colour),
            highlight_colour: self.highlight_colour.unwrap_or(style.highlight_colour),
            emphasis_colour: self.emphasis_colour.unwrap_or(style.emphasis_colour),
            outline_colour: self.outline_colour.unwrap_or(style.outline_colour),
            back_colour: self.back_colour.unwrap_or(style.back_colour),
            outline: self.outline.unwrap_or(style.outline),
            uppercase: self.uppercase.unwrap_or(style.uppercase),
            ..style
        }
    }

    /// Pixels from the edge that the position names.
    pub(crate) const fn margin_pixels(&self) -> u32 {
        match (self.margin, self.position) {
            (Some(margin), _) => {
                if margin > CANVAS_HEIGHT {
                    CANVAS_HEIGHT
                } else {
                    margin
                }
            }
            (None, CaptionPosition::Bottom) => SAFE_BOTTOM,
            (None, CaptionPosition::Middle) => 0,
            (None, CaptionPosition::Top) => SAFE_TOP,
        }
    }
}

/// A look, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaptionStyle {
    /// The typeface.
    pub typeface: Typeface,
    /// Height of a line in pixels.
    pub font_size: u32,
    /// Colour of words not being spoken.
    pub colour: Colour,
    /// Colour of the word being spoken.
    pub highlight_colour: Colour,
    /// Colour of keywords while they are not being spoken.
    pub emphasis_colour: Colour,
    /// Colour of the outline.
    pub outline_colour: Colour,
    /// Colour of the shadow, or of the box.
    pub back_colour: Colour,
    /// Width of the outline in pixels.
    pub outline: u32,
    /// How far the shadow falls, or how far the box reaches beyond the text, in pixels.
    pub shadow: u32,
    /// Whether a box lies behind the text.
    pub boxed: bool,
    /// Whether everything is written in capitals.
    pub uppercase: bool,
}

impl CaptionStyle {
    /// One of the looks that come with Streamliner.
    #[must_use]
    pub const fn named(name: StyleName) -> Self {
        let white = Colour::opaque(0xFF, 0xFF, 0xFF);
        let black = Colour::opaque(0, 0, 0);
        let bold = Self {
            typeface: Typeface::Heavy,
            font_size: 96,
            colour: white,
            highlight_colour: Colour::opaque(0xFF, 0xD6, 0x0A),
            emphasis_colour: Colour::opaque(0x4A, 0xDE, 0x80),
            outline_colour: black,
            back_colour: black.with_alpha(0xA0),
            outline: 8,
            shadow: 4,
            boxed: false,
            uppercase: true,
        };
        match name {
            StyleName::Bold => bold,
            StyleName::Clean => Self {
                typeface: Typeface::Medium,
                font_size: 86,
                highlight_colour: Colour::opaque(0x5F, 0xC9, 0xFF),
                emphasis_colour: Colour::opaque(0xFF, 0xC5, 0x4D),
                outline_colour: black.with_alpha(0xC0),
                back_colour: black.with_alpha(0x70),
                outline: 4,
                shadow: 3,
                uppercase: false,
                ..bold
            },
            StyleName::Boxed => Self {
                font_size: 84,
                highlight_colour: Colour::opaque(0x53, 0xFC, 0x18),
                emphasis_colour: Colour::opaque(0xFF, 0xC5, 0x4D),
                outline_colour: black,
                back_colour: Colour::opaque(0x10, 0x10, 0x14).with_alpha(0xD8),
                outline: 0,
                shadow: 18,
                boxed: true,
                uppercase: false,
                ..bold
            },
        }
    }
}
