//! Kick: its official API, and the endpoints behind its own website where the API says nothing.
//!
//! | part | what it does | whose endpoints |
//! |---|---|---|
//! | [`AppTokens`] | app token by client credentials: cached, renewed in time, kept across restarts | official |
//! | [`KickApi`] | who is live, channels, users, the key that webhooks are signed with | official |
//! | [`playback`] | the address of a live stream's playlist | internal, or a program, or a given address |
//! | [`vod`] | a finished broadcast by its page's address: playlist, title, start, length | internal |
//! | [`chat`] | the chat of a channel, live and of finished broadcasts | internal |
//! | [`webhook`] | what Kick tells by itself, with the signature checked | official |
//!
//! **Internal endpoints are not supported by Kick.** They may change or vanish on any day, they answer from some
//! networks and not from others, and Kick's terms are said to forbid automated access outside the API. Hence
//! every one of them has alternatives and every failure says whether Kick refused ([`Failure::Blocked`]), did not know
//! ([`Failure::NotFound`]) or answered in a form not known here ([`Failure::Malformed`]). Nothing here solves
//! challenges.
//!
//! Every base address is in [`KickConfig`], so a program can be run against stand-ins. All requests go through one
//! [`KickHttp`]: time limits, a ceiling on what a reply may hold once unpacked, redirects that stay public and
//! encrypted, and retries that honour `Retry-After`. Times are of the wall clock, since Kick knows no other.
//!
//! Tokens, secrets and signed addresses are types of their own ([`secrecy::SecretString`], [`SecretUrl`]): they
//! print as a mask or as their host alone, in errors and logs too.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kick_client::{AppCredentials, AppTokens, ChannelStatus, KickApi, KickConfig, KickHttp, StreamerKey};
//!
//! let config = KickConfig::default();
//! let http = KickHttp::new(&config)?;
//! let credentials = AppCredentials::new("an id", "a secret".into());
//! let api = KickApi::new(&config, http.clone(), AppTokens::new(&config, http, credentials));
//! for (slug, status) in api.poll(&[StreamerKey::by_slug("xqc")]).await {
//!     if let ChannelStatus::Live(live) = status {
//!         println!("{slug}: {}", live.title);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod api;
pub mod chat;
mod config;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod lenient;
pub mod playback;
mod secret_url;
mod site;
mod slug;
mod time;
mod token;
pub mod vod;
pub mod webhook;

pub use api::{
    Category, Channel, ChannelStatus, KickApi, Live, Livestream, LivestreamFilter, LivestreamPage,
    StreamerKey, User,
};
pub use config::KickConfig;
pub use error::{BlockedBy, Failure, KickError};
pub use http::{HttpLimits, KickHttp, RetryPolicy};
pub use secret_url::SecretUrl;
pub use slug::is_slug;
pub use token::{AppCredentials, AppTokens};
