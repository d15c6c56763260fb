//! The one way to talk to Kick: limits, redirects, retries, and failures told apart.

mod classify;
mod redirect;
mod retry;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::KickConfig;
use crate::error::{Failure, KickError};
use crate::lenient::kind_of;

pub use retry::RetryPolicy;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole exchange may take, body included. Replies are a few kilobytes.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes that a reply may hold once unpacked. A full page of 1000 live streams has about 1 MB.
const BODY_LIMIT: usize = 8 << 20;

/// Limits of every exchange with Kick.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpLimits {
    /// How long a connection may take to come about; 10 s.
    pub connect_timeout: Duration,
    /// How long one exchange may take, redirects counted singly, body included; 30 s.
    pub exchange_timeout: Duration,
    /// The most bytes of a reply once unpacked; 8 MiB.
    pub body_limit: usize,
    /// When and how often to try again.
    pub retry: RetryPolicy,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            exchange_timeout: EXCHANGE_TIMEOUT,
            body_limit: BODY_LIMIT,
            retry: RetryPolicy::default(),
        }
    }
}

/// The HTTP client that everything here shares. Cheap to clone.
#[derive(Clone)]
pub struct KickHttp {
    client: reqwest::Client,
    limits: Arc<HttpLimits>,
    browser: HeaderValue,
}

impl fmt::Debug for KickHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KickHttp").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl KickHttp {
    /// A client with the default limits.
    ///
    /// # Errors
    ///
    /// If [`KickConfig::user_agent`] is no header value, or TLS cannot be set up.
    pub fn new(config: &KickConfig) -> Result<Self, KickError> {
        Self::with_limits(config, HttpLimits::default())
    }

    /// A client with limits of your own.
    ///
    /// # Errors
    ///
    /// As [`KickHttp::new`].
    pub fn with_limits(config: &KickConfig, limits: HttpLimits) -> Result<Self, KickError> {
        let setup = |failure| KickError::new("setting up HTTP", &config.api_base, failure);
        let browser = HeaderValue::from_str(&config.user_agent).map_err(|_| {
            setup(Failure::Malformed {
                field: "user_agent",
                expected: "one line of visible ASCII characters",
                found: "something else",
            })
        })?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("streamliner/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.exchange_timeout)
            // They are followed here, where it is known what is allowed.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| setup(network(error)))?;
        Ok(Self { client, limits: Arc::new(limits), browser })
    }

    /// The header value by which the website is asked.
    pub(crate) fn browser(&self) -> HeaderValue {
        self.browser.clone()
    }

    /// Asks until there is an answer, a permanent failure, or the retry policy gives up.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Reply, KickError> {
        retry::with_policy(&self.limits.retry, || self.once(ask)).await
    }

    /// Asks once.
    pub(crate) async fn once(&self, ask: &Ask) -> Result<Reply, KickError> {
        let reply = self.exchange(ask).await?;
        match classify::failure(reply.status, &reply.headers, &reply.body) {
            None => Ok(reply),
            Some(Failure::Blocked { by }) => Err(ask.failed(Failure::Blocked { by })),
            Some(_) if ask.kept.contains(&reply.status) => Ok(reply),
            Some(failure) => Err(ask.failed(failure)),
        }
    }

    /// One exchange, redirects included, whatever status it ends with.
    async fn exchange(&self, ask: &Ask) -> Result<Reply, KickError> {
        let mut url = ask.url.clone();
        let mut headers = ask.headers.clone();
        for _ in 0..=redirect::MOST {
            let mut request = self.client.request(ask.method.clone(), url.clone()).headers(headers.clone());
            if let Some(body) = &ask.body {
                request = request.body(body.clone());
            }
            let response = request.send().await.map_err(|error| ask.failed(network(error)))?;
            let Some(location) = redirect::location(&response) else {
                return self.read(ask, response).await;
            };
            let next = redirect::target(&ask.method, &url, location)
                .await
                .map_err(|why| ask.failed(Failure::Redirect { why }))?;
            if next.origin() != url.origin() {
                redirect::forget_secrets(&mut headers);
            }
            url = next;
        }
        Err(ask.failed(Failure::Redirect { why: format!("more than {} times", redirect::MOST) }))
    }

    /// Reads a reply to its end. What counts against the limit is what comes out of decompression.
    async fn read(&self, ask: &Ask, mut response: reqwest::Response) -> Result<Reply, KickError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| ask.failed(network(error)))? {
            if body.len() + chunk.len() > self.limits.body_limit {
                return Err(ask.failed(Failure::TooLarge { limit: self.limits.body_limit }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: response.status(), headers: response.headers().clone(), body: body.freeze() })
    }
}

/// One request, repeatable.
#[derive(Clone)]
pub(crate) struct Ask {
    endpoint: &'static str,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    kept: &'static [StatusCode],
}

impl Ask {
    /// `GET url`, called `endpoint` in errors.
    pub(crate) fn get(endpoint: &'static str, url: Url) -> Self {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        Self { endpoint, method: Method::GET, url, headers, body: None, kept: &[] }
    }

    /// `POST url` with `body` of type `content_type`.
    pub(crate) fn post(
        endpoint: &'static str,
        url: Url,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self { method: Method::POST, body: Some(body.into()), ..Self::get(endpoint, url) }
            .header(reqwest::header::CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    /// With one more header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Replies with these statuses are given back rather than made errors, unless a guard blocked the request.
    pub(crate) fn keeping(self, kept: &'static [StatusCode]) -> Self {
        Self { kept, ..self }
    }

    /// What it is called in errors.
    pub(crate) fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// The error that this request failed for `failure`.
    pub(crate) fn failed(&self, failure: Failure) -> KickError {
        KickError::new(self.endpoint, &self.url, failure)
    }

    /// Reads the JSON body of `reply`.
    pub(crate) fn json<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, KickError> {
        serde_json::from_slice(&reply.body).map_err(|_| {
            let found = serde_json::from_slice::<Value>(&reply.body)
                .map_or_else(|_| kind_of_text(&reply.body), |value| kind_of(&value));
            self.failed(Failure::Malformed {
                field: "the body",
                expected: "a JSON object of a known form",
                found,
            })
        })
    }

    /// The error that `reply` would have been, had its status not been kept.
    pub(crate) fn refusal(&self, reply: &Reply) -> Option<KickError> {
        classify::failure(reply.status, &reply.headers, &reply.body).map(|failure| self.failed(failure))
    }
}

/// A whole reply.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

fn network(error: reqwest::Error) -> Failure {
    let what = if error.is_timeout() {
        "it did not come in time"
    } else if error.is_connect() {
        "there is no connection"
    } else if error.is_decode() {
        "its packed body is damaged"
    } else if error.is_body() {
        "it broke off"
    } else {
        "the exchange failed"
    };
    Failure::Network { what, source: Arc::new(error.without_url()) }
}

fn kind_of_text(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    match start.first() {
        None => "empty",
        Some(b'<') => "an HTML page",
        Some(b'{' | b'[') => "damaged JSON",
        Some(_) => "some other text",
    }
}
