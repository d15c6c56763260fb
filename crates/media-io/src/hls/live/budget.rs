//! How many bytes a stream may cost.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The time that a budget is for.
const HOUR: Duration = Duration::from_secs(3_600);
/// Into how many parts the hour is divided; a part is forgotten as a whole.
const PARTS: u32 = 120;

/// Counts the bytes of the past hour.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Option<u64>,
    /// How many bytes had come in all when it was last told.
    told: u64,
    /// When each part began, and what came in it; oldest first.
    parts: VecDeque<(Instant, u64)>,
}

impl Budget {
    pub(super) const fn new(limit: Option<u64>) -> Self {
        Self { limit, told: 0, parts: VecDeque::new() }
    }

    /// Takes note that `total` bytes have come in all. Whether the past hour is within the limit.
    pub(super) fn allows(&mut self, total: u64, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let fresh = total.saturating_sub(self.told);
        self.told = total;
        match self.parts.back_mut() {
            Some((start, bytes)) if now.duration_since(*start) < HOUR / PARTS => *bytes += fresh,
            _ => self.parts.push_back((now, fresh)),
        }
        while self.parts.front().is_some_and(|(start, _)| now.duration_since(*start) > HOUR) {
            self.parts.pop_front();
        }
        self.parts.iter().map(|(_, bytes)| bytes).sum::<u64>() <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_past_hour_counts() {
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut budget = Budget::new(Some(100));
        assert!(budget.allows(60, at(0)));
        assert!(budget.allows(100, at(30)));
        assert!(!budget.allows(101, at(31)));
        assert!(budget.allows(160, at(62)));
        assert!(!budget.allows(161, at(63)));
        assert!(Budget::new(None).allows(u64::MAX, at(0)));
    }
}
