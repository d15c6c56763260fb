//! What a reply means, by its status, headers and body.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use crate::error::{BlockedBy, Failure, tidy};

/// How much of a page is looked at for the signs of a challenge, in bytes. They stand in its head.
const HEAD_OF_PAGE: usize = 16 << 10;

/// Why a reply is no answer; none if it is one.
pub(super) fn failure(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Failure> {
    if let Some(by) = blocked(status, headers, body) {
        return Some(Failure::Blocked { by });
    }
    if status.is_success() {
        return None;
    }
    let retry_after = || retry_after(headers, Timestamp::now());
    Some(match status.as_u16() {
        401 => Failure::Unauthorized,
        403 => Failure::Forbidden { message: message(body) },
        404 | 410 => Failure::NotFound { message: message(body) },
        429 => Failure::RateLimited { retry_after: retry_after() },
        status @ (408 | 500..) => Failure::Server { status, retry_after: retry_after() },
        status => Failure::Rejected { status, message: message(body) },
    })
}

/// Which guard wrote this reply, if one did. The forms are those of recorded replies: Kick's policy answers in JSON of
/// its own, Cloudflare names its challenge in a header or shows its page.
fn blocked(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<BlockedBy> {
    if headers.get("cf-mitigated").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"challenge")) {
        return Some(BlockedBy::Cloudflare);
    }
    if !matches!(status.as_u16(), 403 | 429 | 503) {
        return None;
    }
    let head = String::from_utf8_lossy(&body[..body.len().min(HEAD_OF_PAGE)]).to_ascii_lowercase();
    if head.contains("blocked by security policy") {
        return Some(BlockedBy::Waf);
    }
    let page = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let challenge = ["just a moment", "cf-chl", "challenge-platform", "attention required! | cloudflare"];
    (page && challenge.iter().any(|sign| head.contains(sign))).then_some(BlockedBy::Cloudflare)
}

/// `Retry-After`, as seconds or as a date; a date that has passed is no wait.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(at.duration_since(now).try_into().unwrap_or_default())
}

/// What the server says is wrong. `data` may be anything in an error, so it comes last.
pub(super) fn message(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return String::new();
    };
    let text = |field: &str| value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let parts: Vec<&str> = match (text("message"), text("data")) {
        (Some(message), data) => [Some(message), data].into_iter().flatten().collect(),
        (None, data) => [text("error"), text("error_description"), data].into_iter().flatten().collect(),
    };
    tidy(&parts.join(": "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn shown(status: u16, pairs: &[(&'static str, &'static str)], body: &str) -> String {
        failure(StatusCode::from_u16(status).unwrap(), &headers(pairs), body.as_bytes())
            .map_or_else(|| "an answer".to_owned(), |failure| failure.to_string())
    }

    #[test]
    fn recorded_forms_are_told_apart() {
        let html = [("content-type", "text/html; charset=UTF-8")];
        let waf = r#"{"error":"Request blocked by security policy.","reference":"0a1b2c3d"}"#;
        let lines = [
            shown(200, &[], "{}"),
            shown(
                400,
                &[],
                r#"{"data":"broadcaster_user_id is required for app tokens","message":"Bad request"}"#,
            ),
            shown(400, &[], r#"{"error":"invalid_grant","error_description":"no such grant"}"#),
            shown(401, &[], r#"{"data":{},"message":"Unauthorized"}"#),
            shown(403, &[], r#"{"data":[],"message":"Forbidden"}"#),
            shown(403, &[], waf),
            shown(403, &html, "<!DOCTYPE html><title>Just a moment...</title>"),
            shown(403, &[("cf-mitigated", "challenge")], ""),
            shown(403, &html, "<title>403 Forbidden</title>"),
            shown(404, &[], r#"{"message":"No query results for model [App\\Models\\Channel]."}"#),
            shown(404, &html, "<html>"),
            shown(429, &[("retry-after", "7")], "slow down"),
            shown(429, &[("retry-after", "soon")], ""),
            shown(500, &[], r#"{"data":null,"message":"internal server error"}"#),
            shown(302, &[], ""),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let wait = |value| retry_after(&headers(&[("retry-after", value)]), now);
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("-5"), None);
    }

    proptest! {
        #[test]
        fn any_reply_means_something(status in 100_u16..1000, body in any::<Vec<u8>>(), after in "[ -~]{0,40}") {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(&after).unwrap());
            let status = StatusCode::from_u16(status).unwrap();
            prop_assert_eq!(failure(status, &headers, &body).is_none(), status.is_success());
        }
    }
}
