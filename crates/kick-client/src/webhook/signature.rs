//! Whether Kick wrote it, and when.
//!
//! Source: Kick's developer documentation, "Webhook security".

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

use super::{KeyError, WebhookError, WebhookEvent, event};
use crate::time;

/// How far the time of a delivery may lie from ours, in either direction. Deliveries take a second as a rule, and have taken
/// minutes; what comes later than this, polling knows already.
pub const REPLAY_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// The most bytes of a message id. Kick's have 26.
const LONGEST_ID: usize = 128;

const MESSAGE_ID: &str = "kick-event-message-id";
const TIMESTAMP: &str = "kick-event-message-timestamp";
const SIGNATURE: &str = "kick-event-signature";
const EVENT_TYPE: &str = "kick-event-type";
const VERSION: &str = "kick-event-version";
const SUBSCRIPTION_ID: &str = "kick-event-subscription-id";

/// Base64 with or without padding: both are in use.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A public key that deliveries are checked with.
#[derive(Debug)]
pub struct WebhookKey(ParsedPublicKey);

impl WebhookKey {
    /// Reads a key as Kick publishes it: SubjectPublicKeyInfo in PEM form.
    ///
    /// # Errors
    /// If it is not in that form, or no RSA key of at least 2048 bits.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----").ok_or(KeyError::NotPem)?;
        let (body, _) = rest.split_once("-----END PUBLIC KEY-----").ok_or(KeyError::NotPem)?;
        let body: String = body.split_whitespace().collect();
        let der = BASE64.decode(body).map_err(|_| KeyError::NotPem)?;
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map(Self).map_err(|_| KeyError::NotRsa)
    }

    fn fits(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(signed, signature).is_ok()
    }
}

impl PartialEq for WebhookKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

/// Checks a delivery by our clock as it is now; see [`verify_at`].
///
/// # Errors
/// As [`verify_at`].
pub fn verify(headers: &HeaderMap, raw_body: &[u8], key: &WebhookKey) -> Result<WebhookEvent, WebhookError> {
    verify_at(headers, raw_body, key, Timestamp::now())
}

/// Checks that Kick wrote this delivery within [`REPLAY_WINDOW`] of `now`, and reads it. `raw_body` must be the body exactly as it came.
///
/// Whether it was seen before is not checked here; [`WebhookReceiver`](super::WebhookReceiver) does that.
///
/// # Errors
/// If a header is missing or malformed, the signature does not fit, the time is too far away, or the body is not understood; checked in
/// this order, so that of what others write nothing but the headers is looked at.
pub fn verify_at(
    headers: &HeaderMap,
    raw_body: &[u8],
    key: &WebhookKey,
    now: Timestamp,
) -> Result<WebhookEvent, WebhookError> {
    let message_id = text(headers, MESSAGE_ID)?;
    if message_id.len() > LONGEST_ID {
        return Err(WebhookError::MalformedHeader { name: MESSAGE_ID, expected: "at most 128 bytes long" });
    }
    let timestamp = text(headers, TIMESTAMP)?;
    let event_type = text(headers, EVENT_TYPE)?;
    let signature = BASE64
        .decode(text(headers, SIGNATURE)?.trim())
        .map_err(|_| WebhookError::MalformedHeader { name: SIGNATURE, expected: "in Base64" })?;
    // The timestamp counts as it came: it was signed like that even where it is malformed.
    let signed = [message_id.as_bytes(), b".", timestamp.as_bytes(), b".", raw_body].concat();
    if !key.fits(&signed, &signature) {
        return Err(WebhookError::WrongSignature);
    }
    let sent_at = sent_at(timestamp)
        .ok_or(WebhookError::MalformedHeader { name: TIMESTAMP, expected: "a time in RFC 3339 form" })?;
    let age = now.duration_since(sent_at);
    if age.abs() > REPLAY_WINDOW {
        return Err(WebhookError::OutsideReplayWindow { age });
    }
    let optional = |name| text(headers, name).ok().map(str::to_owned);
    Ok(WebhookEvent {
        message_id: message_id.to_owned(),
        subscription_id: optional(SUBSCRIPTION_ID),
        version: optional(VERSION),
        sent_at,
        payload: event::payload(event_type, raw_body, sent_at)?,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, WebhookError> {
    let value = headers.get(name).ok_or(WebhookError::MissingHeader { name })?;
    match value.to_str() {
        Ok("") | Err(_) => Err(WebhookError::MalformedHeader { name, expected: "visible ASCII characters" }),
        Ok(text) => Ok(text),
    }
}

/// Reads the time of a delivery, also in the form with the date doubled that was seen once:
/// `2026-04-26T2026-04-26T11:27:44Z`.
fn sent_at(text: &str) -> Option<Timestamp> {
    time::parse(text).or_else(|| {
        let (date, rest) = text.split_once('T')?;
        rest.starts_with(date).then(|| time::parse(rest)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_doubled_date_is_read_as_one() {
        let expected: Timestamp = "2026-04-26T11:27:44Z".parse().unwrap();
        for text in ["2026-04-26T11:27:44Z", "2026-04-26T2026-04-26T11:27:44Z", "2026-04-26T22:27:44+11:00"] {
            assert_eq!(sent_at(text), Some(expected), "{text}");
        }
        for text in ["2026-04-25T2026-04-26T11:27:44Z", "T", "", "yesterday", "T2026"] {
            assert_eq!(sent_at(text), None, "{text}");
        }
    }

    #[test]
    fn keys_in_other_forms_are_told_apart() {
        let shown = |pem: &str| WebhookKey::from_pem(pem).unwrap_err().to_string();
        let not_pem = KeyError::NotPem.to_string();
        for pem in
            ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\n?\n-----END PUBLIC KEY-----"]
        {
            assert_eq!(shown(pem), not_pem, "{pem}");
        }
        assert_eq!(
            shown("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"),
            KeyError::NotRsa.to_string()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in r"[0-9TZ:.+ -]{0,44}|.{0,40}") {
            let _ = sent_at(&text);
        }

        #[test]
        fn any_text_is_a_key_or_none(body in r"[A-Za-z0-9+/=\n]{0,400}") {
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
            prop_assert!(WebhookKey::from_pem(&pem).is_err());
        }
    }
}
