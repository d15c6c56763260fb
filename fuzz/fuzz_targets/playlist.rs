//! Any bytes as an HLS playlist: read or refused, and what is read is numbered without a hole, each with an address.

#![no_main]

use libfuzzer_sys::fuzz_target;
use media_io::hls::playlist::{Playlist, parse};

fuzz_target!(|data: &[u8]| {
    let with_head = [b"#EXTM3U\n".as_slice(), data].concat();
    for text in [data, with_head.as_slice()] {
        if let Ok(Playlist::Media(list)) = parse(text) {
            for (entry, number) in list.entries.iter().zip(list.sequence..) {
                assert_eq!(entry.sequence, number);
                assert!(!entry.uri.expose().is_empty());
            }
        }
    }
});
