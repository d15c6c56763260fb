//! What the token endpoint answers.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::access::Scopes;
use super::refusal::{Refusal, RefusalKind};
use crate::words::{tidy, without};

/// A longer life is taken as this, so that times stay within reach of the calendar. Logins have been said to live up to 365 days.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What TikTok gave: a pair of tokens, whose they are, and what they allow. `Debug` shows no token.
#[derive(Clone)]
pub struct Grant {
    pub(super) access_token: SecretString,
    pub(super) access_life: Option<Duration>,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) refresh_life: Option<Duration>,
    pub(super) open_id: Option<String>,
    pub(super) scopes: Option<Scopes>,
    /// When it was asked for: lives are counted from here, which is on the safe side.
    pub(super) asked_at: Timestamp,
}

impl Grant {
    /// What the user allowed; less than was asked for, if the user took something away.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.scopes.clone().unwrap_or_default()
    }

    /// TikTok's id of the account, empty if the reply did not tell it.
    #[must_use]
    pub fn open_id(&self) -> &str {
        self.open_id.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("open_id", &self.open_id)
            .field("scopes", &self.scopes)
            .field("access_life", &self.access_life)
            .field("refresh_life", &self.refresh_life)
            .finish_non_exhaustive()
    }
}

/// A reply, read.
#[derive(Debug)]
pub(super) enum Reply {
    /// An object that is no refusal.
    Answer(Map<String, Value>),
    /// `error` was there, whatever the status.
    Refused(Refusal),
    /// Not JSON, or not an object.
    Other,
}

/// Reads `body`. The status has no say: refusals come with 200, too. Where TikTok's words repeat one of the `secrets` that were
/// sent, it is masked.
pub(super) fn read(body: &[u8], secrets: &[&str]) -> Reply {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else { return Reply::Other };
    match refusal(&object, secrets) {
        Some(refusal) => Reply::Refused(refusal),
        None => Reply::Answer(object),
    }
}

/// Flat, as `{"error": "invalid_grant", "error_description": ...}`, or in the form of the other interfaces,
/// `{"error": {"code": "invalid_params", "message": ...}}`, where the code `ok` is none.
fn refusal(object: &Map<String, Value>, secrets: &[&str]) -> Option<Refusal> {
    let shown = |words: &str| tidy(&without(words, secrets));
    let error = object.get("error")?;
    let (code, words, inner) = match error {
        Value::String(code) => (code.as_str(), object.get("error_description"), object),
        Value::Object(inner) => (inner.get("code")?.as_str()?, inner.get("message"), inner),
        _ => return None,
    };
    if code.is_empty() || code == "ok" {
        return None;
    }
    let log_id = ["log_id", "logid"].iter().find_map(|name| inner.get(*name)?.as_str());
    Some(Refusal {
        kind: RefusalKind::of(code),
        code: shown(code),
        description: shown(words.and_then(Value::as_str).unwrap_or_default()),
        log_id: log_id.map(shown).filter(|id| !id.is_empty()),
    })
}

/// The tokens in `answer`, asked for at `asked_at`.
///
/// # Errors
/// What is missing.
pub(super) fn grant(answer: &Map<String, Value>, asked_at: Timestamp) -> Result<Grant, &'static str> {
    let text = |name: &str| answer.get(name)?.as_str().filter(|text| !text.is_empty());
    let access_token = text("access_token").ok_or("there is no access_token in it")?;
    Ok(Grant {
        access_token: access_token.to_owned().into(),
        access_life: life(answer.get("expires_in")),
        refresh_token: text("refresh_token").map(|token| token.to_owned().into()),
        refresh_life: life(answer.get("refresh_expires_in")),
        open_id: text("open_id").map(str::to_owned),
        scopes: answer.get("scope").and_then(Value::as_str).map(Scopes::parse),
        asked_at,
    })
}

/// Seconds, as a number or as a string of digits. None or nonsense is an unknown life.
fn life(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::String(digits) => digits.trim().parse::<u64>().ok(),
        // Some writers make every number a floating one.
        Value::Number(number) => number.as_u64().or_else(|| {
            let seconds = number.as_f64()?;
            (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_LIFE).as_secs())
        }),
        _ => None,
    };
    seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_LIFE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    fn answer(body: &str) -> Map<String, Value> {
        match read(body.as_bytes(), &[]) {
            Reply::Answer(object) => object,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_documented_reply_is_read() {
        let body = r#"{"access_token":"act.x","expires_in":7200,"open_id":"-000a","refresh_expires_in":15552000,
            "refresh_token":"rft.y","scope":"user.info.basic,video.upload","token_type":"Bearer"}"#;
        let grant = grant(&answer(body), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(grant.access_token.expose_secret(), "act.x");
        assert_eq!(grant.refresh_token.as_ref().unwrap().expose_secret(), "rft.y");
        assert_eq!(grant.access_life, Some(Duration::from_secs(7200)));
        assert_eq!(grant.refresh_life, Some(Duration::from_secs(180 * 24 * 3600)));
        assert_eq!(grant.open_id(), "-000a");
        assert!(grant.scopes().allow(Scopes::VIDEO_UPLOAD) && !grant.scopes().allow(Scopes::VIDEO_PUBLISH));
        let shown = format!("{grant:?}");
        assert!(!shown.contains("act.x") && !shown.contains("rft.y"), "{shown}");
    }

    #[test]
    fn lives_may_be_strings_or_missing() {
        let lives = |text: &str| life(serde_json::from_str::<Value>(text).ok().as_ref());
        assert_eq!(lives("\"86400\""), Some(Duration::from_secs(86400)));
        assert_eq!(lives("86400.0"), Some(Duration::from_secs(86400)));
        assert_eq!(lives("1e300"), Some(LONGEST_LIFE));
        assert_eq!(lives("18446744073709551615"), Some(LONGEST_LIFE));
        assert_eq!(lives("-1"), None);
        assert_eq!(lives("null"), None);
        assert!(grant(&answer(r#"{"access_token":"a"}"#), Timestamp::UNIX_EPOCH).is_ok());
        assert!(grant(&answer(r#"{"access_token":""}"#), Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn a_refusal_is_known_by_its_error_in_either_form() {
        let refused = |body: &str| match read(body.as_bytes(), &[]) {
            Reply::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        let flat = refused(r#"{"error":"invalid_grant","error_description":"gone","log_id":"L1"}"#);
        assert_eq!((flat.kind, flat.description.as_str()), (RefusalKind::Grant, "gone"));
        assert_eq!(flat.log_id.as_deref(), Some("L1"));
        let nested = refused(r#"{"data":{},"error":{"code":"invalid_params","message":"m","logid":"L2"}}"#);
        assert_eq!((nested.kind, nested.log_id.as_deref()), (RefusalKind::Request, Some("L2")));
        assert!(matches!(read(br#"{"error":{"code":"ok"},"access_token":"a"}"#, &[]), Reply::Answer(_)));
        assert!(matches!(read(br#"{"error":"","access_token":"a"}"#, &[]), Reply::Answer(_)));
        let echo = read(br#"{"error":"x","error_description":"code abc is used"}"#, &["abc"]);
        assert!(matches!(echo, Reply::Refused(refusal) if refusal.description == "code *** is used"));
        assert!(matches!(read(b"<html>", &[]), Reply::Other));
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in any::<Vec<u8>>()) {
            let _ = read(&body, &[]);
        }

        #[test]
        fn any_object_is_read(
            access in "\\PC{0,9}", life in prop_oneof!["-?[0-9]{1,25}", "\"\\PC{0,9}\"", "null", "[0-9]{1,3}e[0-9]{1,3}"],
            error in prop_oneof!["null", "\"[a-z_]{0,9}\"", "\\{\"code\":\"[a-z]{0,5}\"\\}", "[0-9]"],
        ) {
            let access = Value::String(access);
            let body = format!("{{\"access_token\":{access},\"expires_in\":{life},\"error\":{error}}}");
            if let Reply::Answer(object) = read(body.as_bytes(), &[]) {
                let _ = grant(&object, Timestamp::now());
            }
        }
    }
}
