//! What the stand-in saw, for judging.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::FakeTikTok;
use super::endpoint::Endpoint;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// When it came, in TikTok's time since the start.
    pub at: Duration,
    /// What it asked.
    pub endpoint: Endpoint,
    /// Such as `POST`.
    pub method: String,
    /// Without the query, which has secrets.
    pub path: String,
    /// The user that it was about, if the answer got so far.
    pub account: Option<String>,
    /// What was answered; `None` if nothing reached the client or it is still under way.
    pub status: Option<u16>,
    /// TikTok's code, if an error was answered.
    pub code: Option<&'static str>,
}

/// What becomes of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub enum Mode {
    /// A draft in the user's inbox.
    Inbox,
    /// A post.
    Direct,
}

/// One thing that an init began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Publication {
    /// As the client knows it.
    pub publish_id: String,
    /// The user's name.
    pub account: String,
    /// What becomes of it.
    pub mode: Mode,
    /// As the status would be answered now, such as `PUBLISH_COMPLETE`.
    pub status: &'static str,
    /// Why it failed.
    pub fail_reason: Option<String>,
    /// Bytes that were announced; 0 for an address.
    pub announced: u64,
    /// Bytes in whole chunks that came, or that were fetched.
    pub bytes: u64,
    /// SHA-256 of all bytes, in lower-case hexadecimal, once they are there.
    pub sha256: Option<String>,
    /// Whether it is over the cap of pending drafts: TikTok says that it is in the inbox, and the user never sees it. Only with
    /// [`Builder::drafts_over_the_cap_are_lost`](super::Builder::drafts_over_the_cap_are_lost).
    pub lost: bool,
    /// What a direct post says about itself.
    pub post_info: Option<Value>,
    /// When the init was answered, in TikTok's time since the start.
    pub created: Duration,
}

impl Publication {
    /// Whether all of it arrived, and it neither failed nor was lost: the user has it, or will have.
    #[must_use]
    pub fn arrived(&self) -> bool {
        self.sha256.is_some() && self.status != "FAILED" && !self.lost
    }
}

/// An event that was sent to the webhook's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// Such as `post.publish.complete`.
    pub event: String,
    /// What it is about, if it is about a video.
    pub publish_id: Option<String>,
    /// What was answered; `None` if nothing was.
    pub status: Option<u16>,
}

/// What the stand-in saw; see [`FakeTikTok::record`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// In order of arrival.
    pub requests: Vec<Request>,
    /// In order of their inits.
    pub publications: Vec<Publication>,
    /// In order of delivery.
    pub webhooks: Vec<Delivery>,
    /// Bytes of bodies of uploads that came, whatever became of them.
    pub uploaded_bytes: u64,
}

impl Record {
    /// The publication of this id.
    #[must_use]
    pub fn publication(&self, publish_id: &str) -> Option<&Publication> {
        self.publications.iter().find(|publication| publication.publish_id == publish_id)
    }

    /// Direct posts that arrived.
    pub fn posts(&self) -> impl Iterator<Item = &Publication> {
        self.arrived().filter(|publication| publication.mode == Mode::Direct)
    }

    /// Drafts that arrived.
    pub fn drafts(&self) -> impl Iterator<Item = &Publication> {
        self.arrived().filter(|publication| publication.mode == Mode::Inbox)
    }

    /// All that arrived.
    pub fn arrived(&self) -> impl Iterator<Item = &Publication> {
        self.publications.iter().filter(|publication| publication.arrived())
    }

    /// How often each file arrived, as a draft or a post of whomever, by its SHA-256.
    #[must_use]
    pub fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for sha256 in self.arrived().filter_map(|publication| publication.sha256.clone()) {
            *copies.entry(sha256).or_default() += 1;
        }
        copies
    }

    /// The files that one user got more than once, by SHA-256: none, if all is well.
    #[must_use]
    pub fn repeated(&self) -> Vec<String> {
        let mut copies = BTreeMap::<_, usize>::new();
        for publication in self.arrived() {
            *copies.entry((&publication.sha256, &publication.account)).or_default() += 1;
        }
        let more = copies.into_iter().filter(|(_, count)| *count > 1);
        more.filter_map(|((sha256, _), _)| sha256.clone()).collect()
    }

    /// The requests to an endpoint.
    pub fn to(&self, endpoint: Endpoint) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(move |request| request.endpoint == endpoint)
    }

    /// How many requests got this error of TikTok's.
    #[must_use]
    pub fn refused(&self, code: &str) -> usize {
        self.requests.iter().filter(|request| request.code == Some(code)).count()
    }
}

impl FakeTikTok {
    /// All that was seen so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.shared.look(|state| {
            state.settle();
            state.record()
        })
    }

    /// Waits until the record is so.
    pub async fn until(&self, so: impl Fn(&Record) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if so(&self.record()) {
                return;
            }
            // The sender lives as long as this.
            let _ = changes.changed().await;
        }
    }
}
