//! The words that the patterns are made of, each with a number.

use std::collections::HashMap;

use super::normalise::{Normalised, SHORT};

/// The number of a token that stands in no pattern.
pub(super) const NO_WORD: u32 = u32::MAX;

/// How many places of the table there are to a word, at least: of four looks at other words three end at once.
const PLACES_PER_WORD: usize = 4;

/// An odd number whose bits look random (2^64 divided by the golden ratio): multiplying by it spreads words over the
/// upper bits.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Words in their squeezed form, numbered as they came.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Words of at most [`SHORT`] bytes, by number; zero for the others.
    short: Vec<u128>,
    /// The numbers of the short words, each in the first place that was free from its own on.
    places: Vec<u32>,
    /// 64 less the bits of a place.
    shift: u32,
    /// The numbers of longer words.
    long: HashMap<Box<[u8]>, u32>,
}

impl Vocabulary {
    /// The number of a word, which is added where it is new.
    pub(super) fn add(&mut self, word: &[u8]) -> u32 {
        let mut padded = [0; SHORT];
        let number = self.short.len() as u32;
        let Some(start) = padded.get_mut(..word.len()) else {
            return *self.long.entry(Box::from(word)).or_insert_with(|| {
                self.short.push(0);
                number
            });
        };
        start.copy_from_slice(word);
        let word = u128::from_le_bytes(padded);
        let known = self.find_short(word);
        if known != NO_WORD {
            return known;
        }
        self.short.push(word);
        if self.places.len() < self.short.len() * PLACES_PER_WORD {
            self.spread();
        } else {
            self.settle(word, number);
        }
        number
    }

    /// How many words there are; their numbers lie below it.
    pub(super) fn len(&self) -> usize {
        self.short.len()
    }

    /// The numbers of the tokens of `text`, in place of those in `numbers`.
    pub(super) fn number(&self, text: &Normalised, numbers: &mut Vec<u32>) {
        numbers.clear();
        numbers.extend(text.squeezed_words().map(|(word, rest)| match word {
            Some(word) => self.find_short(word),
            None if self.long.is_empty() => NO_WORD,
            None => self.long.get(rest).copied().unwrap_or(NO_WORD),
        }));
    }

    fn find_short(&self, word: u128) -> u32 {
        let mut place = self.place(word);
        while let Some(&number) = self.places.get(place) {
            if number == NO_WORD || self.short[number as usize] == word {
                return number;
            }
            place = (place + 1) % self.places.len();
        }
        NO_WORD
    }

    fn place(&self, word: u128) -> usize {
        let (low, high) = (word as u64, (word >> 64) as u64);
        let mixed = (low ^ high.wrapping_mul(SPREAD).rotate_left(32)).wrapping_mul(SPREAD);
        (mixed >> self.shift) as usize
    }

    /// Makes the table large enough and puts every short word in its place.
    fn spread(&mut self) {
        let length = (self.short.len() * PLACES_PER_WORD * 2).next_power_of_two();
        self.shift = u64::BITS - length.trailing_zeros();
        self.places = vec![NO_WORD; length];
        for number in 0..self.short.len() {
            if self.short[number] != 0 {
                self.settle(self.short[number], number as u32);
            }
        }
    }

    fn settle(&mut self, word: u128, number: u32) {
        let mut place = self.place(word);
        while self.places[place] != NO_WORD {
            place = (place + 1) % self.places.len();
        }
        self.places[place] = number;
    }
}
