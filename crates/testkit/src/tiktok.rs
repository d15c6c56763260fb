//! A stand-in for TikTok that enforces TikTok's rules: the page of consent and its redirects, tokens that rotate, the limits of
//! the API, the arithmetic of chunks, uploads in sequence, pending drafts, and signed webhooks.
//!
//! The page, the API and the place for uploads are servers of their own, as they are hosts of their own with TikTok. What
//! TikTok's pages leave open is decided by the [`Builder`].
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::tiktok::{Account, Endpoint, FakeTikTok, Fault};
//!
//! let tiktok = FakeTikTok::builder().account(Account::private("demo")).start().await?;
//! let tokens = tiktok.log_in("demo", &["user.info.basic", "video.upload"]);
//! tiktok.fail_next(Endpoint::Upload, Some(1), Fault::CutBody { after: 1_000_000 });
//! // ... run something against tiktok.bases() with the tokens ...
//! tiktok.until(|record| record.drafts().count() == 1).await;
//! assert!(tiktok.record().repeated().is_empty());
//! # Ok(())
//! # }
//! ```

mod account;
mod api;
mod clock;
mod creator;
mod endpoint;
mod fault;
mod gate;
mod init;
mod login;
mod outside;
mod post_info;
mod pull;
mod record;
mod reply;
mod rules;
mod share;
mod source_info;
mod state;
mod status;
mod token;
mod upload;
mod wire;

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use account::Account;
pub use endpoint::Endpoint;
pub use fault::Fault;
pub use login::{Decision, PageError};
pub use record::{Delivery, Mode, Publication, Record, Request};
pub use rules::{Builder, ClientKind, Progress};
pub use share::{PostIds, Processing};
pub use token::Tokens;

use rules::Rules;
use state::{Shared, State};
use wire::{Cut, WireListener};

/// The base addresses of the stand-in, as the configuration of a client wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bases {
    /// In place of `https://open.tiktokapis.com`.
    pub api_base: String,
    /// In place of `https://www.tiktok.com`.
    pub auth_base: String,
}

/// A stand-in for TikTok on free ports of the loopback. Clones are the same; with the last of them it is gone.
#[derive(Clone)]
pub struct FakeTikTok {
    shared: Arc<Shared>,
    bases: Bases,
    /// The servers stop when this is dropped.
    _running: Arc<watch::Sender<()>>,
}

impl FakeTikTok {
    /// The key of the one client that is registered.
    pub const CLIENT_KEY: &'static str = "awstandinclientkey";
    /// Its secret.
    pub const CLIENT_SECRET: &'static str = "a-tiktok-secret-that-must-never-be-logged";

    /// A TikTok to be described.
    pub fn builder() -> Builder {
        Builder::default()
    }

    async fn start(rules: Rules, accounts: Vec<Account>) -> io::Result<Self> {
        let bind = async || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base = format!("http://{}", listener.local_addr()?);
            io::Result::Ok((WireListener(listener), base))
        };
        let (api, api_base) = bind().await?;
        let (auth, auth_base) = bind().await?;
        let (upload, upload_base) = bind().await?;
        let (sender, errands) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(State::new(rules, accounts, sender), upload_base));
        let running = watch::Sender::new(());
        for (listener, router) in [(api, api::router()), (auth, login::router()), (upload, upload::router())]
        {
            let router: Router = router
                .fallback(api::unknown)
                .method_not_allowed_fallback(api::unknown)
                .with_state(Arc::clone(&shared));
            let mut stopped = running.subscribe();
            // Waiting fails when the last handle is dropped.
            let stopped = async move { while stopped.changed().await.is_ok() {} };
            let service = router.into_make_service_with_connect_info::<Cut>();
            tokio::spawn(axum::serve(listener, service).with_graceful_shutdown(stopped).into_future());
        }
        tokio::spawn(outside::run_errands(Arc::downgrade(&shared), errands));
        Ok(Self { shared, bases: Bases { api_base, auth_base }, _running: Arc::new(running) })
    }

    /// Where it is.
    #[must_use]
    pub fn bases(&self) -> &Bases {
        &self.bases
    }

    /// Where its API is: `api_base` of [`FakeTikTok::bases`].
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.bases.api_base
    }
}

impl fmt::Debug for FakeTikTok {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FakeTikTok").field("bases", &self.bases).finish_non_exhaustive()
    }
}
