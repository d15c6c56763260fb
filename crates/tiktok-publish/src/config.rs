//! Where TikTok is, and for which app it is asked.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

/// The addresses of TikTok, and which of its two worlds is meant.
///
/// A base may have a path; what is asked for is appended to it. `Debug` shows hosts alone, since a base may carry a password.
#[derive(Clone, PartialEq, Eq)]
pub struct TikTokConfig {
    /// The interface for tokens, uploads and status, `https://open.tiktokapis.com`. The sandbox has no host of its own.
    pub api_base: Url,
    /// Where a user agrees, `https://www.tiktok.com`.
    pub auth_base: Url,
    /// Which of the app's two sets of credentials is in use.
    pub environment: Environment,
}

impl Default for TikTokConfig {
    fn default() -> Self {
        Self {
            api_base: fixed("https://open.tiktokapis.com/"),
            auth_base: fixed("https://www.tiktok.com/"),
            environment: Environment::Sandbox,
        }
    }
}

#[expect(clippy::expect_used, reason = "literals of this file, which a test parses")]
fn fixed(literal: &str) -> Url {
    Url::parse(literal).expect("a literal of this file")
}

impl fmt::Debug for TikTokConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TikTokConfig")
            .field("api_base", &origin(&self.api_base))
            .field("auth_base", &origin(&self.auth_base))
            .field("environment", &self.environment)
            .finish()
    }
}

/// Which of an app's two worlds: each has its own key and secret, and accounts logged in to one are unknown to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// For trying out: no review of the app, up to ten accounts named beforehand, nothing becomes public.
    Sandbox,
    /// The app as TikTok reviewed it, or waits to.
    Production,
}

impl Environment {
    /// Its name in files and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sandbox" => Ok(Self::Sandbox),
            "production" => Ok(Self::Production),
            _ => Err(UnknownEnvironment),
        }
    }
}

/// Neither `sandbox` nor `production`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment is either \"sandbox\" or \"production\"")]
pub struct UnknownEnvironment;

/// The key and the secret of an app, from TikTok's developer portal.
#[derive(Clone)]
pub struct AppCredentials {
    client_key: String,
    client_secret: SecretString,
}

impl AppCredentials {
    /// Credentials of the app with `client_key`. Space around either is taken off, as it comes with copying.
    #[must_use]
    pub fn new(client_key: &str, client_secret: &SecretString) -> Self {
        let client_secret = client_secret.expose_secret().trim().to_owned().into();
        Self { client_key: client_key.trim().to_owned(), client_secret }
    }

    /// The app's public name, which authorize addresses carry.
    #[must_use]
    pub fn client_key(&self) -> &str {
        &self.client_key
    }

    /// The app's secret: for the token endpoint, and the key of webhook signatures.
    #[must_use]
    pub const fn client_secret(&self) -> &SecretString {
        &self.client_secret
    }
}

impl fmt::Debug for AppCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppCredentials").finish_non_exhaustive()
    }
}

/// Scheme, host and port of `url`: what may be shown of any address.
pub(crate) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

/// `base` with `path` appended, and a slash at the end, as all of TikTok's addresses have.
pub(crate) fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/')).push("");
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_tiktoks_own() {
        let config = TikTokConfig::default();
        assert_eq!(config.api_base.as_str(), "https://open.tiktokapis.com/");
        assert_eq!(config.auth_base.as_str(), "https://www.tiktok.com/");
        assert_eq!(config.environment, Environment::Sandbox);
    }

    #[test]
    fn a_base_may_have_a_path_and_its_password_is_not_shown() {
        let base = Url::parse("http://user:hunter2@127.0.0.1:81/tiktok/").unwrap();
        assert_eq!(under(&base, "v2/oauth/token").path(), "/tiktok/v2/oauth/token/");
        assert_eq!(under(&Url::parse("http://h").unwrap(), "x").as_str(), "http://h/x/");
        let config = TikTokConfig { api_base: base, ..TikTokConfig::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn environments_have_names() {
        for environment in [Environment::Sandbox, Environment::Production] {
            assert_eq!(environment.name().parse(), Ok(environment));
            assert_eq!(serde_json::to_string(&environment).unwrap(), format!("\"{environment}\""));
        }
        assert_eq!("prod".parse::<Environment>(), Err(UnknownEnvironment));
    }

    #[test]
    fn credentials_are_trimmed_and_masked() {
        let app = AppCredentials::new(" key\n", &" hunter2 \n".into());
        assert_eq!((app.client_key(), app.client_secret().expose_secret()), ("key", "hunter2"));
        let shown = format!("{app:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("key\n"), "{shown}");
    }
}
