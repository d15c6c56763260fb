//! Captions: from words with times to the text of an ASS file.
//!
//! Words become cues ([`cue`]), a cue's words are set in lines ([`line`]), and each moment at which another word is spoken
//! becomes an event of the file ([`ass`]). Events of a cue follow one another without a gap, so nothing flickers.

use serde::{Deserialize, Serialize};
use timeline::Word;

pub(crate) mod ass;
mod cue;
mod line;
mod style;

pub use style::{CaptionPosition, CaptionSettings, CaptionStyle, StyleName};

/// A word to be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaptionWord {
    /// The word, on the source's media timeline.
    pub word: Word,
    /// Whether it is worth marking: a keyword of the highlight.
    pub emphasised: bool,
}

/// Top edge of what TikTok's own controls leave free, in pixels: below the row with "Following" and "For You".
pub const SAFE_TOP: u32 = 160;

/// Height of what TikTok covers at the bottom, in pixels: name, description and sound. It covers 370 pixels under a short description
/// and 480 under a long one; captions end above all but the longest.
pub const SAFE_BOTTOM: u32 = 420;

/// What is kept free at the left and at the right, in pixels: TikTok's buttons cover up to 130 at the right, and captions stand in
/// the middle.
pub const SAFE_SIDE: u32 = 130;
