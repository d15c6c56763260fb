//! Any bytes as a reply of Kick, with any status: it is read, or it is an error that can be shown.

#![no_main]

use kick_client::fuzzing::read_reply;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [status, body @ ..] = input else { return };
    // The first byte chooses among success and the errors that Kick and its guards send.
    const ERRORS: [u16; 8] = [400, 401, 403, 404, 410, 429, 500, 503];
    let status = match status {
        byte @ 0..8 => ERRORS[usize::from(*byte)],
        _ => 200,
    };
    for error in read_reply(status, body) {
        assert!(!error.to_string().is_empty());
    }
});
