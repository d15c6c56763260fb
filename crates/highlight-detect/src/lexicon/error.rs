//! What can be wrong with a lexicon.

use std::fmt;

/// Why a lexicon or an overlay is not taken. The text names the pattern, its line where it came from a file, and what
/// would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LexiconError {
    /// The text is not TOML, a key is unknown, or a value has the wrong type.
    #[error("the lexicon cannot be read as TOML with the keys negation, category and pattern")]
    Toml(#[source] Box<toml::de::Error>),
    /// Two categories have the same name.
    #[error("category \"{name}\" is defined twice: keep one of them")]
    DuplicateCategory {
        /// The name.
        name: String,
    },
    /// A category's prior or background is out of range.
    #[error("category \"{name}\": {key} is {value}, but must lie in {accepted}")]
    CategoryValue {
        /// The category.
        name: String,
        /// The key that is wrong.
        key: &'static str,
        /// What it was set to.
        value: f32,
        /// What is accepted.
        accepted: &'static str,
    },
    /// A pattern names a category that is not defined.
    #[error("{at}: there is no category \"{category}\"; the categories are {known}")]
    UnknownCategory {
        /// The pattern.
        at: PatternAt,
        /// The category it names.
        category: String,
        /// Those there are.
        known: String,
    },
    /// Two patterns are the same once case, accents and apostrophes are gone.
    #[error(
        "{at}: it reads the same as \"{other}\" once case, accents and apostrophes are gone; keep one of them"
    )]
    Duplicate {
        /// The later pattern.
        at: PatternAt,
        /// The text of the earlier one.
        other: String,
    },
    /// Nothing of a pattern is left once it is normalised.
    #[error("{at}: it holds no letter, digit or emoji, so it can never be found")]
    Empty {
        /// The pattern.
        at: PatternAt,
    },
    /// A shape is not a regular expression that can match.
    #[error("{at}: the regular expression is not valid")]
    Regex {
        /// The pattern.
        at: PatternAt,
        /// What the compiler says.
        #[source]
        source: Box<regex::Error>,
    },
    /// A shape is a regular expression, but one that cannot match as meant.
    #[error("{at}: {why}")]
    Shape {
        /// The pattern.
        at: PatternAt,
        /// What is wrong and how to write it.
        why: &'static str,
    },
    /// A weight is out of range.
    #[error("{at}: weight is {value}, but must lie in -5 to 5")]
    Weight {
        /// The pattern.
        at: PatternAt,
        /// The weight.
        value: f32,
    },
    /// A background share is out of range.
    #[error("{at}: background is {value}, but must be a share above 0 and at most 1")]
    Background {
        /// The pattern.
        at: PatternAt,
        /// The share.
        value: f32,
    },
    /// One or two letters are in danger of being everywhere.
    #[error("{at}: a pattern of one or two letters must say `background`, and it must be below 0.05")]
    TooShort {
        /// The pattern.
        at: PatternAt,
    },
    /// An overlay removes or reweighs a pattern that is not there.
    #[error("overlay key \"{key}\": there is no pattern \"{text}\" in the lexicon it is laid over")]
    UnknownPattern {
        /// `remove` or `weights`.
        key: &'static str,
        /// The pattern as the overlay writes it.
        text: String,
    },
    /// The patterns together are too many or too long.
    #[error("the patterns are too many or too long to be searched for at once; remove some")]
    TooLarge(#[source] Box<aho_corasick::BuildError>),
}

/// A pattern and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternAt {
    /// Its text.
    pub text: String,
    /// Its line in the file, from 1; `None` where it came from no file.
    pub line: Option<usize>,
}

impl fmt::Display for PatternAt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}, ")?;
        }
        write!(formatter, "pattern \"{}\"", self.text)
    }
}
