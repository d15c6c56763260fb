//! Any JSON as an event of Kick's chat, double-encoded or not: it is an event, or it is nothing.

#![no_main]

use jiff::Timestamp;
use kick_client::chat::{ChatEvent, chat_event, chat_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (String, String)| {
    let (name, data) = input;
    let value = serde_json::from_str(&data).unwrap_or(serde_json::Value::String(data));
    if let Some(ChatEvent::Message(message)) = chat_event(&name, value.clone(), Timestamp::UNIX_EPOCH) {
        assert!(!message.username.is_empty() || !message.text.is_empty());
    }
    let _ = chat_message(&value, Timestamp::UNIX_EPOCH);
});
