//! The page that asks the user for consent: `www.tiktok.com/v2/auth/authorize/`.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::{Url, form_urlencoded};

use super::FakeTikTok;
use super::endpoint::Endpoint;
use super::gate;
use super::rules::{self, ClientKind};
use super::state::{Shared, State};
use super::wire::Cut;

/// How long a code can be exchanged, by the clients' time. TikTok does not say; OAuth recommends at most this.
const CODE_LIFE: Duration = Duration::from_secs(600);

/// What the user does at the page.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Grants all that is asked for.
    Agree,
    /// Grants of what is asked for only these scopes.
    Grant(Vec<String>),
    /// Says no.
    Refuse,
}

/// What a code is good for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) account: usize,
    pub(super) scopes: Vec<String>,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    /// By the clients' time.
    pub(super) until: Duration,
    pub(super) used: bool,
}

/// What TikTok shows instead of asking for consent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageError {
    /// The parameter that is wrong.
    pub parameter: &'static str,
}

impl fmt::Display for PageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Something went wrong. We couldn't log in with TikTok: {}", self.parameter)
    }
}

impl Error for PageError {}

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/v2/auth/authorize/", get(page))
}

async fn page(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let visit = gate::enter(&shared, Endpoint::Authorize, &parts, cut);
    gate::serve(&shared, visit, async {
        let query = parts.uri.query().unwrap_or_default();
        let answer = shared.change(|state| {
            let decision = state.decision.clone();
            state.decide(query, &decision)
        });
        match answer {
            Ok(redirect) => (StatusCode::FOUND, [(header::LOCATION, redirect)]).into_response(),
            Err(wrong) => (StatusCode::BAD_REQUEST, wrong.to_string()).into_response(),
        }
    })
    .await
}

impl State {
    /// Checks what the page was asked with; then the browser is sent where this says.
    fn decide(&mut self, query: &str, decision: &Decision) -> Result<String, PageError> {
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let field = |name: &'static str| {
            query.get(name).filter(|value| !value.is_empty()).ok_or(PageError { parameter: name })
        };
        let right = |right: bool, parameter| if right { Ok(()) } else { Err(PageError { parameter }) };
        right(field("client_key")? == FakeTikTok::CLIENT_KEY, "client_key")?;
        right(field("response_type")? == "code", "response_type")?;
        let asked: Vec<String> = field("scope")?.split(',').map(str::to_owned).collect();
        right(asked.iter().all(|scope| self.rules.scopes.contains(scope)), "scope")?;
        let redirect_uri = field("redirect_uri")?;
        right(rules::registered(&self.rules, redirect_uri), "redirect_uri")?;
        let state = field("state")?;
        let challenge = match self.rules.kind {
            ClientKind::Desktop => {
                right(field("code_challenge_method")? == "S256", "code_challenge_method")?;
                // A challenge in base64url is taken here and fails at the exchange, as it does with TikTok.
                Some(field("code_challenge")?.clone())
            }
            ClientKind::Web => None,
        };
        let scopes: Vec<String> = match decision {
            Decision::Refuse => {
                let state: String = form_urlencoded::byte_serialize(state.as_bytes()).collect();
                let error = "error=access_denied&error_description=The+user+denied+the+request";
                return Ok(format!("{redirect_uri}?{error}&state={state}"));
            }
            Decision::Agree => asked,
            Decision::Grant(some) => asked.into_iter().filter(|scope| some.contains(scope)).collect(),
        };
        // TikTok's codes have characters that travel percent-encoded.
        let code = format!("{}*0!6{}", self.new_secret("code"), self.grants.len());
        let granted = scopes.join(",");
        let account = self.at_browser;
        let (redirect_uri, until) = (redirect_uri.clone(), self.clock.unscaled() + CODE_LIFE);
        let escaped: String = form_urlencoded::byte_serialize(code.as_bytes()).collect();
        // The form encoding leaves the star alone.
        let escaped = escaped.replace('*', "%2A");
        let rest = form_urlencoded::Serializer::new(String::new())
            .append_pair("scopes", &granted)
            .append_pair("state", state)
            .finish();
        let answer = format!("{redirect_uri}?code={escaped}&{rest}");
        self.grants.insert(code, Grant { account, scopes, redirect_uri, challenge, until, used: false });
        Ok(answer)
    }
}

impl FakeTikTok {
    fn at_page(&self, authorize_url: &str, decision: &Decision) -> Result<String, PageError> {
        let url = Url::parse(authorize_url).map_err(|_| PageError { parameter: "url" })?;
        if url.path() != "/v2/auth/authorize/" {
            return Err(PageError { parameter: "url" });
        }
        self.shared.change(|state| state.decide(url.query().unwrap_or_default(), decision))
    }

    /// The user opens the page at this address and grants all that it asks for; the answer is the address that the browser
    /// is sent to.
    ///
    /// # Errors
    /// If the page shows an error instead.
    pub fn agree(&self, authorize_url: &str) -> Result<String, PageError> {
        self.at_page(authorize_url, &Decision::Agree)
    }

    /// As [`FakeTikTok::agree`], but grants only these scopes.
    ///
    /// # Errors
    /// As [`FakeTikTok::agree`].
    pub fn grant(&self, authorize_url: &str, scopes: &[&str]) -> Result<String, PageError> {
        self.at_page(authorize_url, &Decision::Grant(scopes.iter().map(ToString::to_string).collect()))
    }

    /// As [`FakeTikTok::agree`], but says no.
    ///
    /// # Errors
    /// As [`FakeTikTok::agree`].
    pub fn refuse(&self, authorize_url: &str) -> Result<String, PageError> {
        self.at_page(authorize_url, &Decision::Refuse)
    }

    /// What the user does when a browser asks the page itself for consent: agrees unless told otherwise. The answer then is
    /// a redirect at once.
    pub fn decide(&self, decision: Decision) {
        self.shared.change(|state| state.decision = decision);
    }

    /// Another user sits down at the browser.
    ///
    /// # Panics
    /// If there is no such account, as all that name one.
    pub fn sit_down(&self, username: &str) {
        self.shared.change(|state| state.at_browser = state.account_place(username));
    }
}
