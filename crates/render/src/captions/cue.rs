//! Which words are shown together, and for how long.

use std::ops::Range;

use timeline::{MediaDuration, MediaTime, Span};

use super::line::{LineLimits, Measure, line_width, set_lines};
use super::{CaptionSettings, CaptionStyle, CaptionWord, SAFE_SIDE};
use crate::fonts;
use crate::layout::CANVAS_WIDTH;

/// A longer silence than this ends a cue: a caption that waits for the next word gives it away.
const LONGEST_PAUSE: MediaDuration = MediaDuration::from_millis(600);

/// How long a cue stays after its last word when no other follows: eyes lag behind ears.
const LINGER: MediaDuration = MediaDuration::from_millis(400);

/// The shortest time that a cue is seen, if the next leaves room for it.
const SHORTEST: MediaDuration = MediaDuration::from_millis(700);

/// Emphasised words are this much larger than others.
pub(crate) const EMPHASIS_SCALE: f64 = 1.12;

/// Words shown together, with times counted from the start of the clip.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cue {
    pub(crate) words: Vec<CueWord>,
    /// The words of each line.
    pub(crate) lines: Vec<Range<usize>>,
    /// When it disappears; later than the start of its last word.
    pub(crate) end: MediaTime,
    /// How much smaller it is written than the style says so that its widest line fits: 1 or less.
    pub(crate) scale: f64,
}

/// One word of a cue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CueWord {
    pub(crate) text: String,
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    pub(crate) emphasised: bool,
    /// Whether a space stands between it and the word before.
    pub(crate) spaced: bool,
}

/// The cues of the words that are spoken in `span`.
pub(crate) fn cues(
    words: &[CaptionWord],
    span: Span,
    settings: &CaptionSettings,
    style: &CaptionStyle,
) -> Vec<Cue> {
    let words = words_of_clip(words, span, style.uppercase);
    let mut cues: Vec<Cue> = Vec::new();
    let mut first = 0;
    for end in 1..=words.len() {
        let is_whole = end == words.len()
            || end - first >= settings.words_per_cue as usize
            || words[end].start - words[end - 1].end > LONGEST_PAUSE
            || ends_sentence(&words[end - 1].text)
            || lines_of(&words[first..=end], settings, style).is_none();
        if is_whole {
            cues.push(cue(&words[first..end], settings, style));
            first = end;
        }
    }
    let clip_end = MediaTime::ZERO + span.duration();
    for index in 0..cues.len() {
        let next = cues.get(index + 1).map_or(clip_end, |next| next.words[0].start);
        let cue = &mut cues[index];
        let (start, spoken) = (cue.words[0].start, cue.end);
        cue.end = (spoken + LINGER).max(start + SHORTEST).min(next);
    }
    cues
}

/// Words with clean text, in order of time, counted from the start of the clip and cut off at its ends.
fn words_of_clip(words: &[CaptionWord], span: Span, uppercase: bool) -> Vec<CueWord> {
    let mut chosen: Vec<&CaptionWord> = words.iter().filter(|word| word.word.span.overlaps(span)).collect();
    chosen.sort_by_key(|word| word.word.span.start());
    let mut made: Vec<CueWord> = Vec::with_capacity(chosen.len());
    for word in chosen {
        let text = clean(&word.word.text, uppercase);
        if text.is_empty() {
            continue;
        }
        let offset = MediaTime::ZERO - span.start();
        let own = word.word.span.clamped(span).shifted(offset);
        let spaced = made.last().is_some_and(|before| needs_space(&before.text, &text));
        made.push(CueWord { text, start: own.start(), end: own.end(), emphasised: word.emphasised, spaced });
    }
    // A word that ends when the next has begun already would take the next one's time.
    for index in 1..made.len() {
        let next = made[index].start;
        made[index - 1].end = made[index - 1].end.min(next);
    }
    made
}

/// `text` without characters that are not to be seen, and with single spaces. Marks of direction go too: what is left open in
/// one word would turn the others round.
fn clean(text: &str, uppercase: bool) -> String {
    let visible: String = text
        .chars()
        .filter(|character| !matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{2060}' | '\u{FEFF}'))
        .map(|character| if character.is_control() || is_line_break(character) { ' ' } else { character })
        .collect();
    let text = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if uppercase { text.to_uppercase() } else { text }
}

const fn is_line_break(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

/// Chinese and Japanese are written without spaces.
fn needs_space(before: &str, after: &str) -> bool {
    let unspaced = |character: Option<char>| {
        character.is_some_and(|character| {
            matches!(character, '\u{3000}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF00}'..='\u{FFEF}')
        })
    };
    !(unspaced(before.chars().next_back()) && unspaced(after.chars().next()))
}

fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', '”', '’', '»', ')', ']']);
    text.ends_with(['.', '!', '?', '…', '。', '！', '？', '؟', '۔'])
}

fn cue(words: &[CueWord], settings: &CaptionSettings, style: &CaptionStyle) -> Cue {
    let lines = lines_of(words, settings, style).unwrap_or_else(|| std::iter::once(0..words.len()).collect());
    let measures = measures(words, style);
    let widest = lines.iter().map(|line| line_width(&measures[line.clone()])).fold(0.0, f64::max);
    let scale = (line_pixels(style) / widest.max(1.0)).min(1.0);
    let end = words.last().map_or(MediaTime::ZERO, |word| word.end);
    Cue { words: words.to_vec(), lines, end, scale }
}

fn lines_of(
    words: &[CueWord],
    settings: &CaptionSettings,
    style: &CaptionStyle,
) -> Option<Vec<Range<usize>>> {
    let limits = LineLimits {
        width: line_pixels(style),
        characters: settings.max_characters as usize,
        lines: settings.max_lines as usize,
    };
    set_lines(&measures(words, style), limits)
}

/// How wide a line may be: the safe zone without the outline and what a box adds at both sides.
fn line_pixels(style: &CaptionStyle) -> f64 {
    let padding = style.outline + if style.boxed { style.shadow } else { 0 };
    f64::from((CANVAS_WIDTH - 2 * SAFE_SIDE).saturating_sub(2 * padding).max(1))
}

fn measures(words: &[CueWord], style: &CaptionStyle) -> Vec<Measure> {
    let size = f64::from(style.font_size);
    let space = fonts::width(" ", style.typeface, size);
    words
        .iter()
        .map(|word| {
            let size = if word.emphasised { size * EMPHASIS_SCALE } else { size };
            Measure {
                width: fonts::width(&word.text, style.typeface, size),
                characters: word.text.chars().count(),
                space: if word.spaced { space } else { 0.0 },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use timeline::Word;

    use super::*;

    fn spoken(words: &[(f64, f64, &str)]) -> Vec<Cue> {
        let words: Vec<_> = words
            .iter()
            .map(|(start, end, text)| CaptionWord {
                word: Word {
                    span: Span::from_secs_f64(*start, *end),
                    text: (*text).to_owned(),
                    probability: 1.0,
                },
                emphasised: false,
            })
            .collect();
        let settings = CaptionSettings::default();
        cues(&words, Span::from_secs_f64(10.0, 20.0), &settings, &settings.resolve())
    }

    fn texts(cues: &[Cue]) -> Vec<String> {
        let text = |cue: &Cue| cue.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        cues.iter().map(text).collect()
    }

    #[test]
    fn pauses_and_sentences_end_a_cue() {
        let made =
            spoken(&[(11.0, 11.2, "one"), (11.3, 11.5, "two."), (11.6, 11.8, "three"), (13.0, 13.2, "four")]);
        assert_eq!(texts(&made), ["ONE TWO.", "THREE", "FOUR"]);
        assert_eq!(made[0].end, MediaTime::from_millis(1_600), "stays until the next");
        assert_eq!(made[1].end, MediaTime::from_millis(2_300), "seen for the shortest time");
        assert_eq!(made[2].end, MediaTime::from_millis(3_700));
    }

    #[test]
    fn words_outside_the_clip_are_not_shown_and_times_count_from_its_start() {
        let made =
            spoken(&[(9.0, 9.5, "before"), (9.9, 10.2, "cut"), (19.8, 20.4, "end"), (20.5, 21.0, "after")]);
        assert_eq!(texts(&made), ["CUT", "END"]);
        assert_eq!(made[0].words[0].start, MediaTime::ZERO);
        assert_eq!(made[1].end, MediaTime::from_secs(10));
    }

    #[test]
    fn a_long_word_is_written_smaller() {
        let made = spoken(&[(11.0, 12.0, "Donaudampfschifffahrtsgesellschaft")]);
        assert!(made[0].scale < 0.8, "{}", made[0].scale);
    }

    #[test]
    fn text_is_cleaned() {
        assert_eq!(clean("  a\u{0}b\r\n\u{202E}c\t ", false), "a b c");
        assert_eq!(clean("straße", true), "STRASSE");
        assert_eq!(clean("\u{2029}\n", false), "");
    }

    #[test]
    fn chinese_is_not_spaced() {
        let made = spoken(&[(11.0, 11.2, "你"), (11.2, 11.4, "好"), (11.4, 11.6, "ok")]);
        assert_eq!(made[0].words.iter().map(|word| word.spaced).collect::<Vec<_>>(), [false, false, true]);
    }
}
