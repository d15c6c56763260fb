//! Tokens: `/v2/oauth/token/` and `/v2/oauth/revoke/`.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use super::FakeTikTok;
use super::endpoint::Endpoint;
use super::gate;
use super::reply::{self, Refusal};
use super::rules::ClientKind;
use super::state::{Shared, State};
use super::wire::Cut;

const FORM: &str = "application/x-www-form-urlencoded";
/// Bytes of a form: far more than any has.
const MAX_FORM: usize = 64 << 10;

/// What an access token is good for.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) account: usize,
    pub(super) scopes: Vec<String>,
    /// By the clients' time.
    pub(super) until: Duration,
}

/// What a refresh token is good for.
#[derive(Clone, Debug)]
pub(super) struct RefreshToken {
    account: usize,
    scopes: Vec<String>,
    /// By the clients' time.
    until: Duration,
}

/// What a login gets.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tokens {
    /// Of the API.
    pub access_token: String,
    /// Seconds.
    pub expires_in: u64,
    /// The user, as this client knows them.
    pub open_id: String,
    /// Good for one refresh.
    pub refresh_token: String,
    /// Seconds.
    pub refresh_expires_in: u64,
    /// What was granted, with commas between.
    pub scope: String,
    /// `Bearer`.
    pub token_type: &'static str,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("open_id", &self.open_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

pub(super) async fn token(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM).await.unwrap_or_default();
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let refreshes = form.get("grant_type").is_some_and(|grant| grant == "refresh_token");
    let endpoint = if refreshes { Endpoint::Refresh } else { Endpoint::Token };
    let visit = gate::enter(&shared, endpoint, &parts, cut);
    gate::serve(&shared, visit, async {
        let tokens = check_client(&parts.headers, &form).and_then(|()| {
            shared.change(|state| match form.get("grant_type").map(String::as_str) {
                Some("authorization_code") => state.exchange(&form),
                Some("refresh_token") => state.renew(&form),
                _ => Err(Refusal::new("unsupported_grant_type", "Grant type is not supported.")),
            })
        });
        let open_id = tokens.as_ref().map(|tokens| tokens.open_id.clone()).ok();
        let name = open_id.and_then(|open_id| shared.look(|state| state.username(&open_id)));
        let response = reply::flat(shared.token_error_status, tokens.map(|tokens| json!(tokens)));
        match name {
            Some(name) => reply::of_account(response, &name),
            None => response,
        }
    })
    .await
}

pub(super) async fn revoke(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_FORM).await.unwrap_or_default();
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let visit = gate::enter(&shared, Endpoint::Revoke, &parts, cut);
    gate::serve(&shared, visit, async {
        let revoked = check_client(&parts.headers, &form).and_then(|()| {
            let token = form.get("token").map_or("", String::as_str);
            shared.change(|state| match state.access.get(token).map(|access| access.account) {
                Some(account) => {
                    state.forget(account);
                    Ok(json!({}))
                }
                None => Err(Refusal::new("invalid_request", "The token is invalid.")),
            })
        });
        reply::flat(shared.token_error_status, revoked)
    })
    .await
}

fn check_client(headers: &HeaderMap, form: &HashMap<String, String>) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with(FORM) {
        return Err(Refusal::new("invalid_request", "Only application/x-www-form-urlencoded is supported."));
    }
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    if !is("client_key", FakeTikTok::CLIENT_KEY) || !is("client_secret", FakeTikTok::CLIENT_SECRET) {
        return Err(Refusal::new("invalid_client", "Client key or secret is incorrect."));
    }
    Ok(())
}

/// The dialect of PKCE that TikTok speaks to desktop clients: hexadecimal, not base64url.
fn challenge_of(verifier: &str) -> String {
    hex::encode(digest(&SHA256, verifier.as_bytes()))
}

/// 43 to 128 characters of those that a URL leaves alone.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

impl State {
    fn exchange(&mut self, form: &HashMap<String, String>) -> Result<Tokens, Refusal> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let invalid = |why: &str| Refusal::new("invalid_grant", why);
        let (now, kind) = (self.clock.unscaled(), self.rules.kind);
        let grant = self.grants.get_mut(field("code"));
        let grant = grant.ok_or_else(|| invalid("Authorization code is invalid: it is decoded once."))?;
        if grant.used || grant.until <= now {
            return Err(invalid("Authorization code is expired or was used."));
        }
        if grant.redirect_uri != field("redirect_uri") {
            return Err(Refusal::new(
                "invalid_request",
                "Redirect_uri is not matched with the uri when requesting code.",
            ));
        }
        if kind == ClientKind::Desktop {
            let verifier = field("code_verifier");
            if !is_verifier(verifier) || grant.challenge.as_deref() != Some(&challenge_of(verifier)) {
                return Err(Refusal::new("invalid_request", "Code verifier or code challenge is invalid."));
            }
        }
        grant.used = true;
        let (account, scopes) = (grant.account, grant.scopes.clone());
        Ok(self.issue(account, scopes))
    }

    fn renew(&mut self, form: &HashMap<String, String>) -> Result<Tokens, Refusal> {
        let old = form.get("refresh_token").and_then(|token| self.refresh.remove(token));
        match old {
            Some(RefreshToken { account, scopes, until }) if until > self.clock.unscaled() => {
                Ok(self.issue(account, scopes))
            }
            _ => Err(Refusal::new("invalid_grant", "Refresh token is invalid or expired.")),
        }
    }

    /// Makes a pair of tokens.
    fn issue(&mut self, account: usize, scopes: Vec<String>) -> Tokens {
        let (access_token, refresh_token) = (self.new_secret("act"), self.new_secret("rft"));
        let now = self.clock.unscaled();
        let (access_life, refresh_life) = (self.rules.access_life, self.rules.refresh_life);
        let scope = scopes.join(",");
        let access = Access { account, scopes: scopes.clone(), until: now + access_life };
        self.access.insert(access_token.clone(), access);
        let refresh = RefreshToken { account, scopes, until: now + refresh_life };
        self.refresh.insert(refresh_token.clone(), refresh);
        Tokens {
            access_token,
            expires_in: access_life.as_secs(),
            open_id: self.accounts[account].open_id(),
            refresh_token,
            refresh_expires_in: refresh_life.as_secs(),
            scope,
            token_type: "Bearer",
        }
    }

    /// Makes all tokens of a user void.
    pub(super) fn forget(&mut self, account: usize) {
        self.access.retain(|_, access| access.account != account);
        self.refresh.retain(|_, refresh| refresh.account != account);
    }

    fn username(&self, open_id: &str) -> Option<String> {
        let found = self.accounts.iter().find(|account| account.open_id() == open_id);
        found.map(|account| account.username.clone())
    }
}

impl FakeTikTok {
    /// Tokens as a login would have got them.
    ///
    /// # Panics
    /// If there is no such account, as all that name one.
    #[must_use]
    pub fn log_in(&self, username: &str, scopes: &[&str]) -> Tokens {
        self.shared.change(|state| {
            let account = state.account_place(username);
            state.issue(account, scopes.iter().map(ToString::to_string).collect())
        })
    }

    /// Makes all access tokens void before their time; they can be refreshed.
    pub fn void_access_tokens(&self) {
        self.shared.change(|state| state.access.clear());
    }

    /// Makes all refresh tokens void: everyone has to log in again.
    pub fn void_refresh_tokens(&self) {
        self.shared.change(|state| state.refresh.clear());
    }

    /// The user takes the client's rights away: all tokens are void, and an event says so, with TikTok's number for the
    /// reason from 0 to 5.
    ///
    /// # Panics
    /// As [`FakeTikTok::log_in`].
    pub fn remove_authorization(&self, username: &str, reason: u8) {
        self.shared.change(|state| {
            let account = state.account_place(username);
            state.forget(account);
            let open_id = state.accounts[account].open_id();
            state.event(&open_id, "authorization.removed", None, &json!({ "reason": reason }));
        });
    }

    /// All that must not be seen in a log, a database or an error: the client's secret, codes, tokens, and the secret part
    /// of upload addresses, as far as they were given out.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = vec![Self::CLIENT_SECRET.to_owned()];
        self.shared.look(|state| secrets.extend(state.secrets.iter().cloned()));
        secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_hexadecimal_hash_of_the_verifier() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(is_verifier(verifier));
        assert_eq!(
            challenge_of(verifier),
            "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
        );
        assert!(!is_verifier("short") && !is_verifier(&"*".repeat(50)));
    }
}
