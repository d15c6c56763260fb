//! Words and phrases: one automaton over the numbers of words, run from each word on.

use std::collections::HashMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous;
use aho_corasick::{Anchored, BuildError, MatchKind};

use super::compile::fold;
use super::normalise::{Normalised, Runs, compare_runs};
use super::vocabulary::{NO_WORD, Vocabulary};

/// Everything that is searched for word by word.
///
/// Tokens are looked up in the vocabulary all at once, which leaves one or two bytes a word for the automaton to read and
/// nothing at all of words that no pattern has. It is run anchored, from each word until nothing fits any more, so that
/// what it reports comes by where it starts.
#[derive(Debug)]
pub(super) struct Phrases {
    vocabulary: Vocabulary,
    automaton: contiguous::NFA,
    /// The automaton's state after each word, by number; dead where no pattern begins with it.
    first_states: Vec<StateID>,
    /// By pattern of the automaton.
    keys: Vec<Key>,
}

/// Words in their squeezed form, with what may stand there.
#[derive(Debug)]
struct Key {
    word_count: usize,
    forms: Vec<Form>,
}

/// One way to write a pattern or a negation.
#[derive(Debug)]
struct Form {
    folded: String,
    role: Role,
}

/// What a form stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The pattern of this index.
    Pattern(usize),
    /// A word that turns the next ones round.
    Negation,
}

impl Phrases {
    /// The numbers of the words of `text`, in place of those in `words`: what [`find_at`](Self::find_at) asks for.
    pub(super) fn number_words(&self, text: &Normalised, words: &mut Vec<u32>) {
        self.vocabulary.number(text, words);
    }

    /// Reports what begins at `token`: the token after its last, what it stands for, and whether letters are drawn out.
    pub(super) fn find_at(
        &self,
        text: &Normalised,
        words: &[u32],
        token: usize,
        mut report: impl FnMut(usize, Role, bool),
    ) {
        let Some(&first) = self.first_states.get(words[token] as usize) else { return };
        let mut state = first;
        let mut end = token + 1;
        while !self.automaton.is_dead(state) {
            if self.automaton.is_match(state) {
                // The state's own key comes before those that end like it but begin later.
                let key = &self.keys[self.automaton.match_pattern(state, 0).as_usize()];
                if key.word_count == end - token {
                    for form in &key.forms {
                        match compare(text, token, end, &form.folded) {
                            Runs::Differ => {}
                            runs => report(end, form.role, runs == Runs::DrawnOut),
                        }
                    }
                }
            }
            match words.get(end) {
                Some(&word) if word != NO_WORD => state = after(&self.automaton, state, word),
                _ => return,
            }
            end += 1;
        }
    }
}

/// The state after a word.
fn after(automaton: &contiguous::NFA, state: StateID, word: u32) -> StateID {
    bytes_of(word).fold(state, |state, byte| automaton.next_state(Anchored::Yes, state, byte))
}

/// The number of a word as the automaton reads it: seven bits a byte, the lowest first, and a bit where more follow.
fn bytes_of(mut word: u32) -> impl Iterator<Item = u8> {
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let low = (word & 0x7f) as u8;
        word >>= 7;
        is_over = word == 0;
        Some(if is_over { low } else { low | 0x80 })
    })
}

/// [`compare_runs`] of the tokens from `first` to before `end`, whose squeezed view is that of `form`.
fn compare(text: &Normalised, first: usize, end: usize, form: &str) -> Runs {
    let written = text.folded_tokens(first, end);
    // No form has a letter three times in a row, and a text without any letter twice is as long squeezed.
    if written.len() == form.len() && written == form.as_bytes() {
        Runs::Same
    } else if written.len() == text.squeezed_length(first, end) {
        Runs::Differ
    } else {
        compare_runs(std::str::from_utf8(written).unwrap_or_default(), form)
    }
}

/// Collects what [`Phrases`] search for.
#[derive(Default)]
pub(super) struct Builder {
    vocabulary: Vocabulary,
    keys: Vec<Key>,
    /// What the automaton reads of each key.
    texts: Vec<Vec<u8>>,
    by_text: HashMap<Vec<u8>, usize>,
}

impl Builder {
    /// Adds a pattern as written and, where it has apostrophes, as people split it ("let s").
    pub(super) fn add(&mut self, text: &str, role: Role) {
        self.add_form(text, role);
        let split = text.replace(['\'', '\u{2019}'], " ");
        if split != text {
            self.add_form(&split, role);
        }
    }

    /// # Errors
    /// Where the automaton grows beyond what its numbers hold.
    pub(super) fn build(self) -> Result<Phrases, BuildError> {
        let automaton =
            contiguous::Builder::new().match_kind(MatchKind::Standard).prefilter(false).build(&self.texts)?;
        let start = automaton.start_state(Anchored::Yes).expect("this kind searches anchored too");
        let words = 0..self.vocabulary.len() as u32;
        let first_states = words.map(|word| after(&automaton, start, word)).collect();
        Ok(Phrases { vocabulary: self.vocabulary, automaton, first_states, keys: self.keys })
    }

    fn add_form(&mut self, text: &str, role: Role) {
        let folded = fold(text);
        let mut normalised = Normalised::default();
        normalised.read(&folded);
        let mut text = Vec::new();
        for token in 0..normalised.token_count() {
            text.extend(bytes_of(self.vocabulary.add(normalised.squeezed_token(token))));
        }
        let place = *self.by_text.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            self.keys.push(Key { word_count: normalised.token_count(), forms: Vec::new() });
            self.keys.len() - 1
        });
        self.keys[place].forms.push(Form { folded, role });
    }
}
