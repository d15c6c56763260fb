//! The nearest known name to a mistyped one.

/// One slip (a letter swapped, missing, extra or wrong) is allowed in this many letters, and one in a shorter name.
const LETTERS_PER_SLIP: usize = 3;

/// The candidate nearest to `typed`, if one is near enough.
pub(crate) fn nearest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let slips = (typed.chars().count() / LETTERS_PER_SLIP).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_key_and_a_stranger_does_not() {
        let known = ["max_clips", "min_score", "languages"];
        assert_eq!(nearest("max_clip", known), Some("max_clips"));
        assert_eq!(nearest("maxclips", known), Some("max_clips"));
        assert_eq!(nearest("LANGUAGE", known), Some("languages"));
        assert_eq!(nearest("fsp", ["fps", "zoom"]), Some("fps"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest("", known), None);
    }
}
