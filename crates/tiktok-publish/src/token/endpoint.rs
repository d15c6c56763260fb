//! Asking for tokens: forms out, flat JSON back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::error::AuthError;
use super::refusal::{Refusal, RefusalKind};
use super::reply::{self, Grant, Reply};
use crate::config::{AppCredentials, TikTokConfig, origin, under};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole exchange may take. Replies are below a kilobyte.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes that are read of a reply.
const BODY_LIMIT: usize = 64 << 10;

/// The token endpoint of one app in one environment. Cheap to clone.
#[derive(Clone)]
pub struct TokenEndpoint {
    client: reqwest::Client,
    shared: Arc<Shared>,
}

struct Shared {
    config: TikTokConfig,
    app: AppCredentials,
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// Why a form got no answer, by what the server may have done with it.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// It never reached the server.
    NotSent(reqwest::Error),
    /// The server may have done what was asked, or not: no reply, half of one, or one that cannot be read.
    Lost { what: String, source: Option<reqwest::Error> },
    /// The server says that it did not.
    Refused(Refusal),
}

impl TokenEndpoint {
    /// The endpoint that `config` names, asked on behalf of `app`.
    ///
    /// # Errors
    /// [`AuthError::Http`] if TLS cannot be set up.
    pub fn new(config: &TikTokConfig, app: AppCredentials) -> Result<Self, AuthError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("streamliner/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(EXCHANGE_TIMEOUT)
            // A redirect would take the app's secret elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(AuthError::Http)?;
        Ok(Self { client, shared: Arc::new(Shared { config: config.clone(), app }) })
    }

    /// Where and for which environment it asks.
    #[must_use]
    pub fn config(&self) -> &TikTokConfig {
        &self.shared.config
    }

    /// The app's public key.
    #[must_use]
    pub fn client_key(&self) -> &str {
        self.shared.app.client_key()
    }

    /// Scheme, host and port of who gives tokens, so that those of a stand-in are never sent to TikTok.
    pub(super) fn issuer(&self) -> String {
        origin(&self.shared.config.api_base)
    }

    /// A code for tokens. It works once; whatever fails, the login has to be started again.
    pub(crate) async fn exchange(
        &self,
        code: &str,
        redirect_uri: &Url,
        verifier: Option<&str>,
    ) -> Result<Grant, AuthError> {
        const DOING: &str = "the login";
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri.as_str()),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let secrets: Vec<&str> = [Some(code), verifier].into_iter().flatten().collect();
        let grant = self.grant(&form, &secrets).await.map_err(|why| self.failed(DOING, why))?;
        if grant.open_id.is_none() {
            return Err(AuthError::Malformed { doing: DOING, what: "there is no open_id in it" });
        }
        Ok(grant)
    }

    /// A new pair of tokens for `refresh_token`, which dies with it.
    pub(super) async fn refresh(&self, refresh_token: &SecretString) -> Result<Grant, Unanswered> {
        let token = refresh_token.expose_secret();
        self.grant(&[("grant_type", "refresh_token"), ("refresh_token", token)], &[token]).await
    }

    /// Takes access back. The reply is empty, or an empty object.
    pub(super) async fn revoke(&self, access_token: &str) -> Result<(), AuthError> {
        const DOING: &str = "the logout";
        let sent = self.post("v2/oauth/revoke", &[("token", access_token)], &[access_token]).await;
        match sent {
            Ok((status, _)) if !status.is_success() => Err(self.failed(DOING, lost(status))),
            Ok(_) => Ok(()),
            Err(why) => Err(self.failed(DOING, why)),
        }
    }

    async fn grant(&self, form: &[(&str, &str)], secrets: &[&str]) -> Result<Grant, Unanswered> {
        let asked_at = Timestamp::now();
        let (status, body) = self.post("v2/oauth/token", form, secrets).await?;
        let Reply::Answer(answer) = reply::read(&body, secrets) else { return Err(lost(status)) };
        reply::grant(&answer, asked_at).map_err(|what| Unanswered::Lost {
            what: format!("the reply is not understood: {what} (status {})", status.as_u16()),
            source: None,
        })
    }

    /// Sends `form` with the app's credentials added. A refusal is an error here, whatever its status; anything else is given back.
    async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        secrets: &[&str],
    ) -> Result<(reqwest::StatusCode, Vec<u8>), Unanswered> {
        let app = &self.shared.app;
        let app_secret = app.client_secret().expose_secret();
        let mut fields = vec![("client_key", app.client_key()), ("client_secret", app_secret)];
        fields.extend_from_slice(form);
        let request = self.client.post(under(&self.shared.config.api_base, path)).form(&fields);
        let mut response = request.send().await.map_err(|error| {
            let error = error.without_url();
            if error.is_connect() || error.is_builder() { Unanswered::NotSent(error) } else { broken(error) }
        })?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(error.without_url()))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(Unanswered::Lost { what: "the reply is too long".to_owned(), source: None });
            }
            body.extend_from_slice(&chunk);
        }
        let secrets: Vec<&str> = secrets.iter().copied().chain([app_secret]).collect();
        if let Reply::Refused(refusal) = reply::read(&body, &secrets) {
            return Err(match refusal.kind {
                // Trouble in the middle of the work may have come after the work.
                RefusalKind::Temporary if status.is_server_error() => {
                    Unanswered::Lost { what: format!("the server has trouble: {refusal}"), source: None }
                }
                _ => Unanswered::Refused(refusal),
            });
        }
        Ok((status, body))
    }

    /// `why`, for whoever asked.
    pub(super) fn failed(&self, doing: &'static str, why: Unanswered) -> AuthError {
        let unavailable = |what, source| AuthError::Unavailable { doing, host: self.issuer(), what, source };
        match why {
            Unanswered::NotSent(error) => unavailable("there is no connection".to_owned(), Some(error)),
            Unanswered::Lost { what, source } => unavailable(what, source),
            Unanswered::Refused(refusal) if refusal.kind == RefusalKind::Temporary => {
                unavailable(refusal.to_string(), None)
            }
            Unanswered::Refused(refusal) => AuthError::Refused { doing, refusal },
        }
    }
}

fn lost(status: reqwest::StatusCode) -> Unanswered {
    Unanswered::Lost {
        what: format!("the reply is not understood (status {})", status.as_u16()),
        source: None,
    }
}

fn broken(error: reqwest::Error) -> Unanswered {
    let what = if error.is_timeout() { "no reply came in time" } else { "the exchange broke off" };
    Unanswered::Lost { what: what.to_owned(), source: Some(error) }
}
