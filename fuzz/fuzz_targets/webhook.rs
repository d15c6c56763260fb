//! Any request as a delivery of Kick, signed or not: without a signature it is never accepted, and with one it is read or
//! refused.
//!
//! The input is written like a request: lines of headers, an empty line, the body. Where the signature is the word
//! `genuine`, the request is signed.

#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use kick_client::webhook::{REPLAY_WINDOW, WebhookKey, verify_at};
use libfuzzer_sys::fuzz_target;

const SIGNATURE: &str = "kick-event-signature";
/// 2026-09-24T18:00:00Z.
const NOW: i64 = 1_790_272_800;

struct Keys {
    ours: RsaKeyPair,
    public: WebhookKey,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let ours = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = ours.public_key().as_der().expect("its public half");
    let body = BASE64_STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    Keys { ours, public: WebhookKey::from_pem(&pem).expect("a key in Kick's form") }
});

fuzz_target!(|input: &[u8]| {
    let (mut headers, body) = request(input);
    let is_genuine = headers.get(SIGNATURE).is_some_and(|value| value == "genuine");
    if is_genuine {
        headers.insert(SIGNATURE, signature(&headers, body));
    }
    let now = Timestamp::from_second(NOW).expect("a time within the calendar");
    match verify_at(&headers, body, &KEYS.public, now) {
        Ok(event) => {
            assert!(is_genuine, "accepted without a signature");
            assert!(!event.message_id.is_empty());
            assert!(now.duration_since(event.sent_at).abs() <= REPLAY_WINDOW);
        }
        Err(error) => {
            assert!((400..=499).contains(&error.http_status()), "{error}");
            assert!(!error.to_string().is_empty());
        }
    }
});

/// Splits the input; lines that are no header are left out.
fn request(input: &[u8]) -> (HeaderMap, &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    (headers, body)
}

fn signature(headers: &HeaderMap, body: &[u8]) -> HeaderValue {
    let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    let (id, time) = (value("kick-event-message-id"), value("kick-event-message-timestamp"));
    let signed = [id, b".", time, b".", body].concat();
    let mut signature = vec![0; KEYS.ours.public_modulus_len()];
    KEYS.ours
        .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed, &mut signature)
        .expect("anything can be signed");
    HeaderValue::from_str(&BASE64_STANDARD.encode(signature)).expect("Base64 is a header value")
}
