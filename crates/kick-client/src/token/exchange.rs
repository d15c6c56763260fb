//! Client credentials for a token.

use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AppCredentials, AppToken};
use crate::error::{Failure, KickError, tidy};
use crate::http::{Ask, KickHttp};
use crate::lenient;

/// The life of a token whose reply does not tell it. Short, since renewing costs one request.
const ASSUMED_LIFE: Duration = Duration::from_secs(3600);
/// A longer life is taken as this: Kick's tokens live 60 days, and times must stay within reach of the calendar.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);
/// Replies that explain in their body why there is no token.
const EXPLAINED: &[StatusCode] = &[StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];

type KickOAuth = Client<
    BasicErrorResponse,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Asks for tokens.
pub(super) struct Exchange {
    http: KickHttp,
    url: Url,
    credentials: AppCredentials,
    oauth: KickOAuth,
}

impl Exchange {
    pub(super) fn new(http: KickHttp, url: Url, credentials: AppCredentials) -> Self {
        let secret = ClientSecret::new(credentials.client_secret.expose_secret().to_owned());
        let oauth = Client::new(ClientId::new(credentials.client_id.clone()))
            .set_client_secret(secret)
            .set_token_uri(TokenUrl::from_url(url.clone()))
            .set_auth_type(AuthType::RequestBody);
        Self { http, url, credentials, oauth }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.credentials.client_id
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Fetches a new token.
    pub(super) async fn fetch(&self) -> Result<AppToken, KickError> {
        let post = |request: HttpRequest| self.post(request);
        let reply = self.oauth.exchange_client_credentials().request_async(&post).await;
        let reply = reply.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            RequestTokenError::ServerResponse(refusal) => {
                let reason = refusal.error().as_ref().to_owned();
                let words = refusal
                    .error_description()
                    .map_or_else(|| reason.clone(), |more| format!("{reason}: {more}"));
                self.failed(Failure::Credentials { message: self.without_secret(&words) })
            }
            // The parse error quotes the body, so it is not passed on.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => self.no_token(),
        })?;
        if reply.access_token.secret().is_empty() {
            return Err(self.no_token());
        }
        let life = reply.expires_in().unwrap_or(ASSUMED_LIFE).min(LONGEST_LIFE);
        Ok(AppToken::new(reply.access_token.into_secret().into(), Timestamp::now(), life))
    }

    async fn post(&self, request: HttpRequest) -> Result<HttpResponse, KickError> {
        let body = request.into_body();
        let ask = Ask::post("app token", self.url.clone(), "application/x-www-form-urlencoded", body)
            .keeping(EXPLAINED);
        let reply = self.http.send(&ask).await?;
        let explained =
            reply.status.is_success() || serde_json::from_slice::<BasicErrorResponse>(&reply.body).is_ok();
        if !explained {
            let error = ask.refusal(&reply).unwrap_or_else(|| ask.failed(Failure::Unauthorized));
            return Err(match error.failure() {
                Failure::Unauthorized => error.because(Failure::Credentials { message: String::new() }),
                _ => error,
            });
        }
        let mut response = HttpResponse::new(reply.body.to_vec());
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        Ok(response)
    }

    fn failed(&self, failure: Failure) -> KickError {
        KickError::new("app token", &self.url, failure)
    }

    fn no_token(&self) -> KickError {
        self.failed(Failure::Malformed {
            field: "access_token",
            expected: "a string in a JSON object",
            found: "absent or something else",
        })
    }

    /// A server may repeat what it was sent.
    fn without_secret(&self, words: &str) -> String {
        let secret = self.credentials.client_secret.expose_secret();
        tidy(&if secret.is_empty() { words.to_owned() } else { words.replace(secret, "***") })
    }
}

/// Kick's reply. `expires_in` is a number in practice and a string in the documentation, and all but the token may be
/// missing.
#[derive(Debug, Deserialize, Serialize)]
struct TokenReply {
    access_token: AccessToken,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "lenient::number")]
    expires_in: Option<u64>,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl TokenResponse for TokenReply {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    /// Client credentials give none.
    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    /// Client credentials carry none.
    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}
