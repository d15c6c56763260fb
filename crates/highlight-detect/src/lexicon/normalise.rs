//! The one way in which patterns and text are made comparable.
//!
//! Compatibility decomposition, marks dropped (but `n` with a tilde stays the letter `ñ`), lower case, apostrophes
//! dropped, digits between letters read as the letters they stand for, everything else that is neither letter, digit
//! nor emoji a border between tokens. An emoji is a token of its own.
//!
//! Two views of the tokens come out, each token between single spaces: *folded*, with its letters as often as they
//! were written, and *squeezed*, with every run of one letter as one. The squeezed view is what the automaton reads;
//! [`compare_runs`] then tells from the folded view whether a hit is one.

use super::letters::{self, AT_ONCE};
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// How much of a text is read, in bytes. Decomposition makes a character at most eleven times as long, so every
/// offset fits 32 bits.
pub(super) const READ_LIMIT: usize = 256 << 20;

/// From this many times the same letter on, a run is drawn out ("nooo") and stands for a run of any length.
pub(super) const DRAWN_OUT_RUN: usize = 3;

/// Classes of ASCII bytes below every letter and digit; a letter or digit is its own class, in lower case.
const BORDER: u8 = 0;
const DROPPED: u8 = 1;
const BEYOND_ASCII: u8 = 2;
const FIRST_WORD_CLASS: u8 = b'0';

/// The class of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [BORDER; 256];
    let mut byte = 0;
    while byte < classes.len() {
        let value = byte as u8;
        classes[byte] = if value.is_ascii_alphanumeric() {
            value.to_ascii_lowercase()
        } else if value == b'\'' || value == b'`' {
            DROPPED
        } else if value.is_ascii() {
            BORDER
        } else {
            BEYOND_ASCII
        };
        byte += 1;
    }
    classes
};

/// How many bytes of a token fit into a number; so many spaces follow the squeezed view.
pub(super) const SHORT: usize = 16;

/// A number with so many bytes of ones, by how many.
const ONES: [u128; SHORT + 1] = {
    let mut ones = [u128::MAX; SHORT + 1];
    let mut length = 0;
    while length < SHORT {
        ones[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    ones
};

const COMBINING_TILDE: char = '\u{303}';

/// Where a token lies in the two views and in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// Its first byte in the folded view.
    pub(super) folded: u32,
    /// Its first byte in the squeezed view.
    pub(super) squeezed: u32,
    /// Its first byte in the text.
    pub(super) start: u32,
    /// The byte after its last in the text.
    pub(super) end: u32,
}

/// The two views of one text. Reading another text reuses the buffers.
#[derive(Clone, Debug, Default)]
pub(super) struct Normalised {
    /// The text that is being read, with spaces behind.
    padded: Vec<u8>,
    folded: Vec<u8>,
    squeezed: Vec<u8>,
    /// One more than there are tokens: the last marks the end.
    tokens: Vec<Token>,
}

/// The token being read.
struct OpenToken {
    is_open: bool,
    folded: usize,
    start: usize,
    end: usize,
    has_digit: bool,
    is_ascii: bool,
    /// Whether the same letter may stand twice in a row.
    has_double: bool,
}

impl Normalised {
    /// Reads `text`, forgetting what was read before.
    pub(super) fn read(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(READ_LIMIT)];
        let mut token = self.begin(text);
        let bytes = text.as_bytes();
        let mut position = 0;
        while let Some(&byte) = bytes.get(position) {
            match CLASSES[usize::from(byte)] {
                BORDER => {
                    self.close(&mut token);
                    position += 1;
                }
                DROPPED => position += 1,
                BEYOND_ASCII => {
                    let Some(character) = text[position..].chars().next() else { break };
                    self.read_character(character, position, &mut token);
                    position += character.len_utf8();
                }
                _ if !token.is_open
                    && let Some(length) = self.read_short(position) =>
                {
                    position += length;
                }
                _ => {
                    self.open(&mut token, position);
                    let start = position;
                    let (mut previous, mut lowest) = (0, u8::MAX);
                    while let Some(&byte) = bytes.get(position) {
                        let class = CLASSES[usize::from(byte)];
                        if class < FIRST_WORD_CLASS {
                            break;
                        }
                        token.has_double |= class == previous;
                        lowest = lowest.min(class);
                        previous = class;
                        position += 1;
                    }
                    token.has_digit |= lowest <= b'9';
                    self.folded.extend(bytes[start..position].iter().map(|byte| CLASSES[usize::from(*byte)]));
                    // An apostrophe may have stood between two of the same letter.
                    token.has_double |= start > token.start;
                    token.end = position;
                }
            }
        }
        self.finish(text, &mut token);
    }

    /// Forgets what was read before, and is ready for `text`.
    fn begin(&mut self, text: &str) -> OpenToken {
        self.folded.clear();
        self.squeezed.clear();
        self.tokens.clear();
        self.padded.clear();
        self.padded.extend_from_slice(text.as_bytes());
        self.padded.extend_from_slice(&[b' '; AT_ONCE]);
        self.folded.reserve(self.padded.len());
        self.squeezed.reserve(self.padded.len() + SHORT);
        self.folded.push(b' ');
        self.squeezed.push(b' ');

        OpenToken {
            is_open: false,
            folded: 0,
            start: 0,
            end: 0,
            has_digit: false,
            is_ascii: true,
            has_double: false,
        }
    }

    /// Ends the last token and marks the end.
    fn finish(&mut self, text: &str, token: &mut OpenToken) {
        self.close(token);
        self.tokens.push(Token {
            folded: self.folded.len() as u32,
            squeezed: self.squeezed.len() as u32,
            start: text.len() as u32,
            end: text.len() as u32,
        });
        self.squeezed.extend_from_slice(&[b' '; SHORT]);
    }

    /// The folded view from a token on.
    pub(super) fn folded_from(&self, token: usize) -> &[u8] {
        &self.folded[self.tokens[token].folded as usize..]
    }

    /// A token in the squeezed view.
    pub(super) fn squeezed_token(&self, token: usize) -> &[u8] {
        let start = self.tokens[token].squeezed as usize;
        &self.squeezed[start..start + self.squeezed_length(token, token + 1)]
    }

    /// The tokens in the squeezed view, one after another: those of at most [`SHORT`] bytes as a number of 16 bytes
    /// that begins with them and is filled up with zeros, the lowest byte first; the others as they are.
    pub(super) fn squeezed_words(&self) -> impl Iterator<Item = (Option<u128>, &[u8])> {
        self.tokens.windows(2).map(|pair| {
            let start = pair[0].squeezed as usize;
            let length = (pair[1].squeezed - pair[0].squeezed) as usize - 1;
            let word = ONES.get(length).zip(self.squeezed[start..].first_chunk());
            let word = word.map(|(ones, bytes)| u128::from_le_bytes(*bytes) & ones);
            (word, &self.squeezed[start..start + length])
        })
    }

    /// The bytes of the tokens from `first` to before `end` in the squeezed view, without the spaces around them.
    pub(super) fn squeezed_length(&self, first: usize, end: usize) -> usize {
        (self.tokens[end].squeezed - self.tokens[first].squeezed) as usize - 1
    }

    /// The tokens from `first` to before `end` in the folded view, without the spaces around them.
    pub(super) fn folded_tokens(&self, first: usize, end: usize) -> &[u8] {
        let range = self.tokens[first].folded as usize..self.tokens[end].folded as usize - 1;
        &self.folded[range]
    }

    /// The bytes of the text that the tokens from `first` to before `end` cover.
    pub(super) fn bytes_of(&self, first: usize, end: usize) -> std::ops::Range<usize> {
        self.tokens[first].start as usize..self.tokens[end - 1].end as usize
    }

    /// How many tokens there are.
    pub(super) fn token_count(&self) -> usize {
        self.tokens.len().saturating_sub(1)
    }

    /// Reads a token that begins at `position` if it is a plain word with a border after it. Gives its length.
    fn read_short(&mut self, position: usize) -> Option<usize> {
        let bytes = *self.padded.get(position..)?.first_chunk()?;
        let word = letters::plain_word(bytes)?;
        if CLASSES[usize::from(bytes[word.length])] != BORDER {
            return None;
        }
        self.tokens.push(Token {
            folded: self.folded.len() as u32,
            squeezed: self.squeezed.len() as u32,
            start: position as u32,
            end: (position + word.length) as u32,
        });
        push_first(&mut self.folded, &word.letters, word.length + 1);
        if word.has_double {
            let (letters, length) = squeeze_letters(&word.letters[..=word.length]);
            push_first(&mut self.squeezed, &letters, length);
        } else {
            push_first(&mut self.squeezed, &word.letters, word.length + 1);
        }
        Some(word.length)
    }

    fn open(&self, token: &mut OpenToken, position: usize) {
        if !token.is_open {
            *token = OpenToken {
                is_open: true,
                folded: self.folded.len(),
                start: position,
                end: position,
                has_digit: false,
                is_ascii: true,
                has_double: false,
            };
        }
    }

    fn close(&mut self, token: &mut OpenToken) {
        if !token.is_open {
            return;
        }
        token.is_open = false;
        let letters = &mut self.folded[token.folded..];
        if token.has_digit {
            read_digits_as_letters(letters);
        }
        self.tokens.push(Token {
            folded: token.folded as u32,
            squeezed: self.squeezed.len() as u32,
            start: token.start as u32,
            end: token.end as u32,
        });
        if token.is_ascii && !token.has_double && !token.has_digit {
            self.squeezed.extend_from_slice(letters);
        } else if token.is_ascii {
            let mut previous = 0;
            for &letter in &*letters {
                if letter != previous || letter <= b'9' {
                    self.squeezed.push(letter);
                }
                previous = letter;
            }
        } else {
            squeeze_characters(std::str::from_utf8(letters).unwrap_or_default(), &mut self.squeezed);
        }
        self.folded.push(b' ');
        self.squeezed.push(b' ');
    }

    /// Reads a character that is not ASCII and begins at `position`.
    fn read_character(&mut self, character: char, position: usize, token: &mut OpenToken) {
        if is_dropped(character) {
            return;
        }
        let end = position + character.len_utf8();
        if is_emoji(character) {
            self.close(token);
            self.open(token, position);
            self.push(character, end, token);
            self.close(token);
            return;
        }
        decompose_compatible(character, |part| {
            if part == COMBINING_TILDE && token.is_open && self.folded.last() == Some(&b'n') {
                self.folded.pop();
                self.push('ñ', end, token);
            } else if is_combining_mark(part) {
                if token.is_open {
                    token.end = end;
                }
            } else if part.is_alphanumeric() {
                self.open(token, position);
                for lower in part.to_lowercase().filter(|lower| !is_combining_mark(*lower)) {
                    self.push(lower, end, token);
                }
            } else if part != '\'' {
                self.close(token);
            }
        });
    }

    fn push(&mut self, character: char, end: usize, token: &mut OpenToken) {
        token.end = end;
        token.is_ascii &= character.is_ascii();
        token.has_digit |= character.is_ascii_digit();
        token.has_double = true;
        let mut buffer = [0; 4];
        self.folded.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
}

/// How a stretch of folded text compares with the folded form of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// They are different words.
    Differ,
    /// The same, letter by letter.
    Same,
    /// The same but for runs of three or more letters in the text, which stand for a run of any length.
    DrawnOut,
}

/// Compares two folded texts run by run.
pub(super) fn compare_runs(text: &str, pattern: &str) -> Runs {
    let (mut text, mut pattern) = (text.chars().peekable(), pattern.chars().peekable());
    let mut runs = Runs::Same;
    while let Some(letter) = text.next() {
        if pattern.next() != Some(letter) {
            return Runs::Differ;
        }
        let count = |rest: &mut std::iter::Peekable<std::str::Chars<'_>>| {
            1 + std::iter::from_fn(|| rest.next_if_eq(&letter)).count()
        };
        let (written, wanted) = (count(&mut text), count(&mut pattern));
        if letter.is_alphabetic() && written >= DRAWN_OUT_RUN {
            runs = Runs::DrawnOut;
        } else if written != wanted {
            return Runs::Differ;
        }
    }
    if pattern.next().is_some() { Runs::Differ } else { runs }
}

/// Letters once where they stand three times or more, else as they are.
pub(super) fn shorten_drawn_out(folded: &str) -> String {
    let mut shortened = String::with_capacity(folded.len());
    let mut rest = folded.chars().peekable();
    while let Some(letter) = rest.next() {
        let count = 1 + std::iter::from_fn(|| rest.next_if_eq(&letter)).count();
        let kept = if letter.is_alphabetic() && count >= DRAWN_OUT_RUN { 1 } else { count };
        shortened.extend(std::iter::repeat_n(letter, kept));
    }
    shortened
}

/// Appends the first `count` bytes. Copying all and dropping the rest is quicker than copying some.
fn push_first(view: &mut Vec<u8>, bytes: &[u8; AT_ONCE], count: usize) {
    let end = view.len() + count;
    view.extend_from_slice(bytes);
    view.truncate(end);
}

/// Each run of one letter as one letter, and how many there are then.
fn squeeze_letters(letters: &[u8]) -> ([u8; AT_ONCE], usize) {
    let mut squeezed = [0; AT_ONCE];
    let mut length = 0;
    let mut previous = 0;
    for &letter in letters {
        squeezed[length] = letter;
        length += usize::from(letter != previous);
        previous = letter;
    }
    (squeezed, length)
}

fn squeeze_characters(letters: &str, squeezed: &mut Vec<u8>) {
    let mut previous = None;
    let mut buffer = [0; 4];
    for letter in letters.chars() {
        if previous != Some(letter) || !letter.is_alphabetic() {
            squeezed.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
        }
        previous = Some(letter);
    }
}

/// "n00b" is "noob", but "1v5" and "gg2" stay: only digits with letters on both sides stand for letters.
fn read_digits_as_letters(token: &mut [u8]) {
    let is_letter = |byte: &u8| !byte.is_ascii_digit();
    let (Some(first), Some(last)) = (token.iter().position(is_letter), token.iter().rposition(is_letter))
    else {
        return;
    };
    for byte in &mut token[first..last] {
        *byte = match *byte {
            b'0' => b'o',
            b'1' => b'i',
            b'3' => b'e',
            b'4' => b'a',
            b'5' => b's',
            b'7' => b't',
            other => other,
        };
    }
}

/// Apostrophes in all their shapes, and the soft hyphen.
fn is_dropped(character: char) -> bool {
    matches!(
        character,
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{2BC}' | '\u{B4}' | '\u{2032}' | '\u{FF07}' | '\u{AD}'
    )
}

/// Pictures that people write as words: the symbol blocks of Unicode, without skin tones.
fn is_emoji(character: char) -> bool {
    matches!(character, '\u{2600}'..='\u{27BF}' | '\u{1F300}'..='\u{1F3FA}' | '\u{1F400}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The views and the tokens as they come out character by character, without any short cut.
    fn read_plainly(text: &str) -> Normalised {
        let mut normalised = Normalised::default();
        let mut token = normalised.begin(text);
        for (position, character) in text.char_indices() {
            if !matches!(character, '\'' | '`') {
                normalised.read_character(character, position, &mut token);
            }
        }
        normalised.finish(text, &mut token);
        normalised
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn short_cuts_change_nothing(text in prop_oneof![
            any::<String>(),
            "[a-c '1.]{0,40}",
            "([a-zA-Z]{1,12}|o{1,9}|[a-z0-9]{1,9}|é|n\u{303}|🔥|['`’ .,\\[{@-]){0,12}",
        ]) {
            let mut normalised = Normalised::default();
            normalised.read(&text);
            let plainly = read_plainly(&text);
            prop_assert_eq!(&normalised.folded, &plainly.folded);
            prop_assert_eq!(&normalised.squeezed, &plainly.squeezed);
            prop_assert_eq!(&normalised.tokens, &plainly.tokens);
        }
    }

    fn views(text: &str) -> (String, String) {
        let mut normalised = Normalised::default();
        normalised.read(text);
        (
            String::from_utf8(normalised.folded).unwrap().trim().to_owned(),
            String::from_utf8(normalised.squeezed).unwrap().trim().to_owned(),
        )
    }

    #[test]
    fn text_is_folded() {
        for (text, folded) in [
            ("Let's GO!", "lets go"),
            ("let’s  go", "lets go"),
            ("'no way'", "no way"),
            ("Qué LOCURA, mamá", "que locura mama"),
            ("año ano An\u{303}o", "año ano año"),
            ("não é possível", "nao e possivel"),
            ("ＬＥＴ＇Ｓ", "lets"),
            ("n00b cl1p 1v5 gg2 100", "noob clip 1v5 gg2 100"),
            ("gol🔥🔥gol", "gol 🔥 🔥 gol"),
            ("[emote:37226:KEKW]", "emote 37226 kekw"),
            ("½…ﬁn", "1 2 fin"),
            ("\u{303}\u{301}", ""),
            ("", ""),
        ] {
            assert_eq!(views(text).0, folded, "{text}");
        }
        assert_eq!(views("NOOOO good 100 ññ").1, "no god 100 ñ");
    }

    #[test]
    fn runs_of_three_stand_for_any_run() {
        for (text, pattern, runs) in [
            ("gol", "gol", Runs::Same),
            ("gooool", "gol", Runs::DrawnOut),
            ("coool", "cool", Runs::DrawnOut),
            ("col", "cool", Runs::Differ),
            ("gool", "gol", Runs::Differ),
            ("colll", "cool", Runs::Differ),
            ("go", "gol", Runs::Differ),
            ("gol", "go", Runs::Differ),
            ("100", "10", Runs::Differ),
        ] {
            assert_eq!(compare_runs(text, pattern), runs, "{text} as {pattern}");
        }
        assert_eq!(shorten_drawn_out("nooo goood 1000 good"), "no god 1000 good");
    }
}
