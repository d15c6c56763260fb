//! Evidence from beyond the sound: chat, words, cuts in the picture, gaps.

use timeline::{MediaDuration, MediaTime, Span, Word};

use crate::candidate::{Candidate, Reason, Signal};
use crate::lexicon::{KeywordScore, Lexicon};

/// Log-odds for chat at its strongest; a rise of [`CHAT_FULL`] gives it.
pub(crate) const CHAT_WEIGHT: f32 = 2.4;
/// The rise of different chatters beyond which more is not more evidence.
const CHAT_FULL: f32 = 6.0;
/// Log-odds for the most exciting words there are; as much against for the opposite.
const KEYWORD_WEIGHT: f32 = 4.0;
/// Log-odds against where plenty is said and none of it is exciting.
const DULL_WEIGHT: f32 = 0.6;
/// Words this far outside the reaction still belong to it: "no way" is said before the scream.
const TEXT_REACH: MediaDuration = MediaDuration::from_secs(3);
/// A reaction in which people speak for this share of the time is fully covered by words.
const FULL_COVERAGE: f64 = 0.5;
/// Log-odds for a cut in the picture at the onset.
const SHOT_WEIGHT: f32 = 0.1;
/// How near to the onset a cut must be.
const SHOT_REACH: MediaDuration = MediaDuration::from_secs(2);
/// More cuts a minute than this mean editing or a fast game, and a cut means nothing.
const MOST_SHOTS_A_MINUTE: f64 = 2.0;

/// What is known about the time around a candidate besides its sound. What is unknown adds nothing.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The words spoken around it, in order; `None` where nobody listened for words.
    pub words: Option<&'a [Word]>,
    /// The lexicon that knows which words are exciting.
    pub lexicon: &'a Lexicon,
    /// Cuts in the picture, in order.
    pub shots: &'a [MediaTime],
    /// Where cuts were looked for.
    pub shots_searched: Span,
}

impl<'a> Evidence<'a> {
    /// Nothing known yet.
    #[must_use]
    pub fn none(lexicon: &'a Lexicon) -> Self {
        Self { words: None, lexicon, shots: &[], shots_searched: Span::default() }
    }

    /// The reasons it gives for or against `candidate`.
    #[must_use]
    pub fn reasons(&self, candidate: &Candidate) -> Vec<Reason> {
        self.keyword_reason(candidate).into_iter().chain(self.shot_reason(candidate)).collect()
    }

    fn keyword_reason(&self, candidate: &Candidate) -> Option<Reason> {
        let around = candidate.core.padded(TEXT_REACH, TEXT_REACH);
        let words: Vec<Word> =
            self.words?.iter().filter(|word| around.contains(word.span.middle())).cloned().collect();
        if words.is_empty() {
            return None;
        }
        let found = self.lexicon.scan_words(&words);
        let score = KeywordScore::of_spoken(&found);
        let spoken: MediaDuration = words.iter().map(|word| word.span.duration()).sum();
        let coverage =
            spoken.as_secs_f64() / (candidate.core.duration().as_secs_f64() * FULL_COVERAGE).max(1.0);
        let dullness = (1.0 - score.value().abs()) * coverage.min(1.0) as f32;
        let weight = KEYWORD_WEIGHT * score.value() - DULL_WEIGHT * dullness;
        let mut heard: Vec<String> = found
            .iter()
            .map(|keyword| {
                words[keyword.words.clone()]
                    .iter()
                    .map(|word| word.text.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        heard.dedup();
        let detail = if heard.is_empty() {
            format!("{} words, none of the lexicon", words.len())
        } else {
            format!(
                "heard {}",
                heard.iter().map(|phrase| format!("“{phrase}”")).collect::<Vec<_>>().join(", ")
            )
        };
        Some(Reason { signal: Signal::Keywords, detail, weight })
    }

    fn shot_reason(&self, candidate: &Candidate) -> Option<Reason> {
        let onset = Span::around(candidate.core.start(), SHOT_REACH);
        let shot = self.shots.iter().find(|shot| onset.contains(**shot))?;
        let minutes = self.shots_searched.duration().as_secs_f64() / 60.0;
        let elsewhere = self.shots.len().saturating_sub(1) as f64;
        let detail = format!("cut at {shot}");
        if minutes > 0.0 && elsewhere / minutes >= MOST_SHOTS_A_MINUTE {
            let detail = format!("{detail}, one of many");
            return Some(Reason { signal: Signal::ShotChange, detail, weight: 0.0 });
        }
        Some(Reason { signal: Signal::ShotChange, detail, weight: SHOT_WEIGHT })
    }

    /// Indices of those `words` that are part of an exciting phrase, for emphasis.
    pub(crate) fn keyword_indices(&self, words: &[Word]) -> Vec<usize> {
        let exciting = self.lexicon.scan_words(words).into_iter().filter(|keyword| keyword.weight > 0.0);
        let mut indices: Vec<usize> = exciting.flat_map(|keyword| keyword.words).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }
}

/// The most that words and pictures can add to a candidate's log-odds.
pub(crate) const MOST_FROM_EVIDENCE: f32 = KEYWORD_WEIGHT + SHOT_WEIGHT;

/// What a rise of chat says.
pub(crate) fn chat_reason(rise: f32) -> Reason {
    let share = (rise / CHAT_FULL).clamp(0.0, 1.0);
    Reason {
        signal: Signal::Chat,
        detail: format!("different chatters rise to {rise:.1} of their usual scatter"),
        weight: CHAT_WEIGHT * share,
    }
}

/// Says which gaps a clip spans.
pub(crate) fn gap_reasons(candidate: &Candidate, clip: Span) -> Vec<Reason> {
    let spanned = candidate.gaps.iter().filter(|gap| gap.span.overlaps(clip));
    spanned
        .map(|gap| Reason {
            signal: Signal::Gap,
            detail: format!("{} of media {} at {}", gap.span.duration(), gap.cause, gap.span.start()),
            weight: 0.0,
        })
        .collect()
}
