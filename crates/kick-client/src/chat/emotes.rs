//! Emotes, which Kick writes into the text of a message as `[emote:ID:NAME]`.

use super::Emote;

const OPENING: &str = "[emote:";
/// The longest that is taken for an emote, in bytes. Kick's names have at most some thirty.
const LONGEST: usize = 160;

/// The text with emotes by their names, and the emotes. A name gets spaces around it where there are none, so that two
/// emotes side by side do not become one word. What only looks like an emote stays as it is.
pub(super) fn named(content: &str) -> (String, Vec<Emote>) {
    let mut text = String::with_capacity(content.len());
    let mut emotes = Vec::new();
    let mut rest = content;
    let mut after_emote = false;
    while let Some(at) = rest.find(OPENING) {
        push_text(&mut text, &rest[..at], &mut after_emote);
        match emote_at(&rest[at..]) {
            Some((emote, length)) => {
                push_name(&mut text, &emote.name, &mut after_emote);
                emotes.push(emote);
                rest = &rest[at + length..];
            }
            None => {
                push_text(&mut text, OPENING, &mut after_emote);
                rest = &rest[at + OPENING.len()..];
            }
        }
    }
    push_text(&mut text, rest, &mut after_emote);
    (text, emotes)
}

/// The emote at the start of `text`, and how many bytes it takes.
fn emote_at(text: &str) -> Option<(Emote, usize)> {
    let inner = text.strip_prefix(OPENING)?;
    let end = inner.bytes().take(LONGEST).position(|byte| byte == b']')?;
    let (id, name) = inner[..end].split_once(':')?;
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let plain = !name.contains('[');
    (digits && plain)
        .then(|| (Emote { id: id.to_owned(), name: name.to_owned() }, OPENING.len() + end + "]".len()))
}

fn push_text(text: &mut String, piece: &str, after_emote: &mut bool) {
    let Some(first) = piece.chars().next() else { return };
    if *after_emote && first.is_alphanumeric() {
        text.push(' ');
    }
    text.push_str(piece);
    *after_emote = false;
}

fn push_name(text: &mut String, name: &str, after_emote: &mut bool) {
    if name.is_empty() {
        return;
    }
    if text.chars().next_back().is_some_and(|last| *after_emote || last.is_alphanumeric()) {
        text.push(' ');
    }
    text.push_str(name);
    *after_emote = true;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(content: &str) -> String {
        named(content).0
    }

    #[test]
    fn emotes_read_as_their_names() {
        let (text, emotes) = named("gg [emote:37226:KEKW] wp");
        assert_eq!(text, "gg KEKW wp");
        assert_eq!(emotes, [Emote { id: "37226".into(), name: "KEKW".into() }]);
    }

    #[test]
    fn names_do_not_run_into_one_another() {
        assert_eq!(text("[emote:1:KEKW][emote:1:KEKW]"), "KEKW KEKW");
        assert_eq!(text("no[emote:1:KEKW]way"), "no KEKW way");
        assert_eq!(text("([emote:1:KEKW])!"), "(KEKW)!");
        assert_eq!(named("a[emote:1:]b").0, "ab");
    }

    #[test]
    fn what_only_looks_like_an_emote_stays() {
        for content in
            ["[emote:", "[emote:x:KEKW]", "[emote:1]", "[emote::KEKW]", "[emote:1:KEKW", "[emote:1:a[b]"]
        {
            assert_eq!(named(content), (content.to_owned(), vec![]), "{content}");
        }
        assert_eq!(text("[emote:[emote:1:KEKW]"), "[emote:KEKW");
        let long = format!("[emote:1:{}]", "x".repeat(LONGEST));
        assert_eq!(text(&long), long);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(content in r"(\[emote:|[0-9]{1,3}|:|\]|\[|é| |[a-z]{1,3}|.){0,24}") {
            let (text, emotes) = named(&content);
            for emote in &emotes {
                prop_assert!(text.contains(&emote.name));
            }
            if emotes.is_empty() {
                prop_assert_eq!(text, content);
            }
        }
    }
}
