//! A video on its way: from its init until the user has it.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Value, json};
use url::Url;

use super::outside::Errand;
use super::record::{Mode, Publication};
use super::source_info::{ChunkPlan, Source};
use super::state::State;

/// How long TikTok works on a video after the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Processing {
    /// So many times it answers that it still works; 0 for no time at all.
    Asks(u32),
    /// So long, in TikTok's time.
    For(Duration),
    /// Until [`FakeTikTok::finish_processing`](super::FakeTikTok::finish_processing).
    Forever,
}

/// How the ids of posts are answered: all of these have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostIds {
    /// Numbers in a list, under the misspelt key.
    #[default]
    Numbers,
    /// Strings in a list, under the misspelt key.
    Strings,
    /// One number, under the misspelt key.
    Bare,
    /// Numbers in a list, under the key spelt right.
    SpeltRight,
}

impl PostIds {
    fn field(self, id: Option<u64>) -> (&'static str, Value) {
        let misspelt = "publicaly_available_post_id";
        match (self, id) {
            (Self::Strings, id) => (misspelt, json!(id.iter().map(u64::to_string).collect::<Vec<_>>())),
            (Self::Bare, Some(id)) => (misspelt, json!(id)),
            (Self::SpeltRight, id) => ("publicly_available_post_id", json!(id.as_slice())),
            (Self::Numbers | Self::Bare, id) => (misspelt, json!(id.as_slice())),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Bytes are to come.
    Coming,
    /// TikTok works on it: asks left, and the end in TikTok's time. Without either it never ends.
    Processing {
        asks: Option<u32>,
        until: Option<Duration>,
    },
    Delivered,
    Complete,
    Failed(String),
}

/// How far an upload has got.
pub(super) struct Upload {
    /// The last part of its address.
    pub(super) token: String,
    /// When the address ends, in TikTok's time.
    pub(super) until: Duration,
    pub(super) plan: ChunkPlan,
    /// Of the bytes so far.
    pub(super) digest: Context,
}

impl fmt::Debug for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("Upload");
        fields.field("until", &self.until).field("plan", &self.plan).finish_non_exhaustive()
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) publish_id: String,
    /// What is public after the prefix of the id: the upload's number.
    pub(super) number: u64,
    pub(super) username: String,
    pub(super) open_id: String,
    pub(super) mode: Mode,
    pub(super) created: Duration,
    pub(super) upload: Option<Upload>,
    /// Where it is pulled from.
    pub(super) url: Option<Url>,
    /// Bytes that came, in whole chunks.
    pub(super) bytes: u64,
    pub(super) sha256: Option<String>,
    pub(super) post_info: Option<Value>,
    pub(super) post_id: Option<u64>,
    /// Whether the user never sees it.
    pub(super) lost: bool,
    /// Why it will fail.
    pub(super) doom: Option<String>,
    pub(super) stage: Stage,
}

impl Share {
    pub(super) fn status(&self) -> &'static str {
        match &self.stage {
            Stage::Coming | Stage::Processing { .. } if self.url.is_some() => "PROCESSING_DOWNLOAD",
            Stage::Coming | Stage::Processing { .. } => "PROCESSING_UPLOAD",
            Stage::Delivered => "SEND_TO_USER_INBOX",
            Stage::Complete => "PUBLISH_COMPLETE",
            Stage::Failed(_) => "FAILED",
        }
    }

    fn fail_reason(&self) -> Option<&str> {
        if let Stage::Failed(reason) = &self.stage { Some(reason) } else { None }
    }

    /// The data of a status.
    pub(super) fn data(&self, post_ids: PostIds) -> Value {
        let (uploaded, downloaded) = if self.url.is_some() { (0, self.bytes) } else { (self.bytes, 0) };
        let mut data = json!({
            "status": self.status(), "fail_reason": self.fail_reason().unwrap_or_default(),
            "uploaded_bytes": uploaded, "downloaded_bytes": downloaded,
        });
        let (key, ids) = post_ids.field(self.post_id);
        data[key] = ids;
        data
    }

    pub(super) fn publication(&self) -> Publication {
        Publication {
            publish_id: self.publish_id.clone(),
            account: self.username.clone(),
            mode: self.mode,
            status: self.status(),
            fail_reason: self.fail_reason().map(str::to_owned),
            announced: self.upload.as_ref().map_or(0, |upload| upload.plan.size),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            lost: self.lost,
            post_info: self.post_info.clone(),
            created: self.created,
        }
    }

    pub(super) fn publish_type(&self) -> &'static str {
        if self.mode == Mode::Inbox { "INBOX_SHARE" } else { "DIRECT_PUBLISH" }
    }
}

/// What becomes of the next videos, by order of their last bytes: the reasons to fail.
pub(super) type Dooms = VecDeque<Option<String>>;

impl State {
    /// Begins a share and tells where it is among them.
    pub(super) fn begin(
        &mut self,
        account: usize,
        mode: Mode,
        source: Source,
        post_info: Option<Value>,
    ) -> usize {
        let number = self.new_number();
        let from = if matches!(source, Source::File(_)) { "file" } else { "url" };
        let kind = if mode == Mode::Inbox { "inbox" } else { "pub" };
        let created = self.clock.now();
        let account = &self.accounts[account];
        let (username, open_id) = (account.username.clone(), account.open_id());
        let (mut upload, mut url) = (None, None);
        match source {
            Source::File(plan) => {
                let token = self.new_secret("up");
                let until = created + self.rules.upload_life;
                upload = Some(Upload { token, until, plan, digest: Context::new(&SHA256) });
            }
            Source::Url(address) => url = Some(address),
        }
        self.shares.push(Share {
            publish_id: format!("v_{kind}_{from}~v2.{number}"),
            number,
            username,
            open_id,
            mode,
            created,
            upload,
            url,
            bytes: 0,
            sha256: None,
            post_info,
            post_id: None,
            lost: false,
            doom: None,
            stage: Stage::Coming,
        });
        self.shares.len() - 1
    }

    /// All bytes are there.
    pub(super) fn all_in(&mut self, share: usize, sha256: String) {
        let doom = self.dooms.pop_front().flatten();
        let (asks, until) = match self.rules.processing {
            Processing::Asks(asks) => (Some(asks), None),
            Processing::For(span) => {
                self.errand(Errand::Settle { after: self.clock.wait(span) });
                (None, Some(self.clock.now() + span))
            }
            Processing::Forever => (None, None),
        };
        let share = &mut self.shares[share];
        share.sha256 = Some(sha256);
        share.doom = doom;
        share.stage = Stage::Processing { asks, until };
        self.settle();
    }

    /// Ends the work on all whose time has come.
    pub(super) fn settle(&mut self) {
        let now = self.clock.now();
        for share in 0..self.shares.len() {
            if let Stage::Processing { asks, until } = self.shares[share].stage
                && (asks == Some(0) || until.is_some_and(|until| until <= now))
            {
                self.end_processing(share);
            }
        }
    }

    /// TikTok is done with a video.
    pub(super) fn end_processing(&mut self, share: usize) {
        match self.shares[share].doom.take() {
            Some(reason) => self.give_up(share, reason),
            None if self.shares[share].mode == Mode::Inbox => {
                self.shares[share].stage = Stage::Delivered;
                self.announce(share, "post.publish.inbox_delivered", json!({}));
            }
            None => self.publish(share),
        }
    }

    /// A video fails.
    pub(super) fn give_up(&mut self, share: usize, reason: String) {
        self.announce(share, "post.publish.failed", json!({ "reason": reason }));
        self.shares[share].stage = Stage::Failed(reason);
    }

    /// A video is posted: by itself, or by the user who finishes a draft.
    pub(super) fn publish(&mut self, share: usize) {
        self.shares[share].stage = Stage::Complete;
        self.announce(share, "post.publish.complete", json!({}));
        let public = match &self.shares[share].post_info {
            Some(info) => info["privacy_level"] == "PUBLIC_TO_EVERYONE",
            None => self.account(&self.shares[share].username).is_some_and(|account| !account.private),
        };
        if public {
            let id = self.new_number();
            self.shares[share].post_id = Some(id);
            self.announce(share, "post.publish.publicly_available", json!({ "post_id": id.to_string() }));
        }
    }
}
