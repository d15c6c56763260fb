//! From candidates with all their evidence to highlights: what a long night of streaming comes to.

use divan::Bencher;
use divan::counter::ItemsCount;
use highlight_detect::{
    Candidate, Evidence, Lexicon, Moment, RankOptions, Reason, Signal, clip_span, judge, rank,
};
use timeline::{MediaDuration, MediaTime, Span, Word};

const CANDIDATES: i64 = 500;
/// One candidate every so many seconds.
const EVERY_S: i64 = 40;

fn main() {
    divan::main();
}

/// A candidate with the words, cuts and dips around it.
struct Found {
    candidate: Candidate,
    words: Vec<Word>,
    shots: Vec<MediaTime>,
    searched: Span,
}

fn found() -> Vec<Found> {
    let said = "wait what is that oh my god no way did you see that let's go again okay".split_whitespace();
    (0..CANDIDATES)
        .map(|index| {
            let start = MediaTime::from_secs(20 + index * EVERY_S);
            let core = Span::starting_at(start, MediaDuration::from_millis(5_000 + index * 37 % 9_000));
            let searched = core.padded(MediaDuration::from_secs(12), MediaDuration::from_secs(6));
            let weight = (index * 7_919 % 1_000) as f32 / 250.0 - 2.0;
            let reasons = [(Signal::Loudness, weight), (Signal::Pitch, 0.5), (Signal::Prior, -1.0)];
            let words = (0_i64..).zip(said.clone().cycle()).take(60).map(|(word, text)| Word {
                span: Span::starting_at(
                    searched.start() + MediaDuration::from_millis(word * 400),
                    MediaDuration::from_millis(300),
                ),
                text: text.to_owned(),
                probability: 0.9,
            });
            Found {
                candidate: Candidate {
                    core,
                    peak: core.middle(),
                    reasons: reasons
                        .map(|(signal, weight)| Reason { signal, detail: String::new(), weight })
                        .to_vec(),
                    dips: (0..12).map(|dip| searched.start() + MediaDuration::from_secs(dip * 2)).collect(),
                    gaps: Vec::new(),
                },
                words: words.collect(),
                shots: (0..4).map(|shot| searched.start() + MediaDuration::from_secs(shot * 5)).collect(),
                searched,
            }
        })
        .collect()
}

fn medium() -> Span {
    Span::starting_at(MediaTime::ZERO, MediaDuration::from_secs(CANDIDATES * EVERY_S + 60))
}

fn judged(found: &[Found], lexicon: &Lexicon, options: &RankOptions) -> Vec<Moment> {
    let one = |found: &Found| {
        let evidence = Evidence {
            words: Some(&found.words),
            lexicon,
            shots: &found.shots,
            shots_searched: found.searched,
        };
        judge(&found.candidate, &evidence, medium(), options)
    };
    found.iter().map(one).collect()
}

/// Weighing 500 candidates with words and cuts, and choosing among them.
#[divan::bench]
fn judge_and_rank(bencher: Bencher<'_, '_>) {
    let (found, lexicon, options) = (found(), Lexicon::builtin(), RankOptions::default());
    bencher
        .counter(ItemsCount::new(found.len()))
        .bench(|| rank(judged(divan::black_box(&found), &lexicon, &options), &options));
}

/// Choosing alone.
#[divan::bench(args = [5, 500])]
fn rank_alone(bencher: Bencher<'_, '_>, max_highlights: usize) {
    let options = RankOptions { max_highlights, ..RankOptions::default() };
    let moments = judged(&found(), &Lexicon::builtin(), &options);
    bencher
        .counter(ItemsCount::new(moments.len()))
        .with_inputs(|| moments.clone())
        .bench_values(|moments| rank(moments, &options));
}

/// Where to cut, alone.
#[divan::bench]
fn boundaries(bencher: Bencher<'_, '_>) {
    let (found, options) = (found(), RankOptions::default());
    bencher.counter(ItemsCount::new(found.len())).bench(|| {
        let clip =
            |found: &Found| clip_span(&found.candidate, &found.words, &found.shots, medium(), &options);
        divan::black_box(&found).iter().map(clip).map(Span::duration).sum::<MediaDuration>()
    });
}
