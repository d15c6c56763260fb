//! The JSON that scripts rely on: seconds at the edge of the program.

use highlight_detect::{Moment, Ranking, Reason};
use serde::{Deserialize, Serialize};
use timeline::{MediaDuration, Word};

/// What `detect --format json` prints and `highlights.json` holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Length of the recording.
    pub duration_s: f64,
    /// Best first.
    pub highlights: Vec<HighlightEntry>,
    /// Best first.
    pub rejected: Vec<RejectedEntry>,
}

/// A moment of the recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HighlightEntry {
    /// Start of the clip.
    pub start_s: f64,
    /// End of the clip.
    pub end_s: f64,
    /// Start of the reaction in it.
    pub core_start_s: f64,
    /// End of the reaction in it.
    pub core_end_s: f64,
    /// Its highest point.
    pub peak_s: f64,
    /// 0 to 1.
    pub score: f64,
    /// Why, or why not; the weights add up to the log-odds of the score.
    pub reasons: Vec<ReasonEntry>,
    /// What is said in the clip; empty where nothing is or nobody listened.
    pub text: String,
    /// The same word by word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<WordEntry>,
    /// The clip made of it, in `highlights.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<ClipEntry>,
}

/// A moment that is no highlight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RejectedEntry {
    /// The moment.
    #[serde(flatten)]
    pub moment: HighlightEntry,
    /// Why it was not chosen.
    pub why: String,
}

/// A piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasonEntry {
    /// Its kind.
    pub signal: String,
    /// What was found.
    pub detail: String,
    /// What it adds to the log-odds.
    pub weight: f64,
}

/// A word with its time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WordEntry {
    /// When it starts.
    pub start_s: f64,
    /// When it ends.
    pub end_s: f64,
    /// As written.
    pub text: String,
    /// How sure the recogniser is, 0 to 1.
    pub probability: f64,
    /// Whether it belongs to an exciting phrase, which captions emphasise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emphasised: bool,
}

/// A clip that was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClipEntry {
    /// The video, relative to this file.
    pub file: String,
    /// Its still picture, likewise.
    pub thumbnail: Option<String>,
    /// The frame of the recording that it begins with, counted from 0 at the recording's own rate.
    pub first_frame: i64,
    /// The frame of the recording that it ends with.
    pub last_frame: i64,
    /// How many frames the clip has.
    pub frames: u64,
    /// Frames a second of the clip.
    pub fps: f64,
    /// Integrated loudness in LUFS; absent for a silent clip.
    pub loudness_lufs: Option<f64>,
    /// What encoded it.
    pub encoder: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// To the microsecond: finer digits would only show how the number is stored.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn weight(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

impl Detection {
    pub(crate) fn new(duration: MediaDuration, ranking: &Ranking) -> Self {
        Self {
            duration_s: rounded(duration.as_secs_f64()),
            highlights: ranking.highlights.iter().map(HighlightEntry::from).collect(),
            rejected: ranking
                .rejected
                .iter()
                .map(|rejected| RejectedEntry {
                    moment: HighlightEntry::from(&rejected.moment),
                    why: rejected.why.to_string(),
                })
                .collect(),
        }
    }
}

impl From<&Moment> for HighlightEntry {
    fn from(moment: &Moment) -> Self {
        Self {
            start_s: rounded(moment.clip.start().as_secs_f64()),
            end_s: rounded(moment.clip.end().as_secs_f64()),
            core_start_s: rounded(moment.core.start().as_secs_f64()),
            core_end_s: rounded(moment.core.end().as_secs_f64()),
            peak_s: rounded(moment.peak.as_secs_f64()),
            score: weight(moment.score),
            reasons: moment.reasons.iter().map(ReasonEntry::from).collect(),
            text: moment.text(),
            words: moment
                .words
                .iter()
                .enumerate()
                .map(|(index, word)| WordEntry {
                    emphasised: moment.keywords.binary_search(&index).is_ok(),
                    ..WordEntry::from(word)
                })
                .collect(),
            clip: None,
        }
    }
}

impl From<&Reason> for ReasonEntry {
    fn from(reason: &Reason) -> Self {
        Self {
            signal: reason.signal.to_string(),
            detail: reason.detail.clone(),
            weight: weight(reason.weight),
        }
    }
}

impl From<&Word> for WordEntry {
    fn from(word: &Word) -> Self {
        Self {
            start_s: rounded(word.span.start().as_secs_f64()),
            end_s: rounded(word.span.end().as_secs_f64()),
            text: word.text.clone(),
            probability: weight(word.probability),
            emphasised: false,
        }
    }
}
