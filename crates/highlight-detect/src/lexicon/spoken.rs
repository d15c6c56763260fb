//! Patterns in recognised speech, with their times.

use std::ops::Range;
use std::sync::Arc;

use timeline::{MediaDuration, Span, Word};

use super::Lexicon;
use super::definition::Channel;
use super::scan::KeywordMatch;

/// No phrase reaches over a pause as long as this, in seconds: "no" and "way" said that far apart are two remarks.
const PHRASE_PAUSE: MediaDuration = MediaDuration::from_millis(1_500);

/// A pattern found in speech.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenKeyword {
    /// What the pattern is called in the lexicon.
    pub pattern: Arc<str>,
    /// The name of its category.
    pub category: Arc<str>,
    /// What it is worth here, drawn-out letters and negation counted in, the recogniser's doubt not.
    pub weight: f32,
    /// The words it covers, as indices into the slice that was scanned.
    pub words: Range<usize>,
    /// From the start of its first word to the end of its last.
    pub span: Span,
    /// The mean probability of its words, 0 to 1.
    pub probability: f32,
    /// Whether letters are drawn out.
    pub elongated: bool,
    /// Whether a negation stands right before it.
    pub negated: bool,
}

pub(super) fn scan_words(lexicon: &Lexicon, words: &[Word]) -> Vec<SpokenKeyword> {
    let mut scanner = lexicon.scanner();
    let mut text = String::with_capacity(words.iter().map(|word| word.text.len() + 1).sum());
    let mut starts = Vec::with_capacity(words.len());
    let mut matches = Vec::new();
    let mut spoken = Vec::new();
    let mut first = 0;
    for run in words.chunk_by(|word, next| next.span.start() - word.span.end() < PHRASE_PAUSE) {
        text.clear();
        starts.clear();
        for word in run {
            starts.push(text.len());
            text.push_str(&word.text);
            text.push(' ');
        }
        scanner.scan_into(&text, Channel::Speech, &mut matches);
        for found in matches.drain(..) {
            let range = starts.partition_point(|&start| start <= found.bytes.start) - 1
                ..starts.partition_point(|&start| start < found.bytes.end);
            spoken.push(spoken_keyword(found, first, range, run));
        }
        first += run.len();
    }
    spoken
}

fn spoken_keyword(found: KeywordMatch, first: usize, range: Range<usize>, run: &[Word]) -> SpokenKeyword {
    let covered = &run[range.clone()];
    let span = covered.iter().map(|word| word.span).reduce(Span::hull).unwrap_or_default();
    let probability = covered.iter().map(|word| word.probability).sum::<f32>() / covered.len().max(1) as f32;
    SpokenKeyword {
        pattern: found.pattern,
        category: found.category,
        weight: found.weight,
        words: first + range.start..first + range.end,
        span,
        probability,
        elongated: found.elongated,
        negated: found.negated,
    }
}
