//! What the lexicon finds, what it leaves, and what it refuses.

mod any_text;
mod builtin;
mod files;
mod matching;
mod overlays;
mod reference;
mod scoring;
mod speech;

use super::{Channel, Lexicon};

/// A small lexicon for tests that must not depend on the built-in words. Its backgrounds give every pattern its
/// category's whole prior.
fn small(patterns: &str) -> Lexicon {
    Lexicon::from_toml(&small_file(patterns)).unwrap()
}

fn small_file(patterns: &str) -> String {
    format!(
        r#"
negation = ["not", "isn't", "no es"]
category = [
  {{ name = "good", prior = 1.0, background = 0.01 }},
  {{ name = "bad", prior = -0.5, background = 0.01 }},
]
pattern = [
{patterns}
]
"#
    )
}

/// The names of what is found in chat.
fn found(lexicon: &Lexicon, text: &str) -> Vec<String> {
    lexicon.scan(text, Channel::Chat).iter().map(|found| found.pattern.to_string()).collect()
}
