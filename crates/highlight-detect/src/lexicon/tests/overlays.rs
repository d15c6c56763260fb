//! User changes and languages.

use super::super::{Channel, Lexicon, LexiconError, Overlay};
use super::{found, small};

const PATTERNS: &str = r#"
{ text = "vamos", category = "good", language = "es" },
{ text = "let's go", category = "good", language = "en" },
{ text = "bora", category = "good", language = "pt" },
{ text = "omg", category = "good" },
{ text = '(?:ja){2,}', name = "jaja", category = "good", language = ["es", "pt"], regex = true },
"#;

fn overlay(text: &str) -> Overlay {
    toml::from_str(text).unwrap()
}

fn weight(lexicon: &Lexicon, text: &str) -> Option<f32> {
    lexicon.scan(text, Channel::Speech).first().map(|found| found.weight)
}

#[test]
fn overlays_remove_add_and_reweigh() {
    let base = small(PATTERNS);
    let changed = base
        .with_overlay(&overlay(
            r#"
            remove = ["VAMOS", "jaja"]
            add = [
              { text = "pelotudo", category = "bad" },
              { text = "OMG", category = "bad" },
              { text = "never seen", category = "good" },
            ]
            weights = { "lets go" = -2.0, "never seen" = 3.0 }
            "#,
        ))
        .unwrap();
    assert_eq!(weight(&changed, "vamos"), None);
    assert_eq!(weight(&changed, "jajaja"), None);
    assert_eq!(weight(&changed, "pelotudo"), Some(-0.5));
    assert_eq!(weight(&changed, "omg"), Some(-0.5), "an addition replaces");
    assert_eq!(weight(&changed, "let's go"), Some(-2.0));
    assert_eq!(weight(&changed, "never seen"), Some(3.0));
    assert_eq!(weight(&base, "let's go"), Some(1.0), "the base is as it was");
}

#[test]
fn later_overlays_lie_over_earlier_ones() {
    let everybody = overlay(r#"weights = { "vamos" = 2.0, "bora" = 2.0 }"#);
    let streamer = overlay(r#"weights = { "vamos" = 0.1 }"#);
    let lexicon = small(PATTERNS).with_overlay(&everybody).unwrap().with_overlay(&streamer).unwrap();
    assert_eq!((weight(&lexicon, "vamos"), weight(&lexicon, "bora")), (Some(0.1), Some(2.0)));
}

#[test]
fn an_addition_replaces_what_it_overlaps_in_any_channel() {
    let base = small(
        r#"
        { text = "clip", category = "good", where = "chat" },
        { text = "clip", category = "bad", where = "speech" },
        "#,
    );
    let lexicon = base.with_overlay(&overlay(r#"add = [{ text = "Clip", category = "good" }]"#)).unwrap();
    assert_eq!(lexicon.list_patterns().count(), 1);
}

#[test]
fn an_overlay_that_means_nothing_is_refused() {
    let base = small(PATTERNS);
    for (text, message) in [
        (
            r#"remove = ["vamso"]"#,
            "overlay key \"remove\": there is no pattern \"vamso\" in the lexicon it is laid over",
        ),
        (
            r#"weights = { "vamso" = 1.0 }"#,
            "overlay key \"weights\": there is no pattern \"vamso\" in the lexicon it is laid over",
        ),
        (r#"weights = { "vamos" = 9.0 }"#, "pattern \"vamos\": weight is 9, but must lie in -5 to 5"),
        (
            r#"add = [{ text = "new", category = "none" }]"#,
            "pattern \"new\": there is no category \"none\"; the categories are bad, good",
        ),
    ] {
        assert_eq!(base.with_overlay(&overlay(text)).unwrap_err().to_string(), message);
    }
    assert!(matches!(
        base.with_overlay(&Overlay { remove: vec!["?".to_owned()], ..Overlay::default() }),
        Err(LexiconError::UnknownPattern { .. })
    ));
    assert!(toml::from_str::<Overlay>("removes = []").is_err());
}

#[test]
fn an_overlay_survives_being_written_and_read() {
    let written = overlay(
        r#"
        remove = ["vamos"]
        add = [{ text = "ja+", name = "ja", category = "good", language = "es", weight = 1.0, where = "chat", regex = true }]
        weights = { "bora" = -1.0 }
        "#,
    );
    assert_eq!(overlay(&toml::to_string(&written).unwrap()), written);
}

#[test]
fn languages_choose_patterns() {
    let text = "vamos let's go bora omg jaja";
    let lexicon = small(PATTERNS);
    assert_eq!(found(&lexicon.for_languages(&["en"]), text), ["let's go", "omg"]);
    assert_eq!(found(&lexicon.for_languages(&["ES"]), text), ["vamos", "omg", "jaja"]);
    assert_eq!(found(&lexicon.for_languages(&["pt", "en"]), text), ["let's go", "bora", "omg", "jaja"]);
    assert_eq!(lexicon.for_languages(&["en"]).list_patterns().count(), 2);

    let with_overlay = lexicon
        .for_languages(&["en"])
        .with_overlay(&overlay(r#"add = [{ text = "new", category = "good", language = "es" }]"#))
        .unwrap();
    assert_eq!(found(&with_overlay, "vamos new omg"), ["omg"], "the languages stay chosen");
}
