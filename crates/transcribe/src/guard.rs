//! Guards against text that nobody said.
//!
//! Whisper writes something over almost any sound. Voice activity keeps silence, noise and music away from it; what
//! slips through is judged here, sentence by sentence.

use std::sync::LazyLock;

/// Whisper's own threshold for "no speech", which it applies only when it is unsure as well.
const NO_SPEECH: f32 = 0.6;
/// With [`NO_SPEECH`] reached, a sentence must be surer than this (mean log-probability of its tokens).
const UNSURE: f32 = -0.5;
/// Below this no sentence is believed: every token, on average, less likely than 1 in 5. Whisper's own limit of -1.0 makes
/// whisper.cpp try again; this is for what it is left with.
const GUESSED: f32 = -1.6;
/// A sentence from the list of invented ones needs a mean voice probability above this.
const CLEAR_VOICE: f32 = 0.8;
/// A sentence with a smaller mean voice probability over its words is not speech: they lie outside of all voice.
const FAINT_VOICE: f32 = 0.2;
/// Nobody says more words a second for a whole sentence; fast auctioneers and rappers reach 7.
const FASTEST_SPEECH: f32 = 9.0;
/// Shorter sentences have too few words to tell their speed.
const WORDS_TO_TELL_SPEED: usize = 6;
/// A phrase that comes this often in a row, with at least [`LOOP_WORDS`] words in all, is a loop of the decoder, not "go, go, go!".
const LOOP_TIMES: usize = 5;
/// See [`LOOP_TIMES`].
const LOOP_WORDS: usize = 8;
/// The longest phrase looked for in loops, in words.
const LONGEST_LOOPED_PHRASE: usize = 8;

static INVENTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
    include_str!("../data/invented.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
});

/// What is known of a sentence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) words: &'a [&'a str],
    /// Of the window it is from.
    pub(crate) no_speech_probability: f32,
    pub(crate) mean_log_probability: f32,
    /// The mean voice probability over the time of its words.
    pub(crate) voice: f32,
    /// From its first word to its last.
    pub(crate) seconds: f32,
}

/// Why a sentence is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    NoSpeech,
    Guessed,
    NoVoice,
    TooFast,
    Loop,
    Invented,
}

impl Evidence<'_> {
    /// What speaks against the sentence, if anything does.
    pub(crate) fn doubt(&self) -> Option<Doubt> {
        if self.no_speech_probability > NO_SPEECH && self.mean_log_probability < UNSURE {
            Some(Doubt::NoSpeech)
        } else if self.mean_log_probability < GUESSED {
            Some(Doubt::Guessed)
        } else if self.voice < FAINT_VOICE {
            Some(Doubt::NoVoice)
        } else if self.words.len() >= WORDS_TO_TELL_SPEED
            && self.words.len() as f32 > FASTEST_SPEECH * self.seconds
        {
            Some(Doubt::TooFast)
        } else if loops(self.words) {
            Some(Doubt::Loop)
        } else if (self.voice < CLEAR_VOICE || self.mean_log_probability < UNSURE) && is_invented(self.words)
        {
            Some(Doubt::Invented)
        } else {
            None
        }
    }
}

fn folded(words: &[&str]) -> Vec<String> {
    let plain = |word: &&str| {
        let spaced = word.replace(['-', '.', '/'], " ");
        let kept: String =
            spaced.to_lowercase().chars().filter(|sign| sign.is_alphanumeric() || *sign == ' ').collect();
        kept.trim().to_owned()
    };
    words.iter().map(plain).filter(|word| !word.is_empty()).collect()
}

fn is_invented(words: &[&str]) -> bool {
    let text = folded(words).join(" ");
    INVENTED.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => text == *pattern,
    })
}

fn loops(words: &[&str]) -> bool {
    let words = folded(words);
    (1..=LONGEST_LOOPED_PHRASE).any(|length| {
        let mut same = 0;
        words.iter().zip(words.iter().skip(length)).any(|(one, next)| {
            same = if one == next { same + 1 } else { 0 };
            let repeated = same + length;
            repeated >= LOOP_TIMES * length && repeated >= LOOP_WORDS
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(text: &str, change: impl FnOnce(&mut Evidence<'_>)) -> Option<Doubt> {
        let words: Vec<&str> = text.split(' ').collect();
        let mut evidence = Evidence {
            words: &words,
            no_speech_probability: 0.05,
            mean_log_probability: -0.2,
            voice: 0.95,
            seconds: words.len() as f32 / 3.0,
        };
        change(&mut evidence);
        evidence.doubt()
    }

    #[test]
    fn clear_speech_is_believed() {
        assert_eq!(doubt("Thank you for watching.", |_| {}), None);
        assert_eq!(doubt("Go, go, go, go, go!", |_| {}), None);
        assert_eq!(doubt("No way!", |evidence| evidence.no_speech_probability = 0.9), None);
    }

    #[test]
    fn each_guard_stops_what_it_is_for() {
        assert_eq!(
            doubt("No way!", |evidence| (evidence.no_speech_probability, evidence.mean_log_probability) =
                (0.9, -0.7)),
            Some(Doubt::NoSpeech)
        );
        assert_eq!(doubt("No way!", |evidence| evidence.mean_log_probability = -2.0), Some(Doubt::Guessed));
        assert_eq!(doubt("No way!", |evidence| evidence.voice = 0.1), Some(Doubt::NoVoice));
        assert_eq!(
            doubt("one two three four five six seven", |evidence| evidence.seconds = 0.5),
            Some(Doubt::TooFast)
        );
        assert_eq!(doubt(&["let me see"; 5].join(" "), |_| {}), Some(Doubt::Loop));
        assert_eq!(doubt(&["so"; 12].join(" "), |_| {}), Some(Doubt::Loop));
        for invented in
            ["Thanks for watching!", "Subtítulos por la comunidad de Amara.org", "Please subscribe to us"]
        {
            assert_eq!(doubt(invented, |evidence| evidence.voice = 0.6), Some(Doubt::Invented), "{invented}");
        }
    }

    #[test]
    fn the_list_is_folded() {
        for pattern in INVENTED.iter() {
            let bare = pattern.trim_end_matches('*');
            assert_eq!(folded(&bare.split(' ').collect::<Vec<_>>()).join(" "), bare);
        }
    }
}
