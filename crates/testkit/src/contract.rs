//! The fixture VOD's chat and transcript, in the files of the machine contract.

use std::path::PathBuf;

use crate::fixture;

/// The transcript of the fixture VOD: what was truly said.
#[must_use]
pub fn transcript() -> PathBuf {
    fixture("arena-night.transcript.json")
}

/// The chat of the fixture VOD.
#[must_use]
pub fn chat_lines() -> PathBuf {
    fixture("arena-night.chat.jsonl")
}
