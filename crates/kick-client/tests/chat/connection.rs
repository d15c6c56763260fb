use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use kick_client::KickConfig;
use kick_client::chat::{
    ChatConnection, ChatEvent, ChatPacing, ChatProblem, ChatRoom, ChatState, ChatTotals, ChatTransport,
    ChatUpdate,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::stand_in::{Sockets, http, nobody, website};

const PUSHER: ChatState = ChatState::Connected { transport: ChatTransport::Pusher };
const NEGOTIATED: ChatState = ChatState::Connected { transport: ChatTransport::Negotiated };

struct Running {
    updates: mpsc::Receiver<ChatUpdate>,
    cancel: CancellationToken,
    task: JoinHandle<ChatTotals>,
}

impl Running {
    fn start(config: &KickConfig, capacity: usize) -> Self {
        Self::start_by(config, capacity, &ChatTransport::ALL)
    }

    fn start_by(config: &KickConfig, capacity: usize, transports: &[ChatTransport]) -> Self {
        let (sender, updates) = mpsc::channel(capacity);
        let cancel = CancellationToken::new();
        let pacing = ChatPacing {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(5),
            ..ChatPacing::default()
        };
        let room = ChatRoom { chatroom_id: 7, channel_id: Some(5) };
        let connection = ChatConnection::new(config, http(config), room)
            .with_transports(transports.iter().copied())
            .with_pacing(pacing);
        let task = tokio::spawn(connection.run(sender, cancel.clone()));
        Self { updates, cancel, task }
    }

    async fn next(&mut self) -> ChatUpdate {
        self.updates.recv().await.expect("an update")
    }

    async fn state(&mut self) -> ChatState {
        match self.next().await {
            ChatUpdate::State(state) => state,
            other => panic!("a state was expected, not {other:?}"),
        }
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            ChatUpdate::Event { event: ChatEvent::Message(message), .. } => message.text,
            other => panic!("a message was expected, not {other:?}"),
        }
    }

    async fn stop(self) -> ChatTotals {
        self.cancel.cancel();
        self.task.await.unwrap()
    }
}

fn message(text: &str) -> Value {
    let data = json!({"id": text, "content": text, "type": "message", "created_at": "2026-09-24T18:00:05+00:00",
        "sender": {"id": 12, "username": "ann"}});
    json!({"event": "App\\Events\\ChatMessageEvent", "channel": "chatrooms.7.v2", "data": data.to_string()})
}

async fn pusher_alone(url: Url) -> KickConfig {
    let nobody = nobody("http").await;
    KickConfig { pusher_url: url, web_base: nobody.clone(), site_base: nobody, ..KickConfig::default() }
}

/// A website that offers Centrifugo at `socket`.
async fn negotiating(pusher_url: Url, socket: &Url) -> KickConfig {
    let url = socket.to_string();
    let connection = move |Json(body): Json<Value>| async move {
        assert_eq!(body["client"]["type"], "web");
        Json(
            json!({"data": {"connections": [{"provider": "centrifugo", "credentials": {"url": url}}], "mode": "websocket"}}),
        )
    };
    let token = |Json(body): Json<Value>| async move {
        assert!(body["client_id"].is_string());
        Json(json!({"data": {"token": "HIDDEN-TOKEN"}}))
    };
    let app = Router::new()
        .route("/api/v1/realtime/channels/5/chat/connection", post(connection))
        .route("/api/v1/realtime/auth/connection", post(token));
    let web_base = website(app).await;
    KickConfig { pusher_url, site_base: web_base.clone(), web_base, ..KickConfig::default() }
}

/// Joins the room in Centrifugo's way.
async fn join_centrifugo(sockets: &mut Sockets) -> crate::stand_in::Peer {
    let mut peer = sockets.next().await;
    let connect = peer.hear_json().await;
    assert_eq!(connect, json!({"connect": {"token": "HIDDEN-TOKEN", "name": "js"}, "id": 1}));
    peer.say(
        &json!({"id": 1, "connect": {"client": "c", "ping": 25, "pong": true, "expires": true, "ttl": 600}}),
    )
    .await;
    for (id, channel) in [(2, "chatrooms.7.v2"), (3, "channel.5")] {
        assert_eq!(peer.hear_json().await, json!({"subscribe": {"channel": channel, "flag": 1}, "id": id}));
    }
    peer.say_text(
        "{\"id\":2,\"subscribe\":{}}\n{\"id\":3,\"error\":{\"code\":103,\"message\":\"denied\"}}".into(),
    )
    .await;
    peer
}

#[tokio::test]
async fn messages_and_broadcasts_arrive_by_pusher() {
    let mut sockets = Sockets::open().await;
    let mut chat = Running::start(&pusher_alone(sockets.url.clone()).await, 64);
    let mut peer = sockets.next_joined().await;
    assert_eq!(chat.state().await, PUSHER);
    peer.say(&message("hello")).await;
    peer.say_text("rubbish".into()).await;
    peer.say(
        &json!({"event": "StopStreamBroadcast", "channel": "channel.5", "data": {"livestream": {"id": 9}}}),
    )
    .await;
    peer.say(&message("bye")).await;
    assert_eq!(chat.text().await, "hello");
    let stopped = ChatEvent::StreamStopped { livestream_id: Some(9) };
    assert!(matches!(chat.next().await, ChatUpdate::Event { event, .. } if event == stopped));
    assert_eq!(chat.text().await, "bye");
    let totals = chat.stop().await;
    assert_eq!(totals, ChatTotals { events: 3, missed: 0, connections: 1 });
    assert_eq!(peer.hear().await, None, "the client says goodbye");
}

#[tokio::test]
async fn a_cut_line_is_told_and_mended() {
    let mut sockets = Sockets::open().await;
    let mut chat = Running::start_by(&pusher_alone(sockets.url.clone()).await, 64, &[ChatTransport::Pusher]);
    for round in ["first", "second", "third"] {
        let mut peer = sockets.next_joined().await;
        assert_eq!(chat.state().await, PUSHER);
        peer.say(&message(round)).await;
        assert_eq!(chat.text().await, round);
        peer.cut();
        let ChatState::Reconnecting { reason, .. } = chat.state().await else { panic!("reconnecting") };
        assert!(!reason.to_string().contains("hidden"), "{reason}");
    }
    assert_eq!(chat.stop().await, ChatTotals { events: 3, missed: 0, connections: 3 });
}

#[tokio::test]
async fn centrifugo_takes_over_where_pusher_is_gone() {
    let mut sockets = Sockets::open().await;
    let config = negotiating(nobody("ws").await, &sockets.url).await;
    let mut chat = Running::start(&config, 64);
    let mut peer = join_centrifugo(&mut sockets).await;
    assert_eq!(chat.state().await, NEGOTIATED);
    let push = |text: &str| {
        let mut event = message(text);
        event.as_object_mut().unwrap().remove("channel");
        json!({"push": {"channel": "chatrooms.7.v2", "pub": {"data": event}}}).to_string()
    };
    peer.say_text(format!("{}\n{{}}\n{}", push("one"), push("two"))).await;
    assert_eq!(peer.hear().await.as_deref(), Some("{}"));
    assert_eq!((chat.text().await, chat.text().await), ("one".into(), "two".into()));
    peer.say(&json!({"push": {"disconnect": {"code": 3503, "reason": "shutdown\nHIDDEN-TOKEN https://x/?t=HIDDEN"}}})).await;
    let ChatState::Reconnecting { reason, .. } = chat.state().await else { panic!("reconnecting") };
    assert!(reason.to_string().contains("(3503: shutdown HIDDEN-TOKEN https://x/...)"), "{reason}");
    // It did not hold for long, so Pusher has its turn, fails, and this comes again.
    let _peer = join_centrifugo(&mut sockets).await;
    assert_eq!(chat.state().await, NEGOTIATED);
    assert_eq!(chat.stop().await.connections, 2);
}

#[tokio::test]
async fn what_does_not_hold_gives_way_to_the_other() {
    let (mut pusher, mut centrifugo) = (Sockets::open().await, Sockets::open().await);
    let mut chat = Running::start(&negotiating(pusher.url.clone(), &centrifugo.url).await, 64);
    pusher.next_joined().await.cut();
    let _peer = join_centrifugo(&mut centrifugo).await;
    assert_eq!(chat.state().await, PUSHER);
    assert!(matches!(chat.state().await, ChatState::Reconnecting { .. }));
    assert_eq!(chat.state().await, NEGOTIATED);
    chat.stop().await;
}

#[tokio::test]
async fn no_way_at_all_is_told_with_reasons_and_tried_on() {
    let gone = nobody("ws").await;
    let app = Router::new().fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "{}") });
    let web_base = website(app).await;
    let config = KickConfig { pusher_url: gone.clone(), web_base, ..KickConfig::default() };
    let mut chat = Running::start(&config, 64);
    for _ in 0..3 {
        let ChatState::Unavailable { reasons, .. } = chat.state().await else { panic!("unavailable") };
        let shown: Vec<_> = reasons.iter().map(|(way, problem)| format!("{way}: {problem}")).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(
            shown[0].starts_with(&format!("Pusher: ws://127.0.0.1:{}", gone.port().unwrap())),
            "{shown:?}"
        );
        assert!(
            shown[1].contains("chat connection at http://127.0.0.1") && shown[1].contains("not found"),
            "{shown:?}"
        );
    }
    assert_eq!(chat.stop().await, ChatTotals::default());
}

#[tokio::test]
async fn a_blocked_website_is_told_as_such() {
    let waf = || async {
        (
            axum::http::StatusCode::FORBIDDEN,
            r#"{"error":"Request blocked by security policy.","reference":"0a"}"#,
        )
    };
    let config = KickConfig { web_base: website(Router::new().fallback(waf)).await, ..KickConfig::default() };
    let mut chat = Running::start_by(&config, 64, &[ChatTransport::Negotiated]);
    let ChatState::Unavailable { reasons, .. } = chat.state().await else { panic!("unavailable") };
    assert!(reasons[0].1.is_blocked(), "{reasons:?}");
    chat.stop().await;
}

#[tokio::test]
async fn a_slow_receiver_loses_events_and_is_told_how_many() {
    let mut sockets = Sockets::open().await;
    let mut chat = Running::start_by(&pusher_alone(sockets.url.clone()).await, 3, &[ChatTransport::Pusher]);
    let mut peer = sockets.next_joined().await;
    for number in 0..10 {
        peer.say(&message(&number.to_string())).await;
    }
    peer.settle().await;
    assert_eq!(chat.state().await, PUSHER);
    assert_eq!((chat.text().await, chat.text().await), ("0".into(), "1".into()));
    assert_eq!(chat.next().await, ChatUpdate::Missed { events: 8 });
    peer.say(&message("after")).await;
    assert_eq!(chat.text().await, "after");
    assert_eq!(chat.stop().await, ChatTotals { events: 3, missed: 8, connections: 1 });
}

#[tokio::test]
async fn a_dropped_receiver_ends_it() {
    let mut sockets = Sockets::open().await;
    let chat = Running::start(&pusher_alone(sockets.url.clone()).await, 64);
    let mut peer = sockets.next_joined().await;
    drop(chat.updates);
    chat.task.await.unwrap();
    assert_eq!(peer.hear().await, None);
}

#[tokio::test]
async fn a_frame_of_megabytes_is_not_taken() {
    let mut sockets = Sockets::open().await;
    let mut chat = Running::start_by(&pusher_alone(sockets.url.clone()).await, 64, &[ChatTransport::Pusher]);
    let mut peer = sockets.next_joined().await;
    assert_eq!(chat.state().await, PUSHER);
    let flood = tokio::spawn(async move {
        let text = "x".repeat(2 << 20);
        peer.say_text(text).await;
    });
    let ChatState::Reconnecting { reason, .. } = chat.state().await else { panic!("reconnecting") };
    assert!(matches!(reason, ChatProblem::Network { .. }), "{reason}");
    // Whether the other side could send it all depends on the buffers in between.
    let _ = flood.await;
    chat.stop().await;
}

#[tokio::test]
async fn encrypted_sockets_are_attempted_with_a_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("wss://{}/app/key", listener.local_addr().unwrap())).unwrap();
    let mut chat = Running::start_by(&pusher_alone(url).await, 64, &[ChatTransport::Pusher]);
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut first = [0; 2];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(first, [0x16, 3], "the record of a TLS handshake");
    drop(stream);
    assert!(matches!(chat.state().await, ChatState::Unavailable { .. }));
    chat.stop().await;
}

#[tokio::test]
async fn an_address_that_is_no_sockets_is_named() {
    let mut chat = Running::start_by(&pusher_alone(nobody("http").await).await, 64, &[ChatTransport::Pusher]);
    let ChatState::Unavailable { reasons, .. } = chat.state().await else { panic!("unavailable") };
    assert!(reasons[0].1.to_string().contains("it must begin with wss:// or ws://"), "{reasons:?}");
    chat.stop().await;
}
