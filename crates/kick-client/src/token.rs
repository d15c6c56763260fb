//! The token with which the official API is asked: client credentials, no user involved.

mod exchange;
mod file;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::config::{KickConfig, under};
use crate::error::KickError;
use crate::http::KickHttp;
use exchange::Exchange;
use file::TokenFile;

/// A token is renewed this long before it expires, so that none expires under way. Kick's live 60 days.
const RENEW_BEFORE: Duration = Duration::from_secs(3600);
/// For tokens that live shorter: renewed when this part of their life is left.
const RENEW_PART: u32 = 10;

/// The id and the secret of an app, from Kick's developer settings.
#[derive(Clone)]
pub struct AppCredentials {
    client_id: String,
    client_secret: SecretString,
}

impl AppCredentials {
    /// Credentials of the app with `client_id`. Space around either is taken off, as it comes with copying.
    pub fn new(client_id: &str, client_secret: SecretString) -> Self {
        let trimmed = client_secret.expose_secret().trim().len() != client_secret.expose_secret().len();
        let client_secret =
            if trimmed { client_secret.expose_secret().trim().to_owned().into() } else { client_secret };
        Self { client_id: client_id.trim().to_owned(), client_secret }
    }
}

impl fmt::Debug for AppCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppCredentials").finish_non_exhaustive()
    }
}

/// A token and its times.
#[derive(Clone)]
struct AppToken {
    secret: SecretString,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl AppToken {
    fn new(secret: SecretString, now: Timestamp, life: Duration) -> Self {
        let expires_at = now.saturating_add(life).unwrap_or(Timestamp::MAX);
        let margin = RENEW_BEFORE.min(life / RENEW_PART);
        let renew_at = expires_at.saturating_sub(margin).unwrap_or(now);
        Self { secret, renew_at, expires_at }
    }
}

/// Gives out the app token: the same to everybody, a new one in time.
///
/// However many ask at once, one request is under way, and all share its outcome, be it a failure.
pub struct AppTokens {
    exchange: Exchange,
    file: Option<TokenFile>,
    state: Mutex<State>,
    /// How many times a token has been fetched or failed to be. Whoever waited while it grew shares the outcome.
    rounds: AtomicU64,
}

#[derive(Default)]
struct State {
    looked_in_file: bool,
    token: Option<AppToken>,
    failure: Option<KickError>,
}

impl AppTokens {
    /// Tokens for the app with `credentials`, kept in memory alone.
    pub fn new(config: &KickConfig, http: KickHttp, credentials: AppCredentials) -> Self {
        let url = under(&config.auth_base, &["oauth", "token"]);
        Self {
            exchange: Exchange::new(http, url, credentials),
            file: None,
            state: Mutex::default(),
            rounds: AtomicU64::new(0),
        }
    }

    /// Keeps the token in the file at `path` too, which only its owner can read, so that a restart needs no new one.
    ///
    /// A file that is damaged, expired, or of another app is passed over with a warning, and one that cannot be written
    /// costs a warning: neither is worth to stop for.
    #[must_use]
    pub fn kept_in(self, path: impl Into<PathBuf>) -> Self {
        let file = TokenFile::new(path.into(), self.exchange.client_id(), self.exchange.url());
        Self { file: Some(file), ..self }
    }

    /// The token, fetched if there is none that lives long enough.
    ///
    /// # Errors
    ///
    /// [`Failure::Credentials`](crate::Failure::Credentials) if Kick does not accept the app, or why it could not be
    /// asked.
    pub async fn token(&self) -> Result<SecretString, KickError> {
        let seen = self.rounds.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if self.rounds.load(Ordering::SeqCst) != seen
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        if !state.looked_in_file {
            state.token = self.file.as_ref().and_then(|file| file.load(Timestamp::now()));
            state.looked_in_file = true;
        }
        if let Some(token) = state.token.as_ref().filter(|token| Timestamp::now() < token.renew_at) {
            return Ok(token.secret.clone());
        }
        let fetched = self.exchange.fetch().await;
        self.rounds.fetch_add(1, Ordering::SeqCst);
        match fetched {
            Ok(token) => {
                let secret = token.secret.clone();
                self.save(&token).await;
                *state = State { looked_in_file: true, token: Some(token), failure: None };
                Ok(secret)
            }
            Err(error) => self.make_do(&mut state, error),
        }
    }

    /// A token that was due for renewal but has not expired is still good if there is no other.
    fn make_do(&self, state: &mut State, error: KickError) -> Result<SecretString, KickError> {
        if error.is_transient()
            && let Some(token) = state.token.as_ref().filter(|token| Timestamp::now() < token.expires_at)
        {
            tracing::warn!(%error, "the app token could not be renewed yet; it is used until it expires");
            return Ok(token.secret.clone());
        }
        state.failure = Some(error.clone());
        Err(error)
    }

    /// Forgets `refused`, which the API no longer accepts; unless another has taken its place already.
    pub async fn forget(&self, refused: &SecretString) {
        let mut state = self.state.lock().await;
        state.token.take_if(|token| token.secret.expose_secret() == refused.expose_secret());
    }

    async fn save(&self, token: &AppToken) {
        let Some(file) = self.file.clone() else { return };
        let token = token.clone();
        // It waits for the disk, so it has to be off the runtime's threads.
        let saved = tokio::task::spawn_blocking(move || file.save(&token)).await;
        if let Ok(Err(error)) = saved {
            tracing::warn!(%error, "the app token cannot be kept for the next start; its folder must be writable");
        }
    }
}

impl fmt::Debug for AppTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppTokens").field("file", &self.file).finish_non_exhaustive()
    }
}
