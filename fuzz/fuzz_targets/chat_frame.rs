//! Any text as frames of Kick's chat, and as one event of it, double-encoded or not: it is an event, or it is nothing.
//!
//! Each line of the input is a frame. The first is also the name of an event, and the rest its data.

#![no_main]

use jiff::Timestamp;
use kick_client::chat::fuzzing::read_frames;
use kick_client::chat::{ChatEvent, chat_event, chat_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let frames: Vec<&str> = input.lines().collect();
    let (events, waits) = read_frames(&frames);
    events.iter().for_each(check);
    assert!(waits.iter().all(|wait| !wait.is_zero()), "a wait that never waits");

    let (name, data) = input.split_once('\n').unwrap_or((input, ""));
    let value = serde_json::from_str(data).unwrap_or_else(|_| serde_json::Value::String(data.to_owned()));
    if let Some(event) = chat_event(name, value.clone(), Timestamp::UNIX_EPOCH) {
        check(&event);
    }
    let _ = chat_message(&value, Timestamp::UNIX_EPOCH);
});

fn check(event: &ChatEvent) {
    if let ChatEvent::Message(message) = event {
        let has_writer = message.user_id.is_some() || !message.username.is_empty();
        assert!(has_writer || !message.text.is_empty() || !message.emotes.is_empty(), "{message:?}");
    }
}
