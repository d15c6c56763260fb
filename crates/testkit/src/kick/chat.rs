//! Chat by Pusher frames.

use std::collections::HashSet;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use timeline::MediaTime;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::FakeKick;
use super::gate::{self, Endpoint};
use super::state::{Shared, Streamer};
use crate::origin::Origin;

/// The application's key, as public as Kick's own.
pub(super) const APP_KEY: &str = "32cbd69e4b950bf97679";
/// Where Pusher would be.
pub(super) const CLUSTER: &str = "us2";

/// A message of a chat file: one JSON object a line.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct ChatLine {
    /// Seconds from the start of the media.
    pub t_s: f64,
    /// Who says it.
    pub user: String,
    /// What is said.
    pub text: String,
}

impl ChatLine {
    /// The lines of a chat file.
    ///
    /// # Errors
    /// If it cannot be read or a line is no message.
    pub fn read(file: &FilePath) -> io::Result<Vec<Self>> {
        let text = fs_err::read_to_string(file)?;
        text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
    }
}

/// Something that was said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) at: Timestamp,
    id: String,
    user: String,
    text: String,
}

impl Said {
    /// As the chat carries it.
    pub(super) fn message(&self, streamer: &Streamer) -> Value {
        let id = self.user.bytes().fold(5381_u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte));
        json!({
            "id": self.id, "chatroom_id": streamer.ids.chatroom_id, "content": self.text, "type": "message",
            "created_at": self.at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
            "sender": {
                "id": id, "username": self.user, "slug": self.user.to_lowercase(),
                "identity": { "color": "#75FD46", "badges": [] },
            },
        })
    }
}

/// What goes out over the sockets.
#[derive(Clone, Debug)]
pub(super) enum Push {
    /// To those who joined the channel.
    Event { channel: String, event: String, data: Value },
    /// To all: `pusher:ping`.
    Ping,
    /// All connections break off.
    Break,
}

impl FakeKick {
    /// Says something in a streamer's chat room, now.
    ///
    /// # Panics
    /// As [`FakeKick::go_live`].
    pub fn say(&self, slug: &str, user: &str, text: &str) {
        self.say_at(slug, user, text, Timestamp::now());
    }

    fn say_at(&self, slug: &str, user: &str, text: &str, at: Timestamp) {
        let id = Uuid::new_v4().to_string();
        let said = Said { at, id, user: user.to_owned(), text: text.to_owned() };
        let push = self.shared.change(|state| {
            let streamer = state.streamer_mut(slug);
            let push = Push::Event {
                channel: format!("chatrooms.{}.v2", streamer.ids.chatroom_id),
                event: "App\\Events\\ChatMessageEvent".into(),
                data: said.message(streamer),
            };
            streamer.said.push(said);
            push
        });
        // Nobody listens: then nobody hears it.
        let _ = self.shared.pushes.send(push);
    }

    /// Says the lines at the pace of a live stream, each when its moment is on the air, from a task of its own. The
    /// time of each message is by the stream's wall clock, as PROGRAM-DATE-TIME is.
    pub fn play_chat(&self, slug: &str, lines: Vec<ChatLine>, origin: &Origin) -> JoinHandle<()> {
        let (kick, slug, origin) = (self.clone(), slug.to_owned(), origin.clone());
        tokio::spawn(async move {
            for line in lines {
                let at = MediaTime::from_secs_f64(line.t_s);
                origin.on_air(at).await;
                kick.say_at(&slug, &line.user, &line.text, wall(origin.began(), at));
            }
        })
    }

    /// Puts lines into the history of a streamer's chat, as of a broadcast that began then.
    ///
    /// # Panics
    /// As [`FakeKick::go_live`].
    pub fn add_history(&self, slug: &str, began: Timestamp, lines: &[ChatLine]) {
        self.shared.change(|state| {
            let said = lines.iter().map(|line| Said {
                at: wall(began, MediaTime::from_secs_f64(line.t_s)),
                id: Uuid::new_v4().to_string(),
                user: line.user.clone(),
                text: line.text.clone(),
            });
            state.streamer_mut(slug).said.extend(said);
        });
    }

    /// Breaks all connections to the chat.
    pub fn break_chat(&self) {
        let _ = self.shared.pushes.send(Push::Break);
    }

    /// Asks all connections to the chat for a sign of life.
    pub fn ping_chat(&self) {
        let _ = self.shared.pushes.send(Push::Ping);
    }

    /// How often such a sign was given.
    #[must_use]
    pub fn chat_pongs(&self) -> u32 {
        self.shared.change(|state| state.pongs)
    }

    /// Connections to the chat that are open now.
    #[must_use]
    pub fn chat_connections(&self) -> usize {
        self.shared.pushes.receiver_count()
    }

    /// Tells those who follow the channel that the stream began or ended.
    pub(super) fn announce(&self, slug: &str, event: &str) {
        let push = self.shared.change(|state| {
            let streamer = state.streamer_mut(slug);
            let title = streamer.broadcast.as_ref().map(|live| live.title.clone());
            let channel_id = streamer.ids.channel_id;
            let data = json!({ "livestream": {
                "id": channel_id, "channel_id": channel_id, "session_title": title, "channel": { "id": channel_id },
            } });
            Push::Event { channel: format!("channel.{channel_id}"), event: format!("App\\Events\\{event}"), data }
        });
        let _ = self.shared.pushes.send(push);
    }
}

fn wall(began: Timestamp, at: MediaTime) -> Timestamp {
    began + SignedDuration::from_millis(at.to_units(1000))
}

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/app/{key}", get(socket))
}

#[derive(Deserialize)]
struct Protocol {
    #[serde(default)]
    protocol: String,
}

async fn socket(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    Query(query): Query<Protocol>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(refused) = gate::pass(&shared, Endpoint::ChatSocket).await {
        return refused;
    }
    let wrong = match (key.as_str(), query.protocol.as_str()) {
        (APP_KEY, "7") => None,
        (APP_KEY, _) => Some((4007, "Unsupported protocol version")),
        _ => Some((4001, "App key not in this cluster. Did you forget to specify the cluster?")),
    };
    upgrade
        .on_upgrade(async move |mut socket| match wrong {
            // Whichever side ends it, the connection is over.
            None => drop(talk(&mut socket, &shared).await),
            Some((code, message)) => {
                let data = json!({ "code": code, "message": message });
                drop(send(&mut socket, "pusher:error", None, data).await);
            }
        })
        .into_response()
}

async fn talk(socket: &mut WebSocket, shared: &Shared) -> Result<(), axum::Error> {
    let mut pushes = shared.pushes.subscribe();
    let mut joined: HashSet<String> = HashSet::new();
    let hello = json!({ "socket_id": "123456.7891011", "activity_timeout": 120 });
    send(socket, "pusher:connection_established", None, Value::String(hello.to_string())).await?;
    loop {
        tokio::select! {
            push = pushes.recv() => match push {
                Ok(Push::Event { channel, event, data }) if joined.contains(&channel) => {
                    // Kick packs the data as text once more.
                    send(socket, &event, Some(&channel), Value::String(data.to_string())).await?;
                }
                Ok(Push::Event { .. }) | Err(RecvError::Lagged(_)) => {}
                Ok(Push::Ping) => send(socket, "pusher:ping", None, json!({})).await?,
                Ok(Push::Break) | Err(RecvError::Closed) => return Ok(()),
            },
            frame = socket.recv() => {
                let Some(frame) = frame else { return Ok(()) };
                let Message::Text(text) = frame? else { continue };
                let asked: Value = serde_json::from_str(&text).unwrap_or_default();
                let channel = asked["data"]["channel"].as_str().unwrap_or_default().to_owned();
                match asked["event"].as_str().unwrap_or_default() {
                    "pusher:subscribe" => {
                        send(socket, "pusher_internal:subscription_succeeded", Some(&channel), json!("{}")).await?;
                        joined.insert(channel);
                    }
                    "pusher:unsubscribe" => {
                        joined.remove(&channel);
                    }
                    "pusher:ping" => send(socket, "pusher:pong", None, json!("{}")).await?,
                    "pusher:pong" => shared.change(|state| state.pongs += 1),
                    _ => {
                        let data = json!({ "code": null, "message": "Invalid event" });
                        send(socket, "pusher:error", None, data).await?;
                    }
                }
            }
        }
    }
}

async fn send(
    socket: &mut WebSocket,
    event: &str,
    channel: Option<&str>,
    data: Value,
) -> Result<(), axum::Error> {
    let mut frame = json!({ "event": event, "data": data });
    if let Some(channel) = channel {
        frame["channel"] = channel.into();
    }
    socket.send(Message::Text(frame.to_string().into())).await
}
