//! The API: `open.tiktokapis.com`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use serde_json::{Map, Value};

use super::endpoint::Endpoint;
use super::gate;
use super::reply::{self, Refusal};
use super::state::{Shared, State};
use super::wire::Cut;
use super::{creator, init, status, token};

/// Bytes of a request's JSON: far more than any has.
const MAX_BODY: usize = 1 << 20;
/// Of the rate windows.
const WINDOW: Duration = Duration::from_secs(60);

/// What a request says, once it is known whose it is.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The place of the user among the accounts.
    pub(super) account: usize,
    /// The fields of its JSON.
    pub(super) body: &'a Map<String, Value>,
    /// The query of its address.
    pub(super) query: &'a str,
    pub(super) upload_base: &'a str,
}

type Answer = fn(&mut State, &Asked<'_>) -> Result<Value, Refusal>;

pub(super) fn router() -> Router<Arc<Shared>> {
    let publish = "/v2/post/publish";
    Router::new()
        .route("/v2/oauth/token/", post(token::token))
        .route("/v2/oauth/revoke/", post(token::revoke))
        .route("/v2/user/info/", on(Endpoint::UserInfo, creator::user_info))
        .route(&format!("{publish}/creator_info/query/"), on(Endpoint::CreatorInfo, creator::creator_info))
        .route(&format!("{publish}/video/init/"), on(Endpoint::DirectInit, init::direct))
        .route(&format!("{publish}/inbox/video/init/"), on(Endpoint::InboxInit, init::inbox))
        .route(&format!("{publish}/status/fetch/"), on(Endpoint::Status, status::fetch))
        .route(&format!("{publish}/cancel/"), on(Endpoint::Cancel, status::cancel))
}

/// What no server knows.
pub(super) async fn unknown(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let visit = gate::enter(&shared, Endpoint::Unknown, &parts, cut);
    let refusal = Refusal::new("not_found", "There is nothing at this address");
    gate::serve(&shared, visit, async { reply::envelope(Endpoint::Unknown, Err(refusal)) }).await
}

/// Answers requests to one endpoint.
fn on(endpoint: Endpoint, answer: Answer) -> MethodRouter<Arc<Shared>> {
    let handler =
        async move |Extract(shared): Extract<Arc<Shared>>,
                    ConnectInfo(cut): ConnectInfo<Cut>,
                    request: Request| { serve(&shared, cut, request, endpoint, answer).await };
    if endpoint == Endpoint::UserInfo { get(handler) } else { post(handler) }
}

async fn serve(shared: &Shared, cut: Cut, request: Request, endpoint: Endpoint, answer: Answer) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await;
    let visit = gate::enter(shared, endpoint, &parts, cut);
    gate::serve(shared, visit, async {
        shared.change(|state| {
            state.settle();
            let account = match state.admit(endpoint, &parts) {
                Ok(account) => account,
                Err(refusal) => return reply::envelope(endpoint, Err(refusal)),
            };
            let result = fields(&parts, body.as_deref().unwrap_or_default()).and_then(|body| {
                let query = parts.uri.query().unwrap_or_default();
                answer(state, &Asked { account, body: &body, query, upload_base: &shared.upload_base })
            });
            reply::of_account(reply::envelope(endpoint, result), &state.accounts[account].username)
        })
    })
    .await
}

/// The JSON of a request: an object, or nothing.
fn fields(parts: &Parts, body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if parts.method == Method::GET {
        return Ok(Map::new());
    }
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Refusal::new("invalid_params", "Content-Type must be application/json"));
    }
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|_| Refusal::new("invalid_params", "The body is not a JSON object"))
}

impl State {
    /// Whose request it is, if the token is good for it and there is room in its minute.
    fn admit(&mut self, endpoint: Endpoint, parts: &Parts) -> Result<usize, Refusal> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let access = self.access.get(token).filter(|access| access.until > self.clock.unscaled());
        let message = "The access token is invalid or not found in the request.";
        let access = access.ok_or_else(|| Refusal::new("access_token_invalid", message))?;
        let needed = endpoint.scopes();
        if !needed.iter().any(|scope| access.scopes.iter().any(|granted| granted == scope)) {
            let message = format!("The user did not authorize the scope required: {}", needed.join(" or "));
            return Err(Refusal::new("scope_not_authorized", message));
        }
        let account = access.account;
        if let Some(most) = endpoint.per_minute() {
            let now = self.clock.now();
            let window = self.windows.entry((token.to_owned(), endpoint)).or_default();
            window.retain(|at| now.saturating_sub(*at) < WINDOW);
            if window.len() >= most {
                let message = "The API rate limit was exceeded. Try again later.";
                return Err(Refusal::new("rate_limit_exceeded", message));
            }
            window.push_back(now);
        }
        Ok(account)
    }
}
