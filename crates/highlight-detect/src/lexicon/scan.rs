//! Finding patterns in text.

use std::ops::Range;
use std::sync::Arc;

use super::Lexicon;
use super::compile::Role;
use super::definition::Channel;
use super::normalise::{Normalised, Runs, compare_runs};

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
    hits: Vec<Hit>,
    negations: Vec<Range<usize>>,
}

/// A pattern that could stand at some tokens.
#[derive(Clone, Debug)]
struct Hit {
    tokens: Range<usize>,
    pattern: usize,
    is_shape: bool,
    elongated: bool,
}

impl<'lexicon> Scanner<'lexicon> {
    pub(super) fn new(lexicon: &'lexicon Lexicon) -> Self {
        Self { lexicon, normalised: Normalised::default(), hits: Vec::new(), negations: Vec::new() }
    }

    /// Appends what `text` holds to `matches`, in order; [`Lexicon::scan`] tells what is found.
    pub fn scan_into(&mut self, text: &str, channel: Channel, matches: &mut Vec<KeywordMatch>) {
        self.normalised.read(text);
        self.hits.clear();
        self.negations.clear();
        self.find_phrases(channel);
        self.find_shapes(channel);
        self.choose();

        for hit in &self.hits {
            let pattern = &self.lexicon.compiled.patterns[hit.pattern];
            let negated = self.is_negated(hit);
            let mut weight = pattern.weight;
            if hit.elongated {
                weight *= DRAWN_OUT_GAIN;
            }
            if negated {
                weight *= NEGATED_SHARE;
            }
            matches.push(KeywordMatch {
                pattern: Arc::clone(&pattern.name),
                category: Arc::clone(&pattern.category),
                weight,
                bytes: self.normalised.bytes_of(hit.tokens.start, hit.tokens.end),
                elongated: hit.elongated,
                negated,
            });
        }
    }

    /// Words and phrases: the automaton over the squeezed view, each hit compared run by run.
    fn find_phrases(&mut self, channel: Channel) {
        let compiled = &self.lexicon.compiled;
        for found in compiled.automaton.find_overlapping_iter(self.normalised.squeezed()) {
            // A pattern includes the spaces around it.
            let (Some(first), Some(end)) = (
                self.normalised.token_at_squeezed(found.start() + 1),
                self.normalised.token_at_squeezed(found.end()),
            ) else {
                continue;
            };
            let written = self.normalised.folded_tokens(first, end);
            for form in &compiled.forms[found.pattern().as_usize()] {
                let runs = compare_runs(written, &form.folded);
                match form.role {
                    _ if runs == Runs::Differ => {}
                    Role::Negation => self.negations.push(first..end),
                    Role::Pattern(pattern) if self.lexicon.counts(pattern, channel) => {
                        let elongated = runs == Runs::DrawnOut;
                        self.hits.push(Hit { tokens: first..end, pattern, is_shape: false, elongated });
                    }
                    Role::Pattern(_) => {}
                }
            }
        }
    }

    /// Shapes: one expression finds the tokens that may have one, then each shape in turn is tried on them.
    fn find_shapes(&mut self, channel: Channel) {
        let compiled = &self.lexicon.compiled;
        let Some(gate) = &compiled.shape_gate else { return };
        let folded = self.normalised.folded();
        let mut from = 0;
        while let Some(found) = gate.find_at(folded, from) {
            let first = self.normalised.tokens_before_folded(found.start() + 1);
            let end = self.normalised.tokens_before_folded(found.end());
            for token in first..end {
                let written = self.normalised.folded_tokens(token, token + 1).as_bytes();
                let shape = compiled.shapes.iter().find(|(shape, pattern)| {
                    self.lexicon.counts(*pattern, channel) && shape.is_match(written)
                });
                if let Some(&(_, pattern)) = shape {
                    let tokens = token..token + 1;
                    self.hits.push(Hit { tokens, pattern, is_shape: true, elongated: false });
                }
            }
            // The next token may use the same space.
            from = found.end() - 1;
        }
    }

    /// Keeps, from left to right, the longest hit that overlaps none before; of equals a shape, then the one that
    /// stands first in the lexicon.
    fn choose(&mut self) {
        self.hits.sort_unstable_by_key(|hit| {
            (hit.tokens.start, std::cmp::Reverse(hit.tokens.end), !hit.is_shape, hit.pattern)
        });
        let mut end = 0;
        self.hits.retain(|hit| {
            let is_free = hit.tokens.start >= end;
            if is_free {
                end = hit.tokens.end;
            }
            is_free
        });
    }

    /// Whether a negation that is not itself part of a match stands right before `hit`.
    fn is_negated(&self, hit: &Hit) -> bool {
        // The automaton reports in the order of ends.
        let near =
            self.negations.partition_point(|negation| negation.end + NEGATION_REACH <= hit.tokens.start);
        let mut before =
            self.negations[near..].iter().take_while(|negation| negation.end <= hit.tokens.start);
        before.any(|negation| {
            let next = self.hits.partition_point(|other| other.tokens.end <= negation.start);
            self.hits
                .get(next)
                .is_none_or(|other| other.tokens.start > negation.start || other.tokens.end < negation.end)
        })
    }
}
