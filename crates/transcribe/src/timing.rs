//! What holds of all word times: their least lengths, their order, a voice close by.

use std::ops::Range;

use crate::audio::SAMPLES_PER_SECOND;

/// The shortest word, in samples: 40 ms, one frame of 25 fps video, so that every caption is seen.
const SHORTEST_WORD: usize = SAMPLES_PER_SECOND / 25;
/// The shortest time a letter takes, in samples: 25 ms, 40 letters a second, faster than anybody speaks.
const SHORTEST_LETTER: usize = SAMPLES_PER_SECOND / 40;
/// No word has to be longer, in samples: 200 ms.
const LONGEST_SHORTEST: usize = SAMPLES_PER_SECOND / 5;
/// How far from all voice a word may lie, in samples: 0.3 s, what voice activity and Whisper's marks may differ by.
const VOICE_REACH: usize = SAMPLES_PER_SECOND * 3 / 10;

/// The least time that saying `word` takes, in samples.
pub(crate) fn shortest(word: &str) -> usize {
    let letters = word.chars().filter(|letter| letter.is_alphanumeric()).count();
    (letters * SHORTEST_LETTER).clamp(SHORTEST_WORD, LONGEST_SHORTEST)
}

/// Whether a voice is heard in `time` or close by.
pub(crate) fn is_voiced(time: &Range<usize>, voice: &[Range<usize>]) -> bool {
    voice.iter().any(|region| region.start < time.end + VOICE_REACH && time.start < region.end + VOICE_REACH)
}

/// Makes the times ordered, apart, inside `limits` and at least as long as `lengths` asks, or as evenly shorter as the
/// room there is.
pub(crate) fn in_order(times: &mut [Range<usize>], lengths: &[usize], limits: &Range<usize>) {
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

    #[test]
    fn a_word_near_a_voice_is_voiced() {
        let voice = [10_000..20_000, 90_000..95_000];
        let voiced: Vec<bool> = [6_000..7_000, 12_000..13_000, 50_000..51_000]
            .iter()
            .map(|time| is_voiced(time, &voice))
            .collect();
        assert_eq!(voiced, [true, true, false]);
    }

    proptest! {
        #[test]
        fn times_come_out_in_order(
            raw in prop::collection::vec((0_usize..60_000, 0_usize..60_000), 1..20),
            limits in (0_usize..20_000, 20_000_usize..60_000),
        ) {
            let limits = limits.0..limits.1;
            let mut times: Vec<Range<usize>> = raw.iter().map(|&(start, end)| start..end).collect();
            let lengths: Vec<usize> = raw.iter().map(|&(start, _)| SHORTEST_WORD + start % 3_000).collect();
            in_order(&mut times, &lengths, &limits);
            let room = limits.len() as f64 / lengths.iter().sum::<usize>() as f64;
            prop_assert!(times[0].start >= limits.start && times[times.len() - 1].end <= limits.end);
            for (time, &length) in times.iter().zip(&lengths) {
                prop_assert!((time.end - time.start) as f64 + 1.0 >= length as f64 * room.min(1.0), "{time:?} {length}");
            }
            prop_assert!(times.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
