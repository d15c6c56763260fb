//! Where Kick's services are.

use std::fmt;

use url::Url;

use crate::secret_url::origin;

/// A current desktop browser: the site's own endpoints turn unknown programs away more often.
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36";

/// The addresses of Kick's services, and how we present ourselves to its website.
///
/// A base may have a path; what is asked for is appended to it. `Debug` shows hosts alone, since a base may carry a
/// password.
#[derive(Clone, PartialEq, Eq)]
pub struct KickConfig {
    /// The official API, `https://api.kick.com`.
    pub api_base: Url,
    /// Where tokens are given out, `https://id.kick.com`.
    pub auth_base: Url,
    /// The website and the older of its endpoints, `https://kick.com`.
    pub site_base: Url,
    /// The newer endpoints of the website, `https://web.kick.com`.
    pub web_base: Url,
    /// The socket of the chat, with the app key and the protocol in it.
    pub pusher_url: Url,
    /// The `User-Agent` sent to `site_base` and `web_base`. The official API is told who we are.
    pub user_agent: String,
}

impl Default for KickConfig {
    fn default() -> Self {
        Self {
            api_base: fixed("https://api.kick.com/"),
            auth_base: fixed("https://id.kick.com/"),
            site_base: fixed("https://kick.com/"),
            web_base: fixed("https://web.kick.com/"),
            // The app key is public: it is in the page's script.
            pusher_url: fixed(
                "wss://ws-us2.pusher.com/app/32cbd69e4b950bf97679?protocol=7&client=js&version=8.4.0&flash=false",
            ),
            user_agent: BROWSER.to_owned(),
        }
    }
}

#[expect(clippy::expect_used, reason = "literals of this file, which a test parses")]
fn fixed(literal: &str) -> Url {
    Url::parse(literal).expect("a literal of this file")
}

impl fmt::Debug for KickConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KickConfig")
            .field("api_base", &origin(&self.api_base))
            .field("auth_base", &origin(&self.auth_base))
            .field("site_base", &origin(&self.site_base))
            .field("web_base", &origin(&self.web_base))
            .field("pusher_url", &origin(&self.pusher_url))
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

/// `base` with `path` appended, a part at a time; each part is escaped as needed.
pub(crate) fn under(base: &Url, path: &[impl AsRef<str>]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_kicks_own() {
        insta::assert_debug_snapshot!(KickConfig::default());
    }

    #[test]
    fn a_base_may_have_a_path_and_its_password_is_not_shown() {
        let base = Url::parse("http://user:hunter2@127.0.0.1:81/kick/?key=hunter2").unwrap();
        assert_eq!(under(&base, &["public", "a/b"]).path(), "/kick/public/a%2Fb");
        assert_eq!(under(&Url::parse("http://h").unwrap(), &["x"]).as_str(), "http://h/x");
        let config = KickConfig { api_base: base, ..KickConfig::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
