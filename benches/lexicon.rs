//! The keyword scan with the whole built-in lexicon, in bytes of text a second.

use divan::Bencher;
use divan::counter::BytesCount;
use highlight_detect::Lexicon;
use highlight_detect::lexicon::{Channel, KeywordMatch};
use timeline::{MediaDuration, MediaTime, Span, Word};

/// Texts are repeated until they are this long.
const LENGTH: usize = 1 << 20;

fn main() {
    divan::main();
}

/// Ordinary English, in which there is next to nothing to find.
#[divan::bench]
fn prose(bencher: Bencher<'_, '_>) {
    scan(bencher, &repeated(include_str!("../fixtures/models/nano-model.md")), Channel::Speech);
}

/// What a streamer says in an exciting hour: the fixture's speech, one line a sentence.
#[divan::bench]
fn speech(bencher: Bencher<'_, '_>) {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/arena-night.transcript.json")).expect("a fixture");
    let segments = file["segments"].as_array().expect("a transcript");
    let lines: Vec<&str> = segments.iter().filter_map(|segment| segment["text"].as_str()).collect();
    scan(bencher, &repeated(&lines.join("\n")), Channel::Speech);
}

/// Chat, message by message, short and full of what is looked for.
#[divan::bench]
fn chat(bencher: Bencher<'_, '_>) {
    let lines = include_str!("../fixtures/arena-night.chat.jsonl").lines();
    let messages = lines.map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).expect("a fixture");
        message["text"].as_str().expect("a message").to_owned()
    });
    scan(bencher, &repeated(&messages.collect::<Vec<_>>().join("\n")), Channel::Chat);
}

/// Words with times, as a recogniser gives them: a minute of talk.
#[divan::bench]
fn timed_words(bencher: Bencher<'_, '_>) {
    let lexicon = Lexicon::builtin();
    let text = "no way did you see that we have to go back to the house and then okay let's go";
    let words: Vec<Word> = (0..)
        .zip(text.split_whitespace().cycle())
        .take(150)
        .map(|(index, text)| Word {
            span: Span::starting_at(MediaTime::from_millis(index * 400), MediaDuration::from_millis(300)),
            text: text.to_owned(),
            probability: 0.9,
        })
        .collect();
    let bytes: usize = words.iter().map(|word| word.text.len() + 1).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| lexicon.scan_words(divan::black_box(&words)));
}

/// Reading and compiling the built-in lexicon, which happens once a process.
#[divan::bench(sample_count = 20)]
fn compile() -> Lexicon {
    Lexicon::from_toml(divan::black_box(include_str!("../crates/highlight-detect/data/lexicon.toml")))
        .expect("the built-in lexicon")
}

fn repeated(text: &str) -> String {
    let mut long = String::with_capacity(LENGTH + text.len() + 1);
    while long.len() < LENGTH {
        long.push_str(text);
        long.push('\n');
    }
    long
}

fn scan(bencher: Bencher<'_, '_>, text: &str, channel: Channel) {
    let lexicon = Lexicon::builtin();
    let mut scanner = lexicon.scanner();
    let mut matches: Vec<KeywordMatch> = Vec::new();
    bencher.counter(BytesCount::of_str(text)).bench_local(|| {
        matches.clear();
        for line in divan::black_box(text).lines() {
            scanner.scan_into(line, channel, &mut matches);
        }
        matches.len()
    });
}
