//! How many clips a streamer may have in a time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Clips of one streamer in a time. A moment over a limit is listed as rejected, with the limit as the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipLimits {
    /// At most this many moments in any hour; `None` for no limit.
    pub per_hour: Option<u32>,
    /// At most this many in any 24 hours; `None` for no limit.
    pub per_day: Option<u32>,
    /// At least this much time between two moments, in seconds.
    pub cooldown_s: u32,
}

/// The limit that stands against another clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitReached {
    /// There are enough in this hour.
    Hour,
    /// There are enough in this day.
    Day,
    /// The last is not long enough ago.
    Cooldown,
}

impl LimitReached {
    /// For the list of rejected moments.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Hour => "there are enough clips of this hour already (clips_per_hour)",
            Self::Day => "there are enough clips of this day already (clips_per_day)",
            Self::Cooldown => "the last clip is not long enough ago (cooldown_s)",
        }
    }
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

impl ClipLimits {
    /// What stands against a clip of a moment at `at`, given when the moments of the other clips were.
    #[must_use]
    pub fn against(&self, at: Timestamp, others: &[Timestamp]) -> Option<LimitReached> {
        let within = |reach: SignedDuration| {
            others.iter().filter(|other| at.duration_since(**other).abs() < reach).count() as u64
        };
        let full = |limit: Option<u32>, reach| limit.is_some_and(|limit| within(reach) >= u64::from(limit));
        if within(SignedDuration::from_secs(i64::from(self.cooldown_s))) > 0 {
            Some(LimitReached::Cooldown)
        } else if full(self.per_hour, HOUR) {
            Some(LimitReached::Hour)
        } else if full(self.per_day, DAY) {
            Some(LimitReached::Day)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn each_limit_holds_on_its_own() {
        let limits = ClipLimits { per_hour: Some(2), per_day: Some(3), cooldown_s: 120 };
        assert_eq!(limits.against(at(0), &[]), None);
        assert_eq!(limits.against(at(11), &[at(10)]), Some(LimitReached::Cooldown));
        assert_eq!(limits.against(at(12), &[at(10)]), None);
        assert_eq!(limits.against(at(30), &[at(10), at(20)]), Some(LimitReached::Hour));
        assert_eq!(limits.against(at(75), &[at(10), at(20)]), None);
        assert_eq!(limits.against(at(300), &[at(10), at(20), at(90)]), Some(LimitReached::Day));
        assert_eq!(limits.against(at(1_460), &[at(10), at(20), at(90)]), None);
        assert_eq!(ClipLimits::default().against(at(0), &[at(0), at(0)]), None);
    }
}
