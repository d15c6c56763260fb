//! Lexicon files: weights, and what is refused.

use std::error::Error;

use super::super::{Lexicon, LexiconError};
use super::{small, small_file};

fn refusal(patterns: &str) -> LexiconError {
    Lexicon::from_toml(&small_file(patterns)).unwrap_err()
}

#[test]
fn weights_follow_from_prior_and_background() {
    let lexicon = small(
        r#"
        { text = "rare", category = "good", background = 0.001 },
        { text = "some", category = "good", background = 0.125 },
        { text = "common", category = "good", background = 0.7 },
        { text = "default", category = "bad" },
        { text = "own", category = "bad", weight = 4.5 },
        "#,
    );
    let weights: Vec<f32> = lexicon.list_patterns().map(|pattern| pattern.weight).collect();
    assert_eq!(weights, [1.0, 0.5, 0.0, -0.5, 4.5]);
}

#[test]
fn patterns_may_be_tables_of_their_own() {
    let lexicon = Lexicon::from_toml(
        "[[category]]\nname = \"good\"\nprior = 1\nbackground = 0.01\n\n[[pattern]]\ntext = \"vamos\"\ncategory = \"good\"\nlanguage = [\"es\", \"pt\"]\n",
    )
    .unwrap();
    let pattern = lexicon.list_patterns().next().unwrap();
    assert_eq!(pattern.languages, ["es", "pt"]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (patterns, message) in [
        (
            "{ text = \"one\", category = \"good\" },\n{ text = \"two\", category = \"god\" }",
            "line 9, pattern \"two\": there is no category \"god\"; the categories are bad, good",
        ),
        (
            "{ text = \"Qué\", category = \"good\" },\n\n{ text = \"que!\", category = \"bad\" }",
            "line 10, pattern \"que!\": it reads the same as \"Qué\" once case, accents and apostrophes are gone; keep one of them",
        ),
        (
            "{ text = \"?!\", category = \"good\" }",
            "line 8, pattern \"?!\": it holds no letter, digit or emoji, so it can never be found",
        ),
        (
            "{ text = \"far\", category = \"good\", weight = 5.5 }",
            "line 8, pattern \"far\": weight is 5.5, but must lie in -5 to 5",
        ),
        (
            "{ text = \"nan\", category = \"good\", weight = nan }",
            "line 8, pattern \"nan\": weight is NaN, but must lie in -5 to 5",
        ),
        (
            "{ text = \"share\", category = \"good\", background = 0.0 }",
            "line 8, pattern \"share\": background is 0, but must be a share above 0 and at most 1",
        ),
        (
            "{ text = \"gg\", category = \"good\" }",
            "line 8, pattern \"gg\": a pattern of one or two letters must say `background`, and it must be below 0.05",
        ),
        (
            "{ text = \"(\", category = \"good\", regex = true }",
            "line 8, pattern \"(\": the regular expression is not valid",
        ),
        (
            "{ text = \"a)|(?:b\", category = \"good\", regex = true }",
            "line 8, pattern \"a)|(?:b\": the regular expression is not valid",
        ),
        (
            "{ text = \"^ja+$\", category = \"good\", regex = true }",
            "line 8, pattern \"^ja+$\": a shape always matches a whole token: leave out ^ and $",
        ),
        (
            "{ text = \"(?:ja)*\", category = \"good\", regex = true }",
            "line 8, pattern \"(?:ja)*\": a shape must not match the empty text: use + or {1,} in place of *",
        ),
        (
            "{ text = \"JA+\", category = \"good\", regex = true }",
            "line 8, pattern \"JA+\": text is in lower case when shapes are tried: write the letters in lower case",
        ),
    ] {
        assert_eq!(refusal(patterns).to_string(), message);
    }
    assert!(refusal("{ text = \"(\", category = \"good\", regex = true }").source().is_some());
}

#[test]
fn a_short_pattern_may_be_rare_and_one_text_may_differ_by_channel() {
    small(r#"{ text = "gg", category = "good", background = 0.049 }"#);
    small(
        r#"
        { text = "clip", category = "good", where = "chat" },
        { text = "clip", category = "bad", where = "speech" },
        "#,
    );
    assert!(matches!(
        refusal(
            r#"{ text = "clip", category = "good", where = "chat" }, { text = "clip", category = "bad" }"#
        ),
        LexiconError::Duplicate { .. }
    ));
}

#[test]
fn files_that_are_not_a_lexicon_are_refused() {
    for (text, part) in [
        ("pattern = 3", "line 1"),
        ("category = []\npattern = [\n{ text = \"one\", kategory = \"good\" }]", "kategory"),
        ("", "category"),
        ("[[[", "line 1"),
    ] {
        let error = Lexicon::from_toml(text).unwrap_err();
        assert!(matches!(error, LexiconError::Toml(_)));
        let source = error.source().unwrap().to_string();
        assert!(source.contains(part), "{source}");
    }
    let twice = "category = [{ name = \"a\", prior = 1, background = 0.1 }, { name = \"a\", prior = 1, background = 0.1 }]\npattern = []";
    assert!(matches!(Lexicon::from_toml(twice), Err(LexiconError::DuplicateCategory { .. })));
    for value in ["prior = 6, background = 0.1", "prior = 1, background = 1.5"] {
        let text = format!("category = [{{ name = \"a\", {value} }}]\npattern = []");
        let error = Lexicon::from_toml(&text).unwrap_err();
        assert!(matches!(error, LexiconError::CategoryValue { .. }), "{error}");
    }
}
