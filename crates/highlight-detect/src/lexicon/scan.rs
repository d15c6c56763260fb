//! Finding patterns in text.

use std::ops::Range;
use std::sync::Arc;

use super::Lexicon;
use super::definition::Channel;
use super::normalise::Normalised;
use super::phrases::Role;

/// What a drawn-out word ("nooooo") is worth more than a plain one.
const DRAWN_OUT_GAIN: f32 = 1.3;

/// What is left of a word after "not".
const NEGATED_SHARE: f32 = 0.5;

/// A negation reaches a match that begins at most this many tokens after it: "not insane", "not that insane".
const NEGATION_REACH: usize = 2;

/// A pattern found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordMatch {
    /// What the pattern is called in the lexicon.
    pub pattern: Arc<str>,
    /// The name of its category.
    pub category: Arc<str>,
    /// What it is worth here, drawn-out letters and negation counted in.
    pub weight: f32,
    /// Where it stands in the text: from the first byte of its first word to the last of its last.
    pub bytes: Range<usize>,
    /// Whether letters are drawn out ("vamoooos").
    pub elongated: bool,
    /// Whether a negation stands right before it.
    pub negated: bool,
}

/// Scans text after text with the same buffers: nothing is allocated once they are large enough.
///
/// ```
/// use highlight_detect::lexicon::{Channel, Lexicon};
///
/// let lexicon = Lexicon::builtin();
/// let mut scanner = lexicon.scanner();
/// let mut matches = Vec::new();
/// for message in ["NO WAYYY", "nice stream today"] {
///     scanner.scan_into(message, Channel::Chat, &mut matches);
/// }
/// assert_eq!(matches.len(), 1);
/// assert!(matches[0].elongated);
/// ```
#[derive(Clone, Debug)]
pub struct Scanner<'lexicon> {
    lexicon: &'lexicon Lexicon,
    normalised: Normalised,
    /// The number of each token's word.
    words: Vec<u32>,
    /// The tokens of the matches so far.
    matched: Vec<Range<usize>>,
    /// The tokens of negations that may reach what follows.
    negations: Vec<Range<usize>>,
}

/// A pattern that could stand at some tokens.
#[derive(Clone, Copy, Debug)]
struct Hit {
    /// The token after its last.
    end: usize,
    pattern: usize,
    is_shape: bool,
    elongated: bool,
}

impl Hit {
    /// Of the hits at one token the longest wins; of equals a shape, then the one that stands first in the lexicon.
    fn precedes(&self, other: &Self) -> bool {
        let rank = |hit: &Self| (hit.end, hit.is_shape, std::cmp::Reverse(hit.pattern));
        rank(self) > rank(other)
    }
}

impl<'lexicon> Scanner<'lexicon> {
    pub(super) fn new(lexicon: &'lexicon Lexicon) -> Self {
        Self {
            lexicon,
            normalised: Normalised::default(),
            words: Vec::new(),
            matched: Vec::new(),
            negations: Vec::new(),
        }
    }

    /// Appends what `text` holds to `matches`, in order; [`Lexicon::scan`] tells what is found.
    pub fn scan_into(&mut self, text: &str, channel: Channel, matches: &mut Vec<KeywordMatch>) {
        self.normalised.read(text);
        self.lexicon.compiled.phrases.number_words(&self.normalised, &mut self.words);
        self.matched.clear();
        self.negations.clear();
        let mut free = 0;
        for token in 0..self.normalised.token_count() {
            // What is matched stays so, but a negation may begin in it and reach beyond.
            let best = self.find_at(token, channel);
            if let Some(hit) = best
                && token >= free
            {
                matches.push(self.describe(token, &hit));
                self.matched.push(token..hit.end);
                free = hit.end;
            }
        }
    }

    /// The hit that wins at `token`. Negations that begin there are noted.
    fn find_at(&mut self, token: usize, channel: Channel) -> Option<Hit> {
        let lexicon = self.lexicon;
        let counts = |pattern| lexicon.counts(pattern, channel);
        let folded = self.normalised.folded_from(token);
        let shape = lexicon.compiled.shapes.find(folded, counts);
        let mut best = shape.map(|pattern| Hit { end: token + 1, pattern, is_shape: true, elongated: false });
        lexicon.compiled.phrases.find_at(&self.normalised, &self.words, token, |end, role, elongated| {
            match role {
                Role::Negation => self.negations.push(token..end),
                Role::Pattern(pattern) if counts(pattern) => {
                    let hit = Hit { end, pattern, is_shape: false, elongated };
                    if best.is_none_or(|best| hit.precedes(&best)) {
                        best = Some(hit);
                    }
                }
                Role::Pattern(_) => {}
            }
        });
        best
    }

    fn describe(&mut self, token: usize, hit: &Hit) -> KeywordMatch {
        let pattern = &self.lexicon.compiled.patterns[hit.pattern];
        let negated = self.is_negated(token);
        let mut weight = pattern.weight;
        if hit.elongated {
            weight *= DRAWN_OUT_GAIN;
        }
        if negated {
            weight *= NEGATED_SHARE;
        }
        KeywordMatch {
            pattern: Arc::clone(&pattern.name),
            category: Arc::clone(&pattern.category),
            weight,
            bytes: self.normalised.bytes_of(token, hit.end),
            elongated: hit.elongated,
            negated,
        }
    }

    /// Whether a negation that is not itself part of a match stands right before `token`.
    fn is_negated(&mut self, token: usize) -> bool {
        self.negations.retain(|negation| negation.end + NEGATION_REACH > token);
        let mut before = self.negations.iter().filter(|negation| negation.end <= token);
        before.any(|negation| {
            let next = self.matched.partition_point(|matched| matched.end <= negation.start);
            self.matched
                .get(next)
                .is_none_or(|matched| matched.start > negation.start || matched.end < negation.end)
        })
    }
}
