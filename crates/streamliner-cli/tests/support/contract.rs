//! The machine contract, read as strictly as a program that relies on it would.

use serde::Deserialize;

/// Seconds that may be lost to rounding.
const TOLERANCE_S: f64 = 1e-5;

/// What `detect --format json` prints and `highlights.json` holds. No field may be missing.
#[derive(Debug, Deserialize)]
pub(crate) struct Detection {
    pub(crate) duration_s: f64,
    pub(crate) highlights: Vec<Moment>,
    pub(crate) rejected: Vec<Rejected>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Moment {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) core_start_s: f64,
    pub(crate) core_end_s: f64,
    pub(crate) peak_s: f64,
    pub(crate) score: f64,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) words: Vec<Word>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Rejected {
    #[serde(flatten)]
    pub(crate) moment: Moment,
    pub(crate) why: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reason {
    pub(crate) signal: String,
    pub(crate) detail: String,
    pub(crate) weight: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Word {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    pub(crate) text: String,
}

impl Detection {
    /// Reads it and checks all that the contract promises of the numbers.
    #[track_caller]
    pub(crate) fn read(json: &str) -> Self {
        let detection: Self = serde_json::from_str(json).expect("the machine contract");
        for highlight in &detection.highlights {
            highlight.check(detection.duration_s);
            let times = [
                0.0,
                highlight.start_s,
                highlight.core_start_s,
                highlight.peak_s,
                highlight.core_end_s,
                highlight.end_s,
                detection.duration_s,
            ];
            assert!(times.is_sorted_by(|a, b| *a <= *b + TOLERANCE_S), "out of order: {highlight:?}");
            assert!(highlight.start_s < highlight.end_s, "an empty clip: {highlight:?}");
        }
        for rejected in &detection.rejected {
            rejected.moment.check(detection.duration_s);
            assert!(!rejected.why.is_empty(), "rejected without a reason: {rejected:?}");
        }
        let scores: Vec<f64> = detection.highlights.iter().map(|highlight| highlight.score).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "not best first: {scores:?}");
        detection
    }
}

impl Moment {
    #[track_caller]
    fn check(&self, duration_s: f64) {
        assert!((0.0..=1.0).contains(&self.score), "no score: {self:?}");
        assert!(!self.reasons.is_empty(), "no reasons: {self:?}");
        for reason in &self.reasons {
            assert!(!reason.signal.is_empty() && !reason.detail.is_empty(), "it says nothing: {reason:?}");
        }
        let log_odds: f64 = self.reasons.iter().map(|reason| reason.weight).sum();
        let score = 1.0 / (1.0 + (-log_odds).exp());
        assert!((score - self.score).abs() < 1e-3, "the weights add up to {score}: {self:?}");
        assert!(
            -TOLERANCE_S <= self.start_s && self.end_s <= duration_s + TOLERANCE_S,
            "outside of the recording: {self:?}"
        );
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words.join(" "), self.text, "the words are not the text");
        for word in &self.words {
            assert!(word.start_s <= word.end_s, "it ends before it starts: {word:?}");
        }
    }

    /// What the reason with this signal adds, if there is one.
    pub(crate) fn weight(&self, signal: &str) -> Option<f64> {
        self.reasons.iter().find(|reason| reason.signal == signal).map(|reason| reason.weight)
    }
}
