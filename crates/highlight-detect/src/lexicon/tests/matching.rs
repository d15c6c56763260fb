//! The rules of matching, one by one.

use super::super::Channel;
use super::{found, small};

const PATTERNS: &str = r#"
{ text = "no", category = "good", background = 0.04 },
{ text = "no way", category = "good" },
{ text = "way", category = "good" },
{ text = "let's go", category = "good" },
{ text = "gol", category = "good" },
{ text = "cool", category = "good" },
{ text = "vamos", category = "good" },
{ text = "año", category = "good" },
{ text = "ano", category = "bad" },
{ text = "qué locura", category = "good" },
{ text = "noob", category = "bad" },
{ text = "1v5", category = "good" },
{ text = "🔥", category = "good" },
{ text = "insane", category = "good" },
{ text = "not fair", category = "bad" },
{ text = "typed", category = "good", where = "chat" },
{ text = "said", category = "good", where = "speech" },
{ text = '(?:ja|je|ji){2,}j?', name = "jaja", category = "good", regex = true },
{ text = 'ㅋ{2,}', name = "kk", category = "good", regex = true },
"#;

#[test]
fn whole_words_and_phrases_however_written() {
    let lexicon = small(PATTERNS);
    for (text, wanted) in [
        ("no", &["no"][..]),
        ("I know nothing, nor do you", &[]),
        ("nooooo!!!", &["no"]),
        ("noo", &[]),
        ("NO WAY", &["no way"]),
        ("no. way, no", &["no way", "no"]),
        ("n-o w-a-y", &[]),
        ("noooo   waaaay", &["no way"]),
        ("let's go", &["let's go"]),
        ("LET’S GOOOO", &["let's go"]),
        ("lets go", &["let's go"]),
        ("let s go", &["let's go"]),
        ("let`s go let´s go", &["let's go", "let's go"]),
        ("outlets gone", &[]),
        ("GOOOOL de cabeza", &["gol"]),
        ("gool", &[]),
        ("golf", &[]),
        ("coool cool col", &["cool", "cool"]),
        ("coolll", &["cool"]),
        ("vamoooos vaaamos vamosss", &["vamos", "vamos", "vamos"]),
        ("vamos vamos vamos", &["vamos", "vamos", "vamos"]),
        ("feliz año", &["año"]),
        ("feliz AN\u{303}O", &["año"]),
        ("el ano", &["ano"]),
        ("QUE LOCURA qué locúra", &["qué locura", "qué locura"]),
        ("n00b 1v5 21v55", &["noob", "1v5"]),
        ("ｎｏ ｗａｙ", &["no way"]),
        ("gol🔥🔥gol", &["gol", "🔥", "🔥", "gol"]),
        ("🔥👍🏽", &["🔥"]),
        ("jajaja", &["jaja"]),
        ("JEJEJEJ, jajaj jaja", &["jaja", "jaja", "jaja"]),
        ("ja jaula jajax", &[]),
        ("ㅋㅋㅋㅋ ㅋ", &["kk"]),
        ("", &[]),
        ("  ...  ", &[]),
    ] {
        assert_eq!(found(&lexicon, text), wanted, "{text}");
    }
}

#[test]
fn ranges_cover_the_words_as_written() {
    let lexicon = small(PATTERNS);
    for (text, wanted) in [
        ("¡¡Qué  LOCURA!!", "Qué  LOCURA"),
        ("'no way'", "no way"),
        ("😀 an\u{303}o. ", "an\u{303}o"),
        ("—GOOOOL—", "GOOOOL"),
        ("ja (jajajá) ja", "jajajá"),
        ("x🔥x", "🔥"),
    ] {
        let matches = lexicon.scan(text, Channel::Chat);
        assert_eq!(matches.len(), 1, "{text}");
        assert_eq!(&text[matches[0].bytes.clone()], wanted);
    }
}

#[test]
fn a_pattern_counts_in_its_channel() {
    let lexicon = small(PATTERNS);
    let names = |channel| -> Vec<String> {
        lexicon.scan("typed said vamos", channel).iter().map(|found| found.pattern.to_string()).collect()
    };
    assert_eq!(names(Channel::Chat), ["typed", "vamos"]);
    assert_eq!(names(Channel::Speech), ["said", "vamos"]);
}

#[test]
fn a_longer_pattern_of_another_channel_hides_nothing() {
    let lexicon = small(
        r#"{ text = "big win", category = "good", where = "speech" }, { text = "win", category = "good" }"#,
    );
    assert_eq!(found(&lexicon, "big win"), ["win"]);
}

#[test]
fn of_overlapping_patterns_the_first_and_longest_wins() {
    let lexicon = small(
        r#"
        { text = "what a", category = "good" },
        { text = "a play by", category = "good" },
        { text = "a play", category = "good" },
        { text = "what a play", category = "good" },
        { text = "by him", category = "good" },
        { text = "kek", category = "bad" },
        { text = "k[e]k", name = "shape", category = "good", regex = true },
        "#,
    );
    assert_eq!(found(&lexicon, "what a play by him"), ["what a play", "by him"]);
    assert_eq!(found(&lexicon, "a play by him"), ["a play by"]);
    assert_eq!(found(&lexicon, "kek"), ["shape"]);
}

#[test]
fn words_that_squeeze_alike_stay_apart() {
    let lexicon = small(r#"{ text = "good", category = "good" }, { text = "god", category = "bad" }"#);
    assert_eq!(found(&lexicon, "good god"), ["good", "god"]);
    assert_eq!(found(&lexicon, "goood"), ["good"], "both fit: the first in the file is taken");
}

#[test]
fn drawn_out_letters_add_and_negation_halves() {
    let lexicon = small(PATTERNS);
    for (text, weight, elongated, negated) in [
        ("insane", 1.0, false, false),
        ("insaaaane", 1.3, true, false),
        ("not insane", 0.5, false, true),
        ("not that insane", 0.5, false, true),
        ("not at all insane", 1.0, false, false),
        ("this isn’t insane", 0.5, false, true),
        ("no es insaaane", 0.65, true, true),
        ("insane, not", 1.0, false, false),
        ("knot insane", 1.0, false, false),
    ] {
        let matches = lexicon.scan(text, Channel::Speech);
        let last = matches.last().unwrap();
        assert!((last.weight - weight).abs() < 1e-6, "{text}: {}", last.weight);
        assert_eq!((last.elongated, last.negated), (elongated, negated), "{text}");
    }
    let matches = lexicon.scan("not fair, insane", Channel::Speech);
    assert!(!matches[1].negated, "the negation belongs to \"not fair\"");
}
