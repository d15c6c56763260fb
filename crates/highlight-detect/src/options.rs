//! What the user decides about selection.

use serde::{Deserialize, Serialize};
use timeline::MediaDuration;

/// How moments are cut and chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankOptions {
    /// At most this many highlights; the best stay.
    pub max_highlights: usize,
    /// The least score of a highlight, 0 to 1.
    pub min_score: f32,
    /// The shortest clip.
    pub clip_min: MediaDuration,
    /// The longest clip.
    pub clip_max: MediaDuration,
    /// How much of what led to the reaction a clip shows.
    pub setup: MediaDuration,
    /// How much of what follows the reaction a clip shows.
    pub settle: MediaDuration,
    /// Reactions closer together than this are one moment, of which the better part is kept.
    pub min_gap: MediaDuration,
}

impl Default for RankOptions {
    fn default() -> Self {
        Self {
            max_highlights: 5,
            min_score: 0.5,
            clip_min: MediaDuration::from_secs(15),
            clip_max: MediaDuration::from_secs(60),
            setup: MediaDuration::from_secs(8),
            settle: MediaDuration::from_secs(3),
            min_gap: MediaDuration::from_secs(10),
        }
    }
}

/// Options contradict each other or are out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct OptionsError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl RankOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// The first field that is out of range, with what would be right.
    pub fn validate(&self) -> Result<(), OptionsError> {
        let refuse = |field, problem: String| Err(OptionsError { field, problem });
        if !(0.0..=1.0).contains(&self.min_score) {
            return refuse("min_score", format!("is {}; it must lie between 0 and 1", self.min_score));
        }
        if self.clip_min < MediaDuration::from_secs(1) {
            return refuse("clip_min", format!("is {}; it must be at least 1 s", self.clip_min));
        }
        if self.clip_max < self.clip_min {
            return refuse(
                "clip_max",
                format!("is {}, less than clip_min ({})", self.clip_max, self.clip_min),
            );
        }
        for (field, value) in [("setup", self.setup), ("settle", self.settle), ("min_gap", self.min_gap)] {
            if value < MediaDuration::ZERO {
                return refuse(field, format!("is {value}; it must not be negative"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_named() {
        let options = RankOptions { clip_max: MediaDuration::from_secs(10), ..RankOptions::default() };
        let error = options.validate().expect_err("shorter than the shortest");
        assert_eq!(error.to_string(), "clip_max is 10.000 s, less than clip_min (15.000 s)");
        assert_eq!(RankOptions::default().validate(), Ok(()));
    }
}
