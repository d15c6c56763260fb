//! Finished broadcasts.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::state::{Playback, new_id};
use crate::origin::Origin;

/// Who may see a finished broadcast, and whether it is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VodStatus {
    /// Everyone.
    #[default]
    Public,
    /// Subscribers: everyone else is told so, and gets no address.
    SubscriberOnly,
    /// The streamer alone.
    Private,
    /// Nobody any more.
    Deleted,
    /// Nobody yet: it has no address.
    Processing,
}

impl VodStatus {
    /// As the site's endpoints call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public | Self::Processing => "public",
            Self::SubscriberOnly => "subscriber_only",
            Self::Private => "private",
            Self::Deleted => "deleted",
        }
    }

    /// Whether it is kept from those who ask.
    pub(super) const fn is_withheld(self) -> bool {
        !matches!(self, Self::Public | Self::Processing)
    }
}

/// A finished broadcast.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Vod {
    /// Its title.
    pub title: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it is.
    pub duration: Duration,
    /// Where it is to be had.
    pub playback: Playback,
    /// Whether it can be had.
    pub status: VodStatus,
}

impl Vod {
    /// What an origin serves as a finished broadcast.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        Self {
            title: "Late night arena, the whole of it".into(),
            started_at: origin.began(),
            duration: origin.length(),
            playback: Playback::Origin(origin.clone()),
            status: VodStatus::Public,
        }
    }

    /// Another status.
    #[must_use]
    pub fn status(mut self, status: VodStatus) -> Self {
        self.status = status;
        self
    }
}

/// The two ids of a finished broadcast.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VodIds {
    /// As addresses have it since July 2026: a UUID of version 7.
    pub vod_id: String,
    /// As they had it before: a UUID of version 4, which the old endpoint alone knows.
    pub uuid: String,
}

#[derive(Debug)]
pub(super) struct KeptVod {
    pub(super) ids: VodIds,
    pub(super) vod: Vod,
}

impl KeptVod {
    pub(super) fn new(vod: Vod) -> Self {
        let ids = VodIds { vod_id: new_id(vod.started_at), uuid: Uuid::new_v4().to_string() };
        Self { ids, vod }
    }

    /// The address, if everyone may have it.
    pub(super) fn address(&self) -> Option<String> {
        (self.vod.status == VodStatus::Public).then(|| self.vod.playback.url())
    }
}
