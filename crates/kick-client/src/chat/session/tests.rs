//! Over a pipe in memory and a clock that jumps, so that minutes cost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use serde_json::json;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::chat::protocol::{Centrifugo, Pusher};
use crate::chat::{ChatRoom, ChatUpdate};

const ROOM: ChatRoom = ChatRoom { chatroom_id: 7, channel_id: None };

type Peer = WebSocketStream<DuplexStream>;

struct Scene {
    updates: mpsc::Receiver<ChatUpdate>,
    cancel: CancellationToken,
    session: tokio::task::JoinHandle<End>,
    peer: Peer,
}

async fn scene(
    protocol: impl Protocol + 'static,
    fetch: impl Fn() -> TokenFuture + Send + Sync + 'static,
) -> Scene {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
    let peer = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    let (sender, updates) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let session = tokio::spawn(async move {
        let mut outlet = Outlet::new(sender);
        let surroundings = Surroundings {
            outlet: &mut outlet,
            cancel: &token,
            transport: ChatTransport::Pusher,
            host: "wss://h".into(),
        };
        converse(socket, protocol, Some(&fetch), surroundings).await
    });
    Scene { updates, cancel, session, peer }
}

async fn pusher() -> Scene {
    scene(Pusher::new(ROOM, "wss://h".into()), || unreachable!("Pusher needs no token")).await
}

async fn heard(peer: &mut Peer) -> String {
    match peer.next().await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        other => format!("{other:?}"),
    }
}

async fn say(peer: &mut Peer, value: &serde_json::Value) {
    peer.send(Message::text(value.to_string())).await.unwrap();
}

/// A Pusher room that is joined.
async fn joined() -> Scene {
    let mut scene = pusher().await;
    say(
        &mut scene.peer,
        &json!({"event": "pusher:connection_established", "data": {"activity_timeout": 120}}),
    )
    .await;
    assert!(heard(&mut scene.peer).await.contains("chatrooms.7.v2"));
    say(
        &mut scene.peer,
        &json!({"event": "pusher_internal:subscription_succeeded", "channel": "chatrooms.7.v2"}),
    )
    .await;
    let connected = ChatState::Connected { transport: ChatTransport::Pusher };
    assert_eq!(scene.updates.recv().await, Some(ChatUpdate::State(connected)));
    scene
}

fn problem(end: End) -> String {
    match end {
        End::Failed { problem, .. } => problem.to_string(),
        End::Stopped => "stopped".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_is_pinged_and_kept_while_it_answers() {
    let mut scene = joined().await;
    for _ in 0..3 {
        let quiet_since = Instant::now();
        assert_eq!(heard(&mut scene.peer).await, r#"{"event":"pusher:ping","data":{}}"#);
        assert_eq!(quiet_since.elapsed().as_secs(), 120);
        say(&mut scene.peer, &json!({"event": "pusher:pong", "data": {}})).await;
    }
    scene.cancel.cancel();
    assert_eq!(problem(scene.session.await.unwrap()), "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_given_up_after_an_unanswered_ping() {
    let mut scene = joined().await;
    let quiet_since = Instant::now();
    assert!(heard(&mut scene.peer).await.contains("pusher:ping"));
    assert_eq!(problem(scene.session.await.unwrap()), "wss://h: nothing was heard for 150 s");
    assert_eq!(quiet_since.elapsed().as_secs(), 150);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_never_joined_is_given_up() {
    let mut scene = pusher().await;
    // Whatever else arrives does not prolong the wait.
    say(&mut scene.peer, &json!({"event": "pusher:ping"})).await;
    let begun = Instant::now();
    assert_eq!(problem(scene.session.await.unwrap()), "wss://h: joining the chat room took longer than 15 s");
    assert_eq!(begun.elapsed(), SETUP_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_ends_it() {
    let mut scene = joined().await;
    scene.updates.close();
    drop(scene.updates);
    assert_eq!(problem(scene.session.await.unwrap()), "stopped");
}

#[tokio::test(start_paused = true)]
async fn bytes_are_taken_for_text_and_rubbish_is_ignored() {
    let mut scene = joined().await;
    let frame =
        json!({"event": "App\\Events\\StopStreamBroadcast", "data": {"livestream": {"id": 3}}}).to_string();
    for bytes in [vec![0xff, 0xfe], b"{".to_vec(), frame.into_bytes()] {
        scene.peer.send(Message::binary(bytes)).await.unwrap();
    }
    let Some(ChatUpdate::Event { event, .. }) = scene.updates.recv().await else { panic!("an event") };
    assert_eq!(event, crate::chat::ChatEvent::StreamStopped { livestream_id: Some(3) });
    scene.peer.close(None).await.unwrap();
    assert_eq!(problem(scene.session.await.unwrap()), "wss://h closed the connection");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_renewed_before_they_expire_and_failures_tried_again() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let fetch = move || -> TokenFuture {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let token = match number {
            0 => Err(ChatProblem::NoChannelId),
            _ => Ok(format!("token{number}").into()),
        };
        std::future::ready(token).boxed()
    };
    let mut scene = scene(Centrifugo::new(ROOM, "wss://h".into(), "first".into()), fetch).await;
    assert!(heard(&mut scene.peer).await.contains("\"first\""));
    let begun = Instant::now();
    say(&mut scene.peer, &json!({"id": 1, "connect": {"ping": 1000, "expires": true, "ttl": 100}})).await;
    assert!(heard(&mut scene.peer).await.contains("chatrooms.7.v2"));
    say(&mut scene.peer, &json!({"id": 2, "subscribe": {}})).await;
    // 90 s after the answer, and a second attempt 5 s after the first.
    assert!(heard(&mut scene.peer).await.contains("token1"));
    assert_eq!(begun.elapsed().as_secs(), 95);
    say(&mut scene.peer, &json!({"id": 4, "refresh": {"expires": true, "ttl": 100}})).await;
    assert!(heard(&mut scene.peer).await.contains("token2"));
    assert_eq!(begun.elapsed().as_secs(), 185);
    assert_eq!(fetched.load(Ordering::SeqCst), 3);
    scene.cancel.cancel();
    assert_eq!(problem(scene.session.await.unwrap()), "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_pings_stay_away_is_dead() {
    let mut scene = scene(Centrifugo::new(ROOM, "wss://h".into(), "t".into()), || unreachable!()).await;
    assert!(heard(&mut scene.peer).await.contains("connect"));
    say(&mut scene.peer, &json!({"id": 1, "connect": {"ping": 25, "pong": true}})).await;
    assert!(heard(&mut scene.peer).await.contains("subscribe"));
    say(&mut scene.peer, &json!({"id": 2, "subscribe": {}})).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    say(&mut scene.peer, &json!({})).await;
    assert_eq!(heard(&mut scene.peer).await, "{}");
    assert_eq!(problem(scene.session.await.unwrap()), "wss://h: nothing was heard for 35 s");
}
