//! The ASS file: a header with one style, and an event for each moment at which another word is spoken.
//!
//! The word being spoken is marked by colour in an event of its own, not with ASS's karaoke tags: those sweep from left to right
//! whatever the direction of the script.

use std::fmt::Write as _;

use timeline::{MediaTime, Span};

use super::cue::{Cue, CueWord, EMPHASIS_SCALE, cues};
use super::{CaptionPosition, CaptionSettings, CaptionStyle, CaptionWord, SAFE_SIDE};
use crate::Colour;
use crate::fonts::{self, FontChoice};
use crate::layout::{CANVAS_HEIGHT, CANVAS_WIDTH};

/// ASS counts time in hundredths of a second.
const ASS_UNITS_PER_SECOND: u32 = 100;

/// Put after a backslash that is to be seen, since ASS has no escape for one: unseen itself, it keeps the next letter from
/// making a command of it.
const WORD_JOINER: char = '\u{2060}';

/// ASS text at its own size, in percent.
const FULL_SCALE: u32 = 100;

/// The text of the ASS file that shows `words` in a clip of `span`; times in it count from the start of the clip. `None` where
/// there is nothing to show.
#[must_use]
pub(crate) fn captions(words: &[CaptionWord], span: Span, settings: &CaptionSettings) -> Option<String> {
    let style = settings.resolve();
    let cues = cues(words, span, settings, &style);
    if !settings.enabled || cues.is_empty() {
        return None;
    }
    let mut text = header(settings, &style);
    for cue in &cues {
        write_cue(&mut text, cue, &style);
    }
    Some(text)
}

/// Characters in `words` that no bundled font has, each once.
pub(crate) fn characters_of_system_fonts(words: &[CaptionWord], settings: &CaptionSettings) -> String {
    let typeface = settings.resolve().typeface;
    let mut found = String::new();
    for run in words.iter().flat_map(|word| fonts::runs(&word.word.text, typeface)) {
        if run.font == FontChoice::System {
            for character in run.text.chars().filter(|character| character.is_alphanumeric()) {
                if !found.contains(character) {
                    found.push(character);
                }
            }
        }
    }
    found
}

fn header(settings: &CaptionSettings, style: &CaptionStyle) -> String {
    // 2, 5 and 8 are the middle of the bottom, of the picture and of the top, as on a number pad.
    let alignment = match settings.position {
        CaptionPosition::Bottom => 2,
        CaptionPosition::Middle => 5,
        CaptionPosition::Top => 8,
    };
    // 1 is outline and shadow; 4, which libass alone knows, is one box behind all lines.
    let border = if style.boxed { 4 } else { 1 };
    let (family, size) = (style.typeface.family(), style.font_size);
    let (colour, outline_colour, back) =
        (style.colour.ass_style(), style.outline_colour.ass_style(), style.back_colour.ass_style());
    let (outline, shadow, margin) = (style.outline, style.shadow, settings.margin_pixels());
    // Encoding -1 lets libass find the direction of the script.
    format!(
        "[Script Info]\n\
         ScriptType: v4.00+\n\
         PlayResX: {CANVAS_WIDTH}\n\
         PlayResY: {CANVAS_HEIGHT}\n\
         WrapStyle: 2\n\
         ScaledBorderAndShadow: yes\n\
         YCbCr Matrix: TV.709\n\
         \n\
         [V4+ Styles]\n\
         Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
         StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
         Style: Caption,{family},{size},{colour},{colour},{outline_colour},{back},0,0,0,0,{FULL_SCALE},{FULL_SCALE},0,0,{border},\
         {outline},{shadow},{alignment},{SAFE_SIDE},{SAFE_SIDE},{margin},-1\n\
         \n\
         [Events]\n\
         Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
}

fn write_cue(text: &mut String, cue: &Cue, style: &CaptionStyle) {
    for spoken in 0..cue.words.len() {
        let start = cue.words[spoken].start;
        let end = cue.words.get(spoken + 1).map_or(cue.end, |next| next.start);
        let (start, end) = (units(start), units(end));
        if start < end {
            let line = cue_text(cue, spoken, style);
            let _ = writeln!(text, "Dialogue: 0,{},{},Caption,,0,0,0,,{line}", clock(start), clock(end));
        }
    }
}

/// The text of a cue while its word number `spoken` is being spoken.
fn cue_text(cue: &Cue, spoken: usize, style: &CaptionStyle) -> String {
    let mut text = String::new();
    let size = f64::from(style.font_size) * cue.scale;
    if cue.scale < 1.0 {
        let _ = write!(text, "{{\\fs{}}}", size.floor());
    }
    let mut font = FontChoice::Bundled(style.typeface.family());
    let mut look = None;
    for (number, line) in cue.lines.iter().enumerate() {
        if number > 0 {
            text.push_str("\\N");
        }
        for index in line.clone() {
            let word = &cue.words[index];
            if index > line.start && word.spaced {
                text.push(' ');
            }
            let wanted = word_look(word, index == spoken, style);
            if look != Some(wanted) {
                let (colour, scale) = wanted;
                let _ = write!(text, "{{{}\\fscx{scale}\\fscy{scale}}}", colour.ass_override());
                look = Some(wanted);
            }
            for run in fonts::runs(&word.text, style.typeface) {
                if run.font != font {
                    let size = (size * fonts::size_factor(run.font, style.typeface)).floor();
                    let _ = write!(text, "{{\\fn{}\\fs{size}}}", run.font.family());
                    font = run.font;
                }
                push_escaped(&mut text, &run.text);
            }
        }
    }
    text
}

fn word_look(word: &CueWord, is_spoken: bool, style: &CaptionStyle) -> (Colour, u32) {
    let colour = match (is_spoken, word.emphasised) {
        (true, _) => style.highlight_colour,
        (false, true) => style.emphasis_colour,
        (false, false) => style.colour,
    };
    let scale = if word.emphasised { (EMPHASIS_SCALE * f64::from(FULL_SCALE)) as u32 } else { FULL_SCALE };
    (colour, scale)
}

fn push_escaped(text: &mut String, plain: &str) {
    for character in plain.chars() {
        match character {
            '{' | '}' => text.extend(['\\', character]),
            '\\' => text.extend([character, WORD_JOINER]),
            _ => text.push(character),
        }
    }
}

fn units(time: MediaTime) -> i64 {
    time.to_units(ASS_UNITS_PER_SECOND).max(0)
}

fn clock(units: i64) -> String {
    let seconds = units / 100;
    format!("{}:{:02}:{:02}.{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60, units % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use timeline::Word;

    use super::*;
    use crate::captions::StyleName;

    fn word(start: f64, end: f64, text: &str, emphasised: bool) -> CaptionWord {
        let span = Span::from_secs_f64(start, end);
        CaptionWord { word: Word { span, text: text.to_owned(), probability: 1.0 }, emphasised }
    }

    fn spoken() -> Vec<CaptionWord> {
        vec![
            word(60.0, 60.3, "No", false),
            word(60.3, 60.8, "way,", false),
            word(60.8, 61.4, "insane!", true),
            word(63.0, 63.4, "مرحبا", false),
            word(63.4, 63.9, "بكم", false),
            word(65.0, 65.5, "{\\b1}", false),
            word(65.5, 66.0, "🔥", false),
        ]
    }

    #[test]
    fn each_style_as_a_file() {
        for style in [StyleName::Bold, StyleName::Clean, StyleName::Boxed] {
            let settings = CaptionSettings { style, ..CaptionSettings::default() };
            let text = captions(&spoken(), Span::from_secs_f64(60.0, 70.0), &settings).unwrap();
            insta::assert_snapshot!(format!("{style:?}").to_lowercase(), text);
        }
    }

    #[test]
    fn events_of_a_cue_follow_one_another() {
        let text = captions(&spoken(), Span::from_secs_f64(60.0, 70.0), &CaptionSettings::default()).unwrap();
        let times: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("Dialogue: 0,"))
            .map(|line| line.split(',').take(2).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        assert_eq!(times[0], ["0:00:00.00", "0:00:00.30"]);
        assert_eq!(times[1], ["0:00:00.30", "0:00:00.80"]);
        assert_eq!(times[2], ["0:00:00.80", "0:00:01.80"]);
    }

    #[test]
    fn nothing_to_show_is_no_file() {
        let span = Span::from_secs_f64(0.0, 1.0);
        assert_eq!(captions(&spoken(), span, &CaptionSettings::default()), None);
        let off = CaptionSettings { enabled: false, ..CaptionSettings::default() };
        assert_eq!(captions(&spoken(), Span::from_secs_f64(60.0, 70.0), &off), None);
    }

    #[test]
    fn characters_without_a_font_are_told() {
        let words = [word(0.0, 1.0, "日本 ok 日!", false)];
        assert_eq!(characters_of_system_fonts(&words, &CaptionSettings::default()), "日本");
    }

    /// What libass shows of an event's text, and its override blocks.
    fn read_back(text: &str) -> (String, Vec<String>) {
        let (mut shown, mut blocks) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if rest.starts_with("\\N") || rest.starts_with("\\n") || rest.starts_with("\\h") {
                shown.push(' ');
                rest = &rest[2..];
            } else if rest.starts_with("\\{") || rest.starts_with("\\}") {
                shown.push_str(&rest[1..2]);
                rest = &rest[2..];
            } else if let Some(block) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                blocks.push(block.0.to_owned());
                rest = block.1;
            } else {
                shown.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        (shown.replace(WORD_JOINER, ""), blocks)
    }

    fn is_ours(block: &str) -> bool {
        block.starts_with("\\1c&H") && block.contains("\\fscy")
            || block.starts_with("\\fs") && block[3..].parse::<u32>().is_ok()
            || block.starts_with("\\fnStreamliner ")
            || block.starts_with("\\fnsans-serif\\fs")
    }

    proptest! {
        #[test]
        fn any_text_is_shown_as_it_is_and_is_never_a_command(
            texts in prop::collection::vec("(\\{|\\}|\\\\|\\\\N|\\\\h|,|n|😀|\u{5e9}|\u{628}|e\u{301}|[ -~]|\\PC){0,8}", 1..6),
        ) {
            let words: Vec<_> =
                texts.iter().enumerate().map(|(at, text)| word(at as f64, at as f64 + 0.9, text, at % 2 == 0)).collect();
            let settings = CaptionSettings { style: StyleName::Clean, ..CaptionSettings::default() };
            let style = settings.resolve();
            for cue in cues(&words, Span::from_secs_f64(0.0, 100.0), &settings, &style) {
                let wanted: String = cue.words.iter().map(|word| word.text.as_str()).collect();
                let (shown, blocks) = read_back(&cue_text(&cue, 0, &style));
                let bare = |text: &str| text.replace([' ', '\u{FE0E}', '\u{FE0F}'], "");
                prop_assert_eq!(bare(&shown), bare(&wanted));
                prop_assert!(blocks.iter().all(|block| is_ours(block)), "{:?}", blocks);
            }
        }
    }
}
