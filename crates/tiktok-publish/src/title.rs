//! Text within TikTok's limits.

/// The most UTF-16 code units of a post's title.
pub const MAX_TITLE_UNITS: usize = 2200;

/// `text` with at most `most` UTF-16 code units, cut at the end of a word if there is one, and never inside a character.
#[must_use]
pub fn cut_to_units(text: &str, most: usize) -> &str {
    let text = text.trim();
    let mut units = 0;
    let fits = |(_, character): &(usize, char)| {
        units += character.len_utf16();
        units <= most
    };
    let end = text.char_indices().take_while(fits).last().map_or(0, |(at, last)| at + last.len_utf8());
    if end == text.len() || text[end..].starts_with(char::is_whitespace) {
        return text[..end].trim_end();
    }
    match text[..end].rfind(char::is_whitespace) {
        Some(space) => text[..space].trim_end(),
        None => &text[..end],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(cut_to_units(" one two three ", 9), "one two");
        assert_eq!(cut_to_units("one two", 7), "one two");
        assert_eq!(cut_to_units("one two three", 7), "one two");
        assert_eq!(cut_to_units("onetwothree", 6), "onetwo");
        // A face is two units, so the second one does not fit.
        assert_eq!(cut_to_units("😀😀", 3), "😀");
        assert_eq!(cut_to_units("", 3), "");
    }

    proptest! {
        #[test]
        fn the_limit_holds(text in "(?s).*", most in 0..40_usize) {
            let cut = cut_to_units(&text, most);
            prop_assert!(cut.encode_utf16().count() <= most);
            prop_assert!(text.trim().starts_with(cut));
        }
    }
}
