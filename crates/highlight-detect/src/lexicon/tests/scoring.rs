//! The keyword score.

use timeline::{Span, Word};

use super::super::{Channel, KeywordScore, Lexicon};

const LEXICON: &str = r#"
category = [
  { name = "first", prior = 1.0, background = 0.01 },
  { name = "second", prior = 0.8, background = 0.01 },
  { name = "third", prior = 0.6, background = 0.01 },
  { name = "fourth_kind", prior = 0.4, background = 0.01 },
  { name = "minus", prior = -1.0, background = 0.01 },
]
pattern = [
  { text = "alpha", category = "first" },
  { text = "aleph", category = "first" },
  { text = "beta", category = "second" },
  { text = "gamma", category = "third" },
  { text = "delta", category = "fourth_kind" },
  { text = "omega", category = "minus" },
]
"#;

fn score(text: &str) -> KeywordScore {
    KeywordScore::of_matches(&Lexicon::from_toml(LEXICON).unwrap().scan(text, Channel::Chat))
}

#[test]
fn sums_follow_the_rules() {
    for (text, sum) in [
        ("nothing", 0.0),
        ("alpha", 1.0),
        ("alphaaaa", 1.3),
        ("beta beta beta beta", 1.5),
        ("gamma gamma", 0.6 * 2.0_f32.sqrt()),
        ("delta delta delta delta delta delta delta delta delta", 0.8),
        ("alpha aleph", 1.5),
        ("alpha beta gamma", 2.4),
        ("alpha beta gamma delta", 2.4),
        ("alpha beta gamma delta omega", 1.4),
        ("omega omega omega omega", -1.5),
    ] {
        let score = score(text);
        assert!((score.sum - sum).abs() < 1e-5, "{text}: {}", score.sum);
        let value = sum.signum() * (1.0 - (-sum.abs() / 3.0).exp());
        assert!((score.value() - value).abs() < 1e-5, "{text}: {}", score.value());
        let added: f32 = score.contributions.iter().map(|contribution| contribution.weight).sum();
        assert!((added - score.sum).abs() < 1e-5);
    }
}

#[test]
fn reasons_read_well() {
    let score = score("delta deltaaa omega");
    let reasons: Vec<&str> = score.contributions.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons, ["minus: \"omega\"", "fourth kind: \"delta\" 2 times, drawn out"]);
}

#[test]
fn speech_counts_with_its_probability() {
    let word = |text: &str, probability| Word {
        span: Span::from_secs_f64(1.0, 1.5),
        text: text.to_owned(),
        probability,
    };
    let lexicon = Lexicon::from_toml(LEXICON).unwrap();
    let keywords = lexicon.scan_words(&[word("alpha", 0.5), word("beta", 1.0)]);
    let score = KeywordScore::of_spoken(&keywords);
    assert!((score.sum - 1.3).abs() < 1e-6);
    assert_eq!(&*score.contributions[0].pattern, "beta");
}
