//! What a delivery says.

use jiff::Timestamp;
use serde_json::Value;

use super::WebhookError;
use crate::chat::{ChatMessage, chat_message, flag, number, text, timestamp};

/// A genuine delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Kick's id of it, the same if it is delivered again.
    pub message_id: String,
    /// The subscription that it belongs to.
    pub subscription_id: Option<String>,
    /// The version of its form.
    pub version: Option<String>,
    /// When it was sent, by Kick's clock.
    pub sent_at: Timestamp,
    /// What it says.
    pub payload: WebhookPayload,
}

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookPayload {
    /// A broadcast began or ended (`livestream.status.updated`).
    LivestreamStatus(LivestreamStatus),
    /// Title, category or language changed (`livestream.metadata.updated`).
    LivestreamMetadata(LivestreamMetadata),
    /// Somebody wrote in the chat (`chat.message.sent`).
    ChatMessage {
        /// In whose chat.
        broadcaster: Broadcaster,
        /// What.
        message: ChatMessage,
    },
    /// Something else, which is not read.
    Other {
        /// What Kick calls it.
        event_type: String,
    },
}

/// Whose channel it is about. At least one of its id and its slug is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcaster {
    /// Kick's number of the user, which survives renaming.
    pub user_id: Option<u64>,
    /// The last part of the channel's address.
    pub slug: Option<String>,
    /// The name as it is shown.
    pub username: Option<String>,
}

/// A broadcast that began or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivestreamStatus {
    /// Whose.
    pub broadcaster: Broadcaster,
    /// Whether it is on now.
    pub is_live: bool,
    /// Its title at that moment.
    pub title: Option<String>,
    /// When it began. The same for its beginning and its end, and in the API.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
}

/// How a broadcast describes itself now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivestreamMetadata {
    /// Whose.
    pub broadcaster: Broadcaster,
    /// Its title.
    pub title: Option<String>,
    /// Its language, as a code such as `en`.
    pub language: Option<String>,
    /// Whether it is for adults.
    pub mature: Option<bool>,
    /// Kick's number of its category.
    pub category_id: Option<u64>,
    /// What its category is called.
    pub category: Option<String>,
}

/// Reads the body of a delivery of this type. `sent_at` stands in for a time that is missing.
pub(super) fn payload(
    event_type: &str,
    body: &[u8],
    sent_at: Timestamp,
) -> Result<WebhookPayload, WebhookError> {
    let known = ["livestream.status.updated", "livestream.metadata.updated", "chat.message.sent"];
    if !known.contains(&event_type) {
        return Ok(WebhookPayload::Other { event_type: event_type.to_owned() });
    }
    let body: Value = serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or(WebhookError::Malformed { field: "the body", expected: "a JSON object" })?;
    let broadcaster = broadcaster(&body)?;
    Ok(match event_type {
        "livestream.status.updated" => WebhookPayload::LivestreamStatus(LivestreamStatus {
            broadcaster,
            is_live: flag(&body, &["is_live"])
                .ok_or(WebhookError::Malformed { field: "is_live", expected: "true or false" })?,
            title: text(&body, &["title"]),
            started_at: timestamp(&body, &["started_at"]),
            ended_at: timestamp(&body, &["ended_at"]),
        }),
        "livestream.metadata.updated" => WebhookPayload::LivestreamMetadata(LivestreamMetadata {
            broadcaster,
            title: text(&body, &["metadata", "title"]),
            language: text(&body, &["metadata", "language"]),
            mature: flag(&body, &["metadata", "has_mature_content"]),
            category_id: either_category(|name| number(&body, &["metadata", name, "id"])),
            category: either_category(|name| text(&body, &["metadata", name, "name"])),
        }),
        _ => WebhookPayload::ChatMessage {
            broadcaster,
            message: chat_message(&body, sent_at)
                .ok_or(WebhookError::Malformed { field: "content", expected: "the text of the message" })?,
        },
    })
}

/// The category was seen under both names, also at once.
fn either_category<T>(read: impl Fn(&str) -> Option<T>) -> Option<T> {
    read("category").or_else(|| read("Category"))
}

fn broadcaster(body: &Value) -> Result<Broadcaster, WebhookError> {
    let broadcaster = Broadcaster {
        user_id: number(body, &["broadcaster", "user_id"]).filter(|id| *id > 0),
        slug: text(body, &["broadcaster", "channel_slug"]),
        username: text(body, &["broadcaster", "username"]),
    };
    if broadcaster.user_id.is_none() && broadcaster.slug.is_none() {
        return Err(WebhookError::Malformed {
            field: "broadcaster",
            expected: "a user with user_id and channel_slug",
        });
    }
    Ok(broadcaster)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::chat::MessageKind;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn read(event_type: &str, body: &Value) -> Result<WebhookPayload, String> {
        payload(event_type, body.to_string().as_bytes(), NOW).map_err(|error| error.to_string())
    }

    fn user() -> Value {
        json!({"is_anonymous": false, "user_id": 12, "username": "Ann_9", "is_verified": null,
            "profile_picture": "", "channel_slug": "ann-9", "identity": null})
    }

    fn ann() -> Broadcaster {
        Broadcaster { user_id: Some(12), slug: Some("ann-9".into()), username: Some("Ann_9".into()) }
    }

    #[test]
    fn a_broadcast_begins_and_ends() {
        let mut body = json!({"broadcaster": user(), "is_live": true, "title": "hello",
            "started_at": "2026-09-24T18:00:05Z", "ended_at": null});
        let mut status = LivestreamStatus {
            broadcaster: ann(),
            is_live: true,
            title: Some("hello".into()),
            started_at: "2026-09-24T18:00:05Z".parse().ok(),
            ended_at: None,
        };
        let expected = Ok(WebhookPayload::LivestreamStatus(status.clone()));
        assert_eq!(read("livestream.status.updated", &body), expected);
        body["is_live"] = json!(false);
        body["ended_at"] = json!("2026-09-25T07:00:05+11:00");
        status.is_live = false;
        status.ended_at = "2026-09-24T20:00:05Z".parse().ok();
        assert_eq!(read("livestream.status.updated", &body), Ok(WebhookPayload::LivestreamStatus(status)));
    }

    #[test]
    fn metadata_has_its_category_under_either_name() {
        for name in ["category", "Category"] {
            let body = json!({"broadcaster": user(), "metadata": {"title": "t", "language": "en",
                "has_mature_content": true, name: {"id": 15, "name": "Just Chatting", "thumbnail": ""}}});
            let expected = LivestreamMetadata {
                broadcaster: ann(),
                title: Some("t".into()),
                language: Some("en".into()),
                mature: Some(true),
                category_id: Some(15),
                category: Some("Just Chatting".into()),
            };
            let read = read("livestream.metadata.updated", &body);
            assert_eq!(read, Ok(WebhookPayload::LivestreamMetadata(expected)));
        }
    }

    #[test]
    fn a_message_reads_like_one_of_the_socket() {
        let body = json!({"message_id": "m1", "broadcaster": user(), "content": "[emote:37226:KEKW] gg",
            "sender": {"user_id": 5, "username": "bob", "identity": {"badges": [{"type": "vip", "text": "VIP"}]}},
            "emotes": [{"emote_id": "37226", "positions": [{"s": 0, "e": 17}]}], "created_at": "2026-09-24T18:00:05Z"});
        let Ok(WebhookPayload::ChatMessage { broadcaster, message }) = read("chat.message.sent", &body)
        else {
            panic!("a message")
        };
        assert_eq!(broadcaster, ann());
        assert_eq!((message.id.as_deref(), message.user_id), (Some("m1"), Some(5)));
        assert_eq!((message.username.as_str(), message.text.as_str()), ("bob", "KEKW gg"));
        assert_eq!((message.kind, message.badges), (MessageKind::Message, vec!["vip".to_owned()]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let problem = |event_type, body| read(event_type, &body).unwrap_err();
        let is_live = problem("livestream.status.updated", json!({"broadcaster": user(), "is_live": null}));
        assert_eq!(is_live, "the body is not understood: is_live should be true or false");
        let nobody = problem("livestream.metadata.updated", json!({"broadcaster": {"user_id": 0}}));
        assert!(nobody.contains("broadcaster should be a user"), "{nobody}");
        assert!(problem("chat.message.sent", json!([])).contains("a JSON object"));
        assert!(problem("chat.message.sent", json!({"broadcaster": user()})).contains("content"));
    }

    #[test]
    fn other_types_are_passed_on_unread() {
        let other = payload("kicks.gifted", b"no json", NOW).unwrap();
        assert_eq!(other, WebhookPayload::Other { event_type: "kicks.gifted".into() });
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(
            event_type in "livestream.(status|metadata).updated|chat.message.sent|[a-z.]{0,20}",
            body in r#"\{"broadcaster":\{"user_id":.{0,8}\},"(is_live|metadata|content)":.{0,12}\}|.{0,60}"#,
        ) {
            let _ = payload(&event_type, body.as_bytes(), NOW);
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(payload("livestream.status.updated", &body, NOW).is_err());
        }
    }
}
