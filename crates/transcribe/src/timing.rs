//! Word times: laid out inside a sentence, then mended by where the voice is.

use std::ops::Range;

use crate::audio::{SAMPLES_PER_CENTISECOND, SAMPLES_PER_SECOND};
use crate::tokens::RawWord;

/// The shortest word, in samples: 40 ms, one frame of 25 fps video, so that every caption is seen.
const SHORTEST_WORD: usize = SAMPLES_PER_SECOND / 25;
/// The shortest time a letter takes, in samples: 25 ms, 40 letters a second, faster than anybody speaks.
const SHORTEST_LETTER: usize = SAMPLES_PER_SECOND / 40;
/// No word has to be longer, in samples: 200 ms.
const LONGEST_SHORTEST: usize = SAMPLES_PER_SECOND / 5;
/// How far word borders are moved to reach a voice or its end, in samples: 0.3 s, what voice activity and Whisper's marks
/// may differ by.
const VOICE_REACH: usize = SAMPLES_PER_SECOND * 3 / 10;

/// How far a border told by attention is drawn to where the letters would have it, in samples: 0.1 s. Attention now and then
/// lingers on a sound for a quarter of a second; talk is even enough to take the edge off that.
const LETTER_PULL: usize = SAMPLES_PER_SECOND / 10;

/// The least time that saying `word` takes, in samples.
pub(crate) fn shortest(word: &str) -> usize {
    let letters = word.chars().filter(|letter| letter.is_alphanumeric()).count();
    (letters * SHORTEST_LETTER).clamp(SHORTEST_WORD, LONGEST_SHORTEST)
}

/// Whether a voice is heard in `time` or close by.
pub(crate) fn is_voiced(time: &Range<usize>, voice: &[Range<usize>]) -> bool {
    voice.iter().any(|region| region.start < time.end + VOICE_REACH && time.start < region.end + VOICE_REACH)
}

/// Where each word of a sentence lies in its window, in samples, in order and inside `limits`. `ends_at_limit` says that
/// the sentence is known to end with its limits.
///
/// Times by attention are taken where every word has them, drawn a little to where an even share by letters has them;
/// else that share alone is taken.
pub(crate) fn lay_out(words: &[RawWord], limits: Range<usize>, ends_at_limit: bool) -> Vec<Range<usize>> {
    let attended: Option<Vec<Range<usize>>> = words
        .iter()
        .map(|word| Some(samples(word.start?)..samples(word.end?)))
        .collect::<Option<Vec<_>>>()
        .filter(|times| times.windows(2).all(|pair| pair[0].end <= pair[1].end));
    let by_letters = by_letters(words, &limits);
    let mut times = match attended {
        Some(mut times) => {
            for (time, letters) in times.iter_mut().zip(&by_letters) {
                *time = pulled(time.start, letters.start)..pulled(time.end, letters.end);
            }
            times
        }
        None => by_letters,
    };
    if let Some(last) = times.last_mut()
        && ends_at_limit
    {
        last.end = limits.end;
    }
    let lengths: Vec<usize> = words.iter().map(|word| shortest(&word.text)).collect();
    in_order(&mut times, &lengths, &limits);
    times
}

fn pulled(attended: usize, by_letters: usize) -> usize {
    by_letters.clamp(attended.saturating_sub(LETTER_PULL), attended + LETTER_PULL)
}

fn samples(centiseconds: i64) -> usize {
    usize::try_from(centiseconds).unwrap_or(0) * SAMPLES_PER_CENTISECOND
}

fn by_letters(words: &[RawWord], limits: &Range<usize>) -> Vec<Range<usize>> {
    // One more for the closure between words.
    let letters = |word: &RawWord| word.text.chars().filter(|letter| letter.is_alphanumeric()).count() + 1;
    let total: usize = words.iter().map(letters).sum::<usize>().max(1);
    let mut passed = 0;
    words
        .iter()
        .map(|word| {
            let start = limits.start + limits.len() * passed / total;
            passed += letters(word);
            start..limits.start + limits.len() * passed / total
        })
        .collect()
}

/// Moves word borders out of silence, given the voiced regions. `lengths` are the [`shortest`] of the words, `limits` the
/// samples there are.
///
/// A word that begins in silence begins where the next voice does; the first word after a pause begins where its
/// voice does, the last one before a pause ends where it does. Words far from all voice are left alone: it is for
/// [`is_voiced`] to tell them.
pub(crate) fn mend(
    times: &mut [Range<usize>],
    lengths: &[usize],
    voice: &[Range<usize>],
    limits: &Range<usize>,
) {
    let mut free_from = limits.start;
    for index in 0..times.len() {
        let next_start = times.get(index + 1).map_or(limits.end, |next| next.start);
        let time = &mut times[index];
        let mut touched = voice.iter().filter(|region| region.start < time.end && time.start < region.end);
        if let Some(first) = touched.next() {
            let last = touched.next_back().unwrap_or(first);
            let late = time.start > first.start
                && time.start - first.start <= VOICE_REACH
                && first.start >= free_from;
            if time.start < first.start || late {
                time.start = first.start;
            }
            let early = last.end > time.end && last.end - time.end <= VOICE_REACH && last.end <= next_start;
            if time.end > last.end || early {
                time.end = last.end.max(time.start);
            }
        } else if let Some(coming) = voice.iter().find(|region| region.start >= time.end)
            && coming.start - time.end <= VOICE_REACH
        {
            *time = coming.start..coming.start;
        }
        free_from = time.end;
    }
    in_order(times, lengths, limits);
}

/// Makes the times ordered, apart, inside `limits` and at least as long as `lengths` asks, or as evenly shorter as the
/// room there is.
fn in_order(times: &mut [Range<usize>], lengths: &[usize], limits: &Range<usize>) {
    let wanted: usize = lengths.iter().sum();
    let shortest =
        |length: usize| if wanted <= limits.len() { length } else { length * limits.len() / wanted };
    let mut free_from = limits.start;
    for (time, &length) in times.iter_mut().zip(lengths) {
        time.start = time.start.max(free_from);
        time.end = time.end.max(time.start + shortest(length));
        free_from = time.end;
    }
    let mut free_until = limits.end;
    for (time, &length) in times.iter_mut().zip(lengths).rev() {
        time.end = time.end.min(free_until);
        time.start = time.start.min(time.end.saturating_sub(shortest(length)));
        free_until = time.start;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str, times: Option<(i64, i64)>) -> RawWord {
        RawWord {
            text: text.to_owned(),
            probability: 1.0,
            start: times.map(|times| times.0),
            end: times.map(|times| times.1),
        }
    }

    #[test]
    fn letters_share_out_a_sentence_without_attention() {
        let times =
            lay_out(&[word("No", None), word("way!", None), word("impossible", None)], 0..18_000, false);
        assert_eq!(times, [0..3_000, 3_000..7_000, 7_000..18_000]);
    }

    #[test]
    fn attention_is_taken_where_it_is_in_order() {
        let times = lay_out(&[word("Oh", Some((50, 64))), word("my", Some((64, 78)))], 8_000..16_000, false);
        // Drawn by a tenth of a second to the even share, 12 000 and 16 000.
        assert_eq!(times, [8_000..11_840, 11_840..14_080]);
        let marked = lay_out(&[word("Oh", Some((50, 64))), word("my", Some((64, 78)))], 8_000..16_000, true);
        assert_eq!(marked, [8_000..11_840, 11_840..16_000]);
        let backwards =
            lay_out(&[word("Oh", Some((90, 95))), word("my", Some((50, 60)))], 8_000..16_000, false);
        assert_eq!(backwards, [8_000..12_000, 12_000..16_000]);
    }

    #[test]
    fn words_begin_with_the_voice_after_a_pause() {
        let voice = [10_000..20_000, 40_000..60_000];
        // An early start, a word that ends in the pause, a late start after it, an early end.
        let mut times = vec![4_000..12_000, 12_000..30_000, 42_000..50_000, 50_000..57_000];
        mend(&mut times, &[0; 4], &voice, &(0..80_000));
        assert_eq!(times, [10_000..12_000, 12_000..20_000, 40_000..50_000, 50_000..60_000]);
    }

    #[test]
    fn a_word_just_before_the_voice_is_drawn_into_it() {
        let voice = [10_000..20_000, 90_000..95_000];
        let mut times = vec![7_000..8_000, 8_000..12_000, 12_000..20_000, 50_000..51_000];
        mend(&mut times, &[2_000, 1_000, 1_000, 1_000], &voice, &(0..100_000));
        assert_eq!(times, [10_000..12_000, 12_000..13_000, 13_000..20_000, 50_000..51_000]);
        let voiced: Vec<bool> = times.iter().map(|time| is_voiced(time, &voice)).collect();
        assert_eq!(voiced, [true, true, true, false]);
    }

    proptest! {
        #[test]
        fn times_come_out_in_order(
            raw in prop::collection::vec((0_usize..60_000, 0_usize..60_000), 1..20),
            voice in prop::collection::vec((0_usize..5_000, 1_usize..5_000), 0..6),
            limits in (0_usize..20_000, 20_000_usize..60_000),
        ) {
            let limits = limits.0..limits.1;
            let mut position = 0;
            let voice: Vec<Range<usize>> = voice
                .into_iter()
                .map(|(gap, length)| {
                    let start = position + gap;
                    position = start + length;
                    start..position
                })
                .collect();
            let mut times: Vec<Range<usize>> = raw.iter().map(|&(start, end)| start..end).collect();
            let lengths: Vec<usize> = raw.iter().map(|&(start, _)| SHORTEST_WORD + start % 3_000).collect();
            mend(&mut times, &lengths, &voice, &limits);
            let room = limits.len() as f64 / lengths.iter().sum::<usize>() as f64;
            prop_assert!(times[0].start >= limits.start && times[times.len() - 1].end <= limits.end);
            for (time, &length) in times.iter().zip(&lengths) {
                prop_assert!((time.end - time.start) as f64 + 1.0 >= length as f64 * room.min(1.0), "{time:?} {length}");
            }
            prop_assert!(times.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
