//! Any bytes as a media file: they are decoded or refused, and time never runs backwards.

#![no_main]

#[path = "../panics.rs"]
mod panics;

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use media_io::{AudioEvent, AudioRequest, open_audio};
use timeline::{MediaTime, SampleRate};

fuzz_target!(init: panics::allow_caught_ones_of_dependencies(), |bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    // Without ffmpeg: what it reads is not ours to fuzz.
    let Ok(mut reader) = open_audio(file.path(), &AudioRequest::new(SampleRate::HZ_16000), None) else {
        return;
    };
    let mut reached: Option<MediaTime> = None;
    while let Ok(Some(event)) = reader.next_event() {
        let start = match event {
            AudioEvent::Samples { at, .. } => at,
            AudioEvent::Gap(gap) => gap.span.start(),
        };
        assert!(reached.is_none_or(|reached| reached <= start), "{reached:?} and then {start:?}");
        reached = Some(start);
    }
});
