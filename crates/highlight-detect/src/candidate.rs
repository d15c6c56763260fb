//! What the detector yields: moments with the evidence for them.

use std::fmt;

use serde::{Deserialize, Serialize};
use timeline::{Gap, MediaTime, Span};

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// What is expected before anything is known: a moment is rare.
    Prior,
    /// Louder than the stream usually is.
    Loudness,
    /// A voice higher than it usually is.
    Pitch,
    /// A brighter, sharper, more orderly sound: shouting and screaming.
    Timbre,
    /// How much voice there is.
    Voice,
    /// Movement of the level, as speech and laughter have and music has not.
    Dynamics,
    /// A level that pulses at the rate of laughter.
    Laughter,
    /// More people than usual write in the chat.
    Chat,
    /// Words of the lexicon.
    Keywords,
    /// A cut in the picture at the onset.
    ShotChange,
    /// Media is missing in the clip.
    Gap,
}

impl fmt::Display for Signal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Prior => "prior",
            Self::Loudness => "loudness",
            Self::Pitch => "pitch",
            Self::Timbre => "timbre",
            Self::Voice => "voice",
            Self::Dynamics => "dynamics",
            Self::Laughter => "laughter",
            Self::Chat => "chat",
            Self::Keywords => "keywords",
            Self::ShotChange => "shot_change",
            Self::Gap => "gap",
        })
    }
}

/// One piece of evidence. The weights of a moment's reasons add up to its log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// What kind it is.
    pub signal: Signal,
    /// What was found, in words.
    pub detail: String,
    /// What it adds to the log-odds; negative speaks against.
    pub weight: f32,
}

/// A stretch of time in which sound or chat rose, with what was found there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The reaction itself.
    pub core: Span,
    /// Its highest point.
    pub peak: MediaTime,
    /// Reasons from sound and chat.
    pub reasons: Vec<Reason>,
    /// Middles of the quiet dips around it, in order: good places to cut.
    pub dips: Vec<MediaTime>,
    /// Where media is missing around it.
    pub gaps: Vec<Gap>,
}

impl Candidate {
    /// The sum of its reasons' weights: the logarithm of the odds that this is a moment worth sharing.
    #[must_use]
    pub fn log_odds(&self) -> f32 {
        log_odds(&self.reasons)
    }

    /// The same as a probability, 0 to 1.
    #[must_use]
    pub fn score(&self) -> f32 {
        probability(self.log_odds())
    }

    /// The score it would have if words and pictures said all they can in its favour: below the threshold of a highlight,
    /// there is no need to listen for words.
    #[must_use]
    pub fn potential_score(&self) -> f32 {
        probability(self.log_odds() + crate::evidence::MOST_FROM_EVIDENCE)
    }
}

pub(crate) fn log_odds(reasons: &[Reason]) -> f32 {
    reasons.iter().map(|reason| reason.weight).sum()
}

/// The probability of the given log-odds.
pub(crate) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}
