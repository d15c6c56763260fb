//! Notices over real HTTP: signed, repeated, and never in the way of the caller.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use notify::{Channel, Notice, Notifier, SIGNATURE_HEADER, What, is_signed};
use tokio::sync::mpsc;

/// What a server was sent.
type Received = (HeaderMap, Bytes);

#[derive(Clone)]
struct Receiver {
    received: mpsc::UnboundedSender<Received>,
    refusals_left: Arc<AtomicUsize>,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> (StatusCode, HeaderMap) {
    let refuses = receiver
        .refusals_left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
        .is_ok();
    if refuses {
        let pause = HeaderMap::from_iter([(axum::http::header::RETRY_AFTER, "0.01".parse().unwrap())]);
        return (StatusCode::TOO_MANY_REQUESTS, pause);
    }
    receiver.received.send((headers, body)).ok();
    (StatusCode::NO_CONTENT, HeaderMap::new())
}

/// The address of a server that refuses so often before it takes what it is sent.
async fn server(refusals: usize) -> (String, mpsc::UnboundedReceiver<Received>) {
    let (sender, received) = mpsc::unbounded_channel();
    let receiver = Receiver { received: sender, refusals_left: Arc::new(AtomicUsize::new(refusals)) };
    let app = Router::new().route("/hooks/{token}", post(take)).with_state(receiver);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hooks/sesame", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, received)
}

fn notice(title: &str) -> Notice {
    Notice {
        event: What::ClipReady,
        at: "2026-03-01T18:30:00Z".parse().unwrap(),
        streamer: "demo".parse().unwrap(),
        title: title.to_owned(),
        detail: None,
        link: None,
    }
}

#[tokio::test]
async fn a_webhook_is_sent_the_notice_with_a_signature_that_holds() {
    let (address, mut received) = server(0).await;
    let channel = Channel::webhook(address.into(), Some("open sesame".into())).unwrap();
    let task = Notifier::start(vec![channel]).unwrap();
    task.notifier().tell(notice("demo-01"));
    let (headers, body) = received.recv().await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let expected = serde_json::json!({
        "event": "clip_ready", "at": "2026-03-01T18:30:00Z", "streamer": "demo", "title": "demo-01", "detail": null, "link": null
    });
    assert_eq!(told, expected);
    let header = headers[SIGNATURE_HEADER].to_str().unwrap();
    let now = jiff::Timestamp::now().as_second();
    assert!(is_signed(b"open sesame", header, &body, now, 60));
    assert!(!is_signed(b"another", header, &body, now, 60));
}

#[tokio::test]
async fn a_refused_notice_is_repeated_and_none_is_lost_at_the_end() {
    let (address, mut received) = server(3).await;
    let task = Notifier::start(vec![Channel::discord(address.into()).unwrap()]).unwrap();
    task.notifier().tell(notice("one"));
    task.notifier().tell(notice("two"));
    task.finish().await;
    let mut titles = Vec::new();
    while let Ok((_, body)) = received.try_recv() {
        let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
        titles.push(message["embeds"][0]["description"].as_str().unwrap().to_owned());
    }
    assert_eq!(titles, ["one", "two"], "each once, in order");
}

#[tokio::test]
async fn a_channel_that_is_away_holds_nobody_up_and_the_newest_are_kept() {
    let (address, mut received) = server(1).await;
    let task = Notifier::start(vec![Channel::discord(address.into()).unwrap()]).unwrap();
    // Nothing is sent between these, since telling never waits and this runtime has one thread.
    for number in 0..1_000 {
        task.notifier().tell(notice(&number.to_string()));
    }
    let (_, body) = received.recv().await.unwrap();
    let message: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(message["embeds"][0]["description"], "744", "the oldest that was kept of the last 256");
}

#[test]
fn an_address_is_never_shown() {
    let channel = Channel::discord("https://discord.example/api/webhooks/1/sesame".into()).unwrap();
    assert_eq!(
        format!("{channel} {channel:?}"),
        "Discord at discord.example Channel(Discord at discord.example)"
    );
    for wrong in ["ftp://h/sesame", "sesame", "data:sesame"] {
        let error = Channel::discord(wrong.into()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sesame"));
    }
}
