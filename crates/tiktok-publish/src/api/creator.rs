//! Who posts, and what they may do.

use serde::Deserialize;

use super::init::Privacy;
use crate::words::tidy;

/// What an account offers for a direct post.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CreatorInfo {
    /// The account's name in addresses.
    #[serde(rename = "creator_username")]
    pub username: String,
    /// The account's name as people see it.
    #[serde(rename = "creator_nickname")]
    pub nickname: String,
    /// Who may be let see a post, in TikTok's names. A private account offers less. Says nothing about the app's audit.
    #[serde(rename = "privacy_level_options")]
    pub privacy_options: Vec<String>,
    /// The account has comments switched off.
    pub comment_disabled: bool,
    /// The account has duets switched off.
    pub duet_disabled: bool,
    /// The account has stitches switched off.
    pub stitch_disabled: bool,
    /// The longest video that the account may post, in seconds.
    #[serde(rename = "max_video_post_duration_sec")]
    pub max_duration_s: Option<u64>,
}

impl CreatorInfo {
    /// Whether the account offers this choice.
    #[must_use]
    pub fn offers(&self, privacy: Privacy) -> bool {
        self.privacy_options.iter().any(|option| option == privacy.name())
    }

    /// The choices as a list for people.
    #[must_use]
    pub fn options(&self) -> String {
        let options: Vec<String> = self.privacy_options.iter().map(|option| tidy(option)).collect();
        if options.is_empty() { "none".to_owned() } else { options.join(", ") }
    }
}

/// Who is logged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// TikTok's id of the account for this app.
    pub open_id: String,
    /// The account's name as people see it.
    pub display_name: String,
}

/// The answer of the user's page: the user is inside.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserWire {
    pub(super) user: UserInfo,
}
