//! The lexicon as people write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

/// A kind of reaction, with what a word of it is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryDefinition {
    /// What patterns call it.
    pub name: String,
    /// The weight of a word of it that is never heard in the background, -5 to 5.
    pub prior: f32,
    /// The share of background windows that hold a word of it, for patterns that do not say their own; above 0, at
    /// most 1.
    pub background: f32,
}

/// One word, phrase or shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternDefinition {
    /// The words, in any case, with or without accents; with `regex` a regular expression that a whole token in lower
    /// case and without accents must match.
    pub text: String,
    /// What reasons call it; the text unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of its category.
    pub category: String,
    /// The ISO 639-1 code of its language, or several; belongs to every language unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Languages>,
    /// The share of 45-second background windows that hold it; its category's unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<f32>,
    /// Its weight, -5 to 5; from the category's prior and the background unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
    /// Where it counts.
    #[serde(default, rename = "where", skip_serializing_if = "Place::is_any")]
    pub place: Place,
    /// Whether `text` is a regular expression.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regex: bool,
}

/// One language or several, as ISO 639-1 codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Languages {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Languages {
    /// The codes.
    #[must_use]
    pub fn codes(&self) -> &[String] {
        match self {
            Self::One(code) => std::slice::from_ref(code),
            Self::Several(codes) => codes,
        }
    }
}

/// Where a pattern counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In what is said: nobody types it.
    Speech,
    /// In chat: nobody says it, or recognisers do not write it.
    Chat,
    /// In both.
    #[default]
    Any,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Recognised speech.
    Speech,
    /// Chat messages.
    Chat,
}

impl Place {
    /// Whether a pattern of this place counts in `channel`.
    #[must_use]
    pub const fn includes(self, channel: Channel) -> bool {
        matches!(
            (self, channel),
            (Self::Any, _) | (Self::Speech, Channel::Speech) | (Self::Chat, Channel::Chat)
        )
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self == other || self.is_any() || other.is_any()
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// What a user changes in a lexicon: for everybody, or for one streamer. Lay several over one another in order.
///
/// ```
/// use highlight_detect::lexicon::{Channel, Lexicon, Overlay};
///
/// let overlay: Overlay = toml::from_str(
///     r#"
///     remove = ["wow"]
///     weights = { "let's go" = 0.2, "another day another dollar" = -1.0 }
///     add = [{ text = "another day another dollar", category = "closing" }]
///     "#,
/// )?;
/// let lexicon = Lexicon::builtin().with_overlay(&overlay)?;
/// assert_eq!(lexicon.scan("LET'S GO", Channel::Chat)[0].weight, 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overlay {
    /// Patterns to forget, by text or name; first of all.
    pub remove: Vec<String>,
    /// Patterns to know; one that is there already is replaced.
    pub add: Vec<PatternDefinition>,
    /// New weights, -5 to 5, by text or name; last of all.
    pub weights: BTreeMap<String, f32>,
}

/// A whole lexicon file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LexiconFile {
    #[serde(default)]
    pub(super) negation: Vec<String>,
    pub(super) category: Vec<CategoryDefinition>,
    pub(super) pattern: Vec<Spanned<PatternDefinition>>,
}
