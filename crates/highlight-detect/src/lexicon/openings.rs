//! The first letters that a token of some shape can have, worked out from its regular expression.
//!
//! The expression is read as far as it is plain: letters, classes, groups, alternatives and repetitions. What comes
//! out may hold openings that no match has, and never lacks one: repetitions are taken as longer than they are,
//! letters beyond ASCII as one. Whatever is not plain (flags, borders, sets within classes) has no answer, and its shape is
//! tried on every token.

use std::iter::Peekable;
use std::str::Chars;

/// How many letters of a token are looked at.
pub(super) const OPENING: usize = 3;

/// Classes of letters: a to z, any digit, any byte beyond ASCII, and the end of the token.
const CLASS_BITS: usize = 5;
const END: u8 = 0;
const DIGIT: u8 = 27;
const BEYOND_ASCII: u8 = 28;
const CLASS_COUNT: u8 = 29;

/// An expression that unfolds to more states than this is not read further: no sane shape comes near.
const MAX_STATES: usize = 10_000;

const CLASS_OF: [u8; 256] = {
    let mut classes = [END; 256];
    let mut byte = 0;
    while byte < classes.len() {
        classes[byte] = match byte as u8 {
            letter @ b'a'..=b'z' => letter - b'a' + 1,
            b'0'..=b'9' => DIGIT,
            0x80.. => BEYOND_ASCII,
            _ => END,
        };
        byte += 1;
    }
    classes
};

/// The classes of the first letters of a token; the end repeats.
pub(super) type Opening = [u8; OPENING];

/// The opening of the token at the start of `folded`, which goes on with a space.
pub(super) fn opening(folded: &[u8]) -> Opening {
    let class = |place: usize| folded.get(place).map_or(END, |byte| CLASS_OF[usize::from(*byte)]);
    let (first, second) = (class(0), class(1));
    [first, second, if second == END { END } else { class(2) }]
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Letters(u32);

impl Letters {
    /// Every class but the end.
    const ANY: Self = Self((1 << CLASS_COUNT) - 2);

    const fn one(class: u8) -> Self {
        Self(1 << class)
    }

    pub(super) const fn contain(self, class: u8) -> bool {
        self.0 >> class & 1 != 0
    }

    fn iter(self) -> impl Iterator<Item = u8> {
        (0..CLASS_COUNT).filter(move |class| self.contain(*class))
    }
}

/// A set of openings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Openings {
    /// A set of third letters for each first and second.
    thirds: Box<[Letters; 1 << (2 * CLASS_BITS)]>,
}

impl Openings {
    pub(super) fn none() -> Self {
        Self { thirds: Box::new([Letters::default(); 1 << (2 * CLASS_BITS)]) }
    }

    pub(super) fn all() -> Self {
        Self { thirds: Box::new([Letters(u32::MAX); 1 << (2 * CLASS_BITS)]) }
    }

    pub(super) fn contain(&self, [first, second, third]: Opening) -> bool {
        self.thirds[place(first, second)].contain(third)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (letters, more) in self.thirds.iter_mut().zip(&*other.thirds) {
            letters.0 |= more.0;
        }
    }

    /// What stands in each of the three places.
    pub(super) fn letters(&self) -> [Letters; OPENING] {
        let mut letters = [Letters::default(); OPENING];
        for first in 0..CLASS_COUNT {
            for second in 0..CLASS_COUNT {
                let thirds = self.thirds[place(first, second)];
                if thirds != Letters::default() {
                    letters[0].0 |= Letters::one(first).0;
                    letters[1].0 |= Letters::one(second).0;
                    letters[2].0 |= thirds.0;
                }
            }
        }
        letters
    }
}

fn place(first: u8, second: u8) -> usize {
    usize::from(first) << CLASS_BITS | usize::from(second)
}

/// The openings of the tokens that `expression` matches as a whole; `None` where it is not plain.
pub(super) fn of_expression(expression: &str) -> Option<Openings> {
    let mut source = expression.chars().peekable();
    let node = read_alternatives(&mut source)?;
    if source.next().is_some() {
        return None;
    }
    let mut machine = Machine { states: vec![State::Accept] };
    let start = machine.add(&node, 0)?;
    Some(machine.openings(start))
}

/// A part of an expression.
#[derive(Debug)]
enum Node {
    Letters(Letters),
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    /// So many times, or that often at least.
    Repeated {
        node: Box<Node>,
        least: usize,
        is_open: bool,
    },
}

type Source<'source> = Peekable<Chars<'source>>;

fn read_alternatives(source: &mut Source<'_>) -> Option<Node> {
    let mut alternatives = vec![read_sequence(source)?];
    while source.next_if_eq(&'|').is_some() {
        alternatives.push(read_sequence(source)?);
    }
    Some(Node::Alternatives(alternatives))
}

fn read_sequence(source: &mut Source<'_>) -> Option<Node> {
    let mut sequence = Vec::new();
    while source.peek().is_some_and(|next| !matches!(next, '|' | ')')) {
        let mut node = read_atom(source)?;
        while let Some((least, is_open)) = read_repetition(source)? {
            node = Node::Repeated { node: Box::new(node), least, is_open };
        }
        sequence.push(node);
    }
    Some(Node::Sequence(sequence))
}

fn read_atom(source: &mut Source<'_>) -> Option<Node> {
    match source.next()? {
        '(' => {
            if source.next_if_eq(&'?').is_some() && source.next() != Some(':') {
                return None;
            }
            let node = read_alternatives(source)?;
            (source.next() == Some(')')).then_some(node)
        }
        '[' => read_class(source),
        '.' => Some(any_character()),
        '\\' => read_escape(source),
        '^' | '$' | '*' | '+' | '?' | '{' => None,
        letter => Some(literal(letter)),
    }
}

/// `\w` and its kind. Others may be borders, or letters by their numbers.
fn read_escape(source: &mut Source<'_>) -> Option<Node> {
    matches!(source.next()?, 'w' | 'W' | 'd' | 'D' | 's' | 'S').then(any_character)
}

/// A class, after its opening bracket.
fn read_class(source: &mut Source<'_>) -> Option<Node> {
    let is_negated = source.next_if_eq(&'^').is_some();
    let mut letters = Letters::default();
    let mut items = 0;
    loop {
        match source.next()? {
            ']' if items > 0 => break,
            // A bracket may open a class within, and two of the same join classes.
            '[' | ']' | '&' | '~' => return None,
            '\\' => {
                read_escape(source)?;
                letters = Letters::ANY;
            }
            first => {
                let mut last = first;
                if source.next_if_eq(&'-').is_some() {
                    match source.next()? {
                        // At the end a hyphen is one; no token holds any.
                        ']' => {
                            letters.0 |= letters_of_character(first).0;
                            break;
                        }
                        '\\' | '[' | '-' | '&' | '~' => return None,
                        other => last = other,
                    }
                }
                for letter in first..=last.min('\u{7f}') {
                    letters.0 |= letters_of_ascii(letter).0;
                }
                if !last.is_ascii() {
                    letters.0 |= Letters::one(BEYOND_ASCII).0;
                }
            }
        }
        items += 1;
    }
    Some(if is_negated { any_character() } else { character_of(letters) })
}

/// How often what stands before is repeated, where it is.
fn read_repetition(source: &mut Source<'_>) -> Option<Option<(usize, bool)>> {
    let repetition = match source.peek() {
        Some('*' | '?') => {
            source.next();
            (0, true)
        }
        Some('+') => {
            source.next();
            (1, true)
        }
        Some('{') => {
            source.next();
            let mut number = String::new();
            while let Some(digit) = source.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            let least = number.parse().ok()?;
            let is_open = source.next_if_eq(&',').is_some();
            while source.next_if(char::is_ascii_digit).is_some() {}
            if source.next() != Some('}') {
                return None;
            }
            (least, is_open)
        }
        _ => return Some(None),
    };
    // Whether as little as possible is taken makes no difference to whole tokens.
    source.next_if_eq(&'?');
    Some(Some(repetition))
}

fn literal(letter: char) -> Node {
    if letter.is_ascii() {
        return Node::Letters(letters_of_ascii(letter));
    }
    let byte = || Node::Letters(Letters::one(BEYOND_ASCII));
    Node::Sequence(std::iter::repeat_with(byte).take(letter.len_utf8()).collect())
}

fn letters_of_character(letter: char) -> Letters {
    if letter.is_ascii() { letters_of_ascii(letter) } else { Letters::one(BEYOND_ASCII) }
}

/// None for what no token holds.
fn letters_of_ascii(letter: char) -> Letters {
    match CLASS_OF[letter as usize & 0x7f] {
        END => Letters::default(),
        class => Letters::one(class),
    }
}

fn any_character() -> Node {
    character_of(Letters::ANY)
}

/// One character of some classes, which beyond ASCII is several bytes.
fn character_of(letters: Letters) -> Node {
    if !letters.contain(BEYOND_ASCII) {
        return Node::Letters(letters);
    }
    let bytes = Node::Letters(Letters::one(BEYOND_ASCII));
    let ascii = Node::Letters(Letters(letters.0 & !Letters::one(BEYOND_ASCII).0));
    Node::Alternatives(vec![ascii, Node::Repeated { node: Box::new(bytes), least: 1, is_open: true }])
}

/// A non-deterministic automaton over classes of letters.
struct Machine {
    states: Vec<State>,
}

enum State {
    Accept,
    Letters(Letters, usize),
    Split(Vec<usize>),
}

impl Machine {
    /// Adds what reads `node` and goes on at `next`, and gives where it begins; `None` where it grows too large.
    fn add(&mut self, node: &Node, next: usize) -> Option<usize> {
        match node {
            Node::Letters(letters) => self.push(State::Letters(*letters, next)),
            Node::Sequence(nodes) => nodes.iter().rev().try_fold(next, |next, node| self.add(node, next)),
            Node::Alternatives(nodes) => {
                let starts = nodes.iter().map(|node| self.add(node, next)).collect::<Option<_>>()?;
                self.push(State::Split(starts))
            }
            Node::Repeated { node, least, is_open } => {
                // Every time reads a letter, or leaves the rest as it is: later ones are beyond the opening.
                let times = (*least).min(OPENING);
                let mut start = next;
                if *is_open || *least > times {
                    start = self.push(State::Split(vec![next]))?;
                    let again = self.add(node, start)?;
                    if let State::Split(starts) = &mut self.states[start] {
                        starts.push(again);
                    }
                }
                (0..times).try_fold(start, |next, _| self.add(node, next))
            }
        }
    }

    fn push(&mut self, state: State) -> Option<usize> {
        self.states.push(state);
        (self.states.len() <= MAX_STATES).then_some(self.states.len() - 1)
    }

    fn openings(&self, start: usize) -> Openings {
        let mut openings = Openings::none();
        let start = self.closure([start]);
        for first in self.letters(&start).iter() {
            let after_first = self.after(&start, first);
            for second in self.letters(&after_first).iter() {
                let after_second = self.after(&after_first, second);
                openings.thirds[place(first, second)] = self.letters(&after_second);
            }
        }
        openings
    }

    /// What may come next: letters, and the end, which repeats.
    fn letters(&self, states: &[usize]) -> Letters {
        Letters(states.iter().fold(0, |letters, state| match &self.states[*state] {
            State::Accept => letters | Letters::one(END).0,
            State::Letters(more, _) => letters | more.0,
            State::Split(_) => letters,
        }))
    }

    fn after(&self, states: &[usize], class: u8) -> Vec<usize> {
        self.closure(states.iter().filter_map(|state| match &self.states[*state] {
            State::Accept => (class == END).then_some(*state),
            State::Letters(letters, next) => letters.contain(class).then_some(*next),
            State::Split(_) => None,
        }))
    }

    /// The states that can be reached from `states` without a letter, themselves included.
    fn closure(&self, states: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut reached: Vec<usize> = Vec::new();
        let mut is_reached = vec![false; self.states.len()];
        let mut waiting: Vec<usize> = states.into_iter().collect();
        while let Some(state) = waiting.pop() {
            if !std::mem::replace(&mut is_reached[state], true) {
                reached.push(state);
                if let State::Split(next) = &self.states[state] {
                    waiting.extend(next);
                }
            }
        }
        reached
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    #[test]
    fn openings_are_those_of_the_matches() {
        for (expression, inside, outside) in [
            ("no{3,}|n{2,}o{2,}", &["nooo", "nnoo", "nno", "nnnn"][..], &["no", "not", "nn", "on"][..]),
            ("x+d+", &["xd", "xxd", "xdd", "xxxx"], &["x", "d", "xdx", "dx"]),
            ("lo+l(?:ol)*", &["lol", "lool", "looo"], &["lo", "log", "ll"]),
            ("pog[a-z]*", &["pog", "pogg", "pogchamp"], &["po", "pop", "pag"]),
            ("[57]{3,}", &["777", "5555"], &["77", "75x"]),
            ("ㅋ{2,}|ㅎ{2,}", &["ㅋㅋ"], &["kk"]),
            ("a.?b", &["ab", "acb", "aéb"], &["a", "ba"]),
            ("[a-]b|[^a]c", &["ab", "xc", "1c", "éc"], &["a", "bd"]),
            ("(ab){2}?", &["abab"], &["ab", "abb"]),
        ] {
            let openings = of_expression(expression).unwrap();
            for token in inside {
                assert!(
                    openings.contain(opening(format!("{token} abc").as_bytes())),
                    "{expression}: {token}"
                );
            }
            for token in outside {
                assert!(
                    !openings.contain(opening(format!("{token} abc").as_bytes())),
                    "{expression}: {token}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_plain_has_no_answer() {
        for expression in
            ["(?i:a)", r"a\b", r"\x61", r"\p{L}", "[[:alpha:]]", "[a&&b]", "^a", "a$", "a{,2}", "(?<n>a)"]
        {
            assert_eq!(of_expression(expression), None, "{expression}");
        }
        // Three to the power of twenty states.
        let deep = format!("{}a{}", "(?:".repeat(20), "){3}".repeat(20));
        assert_eq!(of_expression(&deep), None);
    }

    /// Expressions of the plain kind.
    fn expression() -> impl Strategy<Value = String> {
        let atom = prop_oneof![
            "[a-f]",
            "[0-9]",
            Just("é".to_owned()),
            Just("[a-cé]".to_owned()),
            Just("[5-7x]".to_owned()),
            Just("\\w".to_owned()),
        ];
        atom.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..3)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                (inner, prop::sample::select(vec!["*", "+", "?", "{2}", "{3,}", "{1,2}"]))
                    .prop_map(|(part, times)| format!("(?:{part}){times}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_match_has_another_opening(
            (expression, token) in expression().prop_flat_map(|expression| {
                let token = string_regex(&expression).unwrap();
                (Just(expression), token)
            })
        ) {
            let openings = of_expression(&expression).unwrap();
            // What is folded otherwise no token holds.
            let is_folded = |letter: char| !letter.is_ascii() || letter.is_ascii_lowercase() || letter.is_ascii_digit();
            if !token.is_empty() && token.chars().all(is_folded) {
                prop_assert!(openings.contain(opening(format!("{token} abc").as_bytes())), "{expression}: {token}");
            }
        }

        #[test]
        fn any_expression_is_read_or_not(expression in "[a-c0-9é(){},|*+?\\[\\]\\\\^$.&:-]{0,12}") {
            of_expression(&expression);
        }
    }
}
