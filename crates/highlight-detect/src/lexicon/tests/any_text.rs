//! What holds for every text.

use proptest::prelude::*;

use super::super::{Channel, Lexicon};

/// Pieces of what the lexicon knows, between pieces that could disturb it.
fn chat_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("no way ".to_owned()),
        Just("LET'S goooo".to_owned()),
        Just("qué locura".to_owned()),
        Just("an\u{303}o".to_owned()),
        Just("jajaja".to_owned()),
        Just("🔥".to_owned()),
        Just("not ".to_owned()),
        "\\PC{0,6}",
        "[ '’n\u{303}\u{301}😂👍🏽\u{200d}\n]{0,4}",
        "[a-z0-9]{1,8}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn check_matches(text: &str) -> Result<(), TestCaseError> {
    for channel in [Channel::Speech, Channel::Chat] {
        let mut end = 0;
        for found in Lexicon::builtin().scan(text, channel) {
            prop_assert!(found.bytes.start < found.bytes.end && found.bytes.end <= text.len());
            prop_assert!(text.get(found.bytes.clone()).is_some(), "{:?} of {text:?}", found.bytes);
            prop_assert!(found.bytes.start >= end || !text.is_ascii(), "matches overlap");
            prop_assert!(found.weight.abs() <= 5.0 * 1.3);
            end = found.bytes.end;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_scanned(text in any::<String>()) {
        check_matches(&text)?;
    }

    #[test]
    fn chat_is_scanned(text in chat_text()) {
        check_matches(&text)?;
    }

    #[test]
    fn case_and_accents_make_no_difference(
        words in prop::collection::vec(prop_oneof![
            prop::sample::select(vec!["que locura", "vamos", "no puede ser", "que susto", "lets go", "meu deus", "gol"])
                .prop_map(str::to_owned),
            "[a-z]{1,7}",
        ], 0..8),
        upper in any::<bool>(),
        mark in prop::sample::select(vec!['\u{301}', '\u{300}', '\u{302}', '\u{308}']),
    ) {
        let plain = words.join(" ");
        let mut marked = String::new();
        for letter in plain.chars() {
            marked.push(if upper { letter.to_ascii_uppercase() } else { letter });
            if "aeiou".contains(letter) {
                marked.push(mark);
            }
        }
        let lexicon = Lexicon::builtin();
        let names = |text: &str| -> Vec<String> {
            lexicon.scan(text, Channel::Chat).iter().map(|found| found.pattern.to_string()).collect()
        };
        prop_assert_eq!(names(&plain), names(&marked));
    }

    #[test]
    fn a_scanner_forgets_the_text_before(texts in prop::collection::vec(chat_text(), 1..4)) {
        let lexicon = Lexicon::builtin();
        let mut scanner = lexicon.scanner();
        for text in &texts {
            let mut matches = Vec::new();
            scanner.scan_into(text, Channel::Chat, &mut matches);
            prop_assert_eq!(matches, lexicon.scan(text, Channel::Chat));
        }
    }

    #[test]
    fn any_file_is_read_or_refused(text in "\\PC{0,40}", weight in any::<f32>()) {
        let quoted = toml::Value::String(text).to_string();
        for regex in [false, true] {
            let file = format!(
                "category = [{{ name = \"good\", prior = 1, background = 0.01 }}]\n\
                 pattern = [{{ text = {quoted}, category = \"good\", background = 0.01, regex = {regex} }}]"
            );
            if let Ok(lexicon) = Lexicon::from_toml(&file) {
                prop_assert_eq!(lexicon.list_patterns().count(), 1);
            }
        }
        let overlay = super::super::Overlay {
            weights: [("vamos".to_owned(), weight)].into(),
            ..super::super::Overlay::default()
        };
        let small = super::small("{ text = \"vamos\", category = \"good\" }");
        prop_assert_eq!(small.with_overlay(&overlay).is_ok(), (-5.0..=5.0).contains(&weight));
    }
}
