//! Bytes as the packets of an MPEG transport stream, so that the fuzzer need not guess every sync byte.

#![no_main]

#[path = "../panics.rs"]
mod panics;

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use media_io::{AudioEvent, AudioRequest, open_audio};
use timeline::SampleRate;

/// A packet without its sync byte.
const PACKET_BODY: usize = 187;
const SYNC_BYTE: u8 = 0x47;

fuzz_target!(init: panics::allow_caught_ones_of_dependencies(), |bytes: &[u8]| {
    let mut file = tempfile::Builder::new().suffix(".ts").tempfile().expect("a temporary file");
    for body in bytes.chunks(PACKET_BODY) {
        let mut packet = vec![0xff; PACKET_BODY + 1];
        packet[0] = SYNC_BYTE;
        packet[1..=body.len()].copy_from_slice(body);
        file.write_all(&packet).expect("room for it");
    }
    let Ok(mut reader) = open_audio(file.path(), &AudioRequest::new(SampleRate::HZ_16000), None) else {
        return;
    };
    while let Ok(Some(event)) = reader.next_event() {
        if let AudioEvent::Samples { samples, .. } = event {
            assert!(samples.iter().all(|sample| sample.is_finite()));
        }
    }
});
