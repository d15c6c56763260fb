//! Words that tell a moment: the keyword lexicon and the search for it.
//!
//! A [`Lexicon`] holds words and phrases in categories ("let's go" is hype, "good night" is closing), each with a weight.
//! [`Lexicon::scan`] finds them in chat, [`Lexicon::scan_words`] in recognised speech with their times, and
//! [`KeywordScore`] makes one number with reasons of what was found.
//!
//! ```
//! use highlight_detect::lexicon::{Channel, Lexicon};
//!
//! let lexicon = Lexicon::builtin();
//! let matches = lexicon.scan("¡Qué LOCURAAA, vamoooos! jajaja", Channel::Chat);
//! let found: Vec<&str> = matches.iter().map(|found| &*found.pattern).collect();
//! assert_eq!(found, ["qué locura", "vamos", "jajaja"]);
//! ```
//!
//! # What matches
//! * Whole words and phrases only: "no" is not found in "know". Case, accents and full-width letters make no difference,
//!   but `ñ` is a letter of its own. Apostrophes of every kind may be there or not ("let's", "lets", "let s").
//! * Three or more of the same letter are drawn out and stand for any number of it ("goool" is "gol", "coool" is
//!   "cool"); the match is then worth 1.3 times as much. Two are two.
//! * Digits between letters are read as letters ("n00b"). Emoji are words.
//! * **Overlaps**: from left to right the longest pattern wins and those that overlap it are not found, so "no way" leaves
//!   no "no". Of patterns as long, a shape wins, then the one that stands first in the file. Patterns of another
//!   channel or language do not take part.
//! * After a negation ("not", "no es") at most two tokens before it, a match is worth half, unless the negation is part
//!   of a match itself.
//!
//! # Weights
//! A pattern's weight is its category's prior times `clip(log2(0.5 / background), 0, 4) / 4`, where `background` is the
//! share of 45-second windows of ordinary talk that hold it: what one hears all the time tells nothing. A pattern may
//! give its own `weight` instead.
//!
//! The file of the built-in lexicon, `data/lexicon.toml`, explains its keys; [`Lexicon::from_toml`] reads another in its
//! place, and an [`Overlay`] changes single patterns.

use std::sync::{Arc, OnceLock};

use timeline::Word;

mod compile;
mod definition;
mod error;
mod letters;
mod normalise;
mod openings;
mod phrases;
mod scan;
mod score;
mod shapes;
mod spoken;
#[cfg(test)]
mod tests;
mod vocabulary;

pub use compile::Pattern;
pub use definition::{CategoryDefinition, Channel, Languages, Overlay, PatternDefinition, Place};
pub use error::{LexiconError, PatternAt};
pub use scan::{KeywordMatch, Scanner};
pub use score::{KeywordContribution, KeywordScore};
pub use spoken::SpokenKeyword;

use compile::{Compiled, fold, identity};
use definition::LexiconFile;

/// Words and phrases with their weights, ready to search for. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Lexicon {
    compiled: Arc<Compiled>,
    /// The languages that count; all where `None`.
    languages: Option<Vec<String>>,
    /// Which patterns count, by index.
    enabled: Arc<[bool]>,
}

impl Lexicon {
    /// The lexicon that comes with the crate: English, Spanish and Portuguese. Compiled once a process.
    #[must_use]
    pub fn builtin() -> Self {
        static BUILTIN: OnceLock<Lexicon> = OnceLock::new();
        BUILTIN
            .get_or_init(|| {
                Self::from_toml(include_str!("../data/lexicon.toml"))
                    .expect("the built-in lexicon is valid: a test compiles it")
            })
            .clone()
    }

    /// Reads a lexicon that takes the place of the built-in one.
    ///
    /// # Errors
    /// Where the text is not TOML with the keys of a lexicon, or a category or pattern is not one that can be used;
    /// the error names it, its line, and what would be right.
    pub fn from_toml(text: &str) -> Result<Self, LexiconError> {
        let file: LexiconFile = toml::from_str(text).map_err(|error| LexiconError::Toml(Box::new(error)))?;
        let mut lines = Vec::with_capacity(file.pattern.len());
        let (mut line, mut counted) = (1, 0);
        let mut definitions = Vec::with_capacity(file.pattern.len());
        for pattern in file.pattern {
            let start = pattern.span().start.max(counted);
            line += text.as_bytes()[counted..start].iter().filter(|byte| **byte == b'\n').count();
            counted = start;
            lines.push(line);
            definitions.push(pattern.into_inner());
        }
        Ok(Self::new(Compiled::new(file.negation, file.category, definitions, &lines)?, None))
    }

    /// The same with a user's changes: removals first, then additions, then weights. An added pattern that is there
    /// already is replaced.
    ///
    /// # Errors
    /// Where an added pattern or a weight is not one that can be used, or one that is removed or reweighed is not there.
    pub fn with_overlay(&self, overlay: &Overlay) -> Result<Self, LexiconError> {
        let mut definitions = self.compiled.definitions.clone();
        for text in &overlay.remove {
            let before = definitions.len();
            definitions.retain(|definition| !is_called(definition, text));
            if definitions.len() == before {
                return Err(LexiconError::UnknownPattern { key: "remove", text: text.clone() });
            }
        }
        for added in &overlay.add {
            let key = identity(added);
            definitions.retain(|known| !(known.place.overlaps(added.place) && identity(known) == key));
            definitions.push(added.clone());
        }
        for (text, weight) in &overlay.weights {
            let mut is_known = false;
            for definition in definitions.iter_mut().filter(|definition| is_called(definition, text)) {
                definition.weight = Some(*weight);
                is_known = true;
            }
            if !is_known {
                return Err(LexiconError::UnknownPattern { key: "weights", text: text.clone() });
            }
        }
        let (negation, categories) = (self.compiled.negation.clone(), self.compiled.categories.clone());
        Ok(Self::new(Compiled::new(negation, categories, definitions, &[])?, self.languages.clone()))
    }

    /// The same with only the patterns of these languages (ISO 639-1 codes) and those that belong to every language.
    #[must_use]
    pub fn for_languages(&self, codes: &[&str]) -> Self {
        let codes = codes.iter().map(|code| code.to_ascii_lowercase()).collect();
        Self::with_languages(Arc::clone(&self.compiled), Some(codes))
    }

    /// What `text` holds, in order; the [module's documentation](self) tells what matches and which of several. The
    /// first 256 MiB are read.
    #[must_use]
    pub fn scan(&self, text: &str, channel: Channel) -> Vec<KeywordMatch> {
        let mut matches = Vec::new();
        self.scanner().scan_into(text, channel, &mut matches);
        matches
    }

    /// What the words say, in order. A phrase may reach over several words, but not over a pause of 1.5 s.
    ///
    /// ```
    /// use highlight_detect::lexicon::Lexicon;
    /// use timeline::{Span, Word};
    ///
    /// let word = |text: &str, start, end| Word {
    ///     text: text.to_owned(),
    ///     span: Span::from_secs_f64(start, end),
    ///     probability: 0.9,
    /// };
    /// let words = [word("Oh", 1.0, 1.2), word("no", 1.2, 1.5), word("way!", 1.5, 2.0)];
    /// let keywords = Lexicon::builtin().scan_words(&words);
    /// assert_eq!(keywords[0].words, 1..3);
    /// assert_eq!(keywords[0].span, Span::from_secs_f64(1.2, 2.0));
    /// ```
    #[must_use]
    pub fn scan_words(&self, words: &[Word]) -> Vec<SpokenKeyword> {
        spoken::scan_words(self, words)
    }

    /// A scanner for many texts.
    #[must_use]
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self)
    }

    /// The patterns that count, in the order of the file.
    pub fn list_patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.compiled
            .patterns
            .iter()
            .zip(&*self.enabled)
            .filter_map(|(pattern, enabled)| enabled.then_some(pattern))
    }

    /// The categories, in the order of the file.
    #[must_use]
    pub fn categories(&self) -> &[CategoryDefinition] {
        &self.compiled.categories
    }

    fn new(compiled: Compiled, languages: Option<Vec<String>>) -> Self {
        Self::with_languages(Arc::new(compiled), languages)
    }

    fn with_languages(compiled: Arc<Compiled>, languages: Option<Vec<String>>) -> Self {
        let enabled = compiled
            .patterns
            .iter()
            .map(|pattern| {
                languages.as_ref().is_none_or(|codes| {
                    pattern.languages.is_empty() || pattern.languages.iter().any(|code| codes.contains(code))
                })
            })
            .collect();
        Self { compiled, languages, enabled }
    }

    /// Whether the pattern of this index counts in `channel`.
    fn counts(&self, pattern: usize, channel: Channel) -> bool {
        self.enabled[pattern] && self.compiled.patterns[pattern].place.includes(channel)
    }
}

/// Whether an overlay means `definition` by `text`: its name, its words however written, or the source of a shape.
fn is_called(definition: &PatternDefinition, text: &str) -> bool {
    let is_named = definition.name.as_deref() == Some(text);
    is_named || if definition.regex { definition.text == text } else { fold(&definition.text) == fold(text) }
}
