//! From definitions to what is searched with: checks, weights, one automaton, and the shapes.

use std::collections::HashMap;
use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::definition::{CategoryDefinition, Languages, PatternDefinition, Place};
use super::error::{LexiconError, PatternAt};
use super::normalise::{Normalised, shorten_drawn_out};
use super::phrases::{self, Phrases, Role};
use super::shapes::Shapes;

/// Accepted weights and priors.
const WEIGHTS: std::ops::RangeInclusive<f32> = -5.0..=5.0;

/// A pattern heard in this share of background windows tells nothing.
const COMMON_SHARE: f32 = 0.5;

/// A pattern this many times halved rarer than [`COMMON_SHARE`] has its full weight.
const FULL_WEIGHT_HALVINGS: f32 = 4.0;

/// A pattern of fewer letters than this must say how common it is...
const SAFE_LETTERS: usize = 3;

/// ...and be rarer than this.
const SHORT_PATTERN_SHARE: f32 = 0.05;

/// The memory that one regular expression may take, in bytes: far above any sane shape.
const SHAPE_SIZE_LIMIT: usize = 1 << 20;

/// A pattern as it is searched for.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// What reasons call it.
    pub name: Arc<str>,
    /// Its category.
    pub category: Arc<str>,
    /// The ISO 639-1 codes of its languages; none where it belongs to every language.
    pub languages: Vec<String>,
    /// Where it counts.
    pub place: Place,
    /// The share of background windows that hold it, as said or as its category's.
    pub background: f32,
    /// What one occurrence is worth, -5 to 5.
    pub weight: f32,
    /// Whether it is a regular expression for one token.
    pub is_shape: bool,
}

/// Everything that scanning needs, and the definitions it was made from.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) negation: Vec<String>,
    pub(super) categories: Vec<CategoryDefinition>,
    pub(super) definitions: Vec<PatternDefinition>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) phrases: Phrases,
    pub(super) shapes: Shapes,
}

impl Compiled {
    /// Checks and compiles. `lines` holds the line of each pattern, or nothing.
    pub(super) fn new(
        negation: Vec<String>,
        categories: Vec<CategoryDefinition>,
        definitions: Vec<PatternDefinition>,
        lines: &[usize],
    ) -> Result<Self, LexiconError> {
        let names = check_categories(&categories)?;
        let mut phrases = phrases::Builder::default();
        let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
        let mut patterns = Vec::with_capacity(definitions.len());
        let mut shapes = Shapes::new();
        for (index, definition) in definitions.iter().enumerate() {
            let at = || PatternAt { text: definition.text.clone(), line: lines.get(index).copied() };
            let pattern = weigh(definition, &names, at)?;
            let identity = identity(definition);
            if identity.is_empty() {
                return Err(LexiconError::Empty { at: at() });
            }
            if definition.regex {
                let source = check_shape(definition, at)?;
                shapes.add(index, &source, compile_shape(&format!("^(?:{source})$"), at)?);
            } else {
                let letters = identity.chars().filter(|letter| letter.is_alphanumeric()).count();
                let is_rare = definition.background.is_some_and(|share| share < SHORT_PATTERN_SHARE);
                if (1..SAFE_LETTERS).contains(&letters) && !is_rare {
                    return Err(LexiconError::TooShort { at: at() });
                }
                phrases.add(&definition.text, Role::Pattern(index));
            }
            let same = seen.entry(identity).or_default();
            if let Some(&other) =
                same.iter().find(|&&other| definitions[other].place.overlaps(definition.place))
            {
                return Err(LexiconError::Duplicate { at: at(), other: definitions[other].text.clone() });
            }
            same.push(index);
            patterns.push(pattern);
        }
        for word in &negation {
            if fold(word).is_empty() {
                return Err(LexiconError::Empty { at: PatternAt { text: word.clone(), line: None } });
            }
            phrases.add(word, Role::Negation);
        }

        let phrases = phrases.build().map_err(|error| LexiconError::TooLarge(Box::new(error)))?;
        Ok(Self { negation, categories, definitions, patterns, phrases, shapes })
    }
}

/// What two definitions of the same pattern have in common: the folded words, or the source of a shape.
pub(super) fn identity(definition: &PatternDefinition) -> String {
    if definition.regex { format!("/{}/", definition.text) } else { fold(&definition.text) }
}

/// The folded form of a pattern's text, drawn-out letters shortened; empty where nothing is left.
pub(super) fn fold(text: &str) -> String {
    let mut normalised = Normalised::default();
    normalised.read(text);
    match normalised.token_count() {
        0 => String::new(),
        count => {
            shorten_drawn_out(std::str::from_utf8(normalised.folded_tokens(0, count)).unwrap_or_default())
        }
    }
}

fn check_categories(
    categories: &[CategoryDefinition],
) -> Result<HashMap<&str, (Arc<str>, &CategoryDefinition)>, LexiconError> {
    let mut names = HashMap::new();
    for category in categories {
        let wrong = |key, value, accepted| LexiconError::CategoryValue {
            name: category.name.clone(),
            key,
            value,
            accepted,
        };
        if !WEIGHTS.contains(&category.prior) {
            return Err(wrong("prior", category.prior, "-5 to 5"));
        }
        if !is_share(category.background) {
            return Err(wrong("background", category.background, "above 0 and at most 1"));
        }
        let value = (Arc::from(category.name.as_str()), category);
        if names.insert(category.name.as_str(), value).is_some() {
            return Err(LexiconError::DuplicateCategory { name: category.name.clone() });
        }
    }
    Ok(names)
}

/// Checks the numbers of a definition and gives its weight.
fn weigh(
    definition: &PatternDefinition,
    categories: &HashMap<&str, (Arc<str>, &CategoryDefinition)>,
    at: impl Fn() -> PatternAt,
) -> Result<Pattern, LexiconError> {
    let Some((name, category)) = categories.get(definition.category.as_str()) else {
        let mut known: Vec<&str> = categories.keys().copied().collect();
        known.sort_unstable();
        let (category, known) = (definition.category.clone(), known.join(", "));
        return Err(LexiconError::UnknownCategory { at: at(), category, known });
    };
    let background = definition.background.unwrap_or(category.background);
    if !is_share(background) {
        return Err(LexiconError::Background { at: at(), value: background });
    }
    let weight = definition.weight.unwrap_or_else(|| category.prior * rarity(background));
    if !WEIGHTS.contains(&weight) {
        return Err(LexiconError::Weight { at: at(), value: weight });
    }
    Ok(Pattern {
        name: Arc::from(definition.name.as_deref().unwrap_or(&definition.text)),
        category: Arc::clone(name),
        languages: definition.language.as_ref().map_or_else(Vec::new, |it| Languages::codes(it).to_vec()),
        place: definition.place,
        background,
        weight,
        is_shape: definition.regex,
    })
}

/// How much of its prior a pattern of this background share keeps, 0 to 1: `clip(log2(0.5 / share), 0, 4) / 4`, after
/// detection.md section 7.
fn rarity(background: f32) -> f32 {
    (COMMON_SHARE / background).log2().clamp(0.0, FULL_WEIGHT_HALVINGS) / FULL_WEIGHT_HALVINGS
}

fn is_share(value: f32) -> bool {
    value > 0.0 && value <= 1.0
}

/// The source of a shape, its letters beyond ASCII folded as the text will be.
fn check_shape(definition: &PatternDefinition, at: impl Fn() -> PatternAt) -> Result<String, LexiconError> {
    let wrong = |why| LexiconError::Shape { at: at(), why };
    let source = &definition.text;
    if source.starts_with('^') || source.ends_with('$') {
        return Err(wrong("a shape always matches a whole token: leave out ^ and $"));
    }
    let mut is_escaped = false;
    for character in source.chars() {
        if character.is_uppercase() && !is_escaped {
            return Err(wrong(
                "text is in lower case when shapes are tried: write the letters in lower case",
            ));
        }
        is_escaped = character == '\\' && !is_escaped;
    }
    // Alone it must be valid too, or its brackets could close those put around it.
    if compile_shape(source, &at)?.is_match(b"") {
        return Err(wrong("a shape must not match the empty text: use + or {1,} in place of *"));
    }
    Ok(source
        .chars()
        .map(|character| if character.is_ascii() { character.to_string() } else { fold_letter(character) })
        .collect())
}

/// A letter as the text will have it; itself where nothing would be left.
fn fold_letter(letter: char) -> String {
    let folded = fold(letter.encode_utf8(&mut [0; 4]));
    if folded.is_empty() { letter.to_string() } else { folded }
}

fn compile_shape(source: &str, at: impl Fn() -> PatternAt) -> Result<Regex, LexiconError> {
    RegexBuilder::new(source)
        .size_limit(SHAPE_SIZE_LIMIT)
        .build()
        .map_err(|source| LexiconError::Regex { at: at(), source: Box::new(source) })
}
