//! From the tokens of a window to sentences of whole words.

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A piece of text.
    Text(TextToken),
    /// A time mark, in hundredths of a second from the start of the window.
    Time(i64),
}

/// A piece of text; may end in the middle of a UTF-8 character.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TextToken {
    pub(crate) bytes: Vec<u8>,
    pub(crate) probability: f32,
    /// Where it ends by attention, in hundredths of a second from the start of the window.
    pub(crate) end: Option<i64>,
}

/// The text between two time marks. All times are hundredths of a second from the start of the window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sentence {
    /// Its own first mark, or else the mark of the sentence before.
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) tokens: Vec<TextToken>,
}

/// A word before it is laid out in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RawWord {
    /// With its punctuation, without surrounding space.
    pub(crate) text: String,
    /// The mean over the tokens of the word itself.
    pub(crate) probability: f32,
    /// By attention, in hundredths of a second from the start of the window.
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
}

/// Languages written without spaces between words; every character counts as a word there, as in OpenAI's own code.
const UNSPACED_LANGUAGES: [&str; 6] = ["zh", "ja", "th", "lo", "my", "yue"];

/// What stands between the words of a text in `language`.
pub(crate) fn word_separator(language: Option<&str>) -> &'static str {
    if language.is_some_and(|language| UNSPACED_LANGUAGES.contains(&language)) { "" } else { " " }
}

/// Cuts the tokens of a window at its time marks.
pub(crate) fn sentences(tokens: impl IntoIterator<Item = Token>) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut current = Sentence::default();
    for token in tokens {
        match token {
            Token::Text(text) => current.tokens.push(text),
            Token::Time(mark) if current.tokens.is_empty() => current.start = Some(mark),
            Token::Time(mark) => {
                current.end = Some(mark);
                sentences.push(std::mem::take(&mut current));
                // A mark of its own replaces this one.
                current.start = Some(mark);
            }
        }
    }
    if !current.tokens.is_empty() {
        sentences.push(current);
    }
    sentences
}

impl Sentence {
    /// Its words. Punctuation stays with the word it belongs to; notes such as `[Music]` or `(applause)` are no words.
    pub(crate) fn words(&self, language: Option<&str>) -> Vec<RawWord> {
        let spaced = !word_separator(language).is_empty();
        let mut words = Vec::new();
        let mut opening = String::new();
        for group in self.groups(spaced) {
            let bytes: Vec<u8> = group.iter().flat_map(|&index| &self.tokens[index].bytes).copied().collect();
            let text = String::from_utf8_lossy(&bytes).replace(char::REPLACEMENT_CHARACTER, "");
            let text = text.trim();
            if !text.chars().any(char::is_alphanumeric) {
                attach_punctuation(text, &mut words, &mut opening);
                continue;
            }
            words.push(self.word(&group, format!("{}{text}", std::mem::take(&mut opening))));
        }
        without_notes(words)
    }

    /// The tokens of each word, by index.
    fn groups(&self, spaced: bool) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let whole_characters = std::str::from_utf8(&bytes).is_ok();
            let begins = if spaced { token.bytes.first() == Some(&b' ') } else { whole_characters };
            match groups.last_mut() {
                Some(group) if !begins => group.push(index),
                _ => {
                    groups.push(vec![index]);
                    bytes.clear();
                }
            }
            bytes.extend(&token.bytes);
        }
        groups
    }

    fn word(&self, group: &[usize], text: String) -> RawWord {
        let spoken: Vec<&TextToken> = group
            .iter()
            .map(|&index| &self.tokens[index])
            .filter(|token| !is_punctuation(&token.bytes))
            .collect();
        let probability =
            spoken.iter().map(|token| token.probability).sum::<f32>() / spoken.len().max(1) as f32;
        let start = match group.first() {
            Some(&first) if first > 0 => self.tokens[first - 1].end,
            _ => self.start,
        };
        RawWord { text, probability, start, end: spoken.last().and_then(|token| token.end) }
    }

    /// The mean of the tokens' log-probabilities: how sure Whisper is of the sentence.
    pub(crate) fn mean_log_probability(&self) -> f32 {
        let sum: f32 = self.tokens.iter().map(|token| token.probability.max(f32::MIN_POSITIVE).ln()).sum();
        sum / self.tokens.len().max(1) as f32
    }
}

fn is_punctuation(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_alphanumeric))
}

/// Puts lone punctuation where it belongs: an opening mark before the next word, any other after the last one.
fn attach_punctuation(text: &str, words: &mut [RawWord], opening: &mut String) {
    if text
        .chars()
        .all(|mark| matches!(mark, '¿' | '¡' | '(' | '[' | '{' | '«' | '“' | '‘' | '"' | '-' | '—' | '*'))
    {
        opening.push_str(text);
    } else if let Some(word) = words.last_mut()
        && !text.contains(['♪', '♫'])
    {
        word.text.push_str(text);
    }
}

/// Leaves out bracketed and starred notes, which tell of sounds and are not spoken.
fn without_notes(words: Vec<RawWord>) -> Vec<RawWord> {
    let mut closing: Option<char> = None;
    words
        .into_iter()
        .filter(|word| {
            let opened = closing.or(match word.text.chars().next() {
                Some('[') => Some(']'),
                Some('(') => Some(')'),
                Some('*') => Some('*'),
                _ => None,
            });
            let inner =
                if closing.is_some() { word.text.as_str() } else { word.text.get(1..).unwrap_or_default() };
            closing = opened.filter(|&mark| !inner.contains(mark));
            opened.is_none()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &[u8], end: i64) -> TextToken {
        TextToken { bytes: text.to_vec(), probability: 0.5, end: Some(end) }
    }

    fn sentence(pieces: &[&[u8]]) -> Sentence {
        let tokens = pieces.iter().zip(1..).map(|(piece, index)| text(piece, 10 * index)).collect();
        Sentence { start: Some(0), end: Some(1_000), tokens }
    }

    fn texts(pieces: &[&[u8]], language: &str) -> Vec<String> {
        sentence(pieces).words(Some(language)).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn marks_cut_sentences_and_give_their_starts() {
        let found = sentences([
            Token::Time(50),
            Token::Text(text(b" Oh", 60)),
            Token::Time(120),
            Token::Time(140),
            Token::Text(text(b" What", 150)),
            Token::Time(200),
            Token::Text(text(b" now", 220)),
        ]);
        let times: Vec<_> = found.iter().map(|sentence| (sentence.start, sentence.end)).collect();
        assert_eq!(times, [(Some(50), Some(120)), (Some(140), Some(200)), (Some(200), None)]);
    }

    #[test]
    fn a_space_begins_a_word_and_punctuation_stays_with_it() {
        let words = sentence(&[b" Let", b"'s", b" go", b"!", b" -", b" Now", b" ..."]).words(Some("en"));
        let seen: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.start, word.end)).collect();
        assert_eq!(
            seen,
            [("Let's", Some(0), Some(20)), ("go!", Some(20), Some(30)), ("-Now...", Some(50), Some(60))]
        );
        assert_eq!(texts(&[b" \xc2", b"\xbfQu", b"\xc3", b"\xa9", b"?"], "es"), ["¿Qué?"]);
        assert_eq!(texts(&[" ¡".as_bytes(), " Vamos".as_bytes(), b"!"], "es"), ["¡Vamos!"]);
    }

    #[test]
    fn unspaced_languages_split_at_whole_characters() {
        let bytes = "好球。".as_bytes();
        assert_eq!(texts(&[&bytes[..2], &bytes[2..3], &bytes[3..6], &bytes[6..]], "zh"), ["好", "球。"]);
    }

    #[test]
    fn notes_are_not_words() {
        assert_eq!(texts(&[b" [", b"Music", b"]", b" Hi"], "en"), ["Hi"]);
        assert_eq!(texts(&[b" (loud", b" applause", b")", b" Hi", b" *laughs*"], "en"), ["Hi"]);
        assert_eq!(texts(&[" ♪".as_bytes(), b" la", " ♪".as_bytes()], "en"), ["la"]);
    }

    proptest! {
        #[test]
        fn any_bytes_give_clean_words(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            for language in ["en", "ja"] {
                for word in texts(&pieces, language) {
                    prop_assert!(word.chars().any(char::is_alphanumeric));
                    prop_assert_eq!(word.trim(), &word);
                    prop_assert!(!word.contains(char::REPLACEMENT_CHARACTER));
                }
            }
        }
    }
}
