//! What the words around a moment say about it, as one number with its reasons.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::scan::KeywordMatch;
use super::spoken::SpokenKeyword;

/// No category adds or takes more than this, however often its words fall.
const CATEGORY_CAP: f32 = 1.5;

/// A word said n times counts as often as the root of n, up to this n.
const MAX_REPETITIONS: usize = 4;

/// So many categories may speak for a moment; any number may speak against it.
const MAX_CATEGORIES: usize = 3;

/// The sum at which the score reaches 1 - 1/e.
const SATURATION: f32 = 3.0;

/// The keyword score `K = 1 - exp(-sum / 3)` of a stretch of text; the same turned round for a negative sum.
///
/// Occurrences of a pattern count with the mean of weight times confidence, times the root of their number (at most
/// four). The patterns of a category add up to at most 1.5 either way, and of the categories above zero the three
/// highest count. The constants are those of detection.md, sections 5.6 and 7.
///
/// ```
/// use highlight_detect::lexicon::{Channel, KeywordScore, Lexicon};
///
/// let matches = Lexicon::builtin().scan("No way! Let's go, let's go!", Channel::Speech);
/// let score = KeywordScore::of_matches(&matches);
/// assert!(score.value() > 0.4 && score.value() < 1.0);
/// assert_eq!(score.contributions[0].reason, "hype: \"let's go\" 2 times");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeywordScore {
    /// The sum of the contributions.
    pub sum: f32,
    /// What counted, weightiest first.
    pub contributions: Vec<KeywordContribution>,
}

/// What one pattern adds to a [`KeywordScore`].
#[derive(Clone, Debug, PartialEq)]
pub struct KeywordContribution {
    /// The pattern's name.
    pub pattern: Arc<str>,
    /// The name of its category.
    pub category: Arc<str>,
    /// For people to read: category, pattern, how often.
    pub reason: String,
    /// What it adds to the sum, the category's cap counted in.
    pub weight: f32,
    /// How often it occurs.
    pub occurrences: usize,
}

impl KeywordScore {
    /// The score itself, -1 to 1; 0 where nothing was found.
    #[must_use]
    pub fn value(&self) -> f32 {
        self.sum.signum() * (1.0 - (-self.sum.abs() / SATURATION).exp())
    }

    /// Of text that is surely right: chat.
    #[must_use]
    pub fn of_matches(matches: &[KeywordMatch]) -> Self {
        score(matches.iter().map(|found| Occurrence {
            pattern: &found.pattern,
            category: &found.category,
            weight: found.weight,
            elongated: found.elongated,
            negated: found.negated,
        }))
    }

    /// Of speech: each word counts with its probability.
    #[must_use]
    pub fn of_spoken<'keyword>(keywords: impl IntoIterator<Item = &'keyword SpokenKeyword>) -> Self {
        score(keywords.into_iter().map(|keyword| Occurrence {
            pattern: &keyword.pattern,
            category: &keyword.category,
            weight: keyword.weight * keyword.probability,
            elongated: keyword.elongated,
            negated: keyword.negated,
        }))
    }
}

struct Occurrence<'text> {
    pattern: &'text Arc<str>,
    category: &'text Arc<str>,
    weight: f32,
    elongated: bool,
    negated: bool,
}

/// The patterns of one category.
type Tallies<'text> = BTreeMap<&'text Arc<str>, Tally>;

#[derive(Default)]
struct Tally {
    weight: f32,
    occurrences: usize,
    elongated: bool,
    negated: bool,
}

impl Tally {
    fn worth(&self) -> f32 {
        self.weight / self.occurrences as f32 * (self.occurrences.min(MAX_REPETITIONS) as f32).sqrt()
    }
}

fn score<'text>(occurrences: impl Iterator<Item = Occurrence<'text>>) -> KeywordScore {
    let mut categories: BTreeMap<&Arc<str>, Tallies<'text>> = BTreeMap::new();
    for occurrence in occurrences {
        let tally = categories.entry(occurrence.category).or_default().entry(occurrence.pattern).or_default();
        tally.weight += occurrence.weight;
        tally.occurrences += 1;
        tally.elongated |= occurrence.elongated;
        tally.negated |= occurrence.negated;
    }

    let mut ranked: Vec<_> = categories
        .into_iter()
        .map(|(category, patterns)| (patterns.values().map(Tally::worth).sum::<f32>(), category, patterns))
        .collect();
    ranked.sort_by(|(left, ..), (right, ..)| right.total_cmp(left));
    let against = ranked.partition_point(|(worth, ..)| *worth > 0.0);
    ranked.drain(MAX_CATEGORIES.min(against)..against);

    let mut contributions = Vec::new();
    for (worth, category, patterns) in ranked {
        let share = if worth.abs() > CATEGORY_CAP { CATEGORY_CAP / worth.abs() } else { 1.0 };
        contributions.extend(patterns.into_iter().map(|(pattern, tally)| KeywordContribution {
            pattern: Arc::clone(pattern),
            category: Arc::clone(category),
            reason: reason(category, pattern, &tally),
            weight: tally.worth() * share,
            occurrences: tally.occurrences,
        }));
    }
    contributions.sort_by(|left, right| right.weight.abs().total_cmp(&left.weight.abs()));
    // The sum of nothing is -0.0, which people should not see.
    let sum = contributions.iter().map(|contribution| contribution.weight).sum::<f32>() + 0.0;
    KeywordScore { sum, contributions }
}

fn reason(category: &str, pattern: &str, tally: &Tally) -> String {
    let mut reason = format!("{}: \"{pattern}\"", category.replace('_', " "));
    if tally.occurrences > 1 {
        reason.push_str(&format!(" {} times", tally.occurrences));
    }
    if tally.elongated {
        reason.push_str(", drawn out");
    }
    if tally.negated {
        reason.push_str(", negated");
    }
    reason
}
