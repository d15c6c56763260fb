//! Answers: the envelope of the API, the flat errors of the tokens, and the pages of a proxy that is broken.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::endpoint::Endpoint;

/// The header that carries the log's id too.
const LOG_ID: HeaderName = HeaderName::from_static("x-tt-logid");

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// With a message that says no more than the code.
    pub(super) fn plain(code: &'static str) -> Self {
        Self::new(code, format!("The request was refused: {code}"))
    }
}

/// What the record keeps of an answer; travels with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) code: Option<&'static str>,
    pub(super) account: Option<String>,
}

/// The status that an error comes with.
fn status(endpoint: Endpoint, code: &str) -> StatusCode {
    match code {
        // Creator info succeeds in telling that the creator cannot post.
        "spam_risk_too_many_posts" | "spam_risk_user_banned_from_posting" | "reached_active_user_cap"
            if endpoint == Endpoint::CreatorInfo =>
        {
            StatusCode::OK
        }
        "access_token_invalid" | "scope_not_authorized" => StatusCode::UNAUTHORIZED,
        "rate_limit_exceeded" => StatusCode::TOO_MANY_REQUESTS,
        "internal_error" => StatusCode::INTERNAL_SERVER_ERROR,
        "not_found" => StatusCode::NOT_FOUND,
        "reached_active_user_cap"
        | "unaudited_client_can_only_post_to_private_accounts"
        | "privacy_level_option_mismatch"
        | "url_ownership_unverified" => StatusCode::FORBIDDEN,
        code if code.starts_with("spam_risk") => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The envelope of the API around data or an error.
pub(super) fn envelope(endpoint: Endpoint, result: Result<Value, Refusal>) -> Response {
    let log_id = log_id();
    let (status, data, code, message) = match result {
        Ok(data) => (StatusCode::OK, data, "ok", String::new()),
        Err(refusal) => (status(endpoint, refusal.code), json!({}), refusal.code, refusal.message),
    };
    let mut error =
        Map::from_iter([("code".to_owned(), code.into()), ("message".to_owned(), message.into())]);
    error.insert(endpoint.log_id_key().to_owned(), log_id.clone().into());
    finish(status, json!({ "data": data, "error": error }), &log_id, code)
}

/// What the endpoint of tokens says.
pub(super) fn flat(status: StatusCode, result: Result<Value, Refusal>) -> Response {
    match result {
        Ok(body) => finish(StatusCode::OK, body, &log_id(), "ok"),
        Err(refusal) => {
            let log_id = log_id();
            let body = json!({
                "error": refusal.code, "error_description": refusal.message, "log_id": log_id,
            });
            finish(status, body, &log_id, refusal.code)
        }
    }
}

/// What a proxy says that got no answer from TikTok.
pub(super) fn proxy_page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    (status, [("content-type", "text/html")], format!("<html><body><h1>{status}</h1></body></html>"))
        .into_response()
}

/// Notes for the record whom an answer was for.
pub(super) fn of_account(mut response: Response, account: &str) -> Response {
    let mut told = response.extensions().get::<Told>().cloned().unwrap_or_default();
    told.account = Some(account.to_owned());
    response.extensions_mut().insert(told);
    response
}

fn finish(status: StatusCode, body: Value, log_id: &str, code: &'static str) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    if let Ok(value) = HeaderValue::from_str(log_id) {
        response.headers_mut().insert(LOG_ID, value);
    }
    response.extensions_mut().insert(Told { code: (code != "ok").then_some(code), account: None });
    response
}

/// As TikTok's look: a time, and what nobody can guess.
fn log_id() -> String {
    let random = Uuid::new_v4().simple().to_string().to_uppercase();
    format!("20261123{}", &random[..24])
}
