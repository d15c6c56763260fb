//! TikTok's interface for posting: what can be asked, and what the answers mean.

mod client;
mod code;
mod creator;
mod envelope;
mod error;
mod init;
mod retry;
mod status;

pub use client::TikTokApi;
pub use code::{Class, Meaning};
pub use creator::{CreatorInfo, UserInfo};
pub use error::{ApiError, ApiFailure};
pub use init::{Privacy, UnknownPrivacy};
pub use status::{PublishStatus, StatusKind};

pub(crate) use client::Times;
pub(crate) use init::{Init, InitBody, PostInfo, Source};
pub(crate) use retry::{BUSY_TRIES, busy_wait, init_backoff};
