//! Where each word of a window lies: the layout that agrees best with all that is known of it.
//!
//! Nothing that is known is to be trusted alone. Whisper's time marks are early or late, the attention of its decoder
//! jumps where words are repeated, voice activity runs through laughter and wakes late after loud music, words last as
//! long as they like. So each of them costs what it is contradicted, and the cheapest layout of the whole window is
//! found by dynamic programming over steps of time. All costs are in seconds that a border lies off its attention; how
//! much the others weigh was fitted on synthetic speech with noise, laughter and drawn-out words.

use std::ops::Range;

use crate::audio::SAMPLES_PER_SECOND;

/// One step of a layout in samples: 20 ms, what Whisper's marks and attention count in.
pub(crate) const STEP: usize = SAMPLES_PER_SECOND / 50;
/// One step in seconds.
pub(crate) const STEP_SECONDS: f32 = 0.02;
/// No word is longer, in steps: 2 s.
const LONGEST_WORD: usize = 100;

/// Attention is that rough, in seconds: smaller errors cost next to nothing.
const ATTENTION_SLACK: f32 = 0.04;
/// Seconds for each second that a sentence begins or ends off its mark.
const MARK_WEIGHT: f32 = 6.0;
/// A mark that is off by more than this, in seconds, is wrong, however much.
const MARK_REACH: f32 = 0.07;
/// Seconds, times the square of the natural logarithm of how much shorter than expected a word is.
const SHORT_WEIGHT: f32 = 0.8;
/// The same for a longer one. People draw words out, but nobody swallows them.
const LONG_WEIGHT: f32 = 0.56;
/// From this logarithm on the cost of a long word grows straight: it is drawn out, and how far says nothing.
const DRAWN_OUT: f32 = 0.75;
/// Seconds for each second of a word in which no voice is heard.
const QUIET_WEIGHT: f32 = 2.5;
/// The same where there is no sound at all, between two pieces of the window.
const NOWHERE_WEIGHT: f32 = 250.0;
/// Seconds for each second of voice between two words of a sentence.
const SKIPPED_IN_SENTENCE: f32 = 6.0;
/// The same between sentences, where laughter or words that Whisper missed may lie.
const SKIPPED_BETWEEN: f32 = 0.3;
/// Seconds for each second of pause inside a sentence, with or without a voice.
const PAUSE_WEIGHT: f32 = 1.0;
/// Seconds won where a word begins with a voice or ends with it.
const VOICE_EDGE: f32 = 0.05;

/// What is heard in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A voice.
    Voice,
    /// Sound without a voice.
    Quiet,
    /// Nothing: it lies between two pieces.
    Nowhere,
}

/// What is known of a word. All positions count steps from the start of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Hint {
    /// How long it should be, in seconds; above 0.
    pub(crate) expected: f32,
    /// How long it is at least, in steps.
    pub(crate) shortest: usize,
    /// Whether a sentence begins with it.
    pub(crate) opens: bool,
    /// The mark that its sentence begins at, of the first word.
    pub(crate) begins_at: Option<usize>,
    /// The mark that its sentence ends at, of the last word.
    pub(crate) ends_at: Option<usize>,
    /// Where attention comes to it after punctuation.
    pub(crate) attended_start: Option<usize>,
    /// Where attention leaves it.
    pub(crate) attended_end: Option<usize>,
}

impl Hint {
    fn duration_cost(&self, steps: usize) -> f32 {
        let ratio = (steps.max(1) as f32 * STEP_SECONDS / self.expected).ln();
        if ratio < 0.0 {
            SHORT_WEIGHT * ratio * ratio
        } else if ratio < DRAWN_OUT {
            LONG_WEIGHT * ratio * ratio
        } else {
            LONG_WEIGHT * DRAWN_OUT * (2.0 * ratio - DRAWN_OUT)
        }
    }
}

/// Where the words lie on `ground`, in steps, in order and apart; `None` where there is no room for them.
pub(crate) fn lay_out(hints: &[Hint], ground: &[Ground]) -> Option<Vec<Range<usize>>> {
    let map = Map::new(ground);
    let mut costs = vec![0.0; ground.len() + 1];
    let mut choices = Vec::with_capacity(hints.len());
    for hint in hints {
        let starts = map.starts(hint, &costs);
        let (ended, chosen) = map.ends(hint, &starts);
        costs = ended;
        choices.push(chosen);
    }
    let mut end = (0..costs.len()).min_by(|&one, &other| costs[one].total_cmp(&costs[other]))?;
    if !costs[end].is_finite() {
        return None;
    }
    let mut times = Vec::with_capacity(hints.len());
    for chosen in choices.iter().rev() {
        let choice = chosen[end];
        times.push(choice.start..end);
        end = choice.previous_end;
    }
    times.reverse();
    Some(times)
}

/// How a word that ends at a step came to lie there.
#[derive(Clone, Copy, Default)]
struct Choice {
    start: usize,
    previous_end: usize,
}

/// The least cost of all up to the start of a word, and where the word before it ends then.
struct Start {
    cost: f32,
    previous_end: usize,
}

/// The ground summed up: what lies before each border of two steps.
struct Map {
    /// What words on it would cost.
    quiet: Vec<f32>,
    /// Seconds of voice.
    voiced: Vec<f32>,
    onsets: Vec<bool>,
    offsets: Vec<bool>,
}

impl Map {
    fn new(ground: &[Ground]) -> Self {
        let is_voice = |step: usize| ground.get(step) == Some(&Ground::Voice);
        let sums = |weight: fn(Ground) -> f32| {
            let steps = ground.iter().scan(0.0, move |sum, &step| {
                *sum += weight(step) * STEP_SECONDS;
                Some(*sum)
            });
            std::iter::once(0.0).chain(steps).collect()
        };
        Self {
            quiet: sums(|step| match step {
                Ground::Voice => 0.0,
                Ground::Quiet => QUIET_WEIGHT,
                Ground::Nowhere => NOWHERE_WEIGHT,
            }),
            voiced: sums(|step| if step == Ground::Voice { 1.0 } else { 0.0 }),
            onsets: (0..=ground.len())
                .map(|at| is_voice(at) && !at.checked_sub(1).is_some_and(is_voice))
                .collect(),
            offsets: (0..=ground.len())
                .map(|at| !is_voice(at) && at.checked_sub(1).is_some_and(is_voice))
                .collect(),
        }
    }

    /// The cheapest way to begin the word at each border, given what it costs that the one before has ended there.
    fn starts(&self, hint: &Hint, costs: &[f32]) -> Vec<Start> {
        let (skipped, pause) =
            if hint.opens { (SKIPPED_BETWEEN, 0.0) } else { (SKIPPED_IN_SENTENCE, PAUSE_WEIGHT) };
        // What a gap costs is the difference of this at its ends, so the best end is the best so far.
        let passed = |at: usize| skipped * self.voiced[at] + pause * at as f32 * STEP_SECONDS;
        let mut best = (f32::INFINITY, 0);
        (0..costs.len())
            .map(|at| {
                let here = costs[at] - passed(at);
                if here < best.0 {
                    best = (here, at);
                }
                let edge = if self.onsets[at] { VOICE_EDGE } else { 0.0 };
                let cost =
                    best.0 + passed(at) + mark(hint.begins_at, at) + attention(hint.attended_start, at);
                Start { cost: cost - edge, previous_end: best.1 }
            })
            .collect()
    }

    /// The cheapest way to end the word at each border.
    fn ends(&self, hint: &Hint, starts: &[Start]) -> (Vec<f32>, Vec<Choice>) {
        let longest = LONGEST_WORD.max(hint.shortest);
        let durations: Vec<f32> = (0..=longest).map(|steps| hint.duration_cost(steps)).collect();
        (0..starts.len())
            .map(|end| {
                let mut best = (f32::INFINITY, end);
                for (steps, duration) in durations.iter().enumerate().take(end + 1).skip(hint.shortest) {
                    let start = end - steps;
                    let cost = starts[start].cost + duration - self.quiet[start];
                    if cost < best.0 {
                        best = (cost, start);
                    }
                }
                let edge = if self.offsets[end] { VOICE_EDGE } else { 0.0 };
                let cost =
                    best.0 + self.quiet[end] + mark(hint.ends_at, end) + attention(hint.attended_end, end);
                (cost - edge, Choice { start: best.1, previous_end: starts[best.1].previous_end })
            })
            .unzip()
    }
}

fn mark(wanted: Option<usize>, at: usize) -> f32 {
    wanted.map_or(0.0, |wanted| MARK_WEIGHT * (wanted.abs_diff(at) as f32 * STEP_SECONDS).min(MARK_REACH))
}

fn attention(wanted: Option<usize>, at: usize) -> f32 {
    wanted.map_or(0.0, |wanted| {
        (wanted.abs_diff(at) as f32 * STEP_SECONDS).hypot(ATTENTION_SLACK) - ATTENTION_SLACK
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ground(runs: &[(Ground, usize)]) -> Vec<Ground> {
        runs.iter().flat_map(|&(kind, steps)| std::iter::repeat_n(kind, steps)).collect()
    }

    fn word(expected: f32) -> Hint {
        Hint { expected, shortest: 2, ..Hint::default() }
    }

    /// The voice is there long before the sentence, as after laughter, and so is the mark.
    #[test]
    fn a_first_word_is_not_drawn_out_to_where_a_long_voice_begins() {
        let hints = [
            Hint { opens: true, begins_at: Some(10), attended_end: Some(62), ..word(0.2) },
            Hint { attended_end: Some(80), ends_at: Some(80), ..word(0.36) },
        ];
        let times = lay_out(&hints, &ground(&[(Ground::Quiet, 10), (Ground::Voice, 70)])).expect("room");
        assert!((48..=56).contains(&times[0].start), "{times:?}");
    }

    #[test]
    fn words_do_not_collapse_with_their_attention() {
        let one = |opens| Hint { opens, attended_end: Some(40), ..word(0.25) };
        let hints =
            [Hint { begins_at: Some(5), ..one(true) }, one(false), Hint { ends_at: Some(43), ..one(false) }];
        let times = lay_out(&hints, &ground(&[(Ground::Quiet, 5), (Ground::Voice, 38)])).expect("room");
        for (time, expected) in times.iter().zip([5, 18, 30]) {
            assert!(time.start.abs_diff(expected) <= 3, "{times:?}");
        }
    }

    #[test]
    fn words_keep_to_the_voice_and_never_cross_a_seam() {
        let floor = ground(&[
            (Ground::Voice, 20),
            (Ground::Quiet, 30),
            (Ground::Voice, 12),
            (Ground::Nowhere, 25),
            (Ground::Voice, 20),
        ]);
        let hints = [
            Hint { opens: true, begins_at: Some(0), attended_end: Some(23), ..word(0.4) },
            Hint { attended_end: Some(60), ends_at: Some(66), ..word(0.3) },
            Hint { opens: true, begins_at: Some(84), ends_at: Some(107), ..word(0.4) },
        ];
        assert_eq!(lay_out(&hints, &floor), Some(vec![0..20, 50..62, 87..107]));
    }

    #[test]
    fn no_room_is_told() {
        assert_eq!(lay_out(&[word(0.1); 3], &[Ground::Voice; 5]), None);
        assert_eq!(lay_out(&[], &[]), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn a_layout_is_in_order_and_inside(
            words in prop::collection::vec((0.02_f32..1.0, 1_usize..10, any::<bool>(), prop::option::of(0_usize..400)), 0..20),
            runs in prop::collection::vec((0_usize..3, 1_usize..60), 0..8),
        ) {
            let floor = ground(&runs.iter().map(|&(kind, steps)| ([Ground::Voice, Ground::Quiet, Ground::Nowhere][kind], steps)).collect::<Vec<_>>());
            let hints: Vec<Hint> = words
                .iter()
                .map(|&(expected, shortest, opens, place)| Hint {
                    expected, shortest, opens, begins_at: place.filter(|_| opens), attended_end: place, ..Hint::default()
                })
                .collect();
            let needed: usize = words.iter().map(|word| word.1).sum();
            let times = lay_out(&hints, &floor);
            prop_assert_eq!(times.is_some(), needed <= floor.len());
            let times = times.unwrap_or_default();
            prop_assert!(times.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(times.iter().zip(&hints).all(|(time, hint)| time.len() >= hint.shortest && time.end <= floor.len()));
        }
    }
}
