//! The names of channels.

/// The most characters that Kick allows in a slug (official API, `GET /public/v1/channels`).
const LONGEST: usize = 25;

/// Whether `text` can be the slug of a channel, the last part of `https://kick.com/SLUG`: up to 25 letters, digits,
/// `_` and `-`, not beginning with `-`. Case does not matter to Kick.
pub fn is_slug(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A slug as it is compared and sent: lower case, without space around it.
pub(crate) fn folded(slug: &str) -> String {
    slug.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs() {
        for good in ["a", "xQc", "abaksha-sc", "with_underscore", "1234567890123456789012345"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-option", "a b", "a/b", "ä", "12345678901234567890123456", "a?b", "{slug}"] {
            assert!(!is_slug(bad), "{bad}");
        }
        assert_eq!(folded(" XqC\n"), "xqc");
    }
}
