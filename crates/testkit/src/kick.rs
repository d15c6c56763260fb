//! A stand-in for Kick that enforces Kick's rules: the official API with its tokens, batches and limits, the site's
//! internal endpoints with their blocks, chat by Pusher frames, and signed webhooks.
//!
//! Each of Kick's hosts is a server of its own, because asking the wrong one is answered as Kick answers it: blocked.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::kick::{Broadcast, Endpoint, FakeKick, Misbehaviour};
//! use testkit::origin::{Origin, Preparation};
//!
//! let origin = Origin::live(Preparation::of(&testkit::arena_night()).prepare()?).start().await?;
//! let kick = FakeKick::start().await?;
//! kick.add_streamer("demo");
//! kick.go_live("demo", Broadcast::of(&origin));
//! kick.misbehave(Endpoint::Channels, Misbehaviour::Waf, Some(2));
//! // ... run something against kick.bases() ...
//! assert_eq!(kick.requests(Endpoint::Token), 1);
//! # Ok(())
//! # }
//! ```

mod auth;
mod chat;
mod gate;
mod history;
mod official;
mod site;
mod state;
mod vod;
mod web;
mod webhook;

use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use chat::ChatLine;
pub use gate::{Endpoint, Misbehaviour};
pub use state::{Broadcast, Ids, Playback, UnknownSlug};
pub use vod::{Vod, VodIds, VodStatus};
pub use webhook::SignedEvent;

use state::Shared;

/// The base addresses of the stand-in, as the configuration of a client wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bases {
    /// In place of `https://api.kick.com`.
    pub api_base: String,
    /// In place of `https://id.kick.com`.
    pub auth_base: String,
    /// In place of `https://kick.com`.
    pub site_base: String,
    /// In place of `https://web.kick.com`.
    pub web_base: String,
    /// In place of `wss://ws-us2.pusher.com/app/...?...`.
    pub pusher_url: String,
}

/// A stand-in for Kick on free ports of the loopback. Clones are the same; with the last of them it is gone.
#[derive(Clone)]
pub struct FakeKick {
    shared: Arc<Shared>,
    bases: Bases,
    /// The servers stop when this is dropped.
    _running: Arc<watch::Sender<()>>,
}

impl FakeKick {
    /// The id of the one client that is registered.
    pub const CLIENT_ID: &'static str = "01JSTANDINCLIENT0000000000";
    /// Its secret.
    pub const CLIENT_SECRET: &'static str = "a-secret-that-must-never-be-logged";

    /// A Kick without streamers.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let running = watch::Sender::new(());
        let serve = async |router: Router<Arc<Shared>>| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let address = listener.local_addr()?;
            let router = router.fallback(gate::wrong_host).with_state(Arc::clone(&shared));
            let mut stopped = running.subscribe();
            // Waiting fails when the last handle is dropped.
            let stopped = async move { while stopped.changed().await.is_ok() {} };
            tokio::spawn(axum::serve(listener, router).with_graceful_shutdown(stopped).into_future());
            io::Result::Ok(address)
        };
        let bases = Bases {
            api_base: format!("http://{}", serve(official::router()).await?),
            auth_base: format!("http://{}", serve(auth::router()).await?),
            site_base: format!("http://{}", serve(site::router()).await?),
            web_base: format!("http://{}", serve(web::router()).await?),
            pusher_url: format!(
                "ws://{}/app/{}?protocol=7&client=js&version=8.4.0&flash=false",
                serve(chat::router()).await?,
                chat::APP_KEY
            ),
        };
        Ok(Self { shared, bases, _running: Arc::new(running) })
    }

    /// Where it is.
    #[must_use]
    pub fn bases(&self) -> &Bases {
        &self.bases
    }

    /// Registers a streamer, offline. The ids differ from one another, as Kick's do.
    pub fn add_streamer(&self, slug: &str) -> Ids {
        self.shared.change(|state| state.add_streamer(slug))
    }

    /// Puts a streamer on the air.
    ///
    /// # Panics
    /// If there is no such streamer, as all that name one: a test that misspells one should fail there.
    pub fn go_live(&self, slug: &str, broadcast: Broadcast) {
        self.shared.change(|state| state.streamer_mut(slug).broadcast = Some(broadcast));
        self.announce(slug, "StreamerIsLive");
    }

    /// Takes a streamer off the air, whatever the stream itself does.
    ///
    /// # Panics
    /// As [`FakeKick::go_live`].
    pub fn go_offline(&self, slug: &str) {
        self.announce(slug, "StopStreamBroadcast");
        self.shared.change(|state| state.streamer_mut(slug).broadcast = None);
    }

    /// Gives a streamer a finished broadcast.
    ///
    /// # Panics
    /// As [`FakeKick::go_live`].
    pub fn add_vod(&self, slug: &str, vod: Vod) -> VodIds {
        self.shared.change(|state| state.add_vod(slug, vod))
    }

    /// What the official API says about a batch with a slug that nobody has.
    pub fn unknown_slugs(&self, answer: UnknownSlug) {
        self.shared.change(|state| state.unknown_slug = answer);
    }

    /// Lets an endpoint misbehave for so many requests, `None` until [`FakeKick::behave`].
    pub fn misbehave(&self, endpoint: Endpoint, how: Misbehaviour, times: Option<u32>) {
        self.shared.change(|state| state.gate.misbehave(endpoint, how, times));
    }

    /// Ends all misbehaviour of an endpoint.
    pub fn behave(&self, endpoint: Endpoint) {
        self.shared.change(|state| state.gate.behave(endpoint));
    }

    /// Answers 429 to more than so many requests in this time.
    pub fn limit(&self, endpoint: Endpoint, requests: u32, within: Duration) {
        self.shared.change(|state| state.gate.limit(endpoint, requests, within));
    }

    /// How long new tokens last: 60 days unless told otherwise.
    pub fn token_life(&self, life: Duration) {
        self.shared.change(|state| state.token_life = life);
    }

    /// Makes all tokens void before their time, as Kick does now and then.
    pub fn revoke_tokens(&self) {
        self.shared.change(|state| state.tokens.clear());
    }

    /// How many requests an endpoint got, answered or refused.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> u32 {
        self.shared.change(|state| state.gate.requests(endpoint))
    }
}

impl fmt::Debug for FakeKick {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FakeKick").field("bases", &self.bases).finish_non_exhaustive()
    }
}
