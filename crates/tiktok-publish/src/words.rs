//! What a server says, made fit for one line of ours.

/// The most characters of a server's own words that an error repeats.
const LONGEST_MESSAGE: usize = 200;
/// The most characters of a code or an id. TikTok's have up to 64.
const LONGEST_NAME: usize = 80;

/// A server's words: addresses cut down to their hosts, no control characters, not endless.
pub(crate) fn tidy(message: &str) -> String {
    let line: String =
        without_addresses(message).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}

/// A code, an id or a status: only what such things are made of.
pub(crate) fn name(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.~:".contains(*c)).take(LONGEST_NAME).collect()
}

/// `text` with every one of the `secrets` in it masked.
pub(crate) fn without(text: &str, secrets: &[&str]) -> String {
    let masked =
        |text: String, secret: &&str| if secret.is_empty() { text } else { text.replace(*secret, "***") };
    secrets.iter().fold(text.to_owned(), masked)
}

/// `text` with every address in it cut down to scheme and host.
fn without_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let after = &rest[at + "://".len()..];
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>`".contains(c)).unwrap_or(after.len());
        let authority = after[..end].split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        out.push_str(&rest[..at]);
        out.push_str("://");
        out.push_str(host);
        if authority.len() < end {
            out.push_str("/...");
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_left() {
        assert_eq!(tidy(" no\nway: https://u:p@h.example/SECRET?t=SECRET "), "no way: https://h.example/...");
        assert_eq!(tidy(&"x".repeat(300)), format!("{}...", "x".repeat(200)));
        assert_eq!(without("no: code-1 is code-1", &["code-1", ""]), "no: *** is ***");
        assert_eq!(name("v_inbox_file~v2.1\n<b>"), "v_inbox_file~v2.1b");
    }

    proptest! {
        #[test]
        fn nothing_of_path_or_query_is_left(before in "[a-z ]{0,9}", after in "[ \"][a-z ]{0,9}") {
            let shown = tidy(&format!("{before} https://h.example/SECRET/p?token=SECRET#SECRET{after}"));
            prop_assert!(!shown.contains("SECRET") && shown.contains("h.example"), "{}", shown);
        }

        #[test]
        fn any_text_is_taken(text in "(?s).*://.*|.*") {
            let _ = (tidy(&text), name(&text));
        }
    }
}
