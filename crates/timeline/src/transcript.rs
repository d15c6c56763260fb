//! Words with their times.

use serde::{Deserialize, Serialize};

use crate::Span;

/// One spoken word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// When it is spoken.
    pub span: Span,
    /// As written, with its punctuation, without surrounding space.
    pub text: String,
    /// How sure the recogniser is, 0 to 1.
    pub probability: f32,
}

/// A run of words the recogniser gave as one: a sentence, mostly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From its first word to its last.
    pub span: Span,
    /// As written.
    pub text: String,
    /// Its words in order; empty where only the segment's own time is known.
    pub words: Vec<Word>,
    /// How likely it is that nobody speaks here, 0 to 1.
    pub no_speech_probability: f32,
}

impl Segment {
    /// The mean probability of its words; 1 where it has none.
    #[must_use]
    pub fn mean_probability(&self) -> f32 {
        if self.words.is_empty() {
            return 1.0;
        }
        self.words.iter().map(|word| word.probability).sum::<f32>() / self.words.len() as f32
    }
}

/// What was said, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// ISO 639-1 code of the language, where known.
    pub language: Option<String>,
    /// In order of their starts.
    pub segments: Vec<Segment>,
}

impl Transcript {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// All words in order. A segment without word times counts as one word.
    pub fn words(&self) -> impl Iterator<Item = Word> + '_ {
        self.segments.iter().flat_map(|segment| {
            let whole = segment.words.is_empty().then(|| Word {
                span: segment.span,
                text: segment.text.trim().to_owned(),
                probability: segment.mean_probability(),
            });
            segment.words.iter().cloned().chain(whole)
        })
    }

    /// The words whose middle lies in `span`.
    #[must_use]
    pub fn words_in(&self, span: Span) -> Vec<Word> {
        self.words().filter(|word| span.contains(word.span.middle())).collect()
    }

    /// The text of the words whose middle lies in `span`, joined by spaces.
    #[must_use]
    pub fn text_in(&self, span: Span) -> String {
        self.words_in(span).iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Adds the segments of `other`, keeping the order of time. The first known language stays.
    pub fn merge(&mut self, other: Self) {
        self.segments.extend(other.segments);
        self.segments.sort_by_key(|segment| segment.span);
        if self.language.is_none() {
            self.language = other.language;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start: f64, end: f64) -> Word {
        Word { span: Span::from_secs_f64(start, end), text: text.to_owned(), probability: 0.5 }
    }

    fn segment(start: f64, end: f64, words: Vec<Word>) -> Segment {
        Segment {
            span: Span::from_secs_f64(start, end),
            text: " no words".to_owned(),
            words,
            no_speech_probability: 0.0,
        }
    }

    #[test]
    fn words_belong_to_the_span_that_holds_their_middle() {
        let transcript = Transcript {
            language: None,
            segments: vec![
                segment(0.0, 2.0, vec![word("Let's", 0.0, 0.8), word("go!", 0.9, 2.0)]),
                segment(3.0, 4.0, vec![]),
            ],
        };
        assert_eq!(transcript.text_in(Span::from_secs_f64(0.5, 5.0)), "go! no words");
    }

    #[test]
    fn merging_keeps_the_order_of_time() {
        let mut transcript = Transcript { language: None, segments: vec![segment(5.0, 6.0, vec![])] };
        transcript
            .merge(Transcript { language: Some("en".to_owned()), segments: vec![segment(1.0, 2.0, vec![])] });
        assert_eq!(transcript.segments[0].span, Span::from_secs_f64(1.0, 2.0));
        assert_eq!(transcript.language.as_deref(), Some("en"));
    }
}
