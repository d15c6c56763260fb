//! Tokens: `id.kick.com`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::form_urlencoded;
use uuid::Uuid;

use super::FakeKick;
use super::gate::{self, Endpoint};
use super::state::Shared;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/oauth/token", post(token))
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refused) = gate::pass(&shared, Endpoint::Token).await {
        return refused;
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // The parameters stand in the body alone: Kick knows no Basic authentication.
    if !kind.starts_with(FORM) || headers.contains_key(header::AUTHORIZATION) {
        return gate::answer(StatusCode::BAD_REQUEST, json!({ "error": "Invalid request" }));
    }
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if field("client_id") != FakeKick::CLIENT_ID || field("client_secret") != FakeKick::CLIENT_SECRET {
        return error(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed.");
    }
    match field("grant_type") {
        "client_credentials" => gate::ok(issue(&shared)),
        // App tokens come without a refresh token, so nobody can have one.
        "refresh_token" | "authorization_code" => {
            error(StatusCode::BAD_REQUEST, "invalid_grant", "The provided authorization grant is invalid.")
        }
        _ => error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "The grant type is not supported."),
    }
}

fn issue(shared: &Shared) -> Value {
    // Opaque, of 48 characters.
    let random = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()];
    let token = STANDARD.encode(&random.concat()[..36]);
    shared.change(|state| {
        state.tokens.insert(token.clone(), Instant::now() + state.token_life);
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": state.token_life.as_secs() })
    })
}

fn error(status: StatusCode, error: &str, description: &str) -> Response {
    gate::answer(status, json!({ "error": error, "error_description": description }))
}
