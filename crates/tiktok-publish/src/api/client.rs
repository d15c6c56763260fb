//! Asking.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, Retryable as _};
use bytes::{Bytes, BytesMut};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use super::code::Class;
use super::creator::{CreatorInfo, UserInfo, UserWire};
use super::envelope;
use super::error::{ApiError, ApiFailure};
use super::init::{Init, InitBody};
use super::retry::{BUSY_TRIES, Waiting, ask_backoff, busy_wait};
use super::status::{PublishStatus, Wire};
use crate::clock::Clock;
use crate::config::under;
use crate::{AccessToken, Account, TikTokConfig};

/// The most bytes of an answer. They have some hundred.
const BODY_LIMIT: usize = 1 << 20;

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Until a connection is there.
    pub(crate) connect: Duration,
    /// A whole question and its answer.
    pub(crate) exchange: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), exchange: Duration::from_secs(30) }
    }
}

/// One question.
#[derive(Clone)]
struct Ask {
    call: &'static str,
    method: Method,
    url: Url,
    body: Option<Bytes>,
}

impl Ask {
    fn failed(&self, failure: ApiFailure) -> ApiError {
        ApiError::new(self.call, failure)
    }
}

/// TikTok's interface, asked for one account. Cheap to clone.
///
/// Every question carries the account's token; one that is refused is renewed once and the question asked once more. Redirects are not
/// followed.
#[derive(Clone)]
pub struct TikTokApi {
    client: reqwest::Client,
    base: Url,
    account: Account,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for TikTokApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TikTokApi").field("account", &self.account).finish_non_exhaustive()
    }
}

impl TikTokApi {
    /// For one account.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn new(config: &TikTokConfig, account: Account, clock: Arc<dyn Clock>) -> Result<Self, ApiError> {
        Self::with_times(config, account, clock, Times::default())
    }

    pub(crate) fn with_times(
        config: &TikTokConfig,
        account: Account,
        clock: Arc<dyn Clock>,
        times: Times,
    ) -> Result<Self, ApiError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("streamliner/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(times.connect)
            .timeout(times.exchange)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ApiError::new("setting up HTTP", network(error)))?;
        Ok(Self { client, base: config.api_base.clone(), account, clock })
    }

    /// The account that is asked for.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What the account offers for direct posts. Needs the scope `video.publish`. Also the cheapest way to hear of a limit.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn creator_info(&self) -> Result<CreatorInfo, ApiError> {
        self.patiently(&self.post("the account's choices", "v2/post/publish/creator_info/query", &json!({})))
            .await
    }

    /// Who is logged in. Needs the scope `user.info.basic`.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn user_info(&self) -> Result<UserInfo, ApiError> {
        let mut url = under(&self.base, "v2/user/info");
        url.query_pairs_mut().append_pair("fields", "open_id,display_name");
        let ask = Ask { call: "the account's name", method: Method::GET, url, body: None };
        self.patiently::<UserWire>(&ask).await.map(|wire| wire.user)
    }

    /// What became of a post.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn status(&self, publish_id: &str) -> Result<PublishStatus, ApiError> {
        let ask = self.status_question(publish_id);
        self.patiently::<Wire>(&ask).await.map(PublishStatus::from)
    }

    /// Likewise, asked once.
    pub(crate) async fn status_once(&self, publish_id: &str) -> Result<PublishStatus, ApiError> {
        self.once::<Wire>(&self.status_question(publish_id)).await.map(PublishStatus::from)
    }

    /// Takes a post back, as far as TikTok still can: those that it fetches itself.
    ///
    /// # Errors
    /// Why it was not taken back; [`Class::TooLate`] among others.
    pub async fn cancel(&self, publish_id: &str) -> Result<(), ApiError> {
        let ask = self.post("the cancellation", "v2/post/publish/cancel", &json!({"publish_id": publish_id}));
        self.once::<serde_json::Value>(&ask).await.map(drop)
    }

    /// Announces a post or a draft. Asked once; whoever asks again minds the limit of the minute.
    pub(crate) async fn init(&self, body: &InitBody) -> Result<Init, ApiError> {
        let path = if body.post_info.is_some() {
            "v2/post/publish/video/init"
        } else {
            "v2/post/publish/inbox/video/init"
        };
        self.once(&self.post("the announcement of the video", path, body)).await
    }

    fn status_question(&self, publish_id: &str) -> Ask {
        self.post(
            "what became of the post",
            "v2/post/publish/status/fetch",
            &json!({"publish_id": publish_id}),
        )
    }

    fn post(&self, call: &'static str, path: &str, body: &impl Serialize) -> Ask {
        // Serialising our own plain structs cannot fail.
        let body = serde_json::to_vec(body).unwrap_or_default().into();
        Ask { call, method: Method::POST, url: under(&self.base, path), body: Some(body) }
    }

    /// Asks until there is an answer, a refusal, or it makes no sense to go on. For questions that change nothing.
    async fn patiently<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, ApiError> {
        let mut busy = 0;
        (|| self.once(ask))
            .retry(ask_backoff().build())
            .sleep(Waiting(Arc::clone(&self.clock)))
            .when(|error: &ApiError| error.is_trouble() || error.is_busy())
            .adjust(|error, wait| {
                if !error.is_busy() {
                    return wait;
                }
                busy += 1;
                (busy < BUSY_TRIES).then(|| busy_wait(Duration::ZERO))
            })
            .notify(|error, wait| tracing::debug!(%error, ?wait, "asking again"))
            .await
    }

    /// Asks once, and once more with another token if the first is refused.
    async fn once<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, ApiError> {
        let token = self.account.access_token().await.map_err(|error| ask.failed(ApiFailure::Auth(error)))?;
        match self.exchange(ask, &token).await {
            Err(error) if error.class() == Some(Class::Token) => {
                tracing::debug!(%error, "renewing the token");
                let token = self.account.refresh_after_401(&token).await;
                let token = token.map_err(|error| ask.failed(ApiFailure::Auth(error)))?;
                self.exchange(ask, &token).await
            }
            answer => answer,
        }
    }

    async fn exchange<T: DeserializeOwned>(&self, ask: &Ask, token: &AccessToken) -> Result<T, ApiError> {
        let mut request =
            self.client.request(ask.method.clone(), ask.url.clone()).bearer_auth(token.expose());
        if let Some(body) = &ask.body {
            let json = HeaderValue::from_static("application/json; charset=UTF-8");
            request = request.header(CONTENT_TYPE, json).body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| ask.failed(network(error)))?;
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|error| ask.failed(network(error)))? {
            if body.len() + piece.len() > BODY_LIMIT {
                return Err(ask.failed(ApiFailure::Malformed { what: "it has no end".to_owned() }));
            }
            body.extend_from_slice(&piece);
        }
        envelope::open(status, &body).map_err(|failure| ask.failed(failure))
    }
}

/// What kept two sides from talking.
fn network(error: reqwest::Error) -> ApiFailure {
    let may_have_arrived = !error.is_connect() && !error.is_builder();
    let what = if error.is_connect() {
        "there is no connection"
    } else if error.is_timeout() {
        "the answer did not come in time"
    } else {
        "the connection broke off"
    };
    ApiFailure::Network { what, may_have_arrived, source: error.without_url() }
}
