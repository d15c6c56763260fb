//! The bundled fonts: which of them shows a character, and how wide it is.
//!
//! libass looks for missing characters among the fonts of the machine, never among bundled ones. So captions name the
//! font of each piece of text themselves, and look the same everywhere. Characters that no bundled font has (Chinese,
//! Japanese, Korean, Indic scripts and others: their fonts are larger than everything else together) are left to the machine.

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use ttf_parser::Face;
use unicode_segmentation::UnicodeSegmentation;

use crate::Error;

/// A bundled typeface to write captions in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Typeface {
    /// Extra bold: read at a glance.
    #[default]
    Heavy,
    /// Semi bold: calmer.
    Medium,
}

/// One font file.
#[derive(Debug)]
struct Font {
    file: &'static str,
    family: &'static str,
    data: &'static [u8],
    face: Face<'static>,
}

/// Where to find the font of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FontChoice {
    /// One of the bundled ones.
    Bundled(&'static str),
    /// The machine's, if it has one.
    System,
}

/// A piece of text in one font.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) font: FontChoice,
    pub(crate) text: String,
}

macro_rules! font {
    ($file:literal, $family:literal) => {{
        let data: &[u8] = include_bytes!(concat!("../assets/fonts/", $file));
        Face::parse(data, 0).ok().map(|face| Font { file: $file, family: $family, data, face })
    }};
}

/// Heavy, medium, then those for other scripts, in the order in which they are asked.
static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    [
        font!("streamliner-sans-heavy.otf", "Streamliner Sans Heavy"),
        font!("streamliner-sans.otf", "Streamliner Sans"),
        font!("streamliner-arabic.ttf", "Streamliner Arabic"),
        font!("streamliner-hebrew.ttf", "Streamliner Hebrew"),
        font!("streamliner-emoji.ttf", "Streamliner Emoji"),
    ]
    .into_iter()
    .flatten()
    .collect()
});

const EMOJI: &str = "Streamliner Emoji";

/// The family that is named for what no bundled font has: the machine picks what it has for it.
const SYSTEM_FAMILY: &str = "sans-serif";

/// How wide a character of an unknown font is taken to be, in ems: that of Chinese, Japanese and Korean.
const UNKNOWN_ADVANCE: f64 = 1.0;

/// U+FE0E and U+FE0F choose between text and emoji; we choose the font ourselves.
const VARIATION_SELECTORS: [char; 2] = ['\u{FE0E}', '\u{FE0F}'];

impl Typeface {
    /// The name by which captions ask for it.
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::Heavy => "Streamliner Sans Heavy",
            Self::Medium => "Streamliner Sans",
        }
    }
}

impl FontChoice {
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::Bundled(family) => family,
            Self::System => SYSTEM_FAMILY,
        }
    }
}

/// Writes all fonts into `folder`, for ffmpeg's `fontsdir`.
pub(crate) fn install(folder: &Path) -> Result<(), Error> {
    FONTS.iter().try_for_each(|font| {
        fs_err::write(folder.join(font.file), font.data).map_err(|source| Error::Temporary { source })
    })
}

/// Splits `text` where its font must change.
pub(crate) fn runs(text: &str, typeface: Typeface) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for cluster in text.graphemes(true) {
        let emoji = wants_emoji(cluster);
        let cluster: String =
            cluster.chars().filter(|character| !VARIATION_SELECTORS.contains(character)).collect();
        match runs.last_mut() {
            // What every font has stays where it is.
            Some(run) if cluster.chars().all(char::is_whitespace) => run.text.push_str(&cluster),
            last => {
                let font = choose(&cluster, typeface, emoji);
                match last {
                    Some(run) if run.font == font => run.text.push_str(&cluster),
                    _ => runs.push(Run { font, text: cluster }),
                }
            }
        }
    }
    runs
}

/// How wide `text` is, in pixels at ASS font size `size`. Kerning, which narrows it by a percent or two, is left out.
pub(crate) fn width(text: &str, typeface: Typeface, size: f64) -> f64 {
    runs(text, typeface).iter().map(|run| run_width(run, typeface, size)).sum()
}

/// How much larger than the typeface a run must be asked for so that both have ems of the same size: ASS font sizes are the
/// height of a line, which some fonts have far more of than others.
pub(crate) fn size_factor(font: FontChoice, typeface: Typeface) -> f64 {
    let FontChoice::Bundled(family) = font else { return 1.0 };
    let pair = by_family(family).zip(by_family(typeface.family()));
    pair.map_or(1.0, |(font, own)| line_ems(&font.face) / line_ems(&own.face))
}

fn run_width(run: &Run, typeface: Typeface, size: f64) -> f64 {
    let em = size / by_family(typeface.family()).map_or(1.0, |own| line_ems(&own.face));
    let FontChoice::Bundled(family) = run.font else {
        return run.text.graphemes(true).count() as f64 * UNKNOWN_ADVANCE * em;
    };
    let Some(font) = by_family(family) else { return 0.0 };
    let units: u32 = run
        .text
        .chars()
        .filter(|character| !is_ignorable(*character))
        .filter_map(|character| font.face.glyph_index(character))
        .filter_map(|glyph| font.face.glyph_hor_advance(glyph))
        .map(u32::from)
        .sum();
    f64::from(units) / f64::from(font.face.units_per_em()) * em
}

/// The height of a line (ascent and descent as Windows counts them) in ems.
fn line_ems(face: &Face<'_>) -> f64 {
    let windows = face
        .tables()
        .os2
        .map(|table| i32::from(table.windows_ascender()) - i32::from(table.windows_descender()));
    let line = windows.filter(|height| *height > 0).unwrap_or_else(|| i32::from(face.height()));
    f64::from(line.max(1)) / f64::from(face.units_per_em())
}

fn choose(cluster: &str, typeface: Typeface, emoji: bool) -> FontChoice {
    let own = typeface.family();
    let others =
        FONTS.iter().map(|font| font.family).filter(|family| !family.starts_with("Streamliner Sans"));
    let mut order: Vec<&'static str> = [own].into_iter().chain(others).collect();
    if emoji {
        order.insert(0, EMOJI);
    }
    let found =
        order.into_iter().find(|family| by_family(family).is_some_and(|font| covers(&font.face, cluster)));
    found.map_or(FontChoice::System, FontChoice::Bundled)
}

/// Whether a cluster asks to be shown as an emoji: it says so, or it is a sequence or a character of the emoji blocks.
fn wants_emoji(cluster: &str) -> bool {
    cluster.contains(['\u{FE0F}', '\u{200D}', '\u{20E3}'])
        && cluster.chars().any(|character| !character.is_alphabetic())
        || cluster.chars().any(|character| matches!(character, '\u{1F000}'..='\u{1FAFF}'))
}

fn covers(face: &Face<'_>, cluster: &str) -> bool {
    cluster.chars().all(|character| is_ignorable(character) || face.glyph_index(character).is_some())
}

/// Joiners and marks of direction: they are not drawn.
const fn is_ignorable(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE0E}' | '\u{FE0F}' | '\u{FEFF}')
}

fn by_family(family: &str) -> Option<&'static Font> {
    FONTS.iter().find(|font| font.family == family)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families(text: &str) -> Vec<(&'static str, String)> {
        runs(text, Typeface::Heavy).into_iter().map(|run| (run.font.family(), run.text)).collect()
    }

    #[test]
    fn every_bundled_file_is_a_font() {
        assert_eq!(FONTS.len(), 5);
    }

    #[test]
    fn each_script_gets_a_font_that_has_it() {
        for text in ["Grüße, Żółć!", "Ελληνικά", "Привет", "Tiếng Việt", "¿Qué? €"]
        {
            assert_eq!(families(text), [("Streamliner Sans Heavy", text.to_owned())], "{text}");
        }
        assert_eq!(families("مرحبا بكم"), [("Streamliner Arabic", "مرحبا بكم".to_owned())]);
        assert_eq!(families("שלום עולם"), [("Streamliner Hebrew", "שלום עולם".to_owned())]);
        assert_eq!(families("日本語"), [(SYSTEM_FAMILY, "日本語".to_owned())]);
    }

    #[test]
    fn emoji_leave_the_words_around_them_alone() {
        assert_eq!(
            families("go 🔥👍🏽 ❤️ 1"),
            [
                ("Streamliner Sans Heavy", "go ".to_owned()),
                (EMOJI, "🔥👍🏽 ❤ ".to_owned()),
                ("Streamliner Sans Heavy", "1".to_owned())
            ]
        );
    }

    #[test]
    fn fonts_with_high_lines_are_asked_for_larger() {
        let factor = |family| size_factor(FontChoice::Bundled(family), Typeface::Heavy);
        assert_eq!(factor("Streamliner Sans Heavy"), 1.0);
        assert!(factor("Streamliner Arabic") > 1.2, "{}", factor("Streamliner Arabic"));
    }

    #[test]
    fn widths_grow_with_text_and_size() {
        let narrow = width("ill", Typeface::Heavy, 100.0);
        let wide = width("MMM", Typeface::Heavy, 100.0);
        assert!(narrow > 20.0 && wide > narrow * 2.0, "{narrow} {wide}");
        assert!((width("MMM", Typeface::Heavy, 50.0) - wide / 2.0).abs() < 1e-6);
        assert!(width("日本", Typeface::Heavy, 100.0) > 150.0 / 1.3);
    }
}
