//! Pusher's protocol, version 7.
//!
//! Source: Pusher Channels, "WebSocket protocol" (<https://pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol/>).

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Action, Probe, Protocol, Pulse};
use crate::chat::loose::{number, text, unwrapped};
use crate::chat::{ChatProblem, ChatRoom, chat_event};
use crate::error::tidy;

/// How long a connection may be quiet if the server names no other limit, and the longest that is granted. From the
/// protocol's description.
const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(120);
/// The shortest that is granted, so that a mistaken server does not make us ping without pause.
const SHORTEST_ACTIVITY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the answer to a ping may take. From the protocol's description.
const PONG_TIMEOUT: Duration = Duration::from_secs(30);

const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;
const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

/// Our side of a Pusher connection.
pub(in crate::chat) struct Pusher {
    room: ChatRoom,
    host: String,
    activity_timeout: Duration,
}

impl Pusher {
    pub(in crate::chat) fn new(room: ChatRoom, host: String) -> Self {
        Self { room, host, activity_timeout: ACTIVITY_TIMEOUT }
    }

    fn established(&mut self, data: &Value) -> Vec<Action> {
        if let Some(seconds) = number(data, &["activity_timeout"]) {
            self.activity_timeout =
                Duration::from_secs(seconds).clamp(SHORTEST_ACTIVITY_TIMEOUT, ACTIVITY_TIMEOUT);
        }
        let channels = [Some(self.room.messages()), self.room.broadcasts()];
        let subscribe = |channel| {
            Action::Send(
                json!({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel}}).to_string(),
            )
        };
        channels.into_iter().flatten().map(subscribe).collect()
    }

    /// Codes from 4000 to 4299 end the connection; others, and none at all, are about a single request.
    fn error(&self, data: &Value) -> Vec<Action> {
        let code = number(data, &["code"]);
        let message = text(data, &["message"]).map(|message| tidy(&message)).unwrap_or_default();
        let host = self.host.clone();
        match code {
            Some(4000..=4099) => {
                vec![Action::End(ChatProblem::Refused { host, what: "the connection", code, message })]
            }
            Some(4100..=4299) => vec![Action::End(ChatProblem::Closed { host, code, message })],
            _ => {
                tracing::debug!(?code, message, "Pusher reports an error that does not end the connection");
                vec![]
            }
        }
    }
}

impl Protocol for Pusher {
    fn opening(&mut self) -> Vec<String> {
        // The server speaks first.
        vec![]
    }

    fn frame(&mut self, frame: &str, received_at: Timestamp) -> Vec<Action> {
        let Ok(mut envelope) = serde_json::from_str::<Value>(frame) else {
            tracing::debug!(bytes = frame.len(), "a frame that is no JSON is ignored");
            return vec![];
        };
        let Some(name) = text(&envelope, &["event"]) else { return vec![] };
        let channel = text(&envelope, &["channel"]);
        let of_messages = channel.as_deref().is_some_and(|channel| channel == self.room.messages());
        let data = envelope.get_mut("data").map(Value::take).unwrap_or_default();
        match name.as_str() {
            "pusher:connection_established" => self.established(&unwrapped(data)),
            "pusher:ping" => vec![Action::Send(PONG.to_owned())],
            "pusher:error" => self.error(&unwrapped(data)),
            "pusher_internal:subscription_succeeded" if of_messages => vec![Action::Ready],
            "pusher:subscription_error" if of_messages => {
                let data = unwrapped(data);
                vec![Action::End(ChatProblem::Refused {
                    host: self.host.clone(),
                    what: "the chat room",
                    code: number(&data, &["status"]),
                    message: text(&data, &["error"]).map(|message| tidy(&message)).unwrap_or_default(),
                })]
            }
            internal if internal.starts_with("pusher:") || internal.starts_with("pusher_internal:") => vec![],
            name => chat_event(name, data, received_at).map(Action::Tell).into_iter().collect(),
        }
    }

    fn pulse(&self) -> Pulse {
        Pulse { quiet: self.activity_timeout, probe: Some((Probe::Text(PING), PONG_TIMEOUT)) }
    }

    fn refresh(&mut self, _token: &SecretString) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::ChatEvent;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn pusher() -> Pusher {
        Pusher::new(ChatRoom { chatroom_id: 7, channel_id: Some(5) }, "wss://h".into())
    }

    fn subscribe(channel: &str) -> Action {
        Action::Send(
            json!({"event": "pusher:subscribe", "data": {"auth": "", "channel": channel}}).to_string(),
        )
    }

    #[test]
    fn both_channels_are_subscribed_to_once_the_connection_stands() {
        let mut pusher = pusher();
        let data = json!({"socket_id": "1.2", "activity_timeout": 60}).to_string();
        let frame = json!({"event": "pusher:connection_established", "data": data}).to_string();
        let expected = [subscribe("chatrooms.7.v2"), subscribe("channel.5")];
        assert_eq!(pusher.frame(&frame, NOW), expected);
        assert_eq!(pusher.pulse().quiet, Duration::from_secs(60));
        for (named, granted) in [("0", 1), ("100000", 120)] {
            let frame = format!(
                r#"{{"event":"pusher:connection_established","data":{{"activity_timeout":{named}}}}}"#
            );
            pusher.frame(&frame, NOW);
            assert_eq!(pusher.pulse().quiet, Duration::from_secs(granted));
        }
    }

    #[test]
    fn only_the_room_itself_decides_whether_it_is_ready() {
        let frame = |event: &str, channel: &str| {
            let data = r#"{"type":"AuthError","error":"no such room","status":404}"#;
            pusher().frame(&json!({"event": event, "channel": channel, "data": data}).to_string(), NOW)
        };
        assert_eq!(frame("pusher_internal:subscription_succeeded", "chatrooms.7.v2"), [Action::Ready]);
        assert_eq!(frame("pusher_internal:subscription_succeeded", "channel.5"), []);
        assert_eq!(frame("pusher:subscription_error", "channel.5"), []);
        let [Action::End(problem)] = &frame("pusher:subscription_error", "chatrooms.7.v2")[..] else {
            panic!()
        };
        assert_eq!(problem.to_string(), "wss://h refuses the chat room (404: no such room)");
    }

    #[test]
    fn errors_end_the_connection_by_their_code() {
        let shown = |code: Value| {
            let frame =
                json!({"event": "pusher:error", "data": {"code": code, "message": "App\nover quota"}});
            match &pusher().frame(&frame.to_string(), NOW)[..] {
                [Action::End(problem)] => problem.to_string(),
                [] => "goes on".to_owned(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(shown(json!(4004)), "wss://h refuses the connection (4004: App over quota)");
        assert_eq!(shown(json!(4200)), "wss://h closed the connection (4200: App over quota)");
        assert_eq!(shown(json!(4301)), "goes on");
        assert_eq!(shown(json!(null)), "goes on");
    }

    #[test]
    fn pings_are_answered_and_events_told() {
        assert_eq!(pusher().frame(PING, NOW), [Action::Send(PONG.to_owned())]);
        let frame = r#"{"event":"App\\Events\\StopStreamBroadcast","data":"{\"livestream\":{\"id\":9}}"}"#;
        let told = Action::Tell(ChatEvent::StreamStopped { livestream_id: Some(9) });
        assert_eq!(pusher().frame(frame, NOW), [told]);
    }

    proptest! {
        #[test]
        fn any_frame_is_taken(frame in r#"\{"event":"(pusher:error|pusher:ping|ChatMessageEvent|[a-z:]{0,9})","channel":.{0,12},"data":.{0,40}\}|.{0,60}"#) {
            let _ = pusher().frame(&frame, NOW);
        }
    }
}
