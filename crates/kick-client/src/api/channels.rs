//! Channels, live or not.

use jiff::Timestamp;
use serde::Deserialize;

use super::{BATCH, KickApi};
use crate::error::KickError;
use crate::slug::folded;
use crate::{lenient, time};

/// What a stream is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Category {
    /// Kick's number for it.
    #[serde(default, deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// Its name, such as `Just Chatting`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
}

impl Category {
    /// None for the empty category that Kick writes for channels that are offline.
    pub(crate) fn if_named(self) -> Option<Self> {
        (!self.name.is_empty()).then_some(self)
    }
}

/// A channel as the API tells it. What Kick left out is absent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawChannel")]
#[non_exhaustive]
pub struct Channel {
    /// The number that stays when a channel is renamed.
    pub broadcaster_user_id: Option<u64>,
    /// The name in the address of the channel.
    pub slug: String,
    /// Whether it is live.
    pub is_live: Option<bool>,
    /// The title of the stream, empty when offline.
    pub title: String,
    /// What the stream is about.
    pub category: Option<Category>,
    /// Language code, such as `en`; empty when offline.
    pub language: String,
    /// When the broadcast began. Together with the broadcaster it names a broadcast.
    pub started_at: Option<Timestamp>,
    /// How many watch. Absent when hidden or none.
    pub viewers: Option<u64>,
    /// Whether it is for adults.
    pub is_mature: bool,
    /// The streamer's own tags.
    pub tags: Vec<String>,
}

#[derive(Deserialize)]
struct RawChannel {
    #[serde(default, deserialize_with = "lenient::number")]
    broadcaster_user_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    slug: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    stream_title: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    category: Category,
    #[serde(default, deserialize_with = "lenient::or_default")]
    stream: RawStream,
}

#[derive(Default, Deserialize)]
struct RawStream {
    #[serde(default, deserialize_with = "lenient::or_default")]
    is_live: Option<bool>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    language: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    start_time: String,
    #[serde(default, deserialize_with = "lenient::number")]
    viewer_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    is_mature: bool,
    #[serde(default, deserialize_with = "lenient::list")]
    custom_tags: Vec<String>,
}

impl From<RawChannel> for Channel {
    fn from(raw: RawChannel) -> Self {
        Self {
            broadcaster_user_id: raw.broadcaster_user_id,
            slug: raw.slug,
            is_live: raw.stream.is_live,
            title: raw.stream_title,
            category: raw.category.if_named(),
            language: raw.stream.language,
            started_at: time::parse(&raw.stream.start_time),
            viewers: raw.stream.viewer_count,
            is_mature: raw.stream.is_mature,
            tags: raw.stream.custom_tags,
        }
    }
}

/// One of the two ways to name a channel in a request. They cannot be mixed in one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Naming {
    Slug(String),
    Id(u64),
}

impl Naming {
    pub(super) fn names(&self, channel: &Channel) -> bool {
        match self {
            Self::Slug(slug) => folded(&channel.slug) == *slug,
            Self::Id(id) => channel.broadcaster_user_id == Some(*id),
        }
    }

    fn pair(&self) -> (&'static str, String) {
        match self {
            Self::Slug(slug) => ("slug", slug.clone()),
            Self::Id(id) => ("broadcaster_user_id", id.to_string()),
        }
    }
}

impl KickApi {
    /// The channels with these slugs, in batches of 50, in the order of Kick's replies. Case does not matter. What
    /// Kick does not know is left out; it may also refuse a whole batch for it, which [`KickApi::poll`] copes with.
    ///
    /// # Errors
    ///
    /// [`KickError`] of the first batch that failed.
    pub async fn channels_by_slug(&self, slugs: &[&str]) -> Result<Vec<Channel>, KickError> {
        let namings: Vec<Naming> = slugs.iter().map(|slug| Naming::Slug(folded(slug))).collect();
        self.all_channels(&namings).await
    }

    /// The channels of these broadcasters, in batches of 50, in the order of Kick's replies. What Kick does not know is
    /// left out.
    ///
    /// # Errors
    ///
    /// [`KickError`] of the first batch that failed.
    pub async fn channels_by_id(&self, ids: &[u64]) -> Result<Vec<Channel>, KickError> {
        let namings: Vec<Naming> = ids.iter().copied().map(Naming::Id).collect();
        self.all_channels(&namings).await
    }

    async fn all_channels(&self, namings: &[Naming]) -> Result<Vec<Channel>, KickError> {
        let mut channels = Vec::new();
        for batch in namings.chunks(BATCH) {
            channels.extend(self.channels(batch).await?);
        }
        Ok(channels)
    }

    /// One request for up to 50 channels, all named in the same way.
    pub(super) async fn channels(&self, batch: &[Naming]) -> Result<Vec<Channel>, KickError> {
        let query = batch.iter().map(Naming::pair);
        Ok(self.list("channels", &["public", "v1", "channels"], query).await?.0)
    }
}
