//! Centrifugo's JSON protocol: commands with numbers, replies with the same, pushes without.
//!
//! Source: Centrifugal Labs, "Client protocol" (<https://centrifugal.dev/docs/transports/client_protocol>).

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Action, Probe, Protocol, Pulse};
use crate::chat::loose::{flag, number, text, unwrapped};
use crate::chat::{ChatProblem, ChatRoom, chat_event};
use crate::error::tidy;

/// How much later than announced a ping of the server may be. That of Centrifugo's own clients.
const PING_DELAY: Duration = Duration::from_secs(10);
/// How long a connection may be quiet whose server announces no pings.
const QUIET_WITHOUT_PINGS: Duration = Duration::from_secs(60);
/// How long the answer to a ping of ours may take then.
const PONG_TIMEOUT: Duration = Duration::from_secs(30);
/// The least time before a token expires at which a new one is fetched, in seconds; a tenth of its life if that is more.
const LEAST_REFRESH_MARGIN: Duration = Duration::from_secs(10);
/// The longest time to the next refresh: whoever names a longer life for a token does not mean it.
const LONGEST_REFRESH: Duration = Duration::from_secs(86_400);

const PONG: &str = "{}";
const CONNECT: u64 = 1;
const SUBSCRIBE_MESSAGES: u64 = 2;
const SUBSCRIBE_BROADCASTS: u64 = 3;
/// The first number of those for later commands.
const FIRST_LATER: u64 = 4;

/// Our side of a Centrifugo connection.
pub(in crate::chat) struct Centrifugo {
    room: ChatRoom,
    host: String,
    token: SecretString,
    /// The pause between the server's pings; none if it sends none.
    ping: Option<Duration>,
    pong: bool,
    next_id: u64,
}

impl Centrifugo {
    pub(in crate::chat) fn new(room: ChatRoom, host: String, token: SecretString) -> Self {
        Self { room, host, token, ping: None, pong: true, next_id: FIRST_LATER }
    }

    fn reply(&mut self, id: u64, reply: &Value) -> Vec<Action> {
        if let Some(error) = reply.get("error").filter(|error| !error.is_null()) {
            return self.refused(id, error);
        }
        match id {
            CONNECT => {
                let Some(connect) = reply.get("connect") else { return vec![] };
                self.ping =
                    number(connect, &["ping"]).filter(|seconds| *seconds > 0).map(Duration::from_secs);
                self.pong = flag(connect, &["pong"]).unwrap_or(true);
                let channels = [
                    (SUBSCRIBE_MESSAGES, Some(self.room.messages())),
                    (SUBSCRIBE_BROADCASTS, self.room.broadcasts()),
                ];
                let subscribe = |(id, channel): (u64, Option<String>)| {
                    let command = json!({"subscribe": {"channel": channel?, "flag": 1}, "id": id});
                    Some(Action::Send(command.to_string()))
                };
                channels.into_iter().filter_map(subscribe).chain(refresh_in(connect)).collect()
            }
            SUBSCRIBE_MESSAGES => vec![Action::Ready],
            _ => reply.get("refresh").and_then(refresh_in).into_iter().collect(),
        }
    }

    fn refused(&self, id: u64, error: &Value) -> Vec<Action> {
        let code = number(error, &["code"]);
        let message = text(error, &["message"]).map(|message| tidy(&message)).unwrap_or_default();
        let what = match id {
            CONNECT => "the connection",
            SUBSCRIBE_MESSAGES => "the chat room",
            _ => {
                tracing::debug!(id, ?code, message, "Centrifugo refuses something that can be done without");
                return vec![];
            }
        };
        vec![Action::End(ChatProblem::Refused { host: self.host.clone(), what, code, message })]
    }

    fn push(&self, push: &mut Value, received_at: Timestamp) -> Vec<Action> {
        let channel = text(push, &["channel"]);
        let of_messages = channel.as_deref().is_none_or(|channel| channel == self.room.messages());
        let ended = ["disconnect", "unsubscribe"]
            .into_iter()
            .find_map(|kind| push.get(kind).map(|body| (kind, body)));
        if let Some((kind, body)) = ended
            && (kind == "disconnect" || of_messages)
        {
            let message = text(body, &["reason"]).map(|reason| tidy(&reason)).unwrap_or_default();
            let code = number(body, &["code"]);
            return vec![Action::End(ChatProblem::Closed { host: self.host.clone(), code, message })];
        }
        let Some(data) = push.get_mut("pub").and_then(|publication| publication.get_mut("data")) else {
            return vec![];
        };
        let mut event = unwrapped(data.take());
        let Some(name) = text(&event, &["event"]) else { return vec![] };
        let data = event.get_mut("data").map(Value::take).unwrap_or_default();
        chat_event(&name, data, received_at).map(Action::Tell).into_iter().collect()
    }
}

impl Protocol for Centrifugo {
    fn opening(&mut self) -> Vec<String> {
        vec![
            json!({"connect": {"token": self.token.expose_secret(), "name": "js"}, "id": CONNECT})
                .to_string(),
        ]
    }

    fn frame(&mut self, frame: &str, received_at: Timestamp) -> Vec<Action> {
        let mut actions = Vec::new();
        for object in serde_json::Deserializer::from_str(frame).into_iter::<Value>() {
            let Ok(mut object) = object else {
                tracing::debug!(bytes = frame.len(), "the rest of a frame that is no JSON is ignored");
                break;
            };
            if object.as_object().is_some_and(serde_json::Map::is_empty) {
                if self.pong {
                    actions.push(Action::Send(PONG.to_owned()));
                }
            } else if let Some(id) = number(&object, &["id"]).filter(|id| *id > 0) {
                actions.extend(self.reply(id, &object));
            } else if let Some(push) = object.get_mut("push") {
                actions.extend(self.push(push, received_at));
            }
        }
        actions
    }

    fn pulse(&self) -> Pulse {
        match self.ping {
            Some(ping) => Pulse { quiet: ping.saturating_add(PING_DELAY), probe: None },
            None => Pulse { quiet: QUIET_WITHOUT_PINGS, probe: Some((Probe::Ping, PONG_TIMEOUT)) },
        }
    }

    fn refresh(&mut self, token: &SecretString) -> Option<String> {
        let id = self.next_id;
        self.next_id += 1;
        Some(json!({"refresh": {"token": token.expose_secret()}, "id": id}).to_string())
    }
}

/// When to fetch the next token, if the present one expires.
fn refresh_in(answer: &Value) -> Option<Action> {
    let ttl = number(answer, &["ttl"]).filter(|ttl| *ttl > 0).map(Duration::from_secs)?;
    if flag(answer, &["expires"]) == Some(false) {
        return None;
    }
    let margin = (ttl / 10).max(LEAST_REFRESH_MARGIN).min(ttl / 2);
    Some(Action::RefreshIn((ttl - margin).min(LONGEST_REFRESH)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chat::ChatEvent;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn centrifugo() -> Centrifugo {
        Centrifugo::new(ChatRoom { chatroom_id: 7, channel_id: Some(5) }, "wss://h".into(), "t0ken".into())
    }

    fn frame(value: &Value) -> Vec<Action> {
        centrifugo().frame(&value.to_string(), NOW)
    }

    #[test]
    fn connects_subscribes_and_refreshes() {
        let mut side = centrifugo();
        assert_eq!(side.opening(), [r#"{"connect":{"name":"js","token":"t0ken"},"id":1}"#]);
        let connected = json!({"id": 1, "connect": {"client": "c", "ping": 25, "pong": true, "expires": true, "ttl": 3600}});
        assert_eq!(
            side.frame(&connected.to_string(), NOW),
            [
                Action::Send(r#"{"id":2,"subscribe":{"channel":"chatrooms.7.v2","flag":1}}"#.into()),
                Action::Send(r#"{"id":3,"subscribe":{"channel":"channel.5","flag":1}}"#.into()),
                Action::RefreshIn(Duration::from_secs(3240)),
            ]
        );
        assert_eq!(side.pulse(), Pulse { quiet: Duration::from_secs(35), probe: None });
        assert_eq!(side.frame(r#"{"id":2,"subscribe":{}}"#, NOW), [Action::Ready]);
        assert_eq!(side.refresh(&"new".into()).as_deref(), Some(r#"{"id":4,"refresh":{"token":"new"}}"#));
        let refreshed = r#"{"id":4,"refresh":{"expires":true,"ttl":30}}"#;
        assert_eq!(side.frame(refreshed, NOW), [Action::RefreshIn(Duration::from_secs(20))]);
    }

    #[test]
    fn several_objects_in_a_frame_are_all_taken() {
        let data = json!({"username": "ann", "months": 2}).to_string();
        let push = json!({"push": {"channel": "chatrooms.7.v2",
            "pub": {"data": {"event": r"App\Events\SubscriptionEvent", "data": data}}}});
        let told = || Action::Tell(ChatEvent::Subscription { username: "ann".into(), months: 2 });
        let frame = format!("{push}\n{{}}\n{push}{push}\nrubbish");
        assert_eq!(centrifugo().frame(&frame, NOW), [told(), Action::Send("{}".into()), told(), told()]);
    }

    #[test]
    fn a_server_that_wants_no_pongs_gets_none() {
        let mut side = centrifugo();
        side.frame(r#"{"id":1,"connect":{"ping":25,"pong":false}}"#, NOW);
        assert_eq!(side.frame("{}", NOW), []);
        let mut side = centrifugo();
        side.frame(r#"{"id":1,"connect":{}}"#, NOW);
        assert_eq!(side.pulse().probe, Some((Probe::Ping, PONG_TIMEOUT)));
    }

    #[test]
    fn what_ends_the_connection() {
        let shown = |value: Value| match &frame(&value)[..] {
            [Action::End(problem)] => problem.to_string(),
            [] => "goes on".to_owned(),
            other => format!("{other:?}"),
        };
        let error = json!({"code": 109, "message": "token expired"});
        assert_eq!(
            shown(json!({"id": 1, "error": error})),
            "wss://h refuses the connection (109: token expired)"
        );
        assert_eq!(
            shown(json!({"id": 2, "error": error})),
            "wss://h refuses the chat room (109: token expired)"
        );
        assert_eq!(shown(json!({"id": 3, "error": error})), "goes on");
        assert_eq!(shown(json!({"id": 9, "error": error})), "goes on");
        let over = json!({"code": 3500, "reason": "shutdown"});
        assert_eq!(
            shown(json!({"push": {"disconnect": over}})),
            "wss://h closed the connection (3500: shutdown)"
        );
        let room = json!({"push": {"channel": "chatrooms.7.v2", "unsubscribe": over}});
        assert_eq!(shown(room), "wss://h closed the connection (3500: shutdown)");
        assert_eq!(shown(json!({"push": {"channel": "channel.5", "unsubscribe": over}})), "goes on");
    }

    #[test]
    fn tokens_that_live_shortly_long_or_for_ever() {
        let after = |answer: Value| match refresh_in(&answer) {
            Some(Action::RefreshIn(after)) => Some(after.as_secs_f64()),
            _ => None,
        };
        assert_eq!(after(json!({"ttl": 4})), Some(2.0));
        assert_eq!(after(json!({"ttl": u64::MAX})), Some(86_400.0));
        assert_eq!(after(json!({"ttl": 0, "expires": true})), None);
        assert_eq!(after(json!({"ttl": 60, "expires": false})), None);
        assert_eq!(after(json!({})), None);
    }

    proptest! {
        #[test]
        fn any_frame_is_taken(frame in r#"(\{\}|\{"id":[0-9]{1,3},"(connect|error|refresh)":\{"(ttl|ping|code)":[0-9]{0,20}\}\}|\{"push":\{"(pub|disconnect)":.{0,12}\}\}|\n|.{0,20}){0,5}"#) {
            let _ = centrifugo().frame(&frame, NOW);
        }
    }
}
