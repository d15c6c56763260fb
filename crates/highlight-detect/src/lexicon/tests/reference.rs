//! The scan against a plain one that tries every pattern at every token.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use regex::Regex;

use super::super::compile::fold;
use super::super::normalise::{Normalised, Runs, compare_runs};
use super::super::scan::KeywordMatch;
use super::super::{Channel, Lexicon};

/// The lexicon without automaton, vocabulary or filters.
struct Reference {
    lexicon: Lexicon,
    /// By pattern: how it may be written, its words folded.
    forms: Vec<Vec<String>>,
    shapes: Vec<Option<Regex>>,
    negations: Vec<String>,
}

fn forms(text: &str) -> Vec<String> {
    vec![fold(text), fold(&text.replace(['\'', '\u{2019}'], " "))]
}

impl Reference {
    fn new(lexicon: Lexicon) -> Self {
        let definitions = &lexicon.compiled.definitions;
        let is_word = |regex: bool, text: &str| if regex { Vec::new() } else { forms(text) };
        Self {
            forms: definitions.iter().map(|it| is_word(it.regex, &it.text)).collect(),
            shapes: definitions
                .iter()
                .map(|it| it.regex.then(|| Regex::new(&format!("^(?:{})$", it.text)).unwrap()))
                .collect(),
            negations: lexicon.compiled.negation.iter().flat_map(|text| forms(text)).collect(),
            lexicon,
        }
    }

    fn scan(&self, text: &str, channel: Channel) -> Vec<KeywordMatch> {
        let mut normalised = Normalised::default();
        normalised.read(text);
        let count = normalised.token_count();
        let written = |tokens: &Range<usize>| {
            std::str::from_utf8(normalised.folded_tokens(tokens.start, tokens.end)).unwrap().to_owned()
        };
        let spans = |start: usize, form: &str| {
            let end = start + form.split(' ').count();
            (end <= count).then_some(start..end)
        };
        // Longest first, then shapes, then the order of the file.
        let mut hits = Vec::new();
        let mut negations = Vec::new();
        for start in 0..count {
            for (pattern, forms) in self.forms.iter().enumerate() {
                if !self.lexicon.counts(pattern, channel) {
                    continue;
                }
                if let Some(shape) = &self.shapes[pattern]
                    && shape.is_match(&written(&(start..start + 1)))
                {
                    hits.push((start, std::cmp::Reverse(start + 1), 0, pattern, false));
                }
                for form in forms {
                    let Some(tokens) = spans(start, form) else { continue };
                    let runs = compare_runs(&written(&tokens), form);
                    if runs != Runs::Differ {
                        let is_drawn_out = runs == Runs::DrawnOut;
                        hits.push((start, std::cmp::Reverse(tokens.end), 1, pattern, is_drawn_out));
                    }
                }
            }
            for form in &self.negations {
                negations.extend(
                    spans(start, form).filter(|tokens| compare_runs(&written(tokens), form) != Runs::Differ),
                );
            }
        }
        hits.sort_unstable();
        let mut end = 0;
        hits.retain(|hit| {
            let is_free = hit.0 >= end;
            if is_free {
                end = hit.1.0;
            }
            is_free
        });
        let is_negated = |start: usize| {
            negations.iter().any(|negation| {
                let is_near = negation.end <= start && start < negation.end + 2;
                is_near && !hits.iter().any(|hit| hit.0 <= negation.start && negation.end <= hit.1.0)
            })
        };
        let describe =
            |&(start, std::cmp::Reverse(end), _, pattern, elongated): &(usize, _, _, usize, bool)| {
                let known = &self.lexicon.compiled.patterns[pattern];
                let negated = is_negated(start);
                KeywordMatch {
                    pattern: Arc::clone(&known.name),
                    category: Arc::clone(&known.category),
                    weight: known.weight
                        * if elongated { 1.3 } else { 1.0 }
                        * if negated { 0.5 } else { 1.0 },
                    bytes: normalised.bytes_of(start, end),
                    elongated,
                    negated,
                }
            };
        hits.iter().map(describe).collect()
    }
}

/// A lexicon with every kind of pattern and neighbours that share words, letters and beginnings.
fn tangled() -> Lexicon {
    super::small(
        r#"
{ text = "no", category = "good", background = 0.04 },
{ text = "no way", category = "good" },
{ text = "no way no", category = "bad" },
{ text = "way no", category = "bad", where = "chat" },
{ text = "way", category = "good", where = "speech" },
{ text = "not way", category = "good" },
{ text = "way not", category = "good" },
{ text = "let's go", category = "good" },
{ text = "cool", category = "good" },
{ text = "col", category = "bad" },
{ text = "unbelievablenesses", category = "good" },
{ text = "otherworldlinesses no", category = "good" },
{ text = "año", category = "good" },
{ text = "🔥", category = "good" },
{ text = "🔥🔥", category = "good" },
{ text = "kek", category = "bad" },
{ text = "k[e]k+|co{2,}l", name = "kek shape", category = "good", regex = true },
{ text = 'no{2,}|\\w{2}\\d', name = "no shape", category = "good", regex = true },
{ text = '(?i)way+|a\\b', name = "not plain", category = "good", regex = true },
"#,
    )
}

fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "no",
        "nooo",
        "noo",
        "way",
        "WAAAY",
        "not",
        "isn't",
        "isn’t",
        "no es",
        "let's go",
        "let s",
        "go",
        "cool",
        "col",
        "coool",
        "cooool",
        "unbelievablenesses",
        "unbelievablenessesss",
        "otherworldlinesses",
        "año",
        "an\u{303}o",
        "🔥",
        "kek",
        "KEKKK",
        "ab1",
        "a",
        "n0",
        "wayy",
        "the",
        "of",
    ]);
    let piece = prop_oneof![9 => word.prop_map(str::to_owned), 1 => "\\PC{0,4}", 1 => "[a-zA-Z0-9']{1,9}"];
    let border = prop::sample::select(vec![" ", ", ", "", " ", "'", "! "]);
    prop::collection::vec((piece, border), 0..14)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, border)| piece + border).collect())
}

#[test]
fn random_text_gives_what_trying_everything_gives() {
    let lexicon = tangled();
    let reference = Reference::new(lexicon.clone());
    proptest!(ProptestConfig::with_cases(1024), |(text in text())| {
        for channel in [Channel::Speech, Channel::Chat] {
            prop_assert_eq!(lexicon.scan(&text, channel), reference.scan(&text, channel), "{}", text);
        }
    });
}

#[test]
fn the_fixtures_give_what_trying_everything_gives() {
    let read = |name: &str| -> Vec<String> {
        let texts = match name {
            "chat" => include_str!("../../../../../fixtures/arena-night.chat.jsonl")
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            _ => {
                let text = include_str!("../../../../../fixtures/arena-night.transcript.json");
                let file: serde_json::Value = serde_json::from_str(text).unwrap();
                file["segments"].as_array().unwrap().clone()
            }
        };
        texts.iter().map(|it: &serde_json::Value| it["text"].as_str().unwrap().to_owned()).collect()
    };
    let reference = Reference::new(Lexicon::builtin());
    for (name, channel) in [("chat", Channel::Chat), ("speech", Channel::Speech)] {
        let mut texts = read(name);
        texts.sort_unstable();
        texts.dedup();
        // All of it as one text too: matches that reach over borders.
        texts.push(texts.join(" "));
        let mut found = 0;
        for text in &texts {
            let matches = reference.scan(text, channel);
            found += matches.len();
            assert_eq!(Lexicon::builtin().scan(text, channel), matches, "{text}");
        }
        assert!(found > 10, "{name} holds keywords");
    }
}
