//! Setting the words of a cue in lines of about the same width.

use std::ops::Range;

/// What a line may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineLimits {
    /// Pixels.
    pub(crate) width: f64,
    /// Characters, spaces included.
    pub(crate) characters: usize,
    /// How many lines there may be.
    pub(crate) lines: usize,
}

/// A word as far as lines are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    /// Its own width in pixels.
    pub(crate) width: f64,
    /// Its own length in characters.
    pub(crate) characters: usize,
    /// Width of the space before it where it is not the first of its line.
    pub(crate) space: f64,
}

/// The fewest lines that hold all words, chosen so that the widest is as narrow as can be; `None` where the words need more
/// lines than allowed. A word that is too wide for a line gets one alone.
pub(crate) fn set_lines(words: &[Measure], limits: LineLimits) -> Option<Vec<Range<usize>>> {
    (1..=limits.lines.min(words.len()))
        .find_map(|lines| split(words, 0, lines, limits))
        .map(|(_, lines)| lines)
}

/// The width of words on one line.
pub(crate) fn line_width(words: &[Measure]) -> f64 {
    let spaces: f64 = words.iter().skip(1).map(|word| word.space).sum();
    words.iter().map(|word| word.width).sum::<f64>() + spaces
}

/// The best way to set the words from `from` on in exactly `lines` lines, with the width of its widest.
fn split(
    words: &[Measure],
    from: usize,
    lines: usize,
    limits: LineLimits,
) -> Option<(f64, Vec<Range<usize>>)> {
    if lines == 1 {
        let rest = &words[from..];
        return fits(rest, limits).then(|| (line_width(rest), one_line(from..words.len())));
    }
    let mut best: Option<(f64, Vec<Range<usize>>)> = None;
    for end in from + 1..=words.len() + 1 - lines {
        let line = &words[from..end];
        if !fits(line, limits) {
            break;
        }
        let Some((rest, mut ranges)) = split(words, end, lines - 1, limits) else { continue };
        let widest = rest.max(line_width(line));
        if best.as_ref().is_none_or(|(width, _)| widest < *width) {
            ranges.insert(0, from..end);
            best = Some((widest, ranges));
        }
    }
    best
}

fn one_line(words: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(words).collect()
}

fn fits(words: &[Measure], limits: LineLimits) -> bool {
    let characters = words.iter().map(|word| word.characters).sum::<usize>()
        + words.iter().skip(1).filter(|word| word.space > 0.0).count();
    words.len() == 1 || (line_width(words) <= limits.width && characters <= limits.characters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: LineLimits = LineLimits { width: 100.0, characters: 20, lines: 2 };

    fn words(widths: &[f64]) -> Vec<Measure> {
        widths.iter().map(|width| Measure { width: *width, characters: 3, space: 5.0 }).collect()
    }

    #[test]
    fn lines_are_balanced_and_no_more_than_needed() {
        assert_eq!(set_lines(&words(&[30.0, 30.0]), LIMITS), Some(one_line(0..2)));
        assert_eq!(set_lines(&words(&[40.0, 20.0, 20.0, 40.0]), LIMITS), Some(vec![0..2, 2..4]));
        assert_eq!(set_lines(&words(&[90.0, 90.0, 90.0]), LIMITS), None);
        assert_eq!(set_lines(&words(&[300.0]), LIMITS), Some(one_line(0..1)));
        assert_eq!(set_lines(&[], LIMITS), None);
    }

    #[test]
    fn characters_are_limited_too() {
        let long = Measure { width: 1.0, characters: 11, space: 1.0 };
        assert_eq!(set_lines(&[long, long], LIMITS), Some(vec![0..1, 1..2]));
    }

    proptest! {
        #[test]
        fn every_word_is_in_exactly_one_line(widths in prop::collection::vec(1.0..150.0, 1..12), lines in 1_usize..4) {
            let measures = words(&widths);
            if let Some(set) = set_lines(&measures, LineLimits { lines, ..LIMITS }) {
                prop_assert!(set.len() <= lines);
                prop_assert_eq!(set.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..widths.len()).collect::<Vec<_>>());
                for line in &set {
                    prop_assert!(line.len() == 1 || line_width(&measures[line.clone()]) <= LIMITS.width);
                }
            }
        }
    }
}
