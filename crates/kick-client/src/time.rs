//! Kick's ways to write a moment.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Years before this are Kick's way to say "none": it writes `0001-01-01T00:00:00Z` for a channel that is offline.
const FIRST_YEAR: i16 = 2000;

/// Reads RFC 3339 with any offset, or `YYYY-MM-DD HH:MM:SS`, which older endpoints mean as UTC.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    (TimeZone::UTC.to_datetime(at).year() >= FIRST_YEAR).then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_forms_and_none() {
        let at: Timestamp = "2026-09-24T18:00:05Z".parse().unwrap();
        for text in [
            "2026-09-24T18:00:05Z",
            "2026-09-25T05:00:05+11:00",
            "2026-09-24 18:00:05",
            "2026-09-24T18:00:05.000000Z",
        ] {
            assert_eq!(parse(text), Some(at), "{text}");
        }
        for text in ["0001-01-01T00:00:00Z", "0001-01-01 00:00:00", "", "now", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_moment_or_none(text in ".*|[0-9TZ: +.-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
