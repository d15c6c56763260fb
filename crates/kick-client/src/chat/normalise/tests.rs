use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::chat::Emote;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn payload() -> Value {
    json!({
        "id": "0d5f2c1e-7a51-4b0e-9c5c-000000000001",
        "chatroom_id": 77,
        "content": "no way [emote:37226:KEKW]",
        "type": "message",
        "created_at": "2026-09-24T18:00:05+00:00",
        "sender": {
            "id": 12, "username": "Ann_9", "slug": "ann-9",
            "identity": {"color": "#FF0000", "badges": [{"type": "moderator", "text": "Moderator"}, {"text": "?"}]}
        }
    })
}

fn message() -> ChatMessage {
    ChatMessage {
        id: Some("0d5f2c1e-7a51-4b0e-9c5c-000000000001".into()),
        user_id: Some(12),
        username: "Ann_9".into(),
        text: "no way KEKW".into(),
        at: "2026-09-24T18:00:05Z".parse().unwrap(),
        kind: MessageKind::Message,
        emotes: vec![Emote { id: "37226".into(), name: "KEKW".into() }],
        badges: vec!["moderator".into()],
    }
}

#[test]
fn a_message_is_the_same_however_it_is_wrapped() {
    let once = Value::String(payload().to_string());
    let twice = Value::String(once.to_string());
    for data in [payload(), once, twice] {
        for name in ["ChatMessageEvent", r"App\Events\ChatMessageEvent", r"App\\Events\\ChatMessageEvent"] {
            assert_eq!(chat_event(name, data.clone(), NOW), Some(ChatEvent::Message(message())), "{name}");
        }
    }
}

#[test]
fn every_field_of_a_message_may_be_missing_or_odd() {
    let bare = ChatMessage {
        id: None,
        user_id: None,
        username: String::new(),
        text: "hi".into(),
        at: NOW,
        kind: MessageKind::Message,
        emotes: vec![],
        badges: vec![],
    };
    let odd =
        json!({"content": "hi", "id": null, "type": 3.5, "created_at": 12, "sender": [], "metadata": "{"});
    let expected = ChatMessage { kind: MessageKind::Other("3.5".into()), ..bare.clone() };
    assert_eq!(chat_message(&odd, NOW), Some(expected));
    assert_eq!(chat_message(&json!({"content": "hi"}), NOW), Some(bare));
    for nothing in [json!({}), json!(null), json!([]), json!("text"), json!({"id": "x", "content": ""})] {
        assert_eq!(chat_message(&nothing, NOW), None, "{nothing}");
    }
}

#[test]
fn replies_say_to_whom_in_socket_history_and_webhook_alike() {
    let reply = MessageKind::Reply { to_message: Some("m1".into()), to_username: Some("bob".into()) };
    let metadata =
        json!({"original_sender": {"id": "5", "username": "bob"}, "original_message": {"id": "m1"}});
    for data in [
        json!({"type": "reply", "content": "x", "metadata": metadata}),
        json!({"type": "reply", "content": "x", "metadata": metadata.to_string()}),
        json!({"content": "x", "replies_to": {"message_id": "m1", "sender": {"username": "bob"}}}),
    ] {
        assert_eq!(chat_message(&data, NOW).map(|message| message.kind).as_ref(), Some(&reply), "{data}");
    }
}

#[test]
fn other_events_are_told_apart() {
    let at = |text: &str| text.parse::<Timestamp>().ok();
    let cases = [
        (
            "MessageDeletedEvent",
            json!({"id": "e1", "message": {"id": "m1"}}),
            ChatEvent::Deleted { message_id: "m1".into() },
        ),
        (
            "UserBannedEvent",
            json!({"user": {"username": "eve"}, "banned_by": {"username": "ann"}, "expires_at": "2026-09-24T18:00:05+00:00"}),
            ChatEvent::Banned {
                username: "eve".into(),
                by: Some("ann".into()),
                expires_at: at("2026-09-24T18:00:05Z"),
            },
        ),
        (
            "SubscriptionEvent",
            json!({"username": "ann", "months": "7"}),
            ChatEvent::Subscription { username: "ann".into(), months: 7 },
        ),
        (
            "GiftedSubscriptionsEvent",
            json!({"gifter_username": "ann", "gifted_usernames": ["bob", 5, null], "gifter_total": 9}),
            ChatEvent::GiftedSubscriptions {
                gifter: "ann".into(),
                recipients: vec!["bob".into(), "5".into()],
            },
        ),
        (
            "KicksGifted",
            json!({"sender": {"username": "ann"}, "gift": {"name": "Rage Quit", "amount": 500, "tier": "MID"}}),
            ChatEvent::KicksGifted { username: "ann".into(), gift: "Rage Quit".into(), amount: 500 },
        ),
        (
            "StreamHostEvent",
            json!({"host_username": "bob", "number_viewers": 312}),
            ChatEvent::Raid { host: "bob".into(), viewers: 312 },
        ),
        (
            "StreamerIsLive",
            json!({"livestream": {"id": 9, "channel_id": 4, "session_title": "hello", "created_at": "2026-09-24 18:00:05"}}),
            ChatEvent::StreamLive {
                livestream_id: Some(9),
                title: Some("hello".into()),
                started_at: at("2026-09-24T18:00:05Z"),
            },
        ),
        (
            "StopStreamBroadcast",
            json!({"livestream": {"id": 9, "channel": {"id": 4}}}),
            ChatEvent::StreamStopped { livestream_id: Some(9) },
        ),
        ("PollUpdateEvent", json!({"poll": {}}), ChatEvent::Other { name: "PollUpdateEvent".into() }),
    ];
    for (name, data, expected) in cases {
        let prefixed = format!(r"App\Events\{name}");
        assert_eq!(chat_event(&prefixed, data.clone(), NOW).as_ref(), Some(&expected), "{name}");
        assert_eq!(chat_event(name, Value::String(data.to_string()), NOW), Some(expected), "{name}");
    }
    assert_eq!(chat_event("MessageDeletedEvent", json!({}), NOW), None);
    assert_eq!(chat_event("", json!({}), NOW), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("{\"content\":\"x\"}")),
    ];
    let field = prop_oneof![
        Just("id"),
        Just("sender"),
        Just("content"),
        Just("message"),
        Just("livestream"),
        Just("metadata"),
        Just("created_at"),
        Just("identity"),
        Just("badges"),
        Just("type"),
        Just("gift"),
        Just("username"),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((field.clone(), inner), 0..6).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_data_is_an_event_or_none(
        name in r"(App\\Events\\)?(ChatMessageEvent|MessageDeletedEvent|UserBannedEvent|SubscriptionEvent|GiftedSubscriptionsEvent|KicksGifted|StreamHostEvent|StreamerIsLive|StopStreamBroadcast|.{0,9})",
        data in any_json(),
    ) {
        let event = chat_event(&name, data, NOW);
        if let Some(ChatEvent::Message(message)) = event {
            prop_assert!(message.text.len() <= 3 * 4096);
        }
    }
}
