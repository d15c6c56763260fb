//! Addresses that are secrets.

use std::fmt;

use url::Url;

/// An address with a token in it, such as a signed playlist. `Debug` and `Display` show scheme and host alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Wraps `url`.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The whole address, for whoever fetches it. Never for a log.
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl From<Url> for SecretUrl {
    fn from(url: Url) -> Self {
        Self(url)
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/...", origin(&self.0))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({self})")
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

/// `text` as the address of something to fetch by HTTP.
pub(crate) fn address(text: &str) -> Option<SecretUrl> {
    let url = Url::parse(text.trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(SecretUrl(url))
}

/// `text` with every address in it cut down to scheme and host: for what other programs and servers say.
pub(crate) fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let after = &rest[at + "://".len()..];
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>`".contains(c)).unwrap_or(after.len());
        let authority = after[..end].split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        out.push_str(&rest[..at]);
        out.push_str("://");
        out.push_str(host);
        if authority.len() < end {
            out.push_str("/...");
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_scheme_and_host_alone() {
        let url =
            SecretUrl::new(Url::parse("https://u:pw@cdn.example:8443/hidden/a.m3u8?token=hidden").unwrap());
        assert_eq!(
            format!("{url} {url:?}"),
            "https://cdn.example:8443/... SecretUrl(https://cdn.example:8443/...)"
        );
        assert!(url.expose().as_str().ends_with("token=hidden"));
    }

    #[test]
    fn addresses_inside_a_text_lose_all_but_their_host() {
        let text =
            "error: unable to open 'https://u:p@a.example/x.m3u8?token=s' (see http://b.example and c://d?e)";
        let expected = "error: unable to open 'https://a.example/...' (see http://b.example and c://d/...";
        assert_eq!(redact_urls(text), expected);
    }

    proptest! {
        #[test]
        fn redacting_leaves_nothing_of_path_or_query(before in "[a-z ]{0,9}", after in "[ \"][a-z ]{0,9}") {
            let text = format!("{before} https://h.example/SECRET/p?token=SECRET#SECRET{after}");
            let shown = redact_urls(&text);
            prop_assert!(!shown.contains("SECRET") && shown.contains("h.example"), "{}", shown);
        }

        #[test]
        fn redacting_takes_any_text(text in ".*://.*|.*") {
            let _ = redact_urls(&text);
        }
    }
}
