//! The rules that can be chosen when the stand-in starts.

use std::io;
use std::time::Duration;

use axum::http::StatusCode;
use url::Url;

use super::FakeTikTok;
use super::account::Account;
use super::endpoint::{USER_INFO, VIDEO_PUBLISH, VIDEO_UPLOAD};
use super::share::{PostIds, Processing};

/// Seconds of an access token, as TikTok's pages have it since November 2026.
const ACCESS_LIFE: Duration = Duration::from_secs(7200);
/// Likewise of a refresh token: 180 days.
const REFRESH_LIFE: Duration = Duration::from_secs(15_552_000);
/// An upload's address holds one hour.
const UPLOAD_LIFE: Duration = Duration::from_secs(3600);
/// Drafts that a user may have waiting.
const PENDING_SHARES: usize = 5;
/// Direct posts that a creator may have in a day. TikTok says "around 15".
const DAILY_POSTS: usize = 15;
/// Users that a client without audit may post for in a day.
const ACTIVE_USERS: usize = 5;
/// Registered redirect URIs of a client, at most.
const MAX_REDIRECTS: usize = 10;
/// Characters of a redirect URI: fewer than this.
const MAX_REDIRECT: usize = 512;

/// What an application is registered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientKind {
    /// PKCE; redirects go to this machine.
    Desktop,
    /// No PKCE; redirects go to a site, by https.
    Web,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) kind: ClientKind,
    pub(super) redirects: Vec<String>,
    pub(super) scopes: Vec<String>,
    pub(super) audited: bool,
    pub(super) time_scale: f64,
    pub(super) access_life: Duration,
    pub(super) refresh_life: Duration,
    pub(super) token_error_status: StatusCode,
    pub(super) upload_life: Duration,
    pub(super) progress: Progress,
    pub(super) pending_shares: usize,
    pub(super) empty_inits_pend: bool,
    pub(super) overflow_is_lost: bool,
    pub(super) daily_posts: usize,
    pub(super) active_users: usize,
    pub(super) processing: Processing,
    pub(super) post_ids: PostIds,
    pub(super) verified: Vec<String>,
}

/// What `Content-Range: bytes 0-{UPLOADED}/{TOTAL}` in the answer to a chunk means by UPLOADED, which no page says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// How many bytes are there.
    #[default]
    Count,
    /// The number of the last byte that is there. With none there, the answer has no such header.
    LastByte,
}

/// How a [`FakeTikTok`] is to be. Left alone it is the strictest that is known: a desktop client without audit, with one
/// private account, `demo`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    rules: Rules,
    accounts: Vec<Account>,
}

impl Default for Builder {
    fn default() -> Self {
        let redirects = ["http://127.0.0.1:*/callback/", "http://localhost:*/callback/"];
        let rules = Rules {
            kind: ClientKind::Desktop,
            redirects: redirects.map(str::to_owned).to_vec(),
            scopes: [USER_INFO, VIDEO_UPLOAD, VIDEO_PUBLISH].map(str::to_owned).to_vec(),
            audited: false,
            time_scale: 1.0,
            access_life: ACCESS_LIFE,
            refresh_life: REFRESH_LIFE,
            token_error_status: StatusCode::BAD_REQUEST,
            upload_life: UPLOAD_LIFE,
            progress: Progress::default(),
            pending_shares: PENDING_SHARES,
            empty_inits_pend: true,
            overflow_is_lost: false,
            daily_posts: DAILY_POSTS,
            active_users: ACTIVE_USERS,
            processing: Processing::Asks(1),
            post_ids: PostIds::default(),
            verified: Vec::new(),
        };
        Self { rules, accounts: Vec::new() }
    }
}

impl Builder {
    /// One more user. The first of them sits at the browser.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// What the client is registered as, and its redirect URIs, where `:*` stands for any port of a desktop client.
    pub fn client(mut self, kind: ClientKind, redirects: &[&str]) -> Self {
        self.rules.kind = kind;
        self.rules.redirects = redirects.iter().map(ToString::to_string).collect();
        self
    }

    /// The scopes that the client may ask for: all three unless told otherwise. A sandbox often lacks `video.publish`.
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.rules.scopes = scopes.iter().map(ToString::to_string).collect();
        self
    }

    /// The client has passed its audit: it may post to public accounts.
    pub fn audited(mut self) -> Self {
        self.rules.audited = true;
        self
    }

    /// Lets the time of TikTok's rules run so many times as fast: the minute of the rate windows, the hour of upload
    /// addresses, the day of pending shares, the work on videos. The lives of tokens are announced to clients in seconds and
    /// are not scaled. More than 0.
    pub fn time_scale(mut self, scale: f64) -> Self {
        self.rules.time_scale = scale;
        self
    }

    /// How long access tokens last: two hours unless told otherwise. Whole seconds, by the clients' time.
    pub fn access_life(mut self, life: Duration) -> Self {
        self.rules.access_life = life;
        self
    }

    /// How long refresh tokens last: 180 days unless told otherwise. Whole seconds, by the clients' time.
    pub fn refresh_life(mut self, life: Duration) -> Self {
        self.rules.refresh_life = life;
        self
    }

    /// Errors of the endpoint of tokens come with 200, as has been seen, instead of 400.
    pub fn token_errors_with_200(mut self) -> Self {
        self.rules.token_error_status = StatusCode::OK;
        self
    }

    /// How long an upload's address holds: an hour unless told otherwise, in TikTok's time.
    pub fn upload_life(mut self, life: Duration) -> Self {
        self.rules.upload_life = life;
        self
    }

    /// How the progress of an upload is told.
    pub fn progress(mut self, progress: Progress) -> Self {
        self.rules.progress = progress;
        self
    }

    /// Drafts of a day that a user may have waiting: 5 unless told otherwise.
    pub fn pending_shares(mut self, shares: usize) -> Self {
        self.rules.pending_shares = shares;
        self
    }

    /// Whether an upload that did not end yet counts among them while its address holds: it does unless told otherwise. What
    /// TikTok does is unknown.
    pub fn empty_inits_pend(mut self, pend: bool) -> Self {
        self.rules.empty_inits_pend = pend;
        self
    }

    /// Drafts over the cap are not refused: they go through all stations, and the user never sees them. That has been seen too.
    pub fn drafts_over_the_cap_are_lost(mut self) -> Self {
        self.rules.overflow_is_lost = true;
        self
    }

    /// Direct posts a day: 15 unless told otherwise.
    pub fn daily_posts(mut self, posts: usize) -> Self {
        self.rules.daily_posts = posts;
        self
    }

    /// Users a day that a client without audit may post for: 5 unless told otherwise.
    pub fn active_users(mut self, users: usize) -> Self {
        self.rules.active_users = users;
        self
    }

    /// How long the work on a video takes: one ask unless told otherwise.
    pub fn processing(mut self, processing: Processing) -> Self {
        self.rules.processing = processing;
        self
    }

    /// How ids of posts are answered.
    pub fn post_ids(mut self, form: PostIds) -> Self {
        self.rules.post_ids = form;
        self
    }

    /// A prefix of addresses that the client has shown to be its own: videos are pulled from nowhere else.
    pub fn verified_prefix(mut self, prefix: &str) -> Self {
        self.rules.verified.push(prefix.to_owned());
        self
    }

    /// Starts it on free ports of the loopback.
    ///
    /// # Errors
    /// If no port can be had, or a redirect URI or the time scale is such as TikTok or time do not allow.
    pub async fn start(mut self) -> io::Result<FakeTikTok> {
        if !(self.rules.time_scale.is_finite() && self.rules.time_scale > 0.0) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the time scale must be more than 0"));
        }
        check_redirects(&self.rules)?;
        if self.accounts.is_empty() {
            self.accounts.push(Account::private("demo"));
        }
        FakeTikTok::start(self.rules, self.accounts).await
    }
}

/// What the portal does when a URI is registered.
fn check_redirects(rules: &Rules) -> io::Result<()> {
    let wrong = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if rules.redirects.len() > MAX_REDIRECTS {
        return wrong(format!("more than {MAX_REDIRECTS} redirect URIs"));
    }
    for uri in &rules.redirects {
        let parsed = Url::parse(&uri.replace(":*", ":1")).map_err(io::Error::other)?;
        let here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1"));
        let right = match rules.kind {
            ClientKind::Desktop => {
                here && matches!(parsed.scheme(), "http" | "https") && parsed.port().is_some()
            }
            ClientKind::Web => !here && parsed.scheme() == "https" && !uri.contains('*'),
        };
        if !right || parsed.query().is_some() || parsed.fragment().is_some() || uri.len() >= MAX_REDIRECT {
            return wrong(format!("{uri} cannot be registered"));
        }
    }
    Ok(())
}

/// Whether a redirect URI of a request is one that is registered.
pub(super) fn registered(rules: &Rules, uri: &str) -> bool {
    rules.redirects.iter().any(|registered| match registered.split_once(":*") {
        None => registered == uri,
        Some((before, after)) => {
            let port = uri.strip_prefix(before).and_then(|rest| rest.strip_prefix(':'));
            let port = port.and_then(|rest| rest.strip_suffix(after));
            port.is_some_and(|port| port.parse::<u16>().is_ok())
        }
    })
}
