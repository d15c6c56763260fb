//! Any text as a lexicon, and any text scanned with it; matches lie inside the text, at borders of characters.

#![no_main]

use std::sync::LazyLock;

use highlight_detect::lexicon::{Channel, KeywordScore, Lexicon};
use libfuzzer_sys::fuzz_target;

static BUILTIN: LazyLock<Lexicon> = LazyLock::new(Lexicon::builtin);

fuzz_target!(|input: (&str, &str)| {
    let (definition, text) = input;
    scan(&BUILTIN, text);
    if let Ok(lexicon) = Lexicon::from_toml(definition) {
        scan(&lexicon, text);
    }
});

fn scan(lexicon: &Lexicon, text: &str) {
    for channel in [Channel::Speech, Channel::Chat] {
        let matches = lexicon.scan(text, channel);
        for found in &matches {
            assert!(text.get(found.bytes.clone()).is_some(), "{found:?}");
        }
        let score = KeywordScore::of_matches(&matches).value();
        assert!((-1.0..=1.0).contains(&score), "{score}");
    }
}
