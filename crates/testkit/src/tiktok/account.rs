//! The users.

/// Posts to oneself alone.
pub(super) const SELF_ONLY: &str = "SELF_ONLY";
/// All levels of privacy that there are.
pub(super) const PRIVACY_LEVELS: [&str; 4] =
    ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", SELF_ONLY];
/// Seconds that most creators may post: ten minutes.
const MAX_DURATION_S: u32 = 600;

/// A user of TikTok.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The name in addresses, which is unique.
    pub username: String,
    /// The name that is shown.
    pub nickname: String,
    /// Whether only followers see it.
    pub private: bool,
    /// An error of the account itself that every init gets and creator info tells, such as
    /// `spam_risk_user_banned_from_posting`.
    pub trouble: Option<&'static str>,
    /// Whether comments are off in its settings.
    pub comment_disabled: bool,
    /// Whether duets are.
    pub duet_disabled: bool,
    /// Whether stitches are.
    pub stitch_disabled: bool,
    /// Seconds that a direct post may have.
    pub max_duration_s: u32,
}

impl Account {
    /// An account that only its followers see: the only kind that a client may post to before its audit.
    #[must_use]
    pub fn private(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            nickname: format!("{username} \u{1F3AE}"),
            private: true,
            trouble: None,
            comment_disabled: false,
            duet_disabled: false,
            stitch_disabled: false,
            max_duration_s: MAX_DURATION_S,
        }
    }

    /// An account that everyone sees.
    #[must_use]
    pub fn public(username: &str) -> Self {
        Self { private: false, ..Self::private(username) }
    }

    /// Another longest duration, in seconds.
    #[must_use]
    pub fn max_duration_s(mut self, seconds: u32) -> Self {
        self.max_duration_s = seconds;
        self
    }

    /// The id that this client knows the user by.
    #[must_use]
    pub fn open_id(&self) -> String {
        format!("-000{}", self.username)
    }

    /// What the user may choose between.
    pub(super) fn privacy_options(&self) -> [&'static str; 3] {
        let widest = if self.private { "FOLLOWER_OF_CREATOR" } else { "PUBLIC_TO_EVERYONE" };
        [widest, "MUTUAL_FOLLOW_FRIENDS", SELF_ONLY]
    }
}
