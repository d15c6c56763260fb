//! Where to cut: from the reaction to the clip that carries its set-up.

use timeline::{MediaDuration, MediaTime, Span, Word};

use crate::candidate::Candidate;
use crate::options::RankOptions;

/// An edge may move this far to a better place: 1.5 s.
const SNAP: MediaDuration = MediaDuration::from_millis(1_500);
/// Room left between a cut and the word next to it: a word's onset is heard a little before its time.
const WORD_MARGIN: MediaDuration = MediaDuration::from_millis(150);
/// A pause at least this long between two words is the end of a sentence.
const SENTENCE_PAUSE: MediaDuration = MediaDuration::from_millis(400);
/// Where the set-up must be shortened, at least this much stays in front of the reaction.
const LEAST_SETUP: MediaDuration = MediaDuration::from_millis(1_000);

/// The clip for `candidate`: its core with set-up and settling, cut at sentences, pauses or shots, never inside a word,
/// not across a gap unless the core has one, inside `medium`, as long as the options allow and the medium has.
///
/// `words` and `shots` are in order; what is not known is left empty.
#[must_use]
pub fn clip_span(
    candidate: &Candidate,
    words: &[Word],
    shots: &[MediaTime],
    medium: Span,
    options: &RankOptions,
) -> Span {
    let medium = between_gaps(candidate, medium);
    let core = candidate.core.clamped(medium);
    let wanted = within_lengths(core, candidate.peak, medium, options);
    let places = Places::around(candidate, words, shots);
    let start = places.best_start(wanted.start(), core.start()).clamp_to(medium.start(), medium.end());
    let end = places.best_end(wanted.end(), core.end()).clamp_to(start, medium.end());
    let snapped = Span::new(start, end);
    let fits = |span: Span| (options.clip_min..=options.clip_max).contains(&span.duration());
    // Better an edge in an odd place than a clip of a length that was not asked for.
    if fits(snapped) || !fits(wanted) {
        return snapped;
    }
    [Span::new(start, wanted.end()), Span::new(wanted.start(), end)]
        .into_iter()
        .find(|span| fits(*span))
        .unwrap_or(wanted)
}

/// The part of `medium` around the peak that has no gap in it, as long as it holds the whole core.
fn between_gaps(candidate: &Candidate, medium: Span) -> Span {
    let (mut start, mut end) = (medium.start(), medium.end());
    for gap in &candidate.gaps {
        if gap.span.end() <= candidate.core.start() {
            start = start.max(gap.span.end());
        } else if gap.span.start() >= candidate.core.end() {
            end = end.min(gap.span.start());
        }
    }
    Span::new(start, end)
}

fn within_lengths(core: Span, peak: MediaTime, medium: Span, options: &RankOptions) -> Span {
    let wanted = core.padded(options.setup, options.settle).clamped(medium);
    let missing = options.clip_min - wanted.duration();
    if missing > MediaDuration::ZERO {
        // What is missing goes to the set-up by two thirds; what one side has no room for, the other gets.
        let after = MediaDuration::from_ticks(missing.ticks() / 3);
        let longer = wanted.padded(missing - after, after).clamped(medium);
        let rest = options.clip_min - longer.duration();
        return if longer.start() > medium.start() {
            longer.padded(rest, MediaDuration::ZERO).clamped(medium)
        } else {
            longer.padded(MediaDuration::ZERO, rest).clamped(medium)
        };
    }
    if wanted.duration() <= options.clip_max {
        return wanted;
    }
    let shortest_setup =
        Span::new(core.start() - LEAST_SETUP.min(options.setup), wanted.end()).clamped(medium);
    if shortest_setup.duration() <= options.clip_max {
        return Span::new(wanted.end() - options.clip_max, wanted.end());
    }
    // The core alone is too long: keep the peak at two thirds of the clip.
    let before = MediaDuration::from_ticks(options.clip_max.ticks() / 3 * 2);
    let latest = shortest_setup.end() - options.clip_max;
    let start = (peak - before).clamp_to(shortest_setup.start(), latest);
    Span::starting_at(start, options.clip_max)
}

/// Good places to cut, best kind first.
struct Places<'a> {
    words: &'a [Word],
    starts: [Vec<MediaTime>; 4],
    ends: [Vec<MediaTime>; 4],
}

impl<'a> Places<'a> {
    fn around(candidate: &Candidate, words: &'a [Word], shots: &[MediaTime]) -> Self {
        let (mut sentence_starts, mut word_starts) = (Vec::new(), Vec::new());
        let (mut sentence_ends, mut word_ends) = (Vec::new(), Vec::new());
        for (index, word) in words.iter().enumerate() {
            let earlier = index.checked_sub(1).map(|before| &words[before]);
            let later = words.get(index + 1);
            let room_before =
                earlier.map_or(WORD_MARGIN * 2, |earlier| word.span.start() - earlier.span.end());
            let room_after = later.map_or(WORD_MARGIN * 2, |later| later.span.start() - word.span.end());
            let start = word.span.start() - WORD_MARGIN.min(room_before.half());
            let end = word.span.end() + WORD_MARGIN.min(room_after.half());
            word_starts.push(start);
            word_ends.push(end);
            if room_before >= SENTENCE_PAUSE || earlier.is_none_or(|earlier| ends_sentence(&earlier.text)) {
                sentence_starts.push(start);
            }
            if room_after >= SENTENCE_PAUSE || ends_sentence(&word.text) {
                sentence_ends.push(end);
            }
        }
        let dips = candidate.dips.clone();
        Self {
            words,
            starts: [sentence_starts, word_starts, dips.clone(), shots.to_vec()],
            ends: [sentence_ends, word_ends, dips, shots.to_vec()],
        }
    }

    fn nearest(
        kinds: &[Vec<MediaTime>],
        wanted: MediaTime,
        allowed: impl Fn(MediaTime) -> bool,
    ) -> Option<MediaTime> {
        kinds.iter().find_map(|kind| {
            let reachable =
                kind.iter().copied().filter(|place| (*place - wanted).abs() <= SNAP && allowed(*place));
            reachable.min_by_key(|place| (*place - wanted).abs())
        })
    }

    fn best_start(&self, wanted: MediaTime, core_start: MediaTime) -> MediaTime {
        let outside = |place: MediaTime| place <= core_start && self.word_at(place).is_none();
        let start = Self::nearest(&self.starts, wanted, outside).unwrap_or(wanted);
        self.word_at(start).map_or(start, |word| word.span.start())
    }

    fn best_end(&self, wanted: MediaTime, core_end: MediaTime) -> MediaTime {
        let outside = |place: MediaTime| place >= core_end && self.word_at(place).is_none();
        let end = Self::nearest(&self.ends, wanted, outside).unwrap_or(wanted);
        self.word_at(end).map_or(end, |word| word.span.end())
    }

    /// The word that a cut at `time` would split.
    fn word_at(&self, time: MediaTime) -> Option<&Word> {
        self.words.iter().find(|word| word.span.start() < time && time < word.span.end())
    }
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '”', '’']).ends_with(['.', '!', '?', '…', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use timeline::{Gap, GapCause};

    use super::*;

    fn candidate(start: f64, end: f64, peak: f64) -> Candidate {
        Candidate {
            core: Span::from_secs_f64(start, end),
            peak: MediaTime::from_secs_f64(peak),
            reasons: Vec::new(),
            dips: Vec::new(),
            gaps: Vec::new(),
        }
    }

    fn word(start: f64, end: f64, text: &str) -> Word {
        Word { span: Span::from_secs_f64(start, end), text: text.to_owned(), probability: 1.0 }
    }

    fn seconds(span: Span) -> (f64, f64) {
        (span.start().as_secs_f64(), span.end().as_secs_f64())
    }

    const MEDIUM: (f64, f64) = (0.0, 300.0);

    fn cut(candidate: &Candidate, words: &[Word], shots: &[MediaTime]) -> (f64, f64) {
        let medium = Span::from_secs_f64(MEDIUM.0, MEDIUM.1);
        seconds(clip_span(candidate, words, shots, medium, &RankOptions::default()))
    }

    #[test]
    fn the_clip_carries_its_set_up() {
        assert_eq!(cut(&candidate(100.0, 110.0, 105.0), &[], &[]), (92.0, 113.0));
    }

    #[test]
    fn a_sentence_is_a_better_start_than_a_nearer_word_or_shot() {
        let words = [word(90.0, 90.5, "over."), word(91.2, 91.6, "And"), word(91.7, 92.4, "then")];
        let (start, _) = cut(&candidate(100.0, 110.0, 105.0), &words, &[MediaTime::from_secs(92)]);
        assert!((start - 91.05).abs() < 1e-6, "{start}");
    }

    #[test]
    fn no_word_is_cut_even_where_nothing_else_is_near() {
        let words = [word(88.0, 96.0, "aaaaaaah"), word(112.0, 118.0, "nooooo")];
        let (start, end) = cut(&candidate(100.0, 110.0, 105.0), &words, &[]);
        assert_eq!((start, end), (88.0, 118.0));
    }

    #[test]
    fn a_gap_outside_the_core_ends_the_clip() {
        let mut candidate = candidate(100.0, 110.0, 105.0);
        candidate.gaps = vec![Gap { span: Span::from_secs_f64(95.0, 96.0), cause: GapCause::Missing }];
        let (start, end) = cut(&candidate, &[], &[]);
        assert_eq!(start, 96.0);
        assert!(end - start >= 15.0);
    }

    #[test]
    fn a_reaction_longer_than_a_clip_keeps_its_peak() {
        let (start, end) = cut(&candidate(50.0, 150.0, 140.0), &[], &[]);
        assert!((end - start - 60.0).abs() < 1e-6 && start < 140.0 && 140.0 < end, "{start} {end}");
    }

    proptest! {
        #[test]
        fn lengths_and_borders_hold(start in 0.0_f64..290.0, length in 0.5_f64..90.0, at in 0.0_f64..1.0, shots in prop::collection::vec(0.0_f64..300.0, 0..20)) {
            let end = (start + length).min(300.0);
            let candidate = candidate(start, end, start + (end - start) * at);
            let mut shots: Vec<MediaTime> = shots.into_iter().map(MediaTime::from_secs_f64).collect();
            shots.sort();
            let options = RankOptions::default();
            let medium = Span::from_secs_f64(0.0, 300.0);
            let clip = clip_span(&candidate, &[], &shots, medium, &options);
            prop_assert!(medium.covers(clip));
            prop_assert!(clip.duration() >= options.clip_min && clip.duration() <= options.clip_max, "{}", clip.duration());
            prop_assert!(clip.contains(candidate.peak) || clip.end() == candidate.peak);
            if candidate.core.duration() + LEAST_SETUP + options.settle <= options.clip_max {
                prop_assert!(clip.covers(candidate.core), "{} {}", clip, candidate.core);
            }
        }
    }
}
