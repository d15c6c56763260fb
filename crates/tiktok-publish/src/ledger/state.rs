//! What the file holds.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backoff::Block;
use crate::api::{Privacy, PublishStatus, StatusKind};
use crate::clock::later;
use crate::files;
use crate::plan::is_whole;
use crate::upload::ADDRESS_LIFE;

/// The form that is written.
const VERSION: u32 = 1;
/// What was sent longer ago is forgotten; TikTok's limits look back a day. Long enough to notice that a clip was sent before.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
/// At most so many are kept, the latest.
const MOST_SHARES: usize = 1000;

/// Whether a video went into the inbox or was posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareMode {
    /// A draft in the inbox.
    Inbox,
    /// A post.
    Direct,
}

/// One video that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// TikTok's id of it.
    pub publish_id: String,
    /// What people call the clip.
    pub file: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many there are.
    #[serde(default)]
    pub bytes: u64,
    /// A draft or a post.
    pub mode: ShareMode,
    /// Who may see it, for a post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<Privacy>,
    /// The account's name in addresses, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// When it was announced.
    pub created_at: Timestamp,
    /// The status that was seen last, in TikTok's words; `ABANDONED` for an upload that was never completed and can no longer be.
    pub status: String,
    /// When it was seen.
    pub status_at: Timestamp,
}

impl Share {
    /// What a status says about it. An upload that is not whole after its address has ended never will be.
    pub(crate) fn outcome(&self, status: &PublishStatus, now: Timestamp) -> Outcome {
        let is_partial = status.uploaded_bytes.is_some_and(|bytes| !is_whole(bytes, self.bytes));
        if status.kind == StatusKind::ProcessingUpload
            && is_partial
            && later(self.created_at, ADDRESS_LIFE) < now
        {
            return Outcome::Abandoned;
        }
        Outcome::Status(status.kind.clone())
    }
}

/// What became of something announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// TikTok said this.
    Status(StatusKind),
    /// It was not completed, and never will be.
    Abandoned,
}

impl Outcome {
    /// As it is written.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Status(kind) => kind.name(),
            Self::Abandoned => ABANDONED,
        }
    }
}

/// The status of what was given up.
pub(super) const ABANDONED: &str = "ABANDONED";

/// One account's entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AccountState {
    /// Why and how long to hold back.
    #[serde(flatten)]
    pub(super) block: Block,
    /// TikTok's id of the last reply that said no.
    pub(super) last_log_id: Option<String>,
    /// What was announced, oldest first.
    pub(super) shares: Vec<Share>,
    /// When announcements were sent, within the last minute.
    pub(super) init_times: Vec<Timestamp>,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LedgerFile {
    version: u32,
    /// When TikTok last said that too many drafts wait, in seconds since 1970: the first of the two keys of the tool that Streamliner
    /// follows.
    last_spam_risk_ts: f64,
    /// Its second key: a way of uploading that TikTok has since ended.
    bytes_unavailable: bool,
    accounts: BTreeMap<String, AccountState>,
}

impl LedgerFile {
    /// Reads the file. One that is not there is empty; one that cannot be understood is put aside.
    pub(super) fn load(path: &Path, now: Timestamp) -> io::Result<Self> {
        let Some(bytes) = files::read(path)? else { return Ok(Self::default()) };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(mut file) if file.version <= VERSION => {
                for state in file.accounts.values_mut() {
                    state.clamp(now);
                }
                Ok(file)
            }
            Ok(file) => Err(io::Error::other(format!(
                "it was written by a newer version (form {}, this one knows {VERSION})",
                file.version
            ))),
            Err(error) => {
                let aside = files::put_aside(path, now.as_second())?;
                tracing::warn!(
                    file = %path.display(), kept_as = %aside.display(), line = error.line(),
                    "the record of what was sent to TikTok is damaged; it is begun anew"
                );
                Ok(Self::default())
            }
        }
    }

    pub(super) fn save(&mut self, path: &Path) -> io::Result<()> {
        self.version = VERSION;
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        files::write_private(path, text.as_bytes())
    }

    /// The entry of an account. The first account of a file without any takes over what the old keys tell.
    pub(super) fn account(&mut self, key: &str, backoff: Duration, now: Timestamp) -> &mut AccountState {
        let is_first = self.accounts.is_empty();
        let legacy = self.last_spam_risk_ts;
        let state = self.accounts.entry(key.to_owned()).or_default();
        if is_first && legacy > 0.0 {
            state.block = Block::legacy(legacy, backoff, now);
        }
        state
    }

    /// Brings the old key up to date, and leaves no entry that says nothing.
    pub(super) fn tidy(&mut self, key: &str) {
        if let Some(at) = self.accounts.get(key).and_then(|state| state.block.pending_share_at()) {
            self.last_spam_risk_ts = self.last_spam_risk_ts.max(at.as_duration().as_secs_f64());
        }
        if self.accounts.get(key) == Some(&AccountState::default()) && self.last_spam_risk_ts == 0.0 {
            self.accounts.remove(key);
        }
    }

    pub(super) fn forget_blocks(&mut self) {
        self.last_spam_risk_ts = 0.0;
        self.bytes_unavailable = false;
        for state in self.accounts.values_mut() {
            state.block = Block::default();
        }
        self.accounts.retain(|_, state| *state != AccountState::default());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

impl AccountState {
    /// Takes times in the future for now: the clock was set back.
    fn clamp(&mut self, now: Timestamp) {
        self.block.clamp(now);
        for time in &mut self.init_times {
            *time = (*time).min(now);
        }
        for share in &mut self.shares {
            share.created_at = share.created_at.min(now);
            share.status_at = share.status_at.min(now);
        }
    }

    pub(super) fn note_share(&mut self, share: Share) {
        let now = share.created_at;
        self.block = Block::default();
        self.shares
            .retain(|known| known.publish_id != share.publish_id && later(known.created_at, KEEP) > now);
        self.shares.push(share);
        let surplus = self.shares.len().saturating_sub(MOST_SHARES);
        self.shares.drain(..surplus);
    }

    pub(super) fn note_outcome(&mut self, publish_id: &str, outcome: &Outcome, now: Timestamp) {
        if let Some(share) = self.shares.iter_mut().find(|share| share.publish_id == publish_id) {
            outcome.name().clone_into(&mut share.status);
            share.status_at = now;
        }
    }

    pub(super) fn share(&self, publish_id: &str) -> Option<&Share> {
        self.shares.iter().find(|share| share.publish_id == publish_id)
    }

    /// The latest share of a content that its account has.
    pub(super) fn earlier(&self, sha256: &str) -> Option<&Share> {
        let has = |share: &&Share| {
            share.sha256 == sha256
                && matches!(share.status.as_str(), "SEND_TO_USER_INBOX" | "PUBLISH_COMPLETE")
        };
        self.shares.iter().rev().find(has)
    }
}
