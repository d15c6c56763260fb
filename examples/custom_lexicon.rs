//! Your own words: changes laid over the built-in lexicon, and what they do to a few lines of chat and speech.
//!
//! ```text
//! cargo run -p streamliner-examples --example custom_lexicon [-- OVERLAY.toml [TEXT]...]
//! ```
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use highlight_detect::Lexicon;
use highlight_detect::lexicon::{Channel, KeywordScore, Overlay};

/// What a streamer who fishes might want: a catchphrase, a shape, a word that means nothing there, and one that means
/// the opposite of a moment.
const OVERLAY: &str = r#"
remove = ["wow"]
weights = { "let's go" = 0.2 }
add = [
    { text = "fish on", category = "hype", weight = 2.5 },
    { text = "(ka)?chow+", name = "kachow", category = "hype", regex = true },
    { text = "starting soon", category = "closing", weight = -2.0 },
]
"#;

const TEXTS: [&str; 5] = [
    "FISH ONNNN, no way, look at the size of it",
    "wow, let's go to the other shore",
    "KACHOWWW",
    "we are starting soon",
    "vamoooos jajajaja",
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let overlay = match arguments.first() {
        Some(path) => fs_err::read_to_string(path)?,
        None => OVERLAY.to_owned(),
    };
    let overlay: Overlay = toml::from_str(&overlay)?;
    let mut texts: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    if texts.is_empty() {
        texts = TEXTS.to_vec();
    }

    let builtin = Lexicon::builtin();
    let own = builtin.with_overlay(&overlay)?;
    println!(
        "{} patterns, {} with the overlay",
        builtin.list_patterns().count(),
        own.list_patterns().count()
    );
    for text in texts {
        println!("\n{text:?}");
        for (name, lexicon) in [("built in", &builtin), ("yours", &own)] {
            let score = KeywordScore::of_matches(&lexicon.scan(text, Channel::Chat));
            println!("  {name:<8} {:+.2}", score.value());
            for found in &score.contributions {
                println!("           {:+.2} {}", found.weight, found.reason);
            }
        }
    }
    Ok(())
}
