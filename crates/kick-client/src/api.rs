//! The official API.

mod channels;
mod livestreams;
mod poll;
mod users;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::{KickConfig, under};
use crate::error::{Failure, KickError};
use crate::http::{Ask, KickHttp, Reply};
use crate::lenient::{self, kind_of};
use crate::token::AppTokens;

pub use channels::{Category, Channel};
pub use livestreams::{Livestream, LivestreamFilter, LivestreamPage};
pub use poll::{ChannelStatus, Live, StreamerKey};
pub use users::User;

/// The most slugs or ids in one request for channels or users (official documentation).
const BATCH: usize = 50;

/// Kick's official API, asked with an app token.
///
/// A token that is refused is replaced once, and the request repeated. Fields that Kick leaves out or fills with
/// something unexpected are absent in the results, never an error.
pub struct KickApi {
    http: KickHttp,
    base: Url,
    tokens: Arc<AppTokens>,
    known: poll::Known,
    /// Whether Kick gives live streams by user to users alone; found out by asking.
    by_user_refused: AtomicBool,
}

impl fmt::Debug for KickApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KickApi")
            .field("base", &crate::secret_url::origin(&self.base))
            .finish_non_exhaustive()
    }
}

impl KickApi {
    /// The API at [`KickConfig::api_base`], asked with tokens from `tokens`, which may be shared.
    pub fn new(config: &KickConfig, http: KickHttp, tokens: impl Into<Arc<AppTokens>>) -> Self {
        Self {
            http,
            base: config.api_base.clone(),
            tokens: tokens.into(),
            known: poll::Known::default(),
            by_user_refused: AtomicBool::new(false),
        }
    }

    /// The key with which webhooks are signed, as PEM. Needs no token.
    ///
    /// # Errors
    ///
    /// [`KickError`] if Kick cannot be asked or gives none.
    pub async fn public_key(&self) -> Result<String, KickError> {
        #[derive(Deserialize)]
        struct Key {
            #[serde(default, deserialize_with = "lenient::or_default")]
            public_key: String,
        }
        let ask = Ask::get("public key", under(&self.base, &["public", "v1", "public-key"]));
        let reply = self.http.send(&ask).await?;
        let envelope: Envelope = ask.json(&reply)?;
        match Key::deserialize(&envelope.data) {
            Ok(key) if key.public_key.contains("BEGIN PUBLIC KEY") => Ok(key.public_key),
            _ => Err(ask.failed(Failure::Malformed {
                field: "data.public_key",
                expected: "a public key as PEM",
                found: "absent or something else",
            })),
        }
    }

    /// The items of `data` at `path`, without those that are no `T`, and the cursor of the next page.
    async fn list<T: DeserializeOwned>(
        &self,
        endpoint: &'static str,
        path: &[&str],
        query: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Result<(Vec<T>, Option<String>), KickError> {
        let mut url = under(&self.base, path);
        url.query_pairs_mut().extend_pairs(query);
        let ask = Ask::get(endpoint, url);
        page(&ask, &self.with_token(&ask).await?)
    }

    /// Sends `ask` with the app token. One that is refused is forgotten and the request repeated with a new one, once:
    /// Kick may end tokens long before they expire.
    async fn with_token(&self, ask: &Ask) -> Result<Reply, KickError> {
        let token = self.tokens.token().await?;
        match self.http.send(&bearing(ask, &token)?).await {
            Err(error) if matches!(error.failure(), Failure::Unauthorized) => {
                tracing::debug!(
                    endpoint = error.endpoint(),
                    "the app token is refused; a new one is fetched"
                );
                self.tokens.forget(&token).await;
                let token = self.tokens.token().await?;
                self.http.send(&bearing(ask, &token)?).await
            }
            outcome => outcome,
        }
    }
}

/// The items of `data` in `reply`, without those that are no `T`, and the cursor of the next page.
pub(crate) fn page<T: DeserializeOwned>(
    ask: &Ask,
    reply: &Reply,
) -> Result<(Vec<T>, Option<String>), KickError> {
    let envelope: Envelope = ask.json(reply)?;
    let Value::Array(items) = envelope.data else {
        let found = kind_of(&envelope.data);
        return Err(ask.failed(Failure::Malformed { field: "data", expected: "a list", found }));
    };
    let count = items.len();
    let read: Vec<T> = items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect();
    if read.len() < count {
        let left_out = count - read.len();
        tracing::debug!(endpoint = ask.endpoint(), left_out, "items of a reply are not understood");
    }
    Ok((read, Some(envelope.pagination.next_cursor).filter(|cursor| !cursor.is_empty())))
}

fn bearing(ask: &Ask, token: &SecretString) -> Result<Ask, KickError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| {
        ask.failed(Failure::Malformed {
            field: "access_token",
            expected: "one line of visible ASCII characters",
            found: "something else",
        })
    })?;
    value.set_sensitive(true);
    Ok(ask.clone().header(AUTHORIZATION, value))
}

/// What every reply is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Value,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
struct Pagination {
    #[serde(default, deserialize_with = "lenient::or_default")]
    next_cursor: String,
}
