//! Patterns that are regular expressions for one token, and a filter before them.
//!
//! Running an expression on every token would take longer than everything else together. So the first three letters
//! that the shapes' tokens can have are worked out when the lexicon is compiled ([`super::openings`]), and a token
//! with another opening is passed over after one look into a table of 4 KiB.

use regex::bytes::Regex;

use super::openings::{self, Letters, OPENING, Openings};

/// The shapes of a lexicon, in its order.
#[derive(Debug)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    openings: Openings,
}

#[derive(Debug)]
struct Shape {
    /// The pattern's index in the lexicon.
    pattern: usize,
    /// Matches whole tokens.
    whole: Regex,
    /// What its tokens can have in their first places.
    letters: [Letters; OPENING],
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self { shapes: Vec::new(), openings: Openings::none() }
    }

    /// Adds the shape of a pattern: its expression as written, and compiled for whole tokens.
    pub(super) fn add(&mut self, pattern: usize, source: &str, whole: Regex) {
        let openings = openings::of_expression(source).unwrap_or_else(Openings::all);
        self.shapes.push(Shape { pattern, whole, letters: openings.letters() });
        self.openings.add(&openings);
    }

    /// The pattern of the first shape that `token` has, of those whose pattern `counts`. `folded` begins with the
    /// token and the space after it.
    pub(super) fn find(&self, folded: &[u8], counts: impl Fn(usize) -> bool) -> Option<usize> {
        let opening = openings::opening(folded);
        if !self.openings.contain(opening) {
            return None;
        }
        let token = folded.split(|byte| *byte == b' ').next()?;
        let shape = self.shapes.iter().find(|shape| {
            let can_open = opening.iter().zip(shape.letters).all(|(class, letters)| letters.contain(*class));
            can_open && counts(shape.pattern) && shape.whole.is_match(token)
        });
        shape.map(|shape| shape.pattern)
    }
}
