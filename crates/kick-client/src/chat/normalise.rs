//! From Kick's many forms of an event to one.

use jiff::Timestamp;
use serde_json::Value;

use super::loose::{items, number, text, texts, timestamp, unwrapped};
use super::{ChatEvent, ChatMessage, MessageKind, emotes};

/// The event called `name`, with or without `App\Events\` before it, whose `data` may be an object or, as the sockets send
/// it, a string that holds one. `received_at` stands in for a time that is missing.
///
/// None if it holds nothing to tell, such as a message without writer and text.
#[must_use]
pub fn chat_event(name: &str, data: Value, received_at: Timestamp) -> Option<ChatEvent> {
    let data = unwrapped(data);
    let name = name.rsplit('\\').next().unwrap_or_default();
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| text(&data, path));
    Some(match name {
        "" => return None,
        "ChatMessageEvent" | "ChatMessageSentEvent" => {
            // The older form has the message one level down, beside its sender.
            let message = data.get("message").filter(|inner| inner.is_object()).unwrap_or(&data);
            ChatEvent::Message(chat_message(message, received_at)?)
        }
        "MessageDeletedEvent" | "ChatMessageDeletedEvent" => ChatEvent::Deleted {
            message_id: first(&[&["message", "id"], &["deletedMessage", "id"], &["message_id"]])?,
        },
        "UserBannedEvent" => ChatEvent::Banned {
            username: first(&[&["user", "username"], &["user", "slug"], &["username"]])?,
            by: first(&[&["banned_by", "username"], &["banned_by", "slug"]]),
            expires_at: timestamp(&data, &["expires_at"]),
        },
        "SubscriptionEvent" => ChatEvent::Subscription {
            username: first(&[&["username"], &["user", "username"]]).unwrap_or_default(),
            months: number(&data, &["months"]).unwrap_or_default(),
        },
        "GiftedSubscriptionsEvent" => ChatEvent::GiftedSubscriptions {
            gifter: first(&[&["gifter_username"], &["gifter", "username"]]).unwrap_or_default(),
            recipients: texts(&data, &["gifted_usernames"]),
        },
        "KicksGifted" => ChatEvent::KicksGifted {
            username: first(&[&["sender", "username"], &["sender", "slug"]]).unwrap_or_default(),
            gift: first(&[&["gift", "name"]]).unwrap_or_default(),
            amount: number(&data, &["gift", "amount"]).unwrap_or_default(),
        },
        "StreamHostEvent" | "StreamHostedEvent" => ChatEvent::Raid {
            host: first(&[&["host_username"], &["message", "host_username"]]).unwrap_or_default(),
            viewers: [&["number_viewers"][..], &["message", "numberOfViewers"]]
                .iter()
                .find_map(|path| number(&data, path))
                .unwrap_or_default(),
        },
        "StreamerIsLive" => ChatEvent::StreamLive {
            livestream_id: number(&data, &["livestream", "id"]),
            title: text(&data, &["livestream", "session_title"]),
            started_at: timestamp(&data, &["livestream", "created_at"]),
        },
        "StopStreamBroadcast" => {
            ChatEvent::StreamStopped { livestream_id: number(&data, &["livestream", "id"]) }
        }
        other => ChatEvent::Other { name: text(&Value::from(other), &[])? },
    })
}

/// The message in `payload`: of a socket, of the history, or of a webhook. `received_at` stands in for a time that is
/// missing. None if there is neither a writer nor a text.
#[must_use]
pub fn chat_message(payload: &Value, received_at: Timestamp) -> Option<ChatMessage> {
    let first = |paths: &[&[&str]]| paths.iter().find_map(|path| text(payload, path));
    let user_id = [&["sender", "id"][..], &["sender", "user_id"], &["user_id"]]
        .iter()
        .find_map(|path| number(payload, path));
    let username = first(&[
        &["sender", "username"],
        &["sender", "slug"],
        &["sender", "channel_slug"],
        &["user", "username"],
    ]);
    let content = first(&[&["content"], &["message"]]);
    if content.is_none() && username.is_none() && user_id.is_none() {
        return None;
    }
    let (text, emotes) = emotes::named(&content.unwrap_or_default());
    Some(ChatMessage {
        id: first(&[&["id"], &["message_id"]]),
        user_id,
        username: username.unwrap_or_default(),
        text,
        at: timestamp(payload, &["created_at"]).unwrap_or(received_at),
        kind: kind(payload),
        emotes,
        badges: items(payload, &["sender", "identity", "badges"])
            .iter()
            .filter_map(|badge| self::text(badge, &["type"]))
            .collect(),
    })
}

fn kind(payload: &Value) -> MessageKind {
    // In the history the metadata is a string that holds JSON.
    let metadata = payload.get("metadata").cloned().map(unwrapped).unwrap_or_default();
    let reply = || MessageKind::Reply {
        to_message: text(&metadata, &["original_message", "id"])
            .or_else(|| text(payload, &["replies_to", "message_id"])),
        to_username: text(&metadata, &["original_sender", "username"])
            .or_else(|| text(payload, &["replies_to", "sender", "username"])),
    };
    match text(payload, &["type"]).as_deref() {
        Some("reply") => reply(),
        None | Some("message") if payload.get("replies_to").is_some_and(Value::is_object) => reply(),
        None | Some("message") => MessageKind::Message,
        Some("celebration") => MessageKind::Celebration,
        Some(other) => MessageKind::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests;
