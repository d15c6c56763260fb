//! How long to hold back after TikTok said that it is too much.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::AccountState;
use crate::clock::later;

/// The first wait after too many drafts, unless configured: that of the tool that Streamliner follows.
pub const DEFAULT_BACKOFF: Duration = Duration::from_secs(1800);
/// The longest wait after too many drafts. The user may clear the inbox at any time, so it is not longer.
const LONGEST_PENDING: Duration = Duration::from_secs(6 * 3600);
/// The first wait after a limit of the day: it counts back 24 hours, so an hour later a place may be free.
const FIRST_DEFERRAL: Duration = Duration::from_secs(3600);
/// The longest wait after a limit of the day.
const LONGEST_DEFERRAL: Duration = Duration::from_secs(24 * 3600);
/// The code of too many drafts.
const PENDING_SHARE: &str = "spam_risk_too_many_pending_share";

/// Which kind of limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Too many drafts wait in the inbox.
    PendingShares,
    /// A limit of the day.
    Day,
}

impl Cause {
    /// The wait after the first refusal.
    pub(super) fn first_wait(self, configured: Duration) -> Duration {
        match self {
            Self::PendingShares => configured,
            Self::Day => FIRST_DEFERRAL,
        }
    }

    /// A configured wait may be longer than what doubling leads to.
    fn longest_wait(self, first: Duration) -> Duration {
        let longest = match self {
            Self::PendingShares => LONGEST_PENDING,
            Self::Day => LONGEST_DEFERRAL,
        };
        longest.max(first)
    }
}

/// Why and how long to hold back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    /// When the refusal came.
    pub(super) blocked_at: Option<Timestamp>,
    /// From when on to try again.
    pub(super) blocked_until: Option<Timestamp>,
    /// TikTok's code.
    pub(super) block_code: Option<String>,
    /// Refusals in a row.
    pub(super) consecutive_blocks: u32,
}

impl Block {
    /// What the old key tells.
    pub(super) fn legacy(second: f64, backoff: Duration, now: Timestamp) -> Self {
        // A time that is no time is as if it were now: better to hold back once too often.
        let since = Duration::try_from_secs_f64(second).ok();
        let at = since.map_or(now, |since| later(Timestamp::UNIX_EPOCH, since)).min(now);
        Self {
            blocked_at: Some(at),
            blocked_until: Some(later(at, backoff)),
            block_code: Some(PENDING_SHARE.to_owned()),
            consecutive_blocks: 1,
        }
    }

    /// Keeps the length of the wait when the clock was set back.
    pub(super) fn clamp(&mut self, now: Timestamp) {
        if let (Some(at), Some(until)) = (self.blocked_at, self.blocked_until)
            && at > now
        {
            self.blocked_at = Some(now);
            self.blocked_until = Some(later(now, crate::clock::until(at, until).min(LONGEST_DEFERRAL)));
        }
    }

    /// When TikTok last said that too many drafts wait.
    pub(super) fn pending_share_at(&self) -> Option<Timestamp> {
        self.blocked_at.filter(|_| self.block_code.as_deref() == Some(PENDING_SHARE))
    }

    /// Until when to hold back.
    pub(super) fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.blocked_until.filter(|until| *until > now)
    }
}

impl AccountState {
    /// Holds back, twice as long as the last time if nothing has gone through since.
    pub(super) fn block(
        &mut self,
        cause: Cause,
        first: Duration,
        code: &str,
        log_id: Option<String>,
        now: Timestamp,
    ) -> Timestamp {
        let again = self.block.block_code.as_deref() == Some(code);
        let before = if again { self.block.consecutive_blocks } else { 0 };
        // 2^16 times any first wait is past the longest one.
        let wait = first.saturating_mul(1 << before.min(16)).min(cause.longest_wait(first));
        let until = later(now, wait);
        self.block = Block {
            blocked_at: Some(now),
            blocked_until: Some(until),
            block_code: Some(code.to_owned()),
            consecutive_blocks: before.saturating_add(1),
        };
        self.last_log_id = log_id.or_else(|| self.last_log_id.take());
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(state: &mut AccountState, cause: Cause, code: &str, now: Timestamp) -> i64 {
        let until = state.block(cause, cause.first_wait(DEFAULT_BACKOFF), code, None, now);
        until.duration_since(now).as_mins()
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let (mut state, now) = (AccountState::default(), Timestamp::UNIX_EPOCH);
        let waits = [(); 6].map(|()| minutes(&mut state, Cause::PendingShares, PENDING_SHARE, now));
        assert_eq!(waits, [30, 60, 120, 240, 360, 360]);
        let code = "spam_risk_too_many_posts";
        let waits = [(); 7].map(|()| minutes(&mut state, Cause::Day, code, now));
        assert_eq!(waits, [60, 120, 240, 480, 960, 1440, 1440]);
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_a_wait() {
        let mut state = AccountState::default();
        let then = later(Timestamp::UNIX_EPOCH, Duration::from_secs(1_000_000));
        minutes(&mut state, Cause::PendingShares, PENDING_SHARE, then);
        state.block.clamp(Timestamp::UNIX_EPOCH);
        assert_eq!(
            state.block.until(Timestamp::UNIX_EPOCH),
            Some(later(Timestamp::UNIX_EPOCH, DEFAULT_BACKOFF))
        );
    }

    #[test]
    fn any_number_is_an_old_time() {
        let now = later(Timestamp::UNIX_EPOCH, Duration::from_secs(1000));
        for second in [f64::NAN, f64::INFINITY, -1.0, 1e300, 2000.0] {
            assert_eq!(
                Block::legacy(second, DEFAULT_BACKOFF, now).until(now),
                Some(later(now, DEFAULT_BACKOFF))
            );
        }
        assert_eq!(Block::legacy(10.5, Duration::from_secs(900), now).until(now), None);
    }
}
