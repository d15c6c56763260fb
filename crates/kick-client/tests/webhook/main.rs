//! Deliveries as Kick sends them, signed with a key of our own, over HTTP.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use kick_client::webhook::{
    Accepted, KeyError, KeyStore, REPLAY_WINDOW, WebhookError, WebhookKey, WebhookPayload, WebhookReceiver,
    verify, verify_at,
};
use proptest::prelude::*;
use serde_json::json;

static KICKS: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static ANOTHER: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

const SENT: &str = "2026-04-26T11:27:44Z";

fn sent() -> Timestamp {
    SENT.parse().unwrap()
}

fn pem(key: &RsaKeyPair) -> String {
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let base64 = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn key() -> WebhookKey {
    WebhookKey::from_pem(&pem(&KICKS)).unwrap()
}

fn signed_with(
    key: &RsaKeyPair,
    padding: &'static dyn RsaEncoding,
    id: &str,
    time: &str,
    body: &[u8],
) -> HeaderMap {
    let message = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), &message, &mut signature).unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("Kick-Event-Message-Id", id),
        ("Kick-Event-Subscription-Id", "01SUBSCRIPTION"),
        ("Kick-Event-Signature", &STANDARD.encode(signature)),
        ("Kick-Event-Message-Timestamp", time),
        ("Kick-Event-Type", "livestream.status.updated"),
        ("Kick-Event-Version", "1"),
    ] {
        headers.insert(axum::http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    }
    headers
}

fn signed(id: &str, time: &str, body: &[u8]) -> HeaderMap {
    signed_with(&KICKS, &RSA_PKCS1_SHA256, id, time, body)
}

fn body() -> Vec<u8> {
    // With the spaces that a parser would not give back.
    let status =
        json!({"broadcaster": {"user_id": 12, "channel_slug": "ann"}, "is_live": true, "started_at": SENT});
    format!("  {status:#}\n").into_bytes()
}

#[test]
fn a_genuine_delivery_is_read() {
    let event = verify_at(&signed("01A", SENT, &body()), &body(), &key(), sent()).unwrap();
    assert_eq!((event.message_id.as_str(), event.sent_at), ("01A", sent()));
    assert_eq!(
        (event.subscription_id.as_deref(), event.version.as_deref()),
        (Some("01SUBSCRIPTION"), Some("1"))
    );
    let WebhookPayload::LivestreamStatus(status) = event.payload else { panic!("a status") };
    assert!(status.is_live);
    assert_eq!(status.broadcaster.slug.as_deref(), Some("ann"));
}

#[test]
fn a_doubled_date_is_signed_as_it_stands_and_read_all_the_same() {
    let doubled = "2026-04-26T2026-04-26T11:27:44Z";
    let event = verify_at(&signed("01A", doubled, &body()), &body(), &key(), sent()).unwrap();
    assert_eq!(event.sent_at, sent());
    // Put right on the way, it is no longer what was signed.
    let mut headers = signed("01A", doubled, &body());
    headers.insert("kick-event-message-timestamp", SENT.parse().unwrap());
    let error = verify_at(&headers, &body(), &key(), sent()).unwrap_err();
    assert!(matches!(error, WebhookError::WrongSignature), "{error}");
}

#[test]
fn whatever_is_changed_breaks_the_signature() {
    let other_body = String::from_utf8(body()).unwrap().replace("true", "false").into_bytes();
    let changed = |name: &'static str, value: &str| {
        let mut headers = signed("01A", SENT, &body());
        headers.insert(name, value.parse().unwrap());
        headers
    };
    let genuine = || signed("01A", SENT, &body());
    let short = STANDARD.encode([1; 255]);
    for (headers, body) in [
        (genuine(), other_body),
        (genuine(), body()[1..].to_vec()),
        (changed("kick-event-message-id", "01B"), body()),
        (changed("kick-event-message-timestamp", "2026-04-26T11:27:45Z"), body()),
        (changed("kick-event-signature", &short), body()),
        (signed_with(&ANOTHER, &RSA_PKCS1_SHA256, "01A", SENT, &body()), body()),
        (signed_with(&KICKS, &RSA_PKCS1_SHA512, "01A", SENT, &body()), body()),
        (signed_with(&KICKS, &aws_lc_rs::signature::RSA_PSS_SHA256, "01A", SENT, &body()), body()),
    ] {
        let error = verify_at(&headers, &body, &key(), sent()).unwrap_err();
        assert!(matches!(error, WebhookError::WrongSignature), "{error}");
        assert_eq!(error.http_status(), 401);
    }
}

#[test]
fn the_replay_window_is_open_to_both_sides() {
    let headers = signed("01A", SENT, &body());
    let second = SignedDuration::from_secs(1);
    for now in [sent() - REPLAY_WINDOW, sent() + REPLAY_WINDOW] {
        assert!(verify_at(&headers, &body(), &key(), now).is_ok(), "{now}");
    }
    for (now, shown) in [
        (sent() - REPLAY_WINDOW - second, "601 s in the future"),
        (sent() + REPLAY_WINDOW + second, "601 s ago"),
    ] {
        let error = verify_at(&headers, &body(), &key(), now).unwrap_err();
        assert!(error.to_string().contains(shown), "{error}");
    }
    let error = verify(&headers, &body(), &key()).unwrap_err();
    assert!(matches!(error, WebhookError::OutsideReplayWindow { .. }), "the clock of today is used: {error}");
}

#[test]
fn missing_and_malformed_headers_are_named() {
    for name in
        ["kick-event-message-id", "kick-event-message-timestamp", "kick-event-signature", "kick-event-type"]
    {
        let mut headers = signed("01A", SENT, &body());
        headers.remove(name);
        let error = verify_at(&headers, &body(), &key(), sent()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the header {name} is missing, so this is no delivery of Kick")
        );
        assert_eq!(error.http_status(), 400);
    }
    let problem = |headers: &HeaderMap| verify_at(headers, &body(), &key(), sent()).unwrap_err().to_string();
    let mut headers = signed("01A", SENT, &body());
    headers.insert("kick-event-signature", "?".parse().unwrap());
    assert_eq!(problem(&headers), "the header kick-event-signature should be in Base64");
    let timestamp = problem(&signed("01A", "yesterday", &body()));
    assert_eq!(timestamp, "the header kick-event-message-timestamp should be a time in RFC 3339 form");
    assert!(problem(&signed(&"x".repeat(129), SENT, &body())).contains("at most 128 bytes"));
}

#[tokio::test]
async fn over_http_the_first_counts_and_the_second_is_known() {
    let receiver = Arc::new(WebhookReceiver::new(KeyStore::new(|| async { Ok::<_, KeyError>(pem(&KICKS)) })));
    let accepted: Arc<Mutex<Vec<Accepted>>> = Arc::default();
    let (shared, seen) = (Arc::clone(&receiver), Arc::clone(&accepted));
    let hook = move |headers: HeaderMap, body: Bytes| async move {
        match shared.accept(&headers, &body).await {
            Ok(delivery) => {
                seen.lock().unwrap().push(delivery);
                StatusCode::OK
            }
            Err(error) => StatusCode::from_u16(error.http_status()).unwrap(),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(hook))).await });
    let client = reqwest::Client::new();
    let deliver = |headers: HeaderMap, body: Vec<u8>| {
        let request = client.post(&url).headers(headers).body(body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let now = Timestamp::now().to_string();
    let headers = signed("01A", &now, &body());
    assert_eq!(deliver(headers.clone(), body()).await, 200);
    assert_eq!(deliver(headers.clone(), body()).await, 200);
    assert_eq!(deliver(headers, b"{}".to_vec()).await, 401);
    assert_eq!(deliver(HeaderMap::new(), body()).await, 400);
    let accepted = accepted.lock().unwrap();
    assert!(matches!(&accepted[0], Accepted::New(event) if event.message_id == "01A"));
    assert_eq!(accepted[1..], [Accepted::Again { message_id: "01A".into() }]);
}

/// A key store whose keys are given one after the other, the last again and again; and how often it was asked.
fn keys(pems: Vec<Result<String, &'static str>>) -> (KeyStore, Arc<AtomicUsize>) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let store = KeyStore::new(move || {
        let number = count.fetch_add(1, Ordering::SeqCst).min(pems.len() - 1);
        std::future::ready(pems[number].clone())
    });
    (store, fetched)
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_kick_is_fetched_when_the_old_one_does_not_fit() {
    let (store, fetched) = keys(vec![Ok(pem(&ANOTHER)), Ok(pem(&KICKS))]);
    let receiver = WebhookReceiver::new(store);
    let old = signed_with(&ANOTHER, &RSA_PKCS1_SHA256, "01A", SENT, &body());
    assert!(receiver.accept_at(&old, &body(), sent()).await.is_ok());
    let new = signed("01B", SENT, &body());
    // Too soon after the first fetch.
    assert!(receiver.accept_at(&new, &body(), sent()).await.is_err());
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(matches!(receiver.accept_at(&new, &body(), sent()).await, Ok(Accepted::New(_))));
    assert_eq!(fetched.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn forgeries_do_not_make_us_ask_for_the_key_without_pause() {
    let (store, fetched) = keys(vec![Ok(pem(&KICKS))]);
    let receiver = WebhookReceiver::new(store);
    let forged = signed_with(&ANOTHER, &RSA_PKCS1_SHA256, "01A", SENT, &body());
    for _ in 0..20 {
        let error = receiver.accept_at(&forged, &body(), sent()).await.unwrap_err();
        assert!(matches!(error, WebhookError::WrongSignature), "{error}");
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    // At the start, and once in each of the three further minutes.
    assert_eq!(fetched.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn without_a_key_nothing_is_accepted_and_kick_is_asked_to_come_again() {
    let (store, fetched) = keys(vec![Err("no network"), Ok("<html>".into()), Ok(pem(&KICKS))]);
    let receiver = WebhookReceiver::new(store);
    let headers = signed("01A", SENT, &body());
    for shown in ["Kick's public key cannot be fetched", "Kick's public key cannot be fetched"] {
        let error = receiver.accept_at(&headers, &body(), sent()).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.http_status()), (shown, 503));
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    let error = receiver.accept_at(&headers, &body(), sent()).await.unwrap_err();
    assert!(matches!(error, WebhookError::Key(KeyError::NotPem)), "{error}");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(receiver.accept_at(&headers, &body(), sent()).await.is_ok());
}

#[tokio::test]
async fn callers_at_once_share_one_fetch() {
    let (store, fetched) = keys(vec![Ok(pem(&KICKS))]);
    let all = futures::future::join_all((0..8).map(|_| store.key())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_signed_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), time in "[ -~]{1,40}") {
        let _ = verify_at(&signed("01A", &time, &body), &body, &key(), sent());
    }

    #[test]
    fn any_unsigned_request_is_refused(
        values in prop::collection::vec("[ -~]{0,60}", 5),
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut headers = HeaderMap::new();
        let names = ["message-id", "signature", "message-timestamp", "type", "version"];
        for (name, value) in names.into_iter().zip(values) {
            let name = axum::http::HeaderName::try_from(format!("kick-event-{name}")).unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        prop_assert!(verify_at(&headers, &body, &key(), sent()).is_err());
    }
}
