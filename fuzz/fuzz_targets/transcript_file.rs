//! Any text as a transcript file: it is read, in order of time, or refused; and what was read can be scanned for keywords.

#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use highlight_detect::Lexicon;
use libfuzzer_sys::fuzz_target;
use pipeline::read_transcript;
use timeline::Word;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::builtin);

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let Ok(transcript) = read_transcript(file.path()) else { return };
    assert!(transcript.segments.is_sorted_by_key(|segment| segment.span));
    let words: Vec<Word> = transcript.words().collect();
    for keyword in LEXICON.scan_words(&words) {
        assert!(keyword.words.end <= words.len());
    }
});
