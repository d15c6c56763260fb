//! The page where a user agrees.

use std::fmt;

use oauth2::{CsrfToken, PkceCodeVerifier};
use url::{Host, Url};

use super::callback::{self, AuthorizationCode, Callback};
use super::pkce;
use crate::config::under;
use crate::token::{AuthError, Grant, Scopes, TokenEndpoint};

/// TikTok takes redirect addresses that are shorter than this, in bytes.
const REDIRECT_LIMIT: usize = 512;

/// As what the app is registered, which decides where its users may be sent back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppKind {
    /// Back to this machine; with proof that whoever brings the code began the login (PKCE).
    #[default]
    Desktop,
    /// Back to a public https address, which is then pasted.
    Web,
}

/// What is asked of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginOptions {
    /// What to be allowed. A sandbox app that may not post directly must not even ask for `video.publish`.
    pub scopes: Scopes,
    /// As what the app is registered.
    pub app: AppKind,
    /// Shows the page even to who has agreed before, so that another account can be chosen.
    pub choose_account: bool,
}

impl Default for LoginOptions {
    /// A desktop app that asks for the account's name and for drafts into its inbox.
    fn default() -> Self {
        Self {
            scopes: [Scopes::USER_INFO_BASIC, Scopes::VIDEO_UPLOAD].into_iter().collect(),
            app: AppKind::Desktop,
            choose_account: false,
        }
    }
}

/// A login that waits for its user. `Debug` shows neither state nor proof.
pub struct PendingLogin {
    authorize_url: Url,
    redirect_uri: Url,
    state: CsrfToken,
    verifier: Option<PkceCodeVerifier>,
}

impl PendingLogin {
    /// Begins a login whose user is sent back to `redirect_uri`, which has to be registered with the app.
    ///
    /// # Errors
    /// [`AuthError::Redirect`] if TikTok would not take the address.
    pub fn begin(
        endpoint: &TokenEndpoint,
        options: &LoginOptions,
        redirect_uri: Url,
    ) -> Result<Self, AuthError> {
        if let Some(why) = flaw(&redirect_uri, options.app) {
            return Err(AuthError::Redirect { uri: redirect_uri.into(), why });
        }
        let state = CsrfToken::new_random();
        let verifier = (options.app == AppKind::Desktop).then(pkce::verifier);
        let mut url = under(&endpoint.config().auth_base, "v2/auth/authorize");
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_key", endpoint.client_key())
                .append_pair("response_type", "code")
                .append_pair("scope", &options.scopes.to_string())
                .append_pair("redirect_uri", redirect_uri.as_str())
                .append_pair("state", state.secret());
            if let Some(verifier) = &verifier {
                query
                    .append_pair("code_challenge", &pkce::challenge(verifier.secret()))
                    .append_pair("code_challenge_method", "S256");
            }
            if options.choose_account {
                query.append_pair("disable_auto_auth", "1");
            }
        }
        Ok(Self { authorize_url: url, redirect_uri, state, verifier })
    }

    /// The page to be opened in a browser. It is good for this login alone.
    #[must_use]
    pub const fn authorize_url(&self) -> &Url {
        &self.authorize_url
    }

    /// Reads what a person pasted: the address that the browser ended at, or the code alone.
    ///
    /// # Errors
    /// [`AuthError::Refused`] if the user said no, [`AuthError::Callback`] if there is no code in it or it is that of another login.
    pub fn read(&self, pasted: &str) -> Result<AuthorizationCode, AuthError> {
        callback::read_pasted(pasted, self.state.secret())
    }

    /// Reads the query that a browser came back with.
    pub(super) fn read_query(&self, query: &str) -> Callback {
        callback::read_query(query, self.state.secret(), true)
    }

    /// Exchanges the code for tokens, which [`TokenStore::keep`](crate::TokenStore::keep) then keeps.
    ///
    /// # Errors
    /// Why TikTok gave none. Begin again then: a code is spent by trying.
    pub async fn finish(
        &self,
        endpoint: &TokenEndpoint,
        code: &AuthorizationCode,
    ) -> Result<Grant, AuthError> {
        let verifier = self.verifier.as_ref().map(|verifier| verifier.secret().as_str());
        endpoint.exchange(code.expose(), &self.redirect_uri, verifier).await
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .finish_non_exhaustive()
    }
}

/// Why TikTok would not send users back to `uri`.
fn flaw(uri: &Url, app: AppKind) -> Option<&'static str> {
    let here = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        _ => false,
    };
    if uri.query().is_some() || uri.fragment().is_some() {
        Some("nothing may follow its path, neither ? nor #")
    } else if uri.as_str().len() >= REDIRECT_LIMIT {
        Some("it must be shorter than 512 bytes")
    } else if app == AppKind::Desktop && !here {
        Some("that of a desktop app must be of localhost or 127.0.0.1")
    } else if app == AppKind::Desktop && (uri.port().is_none() || !matches!(uri.scheme(), "http" | "https")) {
        Some("that of a desktop app must be http or https and name a port")
    } else if app == AppKind::Web && (here || uri.scheme() != "https") {
        Some("that of a web app must be https and not of this machine")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{AppCredentials, TikTokConfig};

    fn endpoint() -> TokenEndpoint {
        let app = AppCredentials::new("the-key", &"hunter2".into());
        TokenEndpoint::new(&TikTokConfig::default(), app).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_page_is_asked_in_tiktoks_dialect() {
        let options = LoginOptions { choose_account: true, ..LoginOptions::default() };
        let login =
            PendingLogin::begin(&endpoint(), &options, url("http://127.0.0.1:5000/callback/")).unwrap();
        let page = login.authorize_url();
        assert!(page.as_str().starts_with("https://www.tiktok.com/v2/auth/authorize/?"), "{page}");
        let query: HashMap<_, _> = page.query_pairs().into_owned().collect();
        let expected = [
            ("client_key", "the-key"),
            ("response_type", "code"),
            ("scope", "user.info.basic,video.upload"),
            ("redirect_uri", "http://127.0.0.1:5000/callback/"),
            ("code_challenge_method", "S256"),
            ("disable_auto_auth", "1"),
        ];
        for (name, value) in expected {
            assert_eq!(query[name], value);
        }
        let verifier = login.verifier.as_ref().unwrap().secret();
        assert_eq!(query["code_challenge"], pkce::challenge(verifier));
        assert_eq!(query["state"], *login.state.secret());
        assert!(query["state"].len() >= 20);
        assert_eq!(query.len(), expected.len() + 2);
        let shown = format!("{login:?}");
        assert!(!shown.contains(verifier) && !shown.contains(login.state.secret()), "{shown}");
    }

    #[test]
    fn a_web_app_sends_no_proof() {
        let options = LoginOptions { app: AppKind::Web, ..LoginOptions::default() };
        let login = PendingLogin::begin(&endpoint(), &options, url("https://example.org/cb")).unwrap();
        assert!(!login.authorize_url().as_str().contains("code_challenge"));
    }

    #[test]
    fn addresses_that_tiktok_would_refuse_are_refused_here() {
        let flaw = |text: &str, app| flaw(&url(text), app);
        for text in ["http://127.0.0.1:5000/callback/", "https://localhost:1/"] {
            assert_eq!(flaw(text, AppKind::Desktop), None, "{text}");
        }
        let long = format!("https://example.org/{}", "a".repeat(REDIRECT_LIMIT));
        for (text, app) in [
            ("http://127.0.0.1/callback/", AppKind::Desktop),
            ("http://192.168.1.2:5000/callback/", AppKind::Desktop),
            ("http://127.0.0.1:5000/callback/?a=b", AppKind::Desktop),
            ("ftp://127.0.0.1:5000/", AppKind::Desktop),
            ("http://example.org/", AppKind::Web),
            ("https://localhost:5000/", AppKind::Web),
            ("https://example.org/#x", AppKind::Web),
            (long.as_str(), AppKind::Web),
        ] {
            assert!(flaw(text, app).is_some(), "{text}");
        }
    }
}
