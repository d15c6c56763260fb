//! Any text as the metadata beside a clip: what is read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use storage::ClipRecord;

fuzz_target!(|text: &str| {
    let Ok(record) = serde_json::from_str::<ClipRecord>(text) else { return };
    let written = serde_json::to_string(&record).expect("what was read can be written");
    assert_eq!(serde_json::from_str::<ClipRecord>(&written).expect("what was written can be read"), record);
});
