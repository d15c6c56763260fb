//! A server that answers as a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use kick_client::{AppCredentials, AppTokens, HttpLimits, KickApi, KickConfig, KickHttp, RetryPolicy};
use serde_json::Value;
use url::Url;

/// The secret of the test's app. It must never be printed.
pub(crate) const SECRET: &str = "hunter2-secret";
/// The start of every token that [`token_answer`] gives.
pub(crate) const TOKEN: &str = "hunter2-token";

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    /// All values of the query parameter `name`.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What the server answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub(crate) fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

pub(crate) fn json(status: u16, body: &Value) -> Answer {
    bytes(status, body.to_string()).with("content-type", "application/json")
}

pub(crate) fn html(status: u16, body: &str) -> Answer {
    bytes(status, body).with("content-type", "text/html; charset=UTF-8")
}

/// The page that Cloudflare shows to programs.
pub(crate) fn challenge() -> Answer {
    html(403, "<!DOCTYPE html><title>Just a moment...</title>").with("cf-mitigated", "challenge")
}

/// The refusal of Kick's own guard.
pub(crate) fn waf() -> Answer {
    json(403, &serde_json::json!({"error": "Request blocked by security policy.", "reference": "0a1b2c3d"}))
}

impl Answer {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Answerer = Arc<dyn Fn(&Seen, usize) -> Answer + Send + Sync>;

/// The server. It ends with the runtime of the test.
pub(crate) struct Server {
    pub(crate) base: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request by `answer`, which is told how many requests for the same path came before.
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let state: (Answerer, _) = (Arc::new(answer), Arc::clone(&seen));
        let app = axum::Router::new().fallback(handle).with_state(state);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, seen }
    }

    /// Everything asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `METHOD path` of everything asked so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.seen().iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }

    /// How often `path` was asked.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    /// All of Kick's hosts at this one.
    pub(crate) fn config(&self) -> KickConfig {
        KickConfig {
            api_base: self.base.clone(),
            auth_base: self.base.clone(),
            site_base: self.base.clone(),
            web_base: self.base.join("web").unwrap(),
            user_agent: "test browser".to_owned(),
            ..KickConfig::default()
        }
    }

    pub(crate) fn http(&self) -> KickHttp {
        KickHttp::with_limits(&self.config(), limits()).unwrap()
    }

    pub(crate) fn tokens(&self) -> AppTokens {
        AppTokens::new(&self.config(), self.http(), credentials())
    }

    pub(crate) fn api(&self) -> KickApi {
        KickApi::new(&self.config(), self.http(), self.tokens())
    }
}

pub(crate) fn credentials() -> AppCredentials {
    AppCredentials::new("app-1", SECRET.into())
}

/// Waits of milliseconds, and three tries.
pub(crate) fn limits() -> HttpLimits {
    HttpLimits {
        body_limit: 64 << 10,
        retry: RetryPolicy {
            tries: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
            total: Duration::from_secs(20),
        },
        ..HttpLimits::default()
    }
}

/// What `POST /oauth/token` answers: the `n`th token, which lives two months.
pub(crate) fn token_answer(n: usize) -> Answer {
    json(
        200,
        &serde_json::json!({"access_token": format!("{TOKEN}-{n}"), "token_type": "Bearer", "expires_in": 5_184_000}),
    )
}

async fn handle(
    State((answer, log)): State<(Answerer, Arc<Mutex<Vec<Seen>>>)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let url = Url::parse("http://h").unwrap().join(&parts.uri.to_string()).unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.iter().filter(|earlier| earlier.path == seen.path).count() - 1
    };
    let answer = answer(&seen, before);
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// `data` as gzip, in one block that is not compressed (RFC 1952, RFC 1951).
pub(crate) fn gzip_stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let mut crc = !0_u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
        }
    }
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(data);
    packed.extend((!crc).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    packed
}
