//! What can go wrong when Kick is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::secret_url::{origin, redact_urls};

/// The most characters of a server's own words that an error repeats.
const LONGEST_MESSAGE: usize = 200;

/// A request to Kick that gave no usable answer: which, to whom, and why not.
///
/// Names the endpoint and the host, never a query, a token or a body.
#[derive(Debug, Clone)]
pub struct KickError {
    endpoint: &'static str,
    host: String,
    failure: Failure,
}

impl fmt::Display for KickError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.endpoint, self.host, self.failure)
    }
}

impl std::error::Error for KickError {
    /// The failure is part of the message, so what follows it is its cause.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}

impl KickError {
    pub(crate) fn new(endpoint: &'static str, url: &Url, failure: Failure) -> Self {
        Self { endpoint, host: origin(url), failure }
    }

    /// The same request, another reason.
    pub(crate) fn because(&self, failure: Failure) -> Self {
        Self { failure, ..self.clone() }
    }

    /// What was asked for, such as `channels`.
    pub fn endpoint(&self) -> &'static str {
        self.endpoint
    }

    /// Scheme, host and port that were asked.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Why there is no answer.
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// Whether the same request may succeed if it is simply repeated a little later.
    pub fn is_transient(&self) -> bool {
        self.failure.is_transient()
    }

    /// How long the server asks to wait, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.failure {
            Failure::RateLimited { retry_after } | Failure::Server { retry_after, .. } => retry_after,
            _ => None,
        }
    }
}

/// Why there is no answer, by what it means for the caller.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// There is no such thing, or the endpoint is gone (404, 410).
    #[error("not found{}", said(.message))]
    NotFound {
        /// The server's own words, perhaps empty.
        message: String,
    },
    /// The token is refused (401), a new one too.
    #[error("the token is refused; check that the app is still enabled in Kick's developer settings")]
    Unauthorized,
    /// Client id or secret are wrong.
    #[error("the client id or the client secret is refused{}; compare them with Kick's developer settings", said(.message))]
    Credentials {
        /// The server's own words, perhaps empty.
        message: String,
    },
    /// The token does not reach that far (403 in the API's own form).
    #[error("forbidden{}", said(.message))]
    Forbidden {
        /// The server's own words, perhaps empty.
        message: String,
    },
    /// A guard in front of Kick turned us away. It may let us pass later or from another network.
    #[error("blocked by {by}; it may pass later, or from another network")]
    Blocked {
        /// Which guard.
        by: BlockedBy,
    },
    /// Too many requests (429).
    #[error("too many requests{}", wait(.retry_after.as_ref()))]
    RateLimited {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server has trouble of its own (5xx, 408).
    #[error("the server has trouble (status {status}){}", wait(.retry_after.as_ref()))]
    Server {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request itself is refused (other 4xx).
    #[error("refused with status {status}{}", said(.message))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The server's own words, perhaps empty.
        message: String,
    },
    /// No connection, no reply in time, or it broke off.
    #[error("no answer: {what}")]
    Network {
        /// What happened, in words.
        what: &'static str,
        /// The cause, its address taken out.
        #[source]
        source: Arc<reqwest::Error>,
    },
    /// A redirect that is not followed.
    #[error("redirected {why}, which is not followed")]
    Redirect {
        /// Where to and what is wrong with that.
        why: String,
    },
    /// The reply is larger than allowed, counted once unpacked.
    #[error("the reply is larger than {limit} bytes")]
    TooLarge {
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The reply does not have the form that is known here.
    #[error("the reply is not understood: {field} should be {expected} but is {found}")]
    Malformed {
        /// Which field, or `the body`.
        field: &'static str,
        /// What would be right.
        expected: &'static str,
        /// What kind of thing was there instead; never the thing itself.
        found: &'static str,
    },
}

impl Failure {
    /// Whether the same request may succeed if it is simply repeated a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Server { .. } | Self::Network { .. })
    }
}

/// A guard in front of Kick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlockedBy {
    /// Kick's own security policy.
    Waf,
    /// A challenge of Cloudflare that only a browser passes.
    Cloudflare,
}

impl fmt::Display for BlockedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waf => "Kick's security policy",
            Self::Cloudflare => "Cloudflare",
        })
    }
}

/// A server's words made fit for one line: addresses cut down to their hosts, no control characters, not endless.
pub(crate) fn tidy(message: &str) -> String {
    let line: String = redact_urls(message).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn wait(retry_after: Option<&Duration>) -> String {
    retry_after
        .map_or_else(String::new, |wait| format!(", to be asked again in {} s", wait.as_secs_f32().ceil()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_reads_as_a_sentence() {
        let url = Url::parse("https://u:pw@api.kick.com:444/public/v1/channels?slug=s&token=t").unwrap();
        let message = "No query results".to_owned();
        let failures = [
            Failure::NotFound { message: message.clone() },
            Failure::Unauthorized,
            Failure::Credentials { message: String::new() },
            Failure::Forbidden { message: message.clone() },
            Failure::Blocked { by: BlockedBy::Waf },
            Failure::Blocked { by: BlockedBy::Cloudflare },
            Failure::RateLimited { retry_after: None },
            Failure::RateLimited { retry_after: Some(Duration::from_millis(1500)) },
            Failure::Server { status: 503, retry_after: None },
            Failure::Rejected { status: 400, message },
            Failure::Redirect { why: "to http://plain.example, from encrypted to plain".to_owned() },
            Failure::TooLarge { limit: 1024 },
            Failure::Malformed { field: "data", expected: "a list", found: "a string" },
        ];
        let lines: Vec<String> =
            failures.into_iter().map(|f| KickError::new("channels", &url, f).to_string()).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_servers_words_are_tidied() {
        let long = format!("a\nb\u{1b}[31m https://x.example/p?token=s {}", "ä".repeat(500));
        let tidied = tidy(&long);
        assert!(tidied.starts_with("a b [31m https://x.example/... ä"), "{tidied}");
        assert_eq!(tidied.chars().count(), LONGEST_MESSAGE + 3);
    }
}
