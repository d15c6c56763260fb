//! Whether an upload may be begun: the wait after a refusal, the limit of the minute, and the drafts that wait.

use std::time::Duration;

use jiff::Timestamp;

use super::state::{ABANDONED, AccountState, Share, ShareMode};
use crate::clock::{later, until};

/// The most drafts of a day that may wait in an inbox. TikTok documents five within 24 hours.
pub const DRAFTS_A_DAY: usize = 5;
/// The most announcements in a minute.
pub const INITS_A_MINUTE: usize = 6;
/// How far back drafts count.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How far back announcements count: a minute, and two seconds more, since TikTok counts when a request arrives.
const MINUTE: Duration = Duration::from_secs(62);

/// What there is to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// TikTok asked to hold back.
    Block { at: Timestamp, code: String },
    /// Too many drafts wait.
    Drafts { at: Timestamp },
    /// The minute is full.
    Minute { at: Timestamp },
}

impl Wait {
    /// Until when.
    pub(crate) const fn at(&self) -> Timestamp {
        match self {
            Self::Block { at, .. } | Self::Drafts { at } | Self::Minute { at } => *at,
        }
    }

    /// Why.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Block { code, .. } => {
                let meaning = crate::api::Meaning::of(code, 403);
                format!("{} ({code}); {}", meaning.reason, meaning.remedy)
            }
            Self::Drafts { .. } => format!(
                "{DRAFTS_A_DAY} drafts of the last 24 hours wait in the account's inbox, which is all that TikTok allows; \
                 post or delete them in the TikTok app"
            ),
            Self::Minute { .. } => format!("TikTok allows {INITS_A_MINUTE} uploads to be begun in a minute"),
        }
    }
}

impl AccountState {
    /// What there is to wait for, the longest of it.
    pub(super) fn wait(&self, mode: ShareMode, now: Timestamp) -> Option<Wait> {
        let block = self.block.until(now).map(|at| {
            let code = self.block.block_code.clone().unwrap_or_default();
            Wait::Block { at, code }
        });
        let drafts = (mode == ShareMode::Inbox).then(|| self.draft_release(now)).flatten();
        let minute = self.place_release(now);
        let waits = [block, drafts.map(|at| Wait::Drafts { at }), minute.map(|at| Wait::Minute { at })];
        waits.into_iter().flatten().max_by_key(Wait::at)
    }

    /// Notes an announcement that is about to be made, if it may be.
    pub(super) fn take_place(&mut self, mode: ShareMode, now: Timestamp) -> Result<(), Wait> {
        if let Some(wait) = self.wait(mode, now) {
            return Err(wait);
        }
        self.init_times.retain(|time| later(*time, MINUTE) > now);
        self.init_times.push(now);
        Ok(())
    }

    /// How long until the minute has a place.
    pub(super) fn until_place(&self, now: Timestamp) -> Duration {
        self.place_release(now).map_or(Duration::ZERO, |at| until(now, at))
    }

    /// The drafts that count as waiting, oldest first: of the last day, and not known to be finished or given up.
    pub(super) fn pending(&self, now: Timestamp) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter(move |share| {
            share.mode == ShareMode::Inbox
                && later(share.created_at, DAY) > now
                && !matches!(share.status.as_str(), "PUBLISH_COMPLETE" | "FAILED" | ABANDONED)
        })
    }

    /// When so many drafts have left the day that another one may come; `None` if it may now.
    fn draft_release(&self, now: Timestamp) -> Option<Timestamp> {
        let mut times: Vec<Timestamp> = self.pending(now).map(|share| share.created_at).collect();
        times.sort_unstable();
        let surplus = times.len().checked_sub(DRAFTS_A_DAY)?;
        times.get(surplus).map(|time| later(*time, DAY))
    }

    fn place_release(&self, now: Timestamp) -> Option<Timestamp> {
        let mut times: Vec<Timestamp> =
            self.init_times.iter().map(|time| later(*time, MINUTE)).filter(|end| *end > now).collect();
        times.sort_unstable();
        let surplus = times.len().checked_sub(INITS_A_MINUTE)?;
        times.get(surplus).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Outcome;
    use super::*;
    use crate::api::StatusKind;

    fn at(second: u64) -> Timestamp {
        later(Timestamp::UNIX_EPOCH, Duration::from_secs(second))
    }

    fn share(number: u64, mode: ShareMode) -> Share {
        Share {
            publish_id: format!("p{number}"),
            file: format!("clip-{number}"),
            sha256: format!("{number:064}"),
            bytes: 10,
            mode,
            privacy: None,
            username: None,
            created_at: at(number),
            status: "PROCESSING_UPLOAD".to_owned(),
            status_at: at(number),
        }
    }

    fn with_drafts(count: u64) -> AccountState {
        let mut state = AccountState::default();
        for number in 0..count {
            state.note_share(share(number, ShareMode::Inbox));
        }
        state
    }

    #[test]
    fn the_sixth_draft_waits_for_the_oldest_to_leave_the_day() {
        let day = DAY.as_secs();
        assert_eq!(with_drafts(4).wait(ShareMode::Inbox, at(100)), None);
        let mut state = with_drafts(5);
        assert_eq!(state.wait(ShareMode::Inbox, at(100)), Some(Wait::Drafts { at: at(day) }));
        assert_eq!(state.wait(ShareMode::Direct, at(100)), None);
        assert_eq!(state.wait(ShareMode::Inbox, at(day)), None);
        assert_eq!(with_drafts(7).wait(ShareMode::Inbox, at(100)), Some(Wait::Drafts { at: at(day + 2) }));
        state.note_outcome("p3", &Outcome::Status(StatusKind::SentToInbox), at(100));
        assert!(state.wait(ShareMode::Inbox, at(100)).is_some());
        state.note_outcome("p3", &Outcome::Status(StatusKind::Complete), at(101));
        assert_eq!(state.wait(ShareMode::Inbox, at(101)), None);
        state.note_share(share(9, ShareMode::Inbox));
        state.note_outcome("p9", &Outcome::Abandoned, at(101));
        assert_eq!(state.wait(ShareMode::Inbox, at(101)), None);
    }

    #[test]
    fn six_begin_in_any_minute() {
        let mut state = AccountState::default();
        for second in 0..6 {
            assert_eq!(state.take_place(ShareMode::Direct, at(second)), Ok(()));
        }
        assert_eq!(state.take_place(ShareMode::Direct, at(60)), Err(Wait::Minute { at: at(62) }));
        assert_eq!(state.until_place(at(50)), Duration::from_secs(12));
        assert_eq!(state.take_place(ShareMode::Direct, at(62)), Ok(()));
        assert_eq!(state.take_place(ShareMode::Direct, at(62)), Err(Wait::Minute { at: at(63) }));
    }
}
