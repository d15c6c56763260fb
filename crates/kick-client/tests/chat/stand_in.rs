//! Sockets and a website on loopback that do what the test says.

use axum::Router;
use futures::{SinkExt, StreamExt};
use kick_client::{HttpLimits, KickConfig, KickHttp, RetryPolicy};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

/// A socket server that hands its connections to the test.
pub(crate) struct Sockets {
    pub(crate) url: Url,
    connections: mpsc::Receiver<Peer>,
}

/// The server's side of one connection.
pub(crate) struct Peer(WebSocketStream<TcpStream>);

impl Sockets {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url =
            Url::parse(&format!("ws://{}/app/key?secret=hidden", listener.local_addr().unwrap())).unwrap();
        let (sender, connections) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(socket) = tokio_tungstenite::accept_async(stream).await
                    && sender.send(Peer(socket)).await.is_err()
                {
                    break;
                }
            }
        });
        Self { url, connections }
    }

    pub(crate) async fn next(&mut self) -> Peer {
        self.connections.recv().await.unwrap()
    }

    /// The next connection, with the room `chatrooms.7.v2` joined in Pusher's way.
    pub(crate) async fn next_joined(&mut self) -> Peer {
        let mut peer = self.next().await;
        let data = json!({"socket_id": "1.2", "activity_timeout": 120}).to_string();
        peer.say(&json!({"event": "pusher:connection_established", "data": data})).await;
        for channel in ["chatrooms.7.v2", "channel.5"] {
            let expected = json!({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel}});
            assert_eq!(peer.hear_json().await, expected);
        }
        peer.say(&json!({"event": "pusher_internal:subscription_succeeded", "channel": "chatrooms.7.v2", "data": "{}"}))
            .await;
        peer
    }
}

impl Peer {
    pub(crate) async fn say(&mut self, value: &Value) {
        self.say_text(value.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text, or none if the client went away.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn hear_json(&mut self) -> Value {
        serde_json::from_str(&self.hear().await.expect("the client speaks")).expect("JSON")
    }

    /// Waits until the client has dealt with everything that was said.
    pub(crate) async fn settle(&mut self) {
        self.say(&json!({"event": "pusher:ping", "data": {}})).await;
        assert_eq!(self.hear_json().await["event"], "pusher:pong");
    }

    /// Cuts the line without a word.
    pub(crate) fn cut(self) {
        drop(self.0.into_inner());
    }
}

/// A website on loopback.
pub(crate) async fn website(app: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// An address where nobody listens.
pub(crate) async fn nobody(scheme: &str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Url::parse(&format!("{scheme}://{}/", listener.local_addr().unwrap())).unwrap()
}

/// A client that asks once, so that only what is tested repeats.
pub(crate) fn http(config: &KickConfig) -> KickHttp {
    let retry = RetryPolicy { tries: 1, ..RetryPolicy::default() };
    KickHttp::with_limits(config, HttpLimits { retry, ..HttpLimits::default() }).unwrap()
}
