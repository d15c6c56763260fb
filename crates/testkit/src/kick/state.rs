//! Who streams on the stand-in, and what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rsa::KeyPair;
use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio::time::Instant;
use uuid::Uuid;

use super::chat::{Push, Said};
use super::gate::Gate;
use super::vod::{KeptVod, Vod, VodIds};
use crate::origin::Origin;

/// App tokens last 60 days.
const TOKEN_LIFE: Duration = Duration::from_secs(5_184_000);
/// Frames that a slow reader of chat may be behind before it misses some.
const CHAT_BACKLOG: usize = 4096;

/// The three numbers that Kick has for a streamer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ids {
    /// Of the user, as the official API has it.
    pub broadcaster_user_id: u64,
    /// Of the channel, as the site's endpoints have it.
    pub channel_id: u64,
    /// Of the chat room.
    pub chatroom_id: u64,
}

/// What the official API says about a batch with a slug that nobody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownSlug {
    /// The others, without it.
    #[default]
    Absent,
    /// 400 for the whole batch.
    Rejected,
}

/// Where a stream is to be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Playback {
    /// There, with a new token for everyone who asks.
    Origin(Origin),
    /// There, whatever it may be.
    Url(String),
}

impl Playback {
    pub(super) fn url(&self) -> String {
        match self {
            Self::Origin(origin) => origin.url(),
            Self::Url(url) => url.clone(),
        }
    }
}

/// A stream on the air.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Broadcast {
    /// Its title.
    pub title: String,
    /// The category's id and name.
    pub category: (u64, String),
    /// Such as `en`.
    pub language: String,
    /// Viewers.
    pub viewers: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it is to be had.
    pub playback: Playback,
    /// The id that its recording will have: a UUID of version 7.
    pub vod_id: String,
}

impl Broadcast {
    /// What the origin plays, under an invented title.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        Self::from(Playback::Origin(origin.clone()), origin.began())
    }

    /// What is to be had at an address, begun now.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::from(Playback::Url(url.to_owned()), Timestamp::now())
    }

    fn from(playback: Playback, started_at: Timestamp) -> Self {
        Self {
            title: "Late night arena, no deaths \u{1F525}".into(),
            category: (15, "Just Chatting".into()),
            language: "en".into(),
            viewers: 812,
            started_at,
            playback,
            vod_id: new_id(started_at),
        }
    }

    /// Another title.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }
}

/// An id as Kick gives them to recordings since July 2026: a UUID of version 7.
pub(super) fn new_id(at: Timestamp) -> String {
    let mut random = [0; 10];
    random.copy_from_slice(&Uuid::new_v4().as_bytes()[..10]);
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

/// A streamer.
#[derive(Debug)]
pub(super) struct Streamer {
    pub(super) slug: String,
    pub(super) ids: Ids,
    pub(super) broadcast: Option<Broadcast>,
    pub(super) vods: Vec<KeptVod>,
    /// What was said in the chat room, in order of time.
    pub(super) said: Vec<Said>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    pub(super) streamers: Vec<Streamer>,
    pub(super) unknown_slug: UnknownSlug,
    pub(super) tokens: HashMap<String, Instant>,
    pub(super) token_life: Duration,
    pub(super) gate: Gate,
    /// Signs webhooks; made when first needed.
    pub(super) key: Option<KeyPair>,
    /// Answers of clients to pings.
    pub(super) pongs: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            streamers: Vec::new(),
            unknown_slug: UnknownSlug::default(),
            tokens: HashMap::new(),
            token_life: TOKEN_LIFE,
            gate: Gate::default(),
            key: None,
            pongs: 0,
        }
    }
}

impl State {
    pub(super) fn add_streamer(&mut self, slug: &str) -> Ids {
        let number = self.streamers.len() as u64 + 1;
        let ids = Ids {
            broadcaster_user_id: 1_000_000 + number,
            channel_id: 600_000 + number,
            chatroom_id: 500_000 + number,
        };
        let slug = slug.to_owned();
        self.streamers.push(Streamer { slug, ids, broadcast: None, vods: Vec::new(), said: Vec::new() });
        ids
    }

    pub(super) fn add_vod(&mut self, slug: &str, vod: Vod) -> VodIds {
        let kept = KeptVod::new(vod);
        let ids = kept.ids.clone();
        self.streamer_mut(slug).vods.push(kept);
        ids
    }

    pub(super) fn by_slug(&self, slug: &str) -> Option<&Streamer> {
        self.streamers.iter().find(|streamer| streamer.slug.eq_ignore_ascii_case(slug))
    }

    pub(super) fn by_user(&self, id: u64) -> Option<&Streamer> {
        self.streamers.iter().find(|streamer| streamer.ids.broadcaster_user_id == id)
    }

    pub(super) fn by_channel(&self, id: u64) -> Option<&Streamer> {
        self.streamers.iter().find(|streamer| streamer.ids.channel_id == id)
    }

    pub(super) fn streamer_mut(&mut self, slug: &str) -> &mut Streamer {
        let found = self.streamers.iter_mut().find(|streamer| streamer.slug == slug);
        found.unwrap_or_else(|| panic!("the stand-in has no streamer {slug}: add_streamer comes first"))
    }
}

/// The state, shared by the servers.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// What is sent over the sockets of the chat.
    pub(super) pushes: broadcast::Sender<Push>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), pushes: broadcast::Sender::new(CHAT_BACKLOG) }
    }
}

impl Shared {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
