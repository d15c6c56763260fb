//! What is known of each word of a window before it has a place: its marks, its attention, how long it should be.

use crate::audio::SAMPLES_PER_CENTISECOND;
use crate::layout::{Ground, Hint, STEP, STEP_SECONDS};
use crate::timing::shortest;
use crate::tokens::{RawWord, Sentence};

/// The closure between words, in letters.
const CLOSURE: f32 = 0.5;
/// How much longer a word before a comma takes, in letters: it is drawn out and followed by a breath.
const BEFORE_COMMA: f32 = 2.5;
/// How much longer the last word of a sentence takes, in letters.
const AT_THE_END: f32 = 1.0;
/// Seconds a letter takes where attention does not tell: 16 letters a second, lively talk.
const USUAL_LETTER: f32 = 0.06;
/// A word that attention passes in less than this, in hundredths of a second, tells no tempo: attention jumped.
const SHORTEST_ATTENTION: i64 = 3;
/// How much slower than the rest of the window a sentence may be spoken. Faster only seems so: where voice activity
/// misses a part.
const SLOWEST: f32 = 1.8;
/// Attention that lies further outside the marks of its sentence has jumped, in steps: 0.34 s.
const STRAY: usize = 17;

/// The hints for all words, in order, given the words of each sentence.
pub(crate) fn hints(sentences: &[Sentence], words: &[Vec<RawWord>], ground: &[Ground]) -> Vec<Hint> {
    let usual = usual_letter(words);
    sentences
        .iter()
        .zip(words)
        .flat_map(|(sentence, words)| of_sentence(sentence, words, ground, usual))
        .collect()
}

/// Seconds that a letter takes in the middle of all the words.
fn usual_letter(words: &[Vec<RawWord>]) -> f32 {
    let mut letters: Vec<f32> = words
        .iter()
        .flat_map(|words| words.iter().skip(1))
        .filter_map(|word| {
            let lasts = word.end? - word.start?;
            (lasts >= SHORTEST_ATTENTION).then(|| lasts as f32 / 100.0 / (letters(word) + 1.0))
        })
        .collect();
    letters.sort_by(f32::total_cmp);
    letters.get(letters.len() / 2).copied().unwrap_or(USUAL_LETTER)
}

fn of_sentence(sentence: &Sentence, words: &[RawWord], ground: &[Ground], usual: f32) -> Vec<Hint> {
    let (begins_at, ends_at) = (sentence.start.map(step), sentence.end.map(step));
    let last = words.len().saturating_sub(1);
    let lengths: Vec<f32> = words
        .iter()
        .enumerate()
        .map(|(index, word)| {
            let more = if index == last {
                AT_THE_END
            } else if word.text.ends_with(char::is_alphanumeric) {
                0.0
            } else {
                BEFORE_COMMA
            };
            letters(word) + CLOSURE + more
        })
        .collect();
    let own =
        begins_at.zip(ends_at).and_then(|(from, to)| ground.get(from..to.min(ground.len()))).map(|inside| {
            let voiced = inside.iter().filter(|&&step| step == Ground::Voice).count();
            voiced as f32 * STEP_SECONDS / lengths.iter().sum::<f32>().max(1.0)
        });
    let letter = own.unwrap_or(usual).clamp(usual, SLOWEST * usual);
    let believed = |at: &usize| {
        begins_at.is_none_or(|begin| *at + STRAY >= begin) && ends_at.is_none_or(|end| *at <= end + STRAY)
    };
    let attended = |time: Option<i64>| time.map(step).filter(believed);
    (0..words.len())
        .map(|index| Hint {
            expected: letter * lengths[index],
            shortest: shortest(&words[index].text).div_ceil(STEP),
            opens: index == 0,
            begins_at: begins_at.filter(|_| index == 0),
            ends_at: ends_at.filter(|_| index == last),
            // Without punctuation it is where the word before ends, and counted there.
            attended_start: attended(words[index].start)
                .filter(|_| index > 0 && words[index].start != words[index - 1].end),
            attended_end: attended(words[index].end).filter(|_| index < last || ends_at.is_none()),
        })
        .collect()
}

fn letters(word: &RawWord) -> f32 {
    word.text.chars().filter(|letter| letter.is_alphanumeric()).count() as f32
}

fn step(centiseconds: i64) -> usize {
    usize::try_from(centiseconds).unwrap_or(0) * SAMPLES_PER_CENTISECOND / STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start: i64, end: i64) -> RawWord {
        RawWord { text: text.to_owned(), probability: 1.0, start: Some(start), end: Some(end) }
    }

    #[test]
    fn marks_go_to_the_ends_and_stray_attention_nowhere() {
        let sentence = Sentence { start: Some(100), end: Some(200), tokens: Vec::new() };
        let words = vec![word("Wait,", 100, 120), word("no", 130, 20), word("way!", 20, 180)];
        let found = hints(&[sentence], &[words], &[Ground::Voice; 200]);
        assert_eq!(found.iter().map(|hint| hint.begins_at).collect::<Vec<_>>(), [Some(50), None, None]);
        assert_eq!(found.iter().map(|hint| hint.ends_at).collect::<Vec<_>>(), [None, None, Some(100)]);
        assert_eq!(found.iter().map(|hint| hint.attended_start).collect::<Vec<_>>(), [None, Some(65), None]);
        assert_eq!(found.iter().map(|hint| hint.attended_end).collect::<Vec<_>>(), [Some(60), None, None]);
        assert!(found[0].expected > found[2].expected && found[2].expected > found[1].expected, "{found:?}");
    }

    #[test]
    fn the_expected_length_follows_the_tempo_within_bounds() {
        let expected = |end: i64| {
            let sentence = Sentence { start: Some(0), end: Some(end), tokens: Vec::new() };
            let words = vec![word("four", 0, 30), word("four", 30, 60)];
            hints(&[sentence], &[words], &[Ground::Voice; 500])[0].expected
        };
        // Attention says 0.06 s a letter; the sentence is 10 letters long, less is not believed, nor more than 1.8 times.
        assert!((expected(20) - 0.27).abs() < 1e-3, "{}", expected(20));
        assert!((expected(80) - 0.36).abs() < 1e-3, "{}", expected(80));
        assert!((expected(900) - 0.486).abs() < 1e-3, "{}", expected(900));
    }
}
