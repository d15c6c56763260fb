//! Patterns in words with times.

use timeline::{Span, Word};

use super::super::Lexicon;
use super::small;

const PATTERNS: &str = r#"
{ text = "no way", category = "good" },
{ text = "let's go", category = "good" },
{ text = "typed", category = "good", where = "chat" },
"#;

fn word(text: &str, start: f64, end: f64, probability: f32) -> Word {
    Word { span: Span::from_secs_f64(start, end), text: text.to_owned(), probability }
}

#[test]
fn phrases_reach_over_words() {
    let words = [
        word("Oh,", 1.0, 1.2, 1.0),
        word("no", 1.2, 1.5, 0.5),
        word("way!", 1.5, 2.0, 1.0),
        word("typed", 2.0, 2.2, 1.0),
        word("[music]", 9.0, 9.5, 1.0),
        word("Let's", 20.0, 20.3, 0.8),
        word("goooo!", 20.4, 21.0, 0.6),
    ];
    let keywords = small(PATTERNS).scan_words(&words);
    let facts: Vec<_> =
        keywords.iter().map(|it| (&*it.pattern, it.words.clone(), it.span, it.elongated)).collect();
    assert_eq!(
        facts,
        [
            ("no way", 1..3, Span::from_secs_f64(1.2, 2.0), false),
            ("let's go", 5..7, Span::from_secs_f64(20.0, 21.0), true),
        ]
    );
    assert!((keywords[0].probability - 0.75).abs() < 1e-6);
}

#[test]
fn phrases_do_not_reach_over_a_pause() {
    let words = [word("no", 1.0, 1.3, 1.0), word("way", 3.0, 3.3, 1.0)];
    assert!(small(PATTERNS).scan_words(&words).is_empty());
}

#[test]
fn a_segment_that_is_one_word_is_searched_too() {
    let words = [word("", 0.0, 0.0, 1.0), word("well, no way, let's go", 1.0, 4.0, 0.9)];
    let keywords = small(PATTERNS).scan_words(&words);
    assert_eq!(keywords.iter().map(|it| it.words.clone()).collect::<Vec<_>>(), [1..2, 1..2]);
    assert!(Lexicon::builtin().scan_words(&[]).is_empty());
}
