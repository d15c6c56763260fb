//! The ledger for people and for programs.

use jiff::Timestamp;
use serde::Serialize;

use super::gate::{DRAFTS_A_DAY, INITS_A_MINUTE};
use super::state::{AccountState, Share, ShareMode};
use crate::clock::{later, until};

/// How an account stands with TikTok's limits. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerSnapshot {
    /// Environment and account, as `sandbox:OPEN_ID`.
    pub account: String,
    /// When this was looked at.
    pub now: Timestamp,
    /// From when on a draft may be sent; `None` for now.
    pub ready_at: Option<Timestamp>,
    /// Why not now.
    pub waits_for: Option<String>,
    /// The wait after a refusal, if one is running.
    pub block: Option<BlockSnapshot>,
    /// Drafts that count as waiting, oldest first.
    pub pending: Vec<ShareSnapshot>,
    /// How many of them TikTok allows.
    pub pending_limit: usize,
    /// Uploads that were begun within the last minute.
    pub inits_last_minute: usize,
    /// How many of them TikTok allows.
    pub inits_limit: usize,
    /// TikTok's id of the last reply that said no.
    pub last_log_id: Option<String>,
    /// What was sent last, if anything.
    pub latest: Option<ShareSnapshot>,
    /// How many shares are known in all.
    pub shares: usize,
}

/// The wait after a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockSnapshot {
    /// TikTok's code.
    pub code: String,
    /// Its end.
    pub until: Timestamp,
    /// Seconds until then.
    pub seconds_left: u64,
    /// Refusals in a row.
    pub consecutive: u32,
}

/// One draft or post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShareSnapshot {
    /// TikTok's id of it.
    pub publish_id: String,
    /// What people call the clip.
    pub file: String,
    /// A draft or a post.
    pub mode: ShareMode,
    /// The status that was seen last.
    pub status: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Seconds since then.
    pub age_s: u64,
}

impl ShareSnapshot {
    fn of(share: &Share, now: Timestamp) -> Self {
        Self {
            publish_id: share.publish_id.clone(),
            file: share.file.clone(),
            mode: share.mode,
            status: share.status.clone(),
            created_at: share.created_at,
            age_s: until(share.created_at, now).as_secs(),
        }
    }
}

impl LedgerSnapshot {
    pub(super) fn of(key: &str, state: &AccountState, now: Timestamp) -> Self {
        let wait = state.wait(ShareMode::Inbox, now);
        let block = state.block.until(now).map(|end| BlockSnapshot {
            code: state.block.block_code.clone().unwrap_or_default(),
            until: end,
            seconds_left: until(now, end).as_secs(),
            consecutive: state.block.consecutive_blocks,
        });
        let minute = std::time::Duration::from_secs(60);
        Self {
            account: key.to_owned(),
            now,
            ready_at: wait.as_ref().map(super::gate::Wait::at),
            waits_for: wait.map(|wait| wait.reason()),
            block,
            pending: state.pending(now).map(|share| ShareSnapshot::of(share, now)).collect(),
            pending_limit: DRAFTS_A_DAY,
            inits_last_minute: state.init_times.iter().filter(|time| later(**time, minute) > now).count(),
            inits_limit: INITS_A_MINUTE,
            last_log_id: state.last_log_id.clone(),
            latest: state.shares.last().map(|share| ShareSnapshot::of(share, now)),
            shares: state.shares.len(),
        }
    }
}
