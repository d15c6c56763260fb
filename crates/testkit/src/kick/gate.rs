//! What every request passes first: the log, limits, and misbehaviour on demand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::state::Shared;

/// The page that Cloudflare shows to those whom it takes for robots, cut short.
const CHALLENGE: &str = "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title></head>\
    <body><noscript>Enable JavaScript and cookies to continue</noscript></body></html>";

/// A kind of request, to be counted and to be made fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST id.kick.com/oauth/token`
    Token,
    /// `GET api.kick.com/public/v1/channels`
    Channels,
    /// `GET api.kick.com/public/v1/users/livestreams`
    LivestreamsByUser,
    /// `GET api.kick.com/public/v2/livestreams`
    Livestreams,
    /// `GET api.kick.com/public/v1/livestreams`
    OldLivestreams,
    /// `GET api.kick.com/public/v1/users`
    Users,
    /// `GET api.kick.com/public/v1/public-key`
    PublicKey,
    /// `GET kick.com/api/v2/channels/{slug}` and `.../info`
    SiteChannel,
    /// `GET kick.com/api/v2/channels/{slug}/livestream`
    SiteLivestream,
    /// `GET kick.com/api/v2/channels/{slug}/videos`
    SiteVideos,
    /// `GET kick.com/api/v1/video/{uuid}`
    OldVideo,
    /// `POST web.kick.com/api/v1/stream/{vod_id}/playback`
    Playback,
    /// `GET web.kick.com/api/v1/channels/{channel_id}/videos`
    Videos,
    /// `GET web.kick.com/api/v1/channels/{channel_id}/videos/{vod_id}`
    Video,
    /// `GET web.kick.com/api/v1/chat/{channel_id}/history` and its older form on kick.com
    ChatHistory,
    /// `POST web.kick.com/api/v1/realtime/channels/{channel_id}/chat/connection`
    ChatConnection,
    /// A WebSocket of Pusher.
    ChatSocket,
    /// Anything that the host asked does not know.
    WrongHost,
}

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// 403 as the web application firewall says it.
    Waf,
    /// 403 with the challenge page of Cloudflare.
    Cloudflare,
    /// 429, with or without `Retry-After` in seconds.
    RateLimited {
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// 500.
    ServerError,
    /// 200 with half of an object.
    TornJson,
    /// The right answer, after this time.
    Slow(Duration),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    counts: BTreeMap<Endpoint, u32>,
    misbehaviour: BTreeMap<Endpoint, (Misbehaviour, Option<u32>)>,
    limits: BTreeMap<Endpoint, Limit>,
}

#[derive(Debug)]
struct Limit {
    requests: u32,
    within: Duration,
    recent: VecDeque<Instant>,
}

impl Gate {
    pub(super) fn misbehave(&mut self, endpoint: Endpoint, how: Misbehaviour, times: Option<u32>) {
        self.misbehaviour.insert(endpoint, (how, times));
    }

    pub(super) fn behave(&mut self, endpoint: Endpoint) {
        self.misbehaviour.remove(&endpoint);
    }

    pub(super) fn limit(&mut self, endpoint: Endpoint, requests: u32, within: Duration) {
        self.limits.insert(endpoint, Limit { requests, within, recent: VecDeque::new() });
    }

    pub(super) fn requests(&self, endpoint: Endpoint) -> u32 {
        self.counts.get(&endpoint).copied().unwrap_or_default()
    }

    /// Counts a request and tells what is wrong with it, if anything.
    fn pass(&mut self, endpoint: Endpoint) -> Option<Misbehaviour> {
        *self.counts.entry(endpoint).or_default() += 1;
        if let Some(limit) = self.limits.get_mut(&endpoint) {
            let now = Instant::now();
            limit.recent.retain(|at| now.duration_since(*at) < limit.within);
            if limit.recent.len() >= limit.requests as usize {
                return Some(Misbehaviour::RateLimited { retry_after: None });
            }
            limit.recent.push_back(now);
        }
        let (how, times) = self.misbehaviour.get_mut(&endpoint)?;
        match times {
            Some(0) => None,
            Some(times) => {
                *times -= 1;
                Some(*how)
            }
            None => Some(*how),
        }
    }
}

/// Lets a request pass, after its delay; or the answer that it gets instead.
pub(super) async fn pass(shared: &Shared, endpoint: Endpoint) -> Result<(), Response> {
    let wrong = shared.change(|state| state.gate.pass(endpoint));
    Err(match wrong {
        None => return Ok(()),
        Some(Misbehaviour::Slow(delay)) => {
            tokio::time::sleep(delay).await;
            return Ok(());
        }
        Some(Misbehaviour::Waf) => firewall(),
        Some(Misbehaviour::Cloudflare) => challenge(),
        Some(Misbehaviour::RateLimited { retry_after }) => {
            let mut answer = said(StatusCode::TOO_MANY_REQUESTS, json!({}), "Too Many Requests");
            if let Some(seconds) = retry_after {
                answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            }
            answer
        }
        Some(Misbehaviour::ServerError) => {
            said(StatusCode::INTERNAL_SERVER_ERROR, Value::Null, "internal server error")
        }
        Some(Misbehaviour::TornJson) => {
            ([(header::CONTENT_TYPE, "application/json")], "{\"data\":[{\"slug\":\"de").into_response()
        }
    })
}

/// As [`pass`], for the site's own endpoints, which challenge what does not even say which browser it is.
pub(super) async fn pass_browser(
    shared: &Shared,
    endpoint: Endpoint,
    headers: &HeaderMap,
) -> Result<(), Response> {
    pass(shared, endpoint).await?;
    if headers.contains_key(header::USER_AGENT) { Ok(()) } else { Err(challenge()) }
}

/// The envelope of the official API.
pub(super) fn said(status: StatusCode, data: impl Into<Value>, message: &str) -> Response {
    let data: Value = data.into();
    answer(status, json!({ "data": data, "message": message }))
}

pub(super) fn answer(status: StatusCode, body: impl Into<Value>) -> Response {
    (status, axum::Json(body.into())).into_response()
}

pub(super) fn ok(body: impl Into<Value>) -> Response {
    answer(StatusCode::OK, body)
}

/// What the site says about a thing that it does not have.
pub(super) fn no_model(model: &str) -> Response {
    let message = format!("No query results for model [App\\Models\\{model}].");
    answer(StatusCode::NOT_FOUND, json!({ "message": message }))
}

pub(super) async fn wrong_host(State(shared): State<Arc<Shared>>) -> Response {
    match pass(&shared, Endpoint::WrongHost).await {
        Ok(()) => firewall(),
        Err(refused) => refused,
    }
}

fn firewall() -> Response {
    let body = json!({ "error": "Request blocked by security policy.", "reference": "9e4db7e3" });
    answer(StatusCode::FORBIDDEN, body)
}

fn challenge() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=UTF-8"),
        (HeaderName::from_static("cf-mitigated"), "challenge"),
    ];
    (StatusCode::FORBIDDEN, headers, CHALLENGE).into_response()
}
