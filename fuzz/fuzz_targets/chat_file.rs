//! Any text as a chat file: it is read, in order of time, or refused.

#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use pipeline::read_chat;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    if let Ok(messages) = read_chat(file.path()) {
        assert!(messages.is_sorted_by_key(|message| message.at));
    }
});
