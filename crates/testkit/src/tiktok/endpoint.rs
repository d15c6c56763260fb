//! What can be asked, by whom, and how often.

use serde::Serialize;

/// A kind of request, to be counted and to be made fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET www.tiktok.com/v2/auth/authorize/`
    Authorize,
    /// `POST /v2/oauth/token/` with a code.
    Token,
    /// `POST /v2/oauth/token/` with a refresh token.
    Refresh,
    /// `POST /v2/oauth/revoke/`
    Revoke,
    /// `GET /v2/user/info/`
    UserInfo,
    /// `POST /v2/post/publish/creator_info/query/`
    CreatorInfo,
    /// `POST /v2/post/publish/video/init/`
    DirectInit,
    /// `POST /v2/post/publish/inbox/video/init/`
    InboxInit,
    /// `POST /v2/post/publish/status/fetch/`
    Status,
    /// `POST /v2/post/publish/cancel/`
    Cancel,
    /// `PUT` of a chunk to an upload address.
    Upload,
    /// Anything else.
    Unknown,
}

/// To see who the user is.
pub(super) const USER_INFO: &str = "user.info.basic";
/// To put drafts into the inbox.
pub(super) const VIDEO_UPLOAD: &str = "video.upload";
/// To post.
pub(super) const VIDEO_PUBLISH: &str = "video.publish";

impl Endpoint {
    /// Requests a minute for each access token, as TikTok documents them.
    pub(super) fn per_minute(self) -> Option<usize> {
        match self {
            Self::UserInfo => Some(600),
            Self::CreatorInfo => Some(20),
            Self::DirectInit | Self::InboxInit => Some(6),
            Self::Status => Some(30),
            _ => None,
        }
    }

    /// Any one of these is enough.
    pub(super) fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::UserInfo => &[USER_INFO],
            Self::CreatorInfo | Self::DirectInit => &[VIDEO_PUBLISH],
            Self::InboxInit => &[VIDEO_UPLOAD],
            Self::Status | Self::Cancel => &[VIDEO_UPLOAD, VIDEO_PUBLISH],
            _ => &[],
        }
    }

    /// How it spells the field of the log's id: TikTok's own pages have both.
    pub(super) fn log_id_key(self) -> &'static str {
        match self {
            Self::InboxInit | Self::Status => "logid",
            _ => "log_id",
        }
    }

    /// Whether errors come without the envelope.
    pub(super) fn is_flat(self) -> bool {
        matches!(self, Self::Token | Self::Refresh | Self::Revoke)
    }
}
