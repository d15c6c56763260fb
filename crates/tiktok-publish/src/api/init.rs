//! What an upload is announced with.

use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::plan::UploadPlan;

/// Who may see a post. There is no default: the user chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Privacy {
    /// Everyone.
    PublicToEveryone,
    /// Those whom the account follows and who follow it.
    MutualFollowFriends,
    /// Those who follow the account, which is private.
    FollowerOfCreator,
    /// The account alone.
    SelfOnly,
}

impl Privacy {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::PublicToEveryone, Self::MutualFollowFriends, Self::FollowerOfCreator, Self::SelfOnly];

    /// TikTok's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicToEveryone => "PUBLIC_TO_EVERYONE",
            Self::MutualFollowFriends => "MUTUAL_FOLLOW_FRIENDS",
            Self::FollowerOfCreator => "FOLLOWER_OF_CREATOR",
            Self::SelfOnly => "SELF_ONLY",
        }
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No privacy that TikTok knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the privacy is one of PUBLIC_TO_EVERYONE, MUTUAL_FOLLOW_FRIENDS, FOLLOWER_OF_CREATOR, SELF_ONLY")]
pub struct UnknownPrivacy;

impl FromStr for Privacy {
    type Err = UnknownPrivacy;

    fn from_str(text: &str) -> Result<Self, UnknownPrivacy> {
        Self::ALL.into_iter().find(|privacy| privacy.name() == text).ok_or(UnknownPrivacy)
    }
}

/// What a direct post says about itself. All is sent, since TikTok's pages disagree on what may be left out.
#[derive(Clone, Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "so is TikTok's form")]
pub(crate) struct PostInfo {
    pub(crate) title: String,
    pub(crate) privacy_level: Privacy,
    pub(crate) disable_duet: bool,
    pub(crate) disable_comment: bool,
    pub(crate) disable_stitch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) video_cover_timestamp_ms: Option<i32>,
    pub(crate) brand_content_toggle: bool,
    pub(crate) brand_organic_toggle: bool,
    pub(crate) is_aigc: bool,
}

/// Where the bytes come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// From here.
    File(UploadPlan),
    /// From an address that TikTok fetches.
    Address(Url),
}

#[derive(Serialize)]
#[serde(tag = "source", rename_all = "SCREAMING_SNAKE_CASE")]
enum SourceWire<'a> {
    FileUpload { video_size: u64, chunk_size: u64, total_chunk_count: u64 },
    PullFromUrl { video_url: &'a str },
}

impl Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match self {
            Self::File(plan) => SourceWire::FileUpload {
                video_size: plan.size(),
                chunk_size: plan.chunk_size(),
                total_chunk_count: plan.count(),
            },
            Self::Address(address) => SourceWire::PullFromUrl { video_url: address.as_str() },
        };
        wire.serialize(serializer)
    }
}

/// The body of an init: a draft says nothing about itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct InitBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) post_info: Option<PostInfo>,
    pub(crate) source_info: Source,
}

/// What an init is answered with.
#[derive(Deserialize)]
pub(crate) struct Init {
    pub(crate) publish_id: String,
    #[serde(default)]
    pub(crate) upload_url: Option<SecretString>,
}

impl fmt::Debug for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Init").field("publish_id", &self.publish_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_have_tiktoks_form() {
        let source_info = Source::File(UploadPlan::new(100_000_000, 64_000_000).unwrap());
        let draft = InitBody { post_info: None, source_info };
        assert_eq!(
            serde_json::to_value(&draft).unwrap(),
            json!({"source_info": {"source": "FILE_UPLOAD", "video_size": 100_000_000, "chunk_size": 50_000_000, "total_chunk_count": 2}})
        );
        let info = PostInfo {
            title: "t".to_owned(),
            privacy_level: Privacy::SelfOnly,
            disable_duet: true,
            disable_comment: true,
            disable_stitch: true,
            video_cover_timestamp_ms: None,
            brand_content_toggle: false,
            brand_organic_toggle: false,
            is_aigc: false,
        };
        let address = Url::parse("https://clips.example/a.mp4").unwrap();
        let post = InitBody { post_info: Some(info), source_info: Source::Address(address) };
        assert_eq!(
            serde_json::to_value(&post).unwrap(),
            json!({
                "post_info": {"title": "t", "privacy_level": "SELF_ONLY", "disable_duet": true, "disable_comment": true,
                    "disable_stitch": true, "brand_content_toggle": false, "brand_organic_toggle": false, "is_aigc": false},
                "source_info": {"source": "PULL_FROM_URL", "video_url": "https://clips.example/a.mp4"},
            })
        );
    }

    #[test]
    fn privacies_have_tiktoks_names() {
        for privacy in Privacy::ALL {
            assert_eq!(privacy.name().parse(), Ok(privacy));
            assert_eq!(serde_json::to_value(privacy).unwrap(), privacy.name());
        }
        assert_eq!("public".parse::<Privacy>(), Err(UnknownPrivacy));
    }

    #[test]
    fn an_upload_address_is_not_shown() {
        let init: Init =
            serde_json::from_value(json!({"publish_id": "p", "upload_url": "https://h/SECRET"})).unwrap();
        assert!(!format!("{init:?}").contains("SECRET"));
    }
}
