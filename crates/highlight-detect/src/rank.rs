//! Which moments become clips.

use std::fmt;

use serde::{Deserialize, Serialize};
use timeline::{MediaDuration, MediaTime, Span, Word};

use crate::boundaries::clip_span;
use crate::candidate::{Candidate, Reason, log_odds, probability};
use crate::evidence::Evidence;
use crate::options::RankOptions;

/// A candidate with all evidence weighed and the place to cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// The clip to cut.
    pub clip: Span,
    /// The reaction inside it.
    pub core: Span,
    /// Its highest point.
    pub peak: MediaTime,
    /// How likely it is worth sharing, 0 to 1.
    pub score: f32,
    /// Why; the weights add up to the log-odds of the score.
    pub reasons: Vec<Reason>,
    /// What is said in the clip, where it is known.
    pub words: Vec<Word>,
    /// Indices of the words that the lexicon knows.
    pub keywords: Vec<usize>,
}

impl Moment {
    /// The words joined by spaces.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Why a moment is no highlight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rejection", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rejection {
    /// Its score is too low.
    BelowThreshold {
        /// What it would have needed.
        min_score: f32,
    },
    /// It belongs to a better moment.
    PartOfBetter {
        /// The peak of that one.
        peak: MediaTime,
    },
    /// There are enough better ones.
    OverLimit {
        /// How many are wanted.
        max_highlights: usize,
    },
    /// The medium is shorter than the shortest clip.
    TooShort {
        /// What there is.
        length: MediaDuration,
    },
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BelowThreshold { min_score } => write!(formatter, "its score is below {min_score:.2}"),
            Self::PartOfBetter { peak } => write!(formatter, "it belongs to the better moment at {peak}"),
            Self::OverLimit { max_highlights } => {
                write!(formatter, "there are {max_highlights} better ones, which is the limit")
            }
            Self::TooShort { length } => write!(formatter, "only {length} of media are there to cut from"),
        }
    }
}

/// A moment that is no highlight, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rejected {
    /// The moment.
    pub moment: Moment,
    /// Why it was not chosen.
    pub why: Rejection,
}

/// The choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Best first.
    pub highlights: Vec<Moment>,
    /// Best first.
    pub rejected: Vec<Rejected>,
}

/// Weighs everything known about a candidate in a medium that covers `medium`.
#[must_use]
pub fn judge(candidate: &Candidate, evidence: &Evidence<'_>, medium: Span, options: &RankOptions) -> Moment {
    let mut reasons = candidate.reasons.clone();
    reasons.extend(evidence.reasons(candidate));
    let all_words = evidence.words.unwrap_or_default();
    let clip = clip_span(candidate, all_words, evidence.shots, medium, options);
    reasons.extend(crate::evidence::gap_reasons(candidate, clip));
    let words: Vec<Word> =
        all_words.iter().filter(|word| clip.contains(word.span.middle())).cloned().collect();
    let keywords = evidence.keyword_indices(&words);
    let core = candidate.core.clamped(medium);
    Moment {
        clip,
        core,
        // A reaction may reach over a gap, and only one side of it may be there to cut.
        peak: candidate.peak.clamp_to(core.start(), core.end()),
        score: probability(log_odds(&reasons)),
        reasons,
        words,
        keywords,
    }
}

/// Chooses the highlights: a pure function of the moments, whatever their order.
#[must_use]
pub fn rank(mut moments: Vec<Moment>, options: &RankOptions) -> Ranking {
    moments.sort_by(|one, two| two.score.total_cmp(&one.score).then_with(|| one.core.cmp(&two.core)));
    let mut ranking = Ranking::default();
    for moment in moments {
        let better = ranking
            .highlights
            .iter()
            .chain(
                ranking
                    .rejected
                    .iter()
                    .filter(|other| matches!(other.why, Rejection::OverLimit { .. }))
                    .map(|other| &other.moment),
            )
            .find(|better| {
                better.core.overlaps(moment.core) || better.core.distance(moment.core) < options.min_gap
            });
        let why = if moment.score < options.min_score {
            Some(Rejection::BelowThreshold { min_score: options.min_score })
        } else if let Some(better) = better {
            Some(Rejection::PartOfBetter { peak: better.peak })
        } else if moment.clip.duration() < options.clip_min {
            Some(Rejection::TooShort { length: moment.clip.duration() })
        } else if ranking.highlights.len() >= options.max_highlights {
            Some(Rejection::OverLimit { max_highlights: options.max_highlights })
        } else {
            None
        };
        match why {
            None => ranking.highlights.push(moment),
            Some(why) => ranking.rejected.push(Rejected { moment, why }),
        }
    }
    ranking
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(start: i64, score: f32) -> Moment {
        let core = Span::new(MediaTime::from_secs(start), MediaTime::from_secs(start + 8));
        let clip = core.padded(MediaDuration::from_secs(8), MediaDuration::from_secs(3));
        Moment { clip, core, peak: core.middle(), score, reasons: vec![], words: vec![], keywords: vec![] }
    }

    #[test]
    fn two_moments_twenty_seconds_apart_are_two_and_near_ones_one() {
        let ranking =
            rank(vec![moment(100, 0.9), moment(128, 0.8), moment(141, 0.95)], &RankOptions::default());
        let starts: Vec<f64> =
            ranking.highlights.iter().map(|moment| moment.core.start().as_secs_f64()).collect();
        assert_eq!(starts, [141.0, 100.0]);
        assert!(matches!(ranking.rejected[0].why, Rejection::PartOfBetter { .. }));
    }

    #[test]
    fn the_limit_keeps_the_best_and_says_so() {
        let options = RankOptions { max_highlights: 1, ..RankOptions::default() };
        let ranking = rank(vec![moment(0, 0.6), moment(100, 0.9), moment(200, 0.2)], &options);
        assert_eq!(ranking.highlights.len(), 1);
        let why: Vec<String> = ranking.rejected.iter().map(|rejected| rejected.why.to_string()).collect();
        assert_eq!(why, ["there are 1 better ones, which is the limit", "its score is below 0.50"]);
    }

    proptest! {
        #[test]
        fn order_of_arrival_does_not_matter(starts in prop::collection::vec((0_i64..1_000, 0.0_f32..1.0), 0..30)) {
            let moments: Vec<Moment> = starts.iter().map(|(start, score)| moment(*start, *score)).collect();
            let mut reversed = moments.clone();
            reversed.reverse();
            let options = RankOptions::default();
            prop_assert_eq!(rank(moments, &options), rank(reversed, &options));
        }
    }
}
