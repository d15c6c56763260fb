//! What the endpoints for finished broadcasts answer, as far as it is used.

use serde::Deserialize;

use super::VodError;
use crate::lenient;

/// `GET {site}/api/v2/channels/{slug}`.
#[derive(Default, Deserialize)]
pub(super) struct ChannelPage {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) chatroom: Numbered,
}

#[derive(Default, Deserialize)]
pub(super) struct Numbered {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
}

/// `GET {web}/api/v1/channels/{id}/videos/{id}`.
#[derive(Default, Deserialize)]
pub(super) struct VideoReply {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) data: VideoItem,
}

/// `GET {web}/api/v1/channels/{id}/videos`.
#[derive(Default, Deserialize)]
pub(super) struct VideoList {
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) data: Vec<VideoItem>,
}

/// A broadcast in the newer form.
#[derive(Default, Deserialize)]
pub(super) struct VideoItem {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) title: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) start_time: String,
    /// In seconds.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) duration: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) is_live: bool,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) language: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) category: Named,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) channel: ChannelOfVideo,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) recording_url: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Named {
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) name: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct ChannelOfVideo {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) id: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) slug: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) chatroom: Numbered,
}

/// `GET {site}/api/v1/video/{id}`, for ids before July 2026.
#[derive(Default, Deserialize)]
pub(super) struct OldVideo {
    #[serde(default, deserialize_with = "lenient::or_default")]
    status: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    is_private: bool,
    #[serde(default, deserialize_with = "lenient::or_default")]
    deleted_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) source: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) livestream: OldLivestream,
}

impl OldVideo {
    /// Why it must not be played, if Kick says so.
    pub(super) fn hindrance(&self) -> Option<VodError> {
        match self.status.as_str() {
            "subscriber_only" => Some(VodError::SubscriberOnly),
            "private" => Some(VodError::Private),
            "deleted" => Some(VodError::Deleted),
            _ if self.is_private => Some(VodError::Private),
            _ if self.deleted_at.is_some() => Some(VodError::Deleted),
            _ => None,
        }
    }
}

/// The broadcast in an [`OldVideo`].
#[derive(Default, Deserialize)]
pub(super) struct OldLivestream {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) channel_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) session_title: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) is_live: bool,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) start_time: String,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) created_at: String,
    /// In milliseconds.
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) duration: Option<u64>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) language: Option<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub(super) channel: ChannelOfVideo,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) categories: Vec<Named>,
}
