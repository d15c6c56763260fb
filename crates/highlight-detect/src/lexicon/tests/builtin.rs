//! The lexicon that comes with the crate.

use std::collections::BTreeMap;

use super::super::{Channel, Lexicon, Place};
use super::found;

/// What the module's issue asks for.
const LEAST_PATTERNS: usize = 250;

#[test]
fn it_is_large_and_serves_three_languages() {
    let lexicon = Lexicon::builtin();
    assert!(lexicon.list_patterns().count() >= LEAST_PATTERNS);
    for (code, least) in [("en", 150), ("es", 150), ("pt", 50)] {
        let count = lexicon
            .list_patterns()
            .filter(|pattern| pattern.languages.iter().any(|language| language == code))
            .count();
        assert!(count >= least, "{count} patterns in {code}");
    }
    let mut by_category = BTreeMap::new();
    for pattern in lexicon.list_patterns() {
        *by_category.entry(&*pattern.category).or_insert(0) += 1;
    }
    for category in lexicon.categories() {
        assert!(
            by_category.get(category.name.as_str()).is_some_and(|count| *count >= 10),
            "{}",
            category.name
        );
    }
}

#[test]
fn every_pattern_finds_itself() {
    let lexicon = Lexicon::builtin();
    for pattern in lexicon.list_patterns().filter(|pattern| !pattern.is_shape) {
        let channel = if pattern.place == Place::Chat { Channel::Chat } else { Channel::Speech };
        for text in [pattern.name.to_string(), format!("«{}»!", pattern.name.to_uppercase())] {
            let matches = lexicon.scan(&text, channel);
            assert_eq!(matches.len(), 1, "{text}: {matches:?}");
            assert_eq!(matches[0].category, pattern.category, "{text}");
            assert!(!matches[0].negated, "{text}");
        }
    }
}

#[test]
fn good_is_above_zero_and_bad_below() {
    for pattern in Lexicon::builtin().list_patterns() {
        let is_against = matches!(&*pattern.category, "donation" | "closing" | "reading");
        assert_eq!(pattern.weight < 0.0, is_against, "{}", pattern.name);
    }
}

#[test]
fn laughter_and_screams_have_shapes() {
    let lexicon = Lexicon::builtin();
    for (text, wanted) in [
        ("jajaja", "jajaja"),
        ("JAJAJAJAJ", "jajaja"),
        ("jejeje", "jajaja"),
        ("jsjsjs", "jsjs"),
        ("ajsjsjaj", "jsjs"),
        ("hahaha", "hahaha"),
        ("HAHAHAHAH", "hahaha"),
        ("haaahaaa", "hahaha"),
        ("kkkkkk", "kkkk"),
        ("rsrs", "rsrs"),
        ("xD", "xd"),
        ("XDDDD", "xd"),
        ("looool", "lol"),
        ("lmaooo", "lmao"),
        ("wwww", "www"),
        ("ㅋㅋㅋ", "ㅋㅋ"),
        ("7777", "777"),
        ("NOOOOO", "nooo"),
        ("AAAAAAH", "aaah"),
        ("yessss", "yesss"),
        ("SIIIII", "síii"),
        ("woooooo", "wooo"),
        ("PogU", "emote pog"),
        ("KEKWait", "emote kek"),
    ] {
        assert_eq!(found(&lexicon, text), [wanted], "{text}");
    }
}

#[test]
fn ordinary_talk_holds_little() {
    let lexicon = Lexicon::builtin();
    for text in [
        "I know the way to the shop, nothing special, but it was a long day",
        "yesterday we talked about the new update and the map with my brother",
        "hoy vamosalinas no tiene clase, la casa es bonita y la jaula está vacía",
        "ontem eu fui ao mercado comprar pão e leite para a semana",
        "ha ok ah sí no yes so what",
        "the show was good and cool, he shows us the wow64 folder",
    ] {
        assert_eq!(found(&lexicon, text), [""; 0], "{text}");
    }
}

/// What the speech model of the fixtures can say, by whether it should count.
#[test]
fn the_phrases_of_the_fixtures_are_known() {
    let lexicon = Lexicon::builtin();
    let sum =
        |text: &str| -> f32 { lexicon.scan(text, Channel::Speech).iter().map(|found| found.weight).sum() };
    for text in [
        "Let's go!",
        "Oh my god!",
        "No way!",
        "No, no, no!",
        "Yes, yes, yes!",
        "What a play!",
        "What a shot!",
        "What a team!",
        "That was insane!",
        "That was so close!",
        "That was unbelievable!",
        "This is crazy!",
        "That's huge!",
        "That's not fair!",
        "He's one shot!",
        "He's behind me!",
        "He's almost dead!",
        "Oh no, he's right behind you!",
        "We won the game!",
        "We lost the round!",
        "We are so back!",
        "Are you kidding me?",
        "Are you serious?",
        "I can't believe it!",
        "I can't believe we won that fight!",
        "Look at that!",
        "Clip that!",
        "Chat, clip that!",
        "Boom, headshot!",
        "Nice shot!",
        "Big clutch!",
        "Clutch!",
        "Victory!",
        "World record!",
        "Double kill!",
        "Triple kill!",
        "First place!",
        "One more hit!",
        "Run, run, run!",
        "Go, go, go!",
        "Get out of there!",
        "They are pushing now!",
        "I'm so scared!",
        "I'm out of ammo!",
        "What is going on?",
        "How did he miss that?",
        "Did you see that?",
        "My hands are shaking!",
        "My heart is racing!",
        "It's over!",
        "That boss is almost dead!",
        "That is the best play I have ever seen!",
    ] {
        assert!(sum(text) > 0.2, "{text}: {}", sum(text));
    }
    for text in [
        "Welcome back to the stream.",
        "Thank you for the sub!",
        "Thank you for the raid!",
        "Thank you for watching.",
        "Let me check the chat.",
        "Let me fix the audio settings.",
        "I will be right back.",
        "Good night, everyone.",
        "Don't forget to subscribe.",
        "How is everyone doing today?",
        "The music is too loud.",
        "Can you hear me now?",
        "See you tomorrow.",
        "So let me tell you a story.",
    ] {
        assert!(sum(text) < 0.0, "{text}: {}", sum(text));
    }
}
