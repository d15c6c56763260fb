//! What is live.

use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Deserialize;

use super::{Category, Channel, KickApi};
use crate::error::{Failure, KickError};
use crate::{lenient, time};

/// The most ids in one request for live streams by user.
const USERS: usize = 100;

/// A live stream as the API tells it. What Kick left out is absent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawLivestream")]
#[non_exhaustive]
pub struct Livestream {
    /// Kick's id of the broadcast; absent where only the channel was told.
    pub id: Option<String>,
    /// The number of the broadcaster.
    pub broadcaster_user_id: Option<u64>,
    /// The name in the address of the channel.
    pub slug: String,
    /// The title.
    pub title: String,
    /// What it is about.
    pub category: Option<Category>,
    /// Language code, such as `en`.
    pub language: String,
    /// When the broadcast began.
    pub started_at: Option<Timestamp>,
    /// How many watch. Absent when hidden or none.
    pub viewers: Option<u64>,
    /// Whether it is for adults.
    pub is_mature: bool,
    /// The streamer's own tags.
    pub tags: Vec<String>,
}

#[derive(Deserialize)]
struct RawLivestream {
    #[serde(default, deserialize_with = "lenient::or_default")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    broadcaster_user: RawUser,
    #[serde(default, deserialize_with = "lenient::or_default")]
    channel: RawSlug,
    #[serde(default, deserialize_with = "lenient::or_default")]
    category: Category,
    #[serde(default, deserialize_with = "lenient::or_default")]
    title: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    started_at: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    language_code: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    has_mature_content: bool,
    #[serde(default, deserialize_with = "lenient::list")]
    tags: Vec<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    viewer_count: Option<u64>,
}

#[derive(Default, Deserialize)]
struct RawUser {
    #[serde(default, deserialize_with = "lenient::number")]
    id: Option<u64>,
}

#[derive(Default, Deserialize)]
struct RawSlug {
    #[serde(default, deserialize_with = "lenient::or_default")]
    slug: String,
}

impl From<RawLivestream> for Livestream {
    fn from(raw: RawLivestream) -> Self {
        Self {
            id: raw.id,
            broadcaster_user_id: raw.broadcaster_user.id,
            slug: raw.channel.slug,
            title: raw.title,
            category: raw.category.if_named(),
            language: raw.language_code,
            started_at: time::parse(&raw.started_at),
            viewers: raw.viewer_count,
            is_mature: raw.has_mature_content,
            tags: raw.tags,
        }
    }
}

impl From<Channel> for Livestream {
    fn from(channel: Channel) -> Self {
        Self {
            id: None,
            broadcaster_user_id: channel.broadcaster_user_id,
            slug: channel.slug,
            title: channel.title,
            category: channel.category,
            language: channel.language,
            started_at: channel.started_at,
            viewers: channel.viewers,
            is_mature: channel.is_mature,
            tags: channel.tags,
        }
    }
}

/// Which live streams, and which page of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LivestreamFilter {
    /// Of these categories; of all if empty.
    pub category_ids: Vec<u64>,
    /// In these languages, up to 25; in all if empty.
    pub languages: Vec<String>,
    /// How many a page, 1 to 1000; Kick's default, 100, if absent.
    pub limit: Option<u16>,
    /// The page, from [`LivestreamPage::next_cursor`]; the first if absent.
    pub cursor: Option<String>,
}

/// A page of live streams, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct LivestreamPage {
    /// The streams.
    pub livestreams: Vec<Livestream>,
    /// Where the next page begins; absent on the last.
    pub next_cursor: Option<String>,
}

impl KickApi {
    /// A page of everything that is live on Kick.
    ///
    /// # Errors
    ///
    /// [`KickError`] if Kick cannot be asked or refuses the filter.
    pub async fn livestreams(&self, filter: &LivestreamFilter) -> Result<LivestreamPage, KickError> {
        let query = (filter.category_ids.iter().map(|id| ("category_id", id.to_string())))
            .chain(filter.languages.iter().map(|code| ("language_code", code.clone())))
            .chain(filter.limit.map(|limit| ("limit", limit.clamp(1, 1000).to_string())))
            .chain(filter.cursor.clone().map(|cursor| ("cursor", cursor)));
        let (livestreams, next_cursor) =
            self.list("livestreams", &["public", "v2", "livestreams"], query).await?;
        Ok(LivestreamPage { livestreams, next_cursor })
    }

    /// The live streams of these broadcasters, in batches of 100; who is offline is left out.
    ///
    /// Kick documents this as for users while its specification lets apps in. If it refuses, `/channels` is asked instead,
    /// now and from then on.
    ///
    /// # Errors
    ///
    /// [`KickError`] of the first batch that failed.
    pub async fn livestreams_by_user(&self, user_ids: &[u64]) -> Result<Vec<Livestream>, KickError> {
        let mut livestreams = Vec::new();
        for batch in user_ids.chunks(USERS) {
            livestreams.extend(self.livestreams_of(batch).await?);
        }
        Ok(livestreams)
    }

    async fn livestreams_of(&self, batch: &[u64]) -> Result<Vec<Livestream>, KickError> {
        if !self.by_user_refused.load(Ordering::Relaxed) {
            let query = batch.iter().map(|id| ("user_id", id.to_string()));
            let path = ["public", "v1", "users", "livestreams"];
            match self.list("livestreams by user", &path, query).await {
                Ok((livestreams, _)) => return Ok(livestreams),
                Err(error)
                    if matches!(error.failure(), Failure::Unauthorized | Failure::Forbidden { .. }) =>
                {
                    tracing::debug!(%error, "channels are asked instead");
                    self.by_user_refused.store(true, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
        }
        let channels = self.channels_by_id(batch).await?;
        Ok(channels
            .into_iter()
            .filter(|channel| channel.is_live == Some(true))
            .map(Livestream::from)
            .collect())
    }
}
