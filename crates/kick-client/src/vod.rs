//! From the address of a finished broadcast to its playlist and what is known of it.
//!
//! Kick changed its ids and endpoints in July 2026: the newer are asked first, the older after them. What is not needed to
//! play it (title, start, chat room, ...) is gathered as far as Kick tells it.

mod reference;
mod replies;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;
use uuid::Uuid;

use crate::config::KickConfig;
use crate::error::{BlockedBy, Failure, KickError};
use crate::http::{Ask, KickHttp, Reply};
use crate::secret_url::{SecretUrl, address};
use crate::site::{PlayerReply, Site};
use replies::{ChannelPage, OldVideo, VideoItem, VideoList, VideoReply};

pub use reference::{VodRef, VodRefError, read_start};

/// A broadcast that can be fetched. Nothing but the address is sure to be known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Vod {
    /// The address of the multivariant playlist.
    pub url: SecretUrl,
    /// The title; may be empty.
    pub title: String,
    /// When the broadcast began.
    pub start_time: Option<Timestamp>,
    /// How long it is.
    pub duration: Option<Duration>,
    /// Whether the broadcast still goes on and the playlist grows.
    pub is_live: bool,
    /// The channel's name in its address.
    pub slug: Option<String>,
    /// The channel's number in internal endpoints; not the broadcaster's.
    pub channel_id: Option<u64>,
    /// The number of the channel's chat room.
    pub chatroom_id: Option<u64>,
    /// What it is about.
    pub category: Option<String>,
    /// Language as Kick writes it, such as `en` or `English`.
    pub language: Option<String>,
}

/// Why a broadcast cannot be fetched.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum VodError {
    /// Kick does not know it.
    #[error("Kick has no video {id}; it deletes them after about a month, or its address is mistyped")]
    NotFound {
        /// Which.
        id: Uuid,
    },
    /// Kick says that it was deleted.
    #[error("the video was deleted")]
    Deleted,
    /// It is for subscribers of the channel.
    #[error("the video is for subscribers of the channel alone")]
    SubscriberOnly,
    /// It is private.
    #[error("the video is private")]
    Private,
    /// There is no address yet. Worth another try some minutes later.
    #[error("the video has no address yet; Kick may still be processing it, try again in some minutes")]
    StillProcessing,
    /// Kick refuses to play it for another reason.
    #[error("Kick refuses to play the video: {reason}")]
    Denied {
        /// Kick's words.
        reason: String,
    },
    /// A guard in front of Kick turned us away.
    #[error(
        "{host} is blocked by {by}; try later or from another network, or give the address of the video's playlist"
    )]
    Blocked {
        /// Which guard.
        by: BlockedBy,
        /// Scheme, host and port that were asked.
        host: String,
    },
    /// Kick could not be asked, or did not answer in a known form.
    #[error(transparent)]
    Kick(KickError),
}

impl From<KickError> for VodError {
    fn from(error: KickError) -> Self {
        match error.failure() {
            Failure::Blocked { by } => Self::Blocked { by: *by, host: error.host().to_owned() },
            _ => Self::Kick(error),
        }
    }
}

impl VodError {
    /// Kick's refusal in a variant of its own where its words can be told apart.
    fn from_words(words: &str) -> Self {
        let folded = words.to_ascii_lowercase();
        if folded.contains("subscri") {
            Self::SubscriberOnly
        } else if folded.contains("private") {
            Self::Private
        } else if folded.contains("deleted") {
            Self::Deleted
        } else if folded.contains("processing") {
            Self::StillProcessing
        } else {
            Self::Denied { reason: words.to_owned() }
        }
    }

    /// How much it explains: of several failures, the one with most weight is told.
    fn weight(&self) -> u8 {
        match self {
            Self::SubscriberOnly | Self::Private | Self::Deleted => 5,
            Self::Denied { .. } => 4,
            Self::Blocked { .. } => 3,
            Self::StillProcessing => 2,
            Self::Kick(_) => 1,
            Self::NotFound { .. } => 0,
        }
    }
}

/// Finds finished broadcasts by the endpoints behind Kick's website.
#[derive(Debug, Clone)]
pub struct VodResolver {
    site: Site,
}

impl VodResolver {
    /// Asks the hosts of `config`.
    pub fn new(config: &KickConfig, http: KickHttp) -> Self {
        Self { site: Site::new(config, http) }
    }

    /// The broadcast that `reference` names.
    ///
    /// # Errors
    ///
    /// [`VodError`], by what can be done about it.
    pub async fn resolve(&self, reference: &VodRef) -> Result<Vod, VodError> {
        let mut found = Found { slug: reference.slug.clone(), ..Found::default() };
        let mut failures: Vec<VodError> = Vec::new();
        failures.extend(self.ask_player(reference, &mut found).await.err());
        // The page tells the channel's number, which the other endpoints need, and the chat room.
        self.ask_channel(reference, &mut found).await;
        // Whoever is not let in by the player is not let in by a side door.
        let refused = failures.iter().any(|failure| failure.weight() >= 4);
        self.ask_videos(reference, &mut found, !refused).await;
        if found.url.is_none() && !refused {
            failures.extend(self.ask_old(reference, &mut found).await.err());
        }
        let weightiest = failures.into_iter().max_by_key(VodError::weight);
        found.into_vod().ok_or_else(|| weightiest.unwrap_or(VodError::NotFound { id: reference.id }))
    }

    async fn ask_player(&self, reference: &VodRef, found: &mut Found) -> Result<(), VodError> {
        let ask = self.site.player(&reference.id.to_string(), &page(reference));
        let reply = PlayerReply::read(&ask, &self.send(&ask, reference).await?)?;
        let denial = reply.denial();
        let session = reply.video_session;
        found.title = session.video_title;
        found.duration = session.video_duration.map(Duration::from_secs);
        found.channel_id = session.creator_id;
        found.is_live = session.video_stream_status == "live";
        if found.slug.is_none() {
            found.slug = Some(session.video_series).filter(|slug| crate::is_slug(slug));
        }
        found.url = address(&reply.playback_url.vod);
        match (&found.url, denial) {
            (Some(_), _) => Ok(()),
            (None, Some(words)) => Err(VodError::from_words(&words)),
            (None, None) => Err(VodError::StillProcessing),
        }
    }

    /// Optional in all it tells.
    async fn ask_channel(&self, reference: &VodRef, found: &mut Found) {
        let Some(slug) = found.slug.clone() else { return };
        let ask = self.site.get("channel", &["api", "v2", "channels", &slug], &page(reference));
        match self.optional::<ChannelPage>(&ask).await {
            Some(channel) => {
                found.channel_id = found.channel_id.or(channel.id);
                found.chatroom_id = channel.chatroom.id;
            }
            None => tracing::debug!(slug, "the chat room of the channel is not known"),
        }
    }

    /// Optional in all it tells; an address only `with_address`.
    async fn ask_videos(&self, reference: &VodRef, found: &mut Found, with_address: bool) {
        let Some(channel) = found.channel_id.map(|id| id.to_string()) else { return };
        let id = reference.id.to_string();
        let page = page(reference);
        let ask = self.site.get_web("video", &["api", "v1", "channels", &channel, "videos", &id], &page);
        if let Some(video) = self.optional::<VideoReply>(&ask).await {
            found.add(video.data, false);
        }
        let enough = found.start_time.is_some() && (found.url.is_some() || !with_address);
        if !enough {
            let ask =
                self.site.get_web("videos of channel", &["api", "v1", "channels", &channel, "videos"], &page);
            let list = self.optional::<VideoList>(&ask).await.unwrap_or_default();
            if let Some(video) = list.data.into_iter().find(|video| video.id.eq_ignore_ascii_case(&id)) {
                found.add(video, with_address);
            }
        }
    }

    async fn ask_old(&self, reference: &VodRef, found: &mut Found) -> Result<(), VodError> {
        let path = ["api", "v1", "video", &reference.id.to_string()];
        let ask = self.site.get("video (old)", &path, &page(reference)).keeping(&[StatusCode::FORBIDDEN]);
        let reply = self.send(&ask, reference).await?;
        let refusal = ask.refusal(&reply);
        let video = match ask.json::<OldVideo>(&reply) {
            Ok(video) => video,
            Err(malformed) => return Err(refusal.unwrap_or(malformed).into()),
        };
        if let Some(why) = video.hindrance() {
            return Err(why);
        }
        if let Some(refusal) = refusal {
            return Err(refusal.into());
        }
        found.url = address(&video.source);
        found.add_old(video);
        if found.url.is_some() { Ok(()) } else { Err(VodError::StillProcessing) }
    }

    async fn send(&self, ask: &Ask, reference: &VodRef) -> Result<Reply, VodError> {
        self.site.http().send(ask).await.map_err(|error| match error.failure() {
            Failure::NotFound { .. } => VodError::NotFound { id: reference.id },
            _ => error.into(),
        })
    }

    async fn optional<T: serde::de::DeserializeOwned>(&self, ask: &Ask) -> Option<T> {
        let outcome = match self.site.http().send(ask).await {
            Ok(reply) => ask.json(&reply),
            Err(error) => Err(error),
        };
        outcome.inspect_err(|error| tracing::debug!(%error, "something about the video stays unknown")).ok()
    }
}

/// The page that a browser would be on.
fn page(reference: &VodRef) -> Vec<String> {
    let id = reference.id.to_string();
    match &reference.slug {
        Some(slug) => vec![slug.clone(), "videos".to_owned(), id],
        None => vec!["video".to_owned(), id],
    }
}

/// What is known so far. What came first stays.
#[derive(Default)]
struct Found {
    url: Option<SecretUrl>,
    title: String,
    start_time: Option<Timestamp>,
    duration: Option<Duration>,
    is_live: bool,
    slug: Option<String>,
    channel_id: Option<u64>,
    chatroom_id: Option<u64>,
    category: Option<String>,
    language: Option<String>,
}

impl Found {
    fn add(&mut self, video: VideoItem, with_address: bool) {
        if self.url.is_none() && with_address {
            self.url = address(&video.recording_url);
        }
        if self.title.is_empty() {
            self.title = video.title;
        }
        self.is_live |= video.is_live;
        self.start_time = self.start_time.or_else(|| crate::time::parse(&video.start_time));
        self.duration = self.duration.or(video.duration.map(Duration::from_secs));
        self.slug = self.slug.take().or(video.channel.slug);
        self.category = self.category.take().or(video.category.name);
        self.language = self.language.take().or(video.language);
    }

    fn add_old(&mut self, video: OldVideo) {
        let livestream = video.livestream;
        if self.title.is_empty() {
            self.title = livestream.session_title;
        }
        self.is_live |= livestream.is_live;
        let start =
            crate::time::parse(&livestream.start_time).or_else(|| crate::time::parse(&livestream.created_at));
        self.start_time = self.start_time.or(start);
        self.duration = self.duration.or(livestream.duration.map(Duration::from_millis));
        self.slug = self.slug.take().or(livestream.channel.slug);
        self.channel_id = self.channel_id.or(livestream.channel.id).or(livestream.channel_id);
        self.chatroom_id = self.chatroom_id.or(livestream.channel.chatroom.id);
        self.category =
            self.category.take().or(livestream.categories.into_iter().find_map(|category| category.name));
        self.language = self.language.take().or(livestream.language);
    }

    fn into_vod(self) -> Option<Vod> {
        Some(Vod {
            url: self.url?,
            title: self.title,
            start_time: self.start_time,
            duration: self.duration,
            is_live: self.is_live,
            slug: self.slug,
            channel_id: self.channel_id,
            chatroom_id: self.chatroom_id,
            category: self.category,
            language: self.language,
        })
    }
}
