//! The form that TikTok's answers have: `{"data": {...}, "error": {"code": "ok", ...}}`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiFailure;
use crate::words::{name, tidy};

/// What an answer holds, or why it is none. The error's code decides, not the status: some refusals come with 200.
pub(super) fn open<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, ApiFailure> {
    let Ok(Value::Object(mut envelope)) = serde_json::from_slice::<Value>(body) else {
        return Err(without_form(status, body));
    };
    let error = envelope.remove("error").unwrap_or(Value::Null);
    let text = |field: &str| error.get(field).and_then(Value::as_str);
    match text("code") {
        Some("ok") if (200..300).contains(&status) => {
            let data = envelope.remove("data").unwrap_or(Value::Object(serde_json::Map::new()));
            serde_json::from_value(data).map_err(|error| ApiFailure::Malformed {
                // The kind of mistake and its place, never what stood there.
                what: format!("its data are not of the known form ({:?} error)", error.classify()),
            })
        }
        Some("ok") | None => Err(without_form(status, body)),
        Some(code) => Err(ApiFailure::Refused {
            code: name(code),
            status,
            message: tidy(text("message").unwrap_or_default()),
            log_id: text("log_id").or_else(|| text("logid")).map(name).filter(|id| !id.is_empty()),
        }),
    }
}

fn without_form(status: u16, body: &[u8]) -> ApiFailure {
    if !(200..300).contains(&status) {
        return ApiFailure::Status { status };
    }
    let what = match body.trim_ascii_start().first() {
        None => "it is empty",
        Some(b'<') => "it is an HTML page",
        Some(_) => "it lacks the form that all answers have",
    };
    ApiFailure::Malformed { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opened(status: u16, body: &str) -> Result<Value, String> {
        open::<Value>(status, body.as_bytes()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_code_decides() {
        assert_eq!(opened(200, r#"{"data":{"a":1},"error":{"code":"ok"}}"#).unwrap()["a"], 1);
        assert_eq!(
            opened(200, r#"{"error":{"code":"ok","message":"","log_id":"x"}}"#),
            Ok(serde_json::json!({}))
        );
        let spam = r#"{"data":{},"error":{"code":"spam_risk_too_many_posts","message":"m","log_id":"L1"}}"#;
        assert_eq!(opened(200, spam).unwrap_err(), "spam_risk_too_many_posts (m), log_id L1");
        let invalid = r#"{"error":{"code":"invalid_params","message":"","logid":"L2"}}"#;
        assert_eq!(opened(400, invalid).unwrap_err(), "invalid_params, log_id L2");
        for (status, body, shown) in [
            (502, "<html>", "status 502 without an answer"),
            (500, r#"{"error":{"code":"ok"}}"#, "status 500 without an answer"),
            (200, "", "the reply is not understood: it is empty"),
            (200, "<html>", "the reply is not understood: it is an HTML page"),
            (200, r#"{"data":{"#, "the reply is not understood: it lacks the form that all answers have"),
            (200, "[]", "the reply is not understood: it lacks the form that all answers have"),
        ] {
            assert_eq!(opened(status, body).unwrap_err(), shown);
        }
    }

    proptest! {
        #[test]
        fn any_answer_means_something(status in 100_u16..1000, body in any::<Vec<u8>>()) {
            let _ = open::<Value>(status, &body);
        }

        #[test]
        fn what_is_said_keeps_no_address(code in ".{0,90}", message in ".*", log_id in ".*") {
            let error = serde_json::json!({"error": {"code": code, "log_id": log_id,
                "message": format!("{message} https://h/SECRET?t=SECRET")}});
            if let Err(failure) = open::<Value>(400, error.to_string().as_bytes()) {
                prop_assert!(!failure.to_string().contains("SECRET"));
            }
        }
    }
}
