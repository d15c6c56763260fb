//! TikTok: login, tokens, uploads as drafts or posts, and what became of them.

mod api;
mod clock;
mod config;
mod files;
mod ledger;
pub mod login;
mod plan;
mod preflight;
mod publisher;
mod settings;
mod title;
mod token;
mod upload;
pub mod webhook;
mod words;

pub use api::{
    ApiError, ApiFailure, Class, CreatorInfo, Meaning, Privacy, PublishStatus, StatusKind, TikTokApi,
    UnknownPrivacy, UserInfo,
};
pub use clock::{Clock, ScaledClock, SystemClock};
pub use config::{AppCredentials, Environment, TikTokConfig};
pub use ledger::{
    BlockSnapshot, DEFAULT_BACKOFF, DRAFTS_A_DAY, INITS_A_MINUTE, Ledger, LedgerSnapshot, Share, ShareMode,
    ShareSnapshot,
};
pub use plan::{
    DEFAULT_CHUNK_BYTES, MAX_CHUNK_BYTES, MAX_FILE_BYTES, MIN_CHUNK_BYTES, PlanError, UploadPlan,
};
pub use preflight::{MAX_DURATION, MAX_FPS, MAX_SIDE, MIN_FPS, MIN_SIDE, check as check_post};
pub use publisher::{PLATFORM, TikTokPublisher};
pub use settings::{DEFAULT_STATUS_DEADLINE, DirectPost, PublishMode, PublishSettings, UploadSource};
pub use title::{MAX_TITLE_UNITS, cut_to_units};
pub use token::{
    AccessToken, Account, AccountStatus, AuthError, LegacyTokens, LoginReason, Refusal as OAuthRefusal,
    RefusalKind, Scopes, TokenEndpoint, TokenStore,
};
