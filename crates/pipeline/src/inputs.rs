//! Chat and transcript files of the machine contract.

use std::path::{Path, PathBuf};

use highlight_detect::ChatMessage;
use serde::Deserialize;
use timeline::{MediaTime, Segment, Span, Transcript, Word};

/// Longest time that is believed, in seconds: a year. Anything above is a mistake in the unit.
const LONGEST_S: f64 = 366.0 * 86_400.0;

/// A chat or transcript file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its contents are not what they should be.
    #[error("{}:{line}: {problem}; {expected}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
        /// What would be right.
        expected: &'static str,
    },
}

const CHAT_FORM: &str = r#"each line must be {"t_s": seconds, "user": "name", "text": "message"}"#;
const TRANSCRIPT_FORM: &str = r#"it must be {"segments": [{"start_s": f, "end_s": f, "text": "...", "words": [{"start_s": f, "end_s": f, "text": "..."}]}]}"#;

#[derive(Deserialize)]
struct ChatLine {
    t_s: f64,
    user: String,
    text: String,
}

#[derive(Deserialize)]
struct TranscriptFile {
    #[serde(default)]
    language: Option<String>,
    segments: Vec<SegmentEntry>,
}

#[derive(Deserialize)]
struct SegmentEntry {
    start_s: f64,
    end_s: f64,
    text: String,
    #[serde(default)]
    words: Vec<TimedWord>,
}

#[derive(Deserialize)]
struct TimedWord {
    start_s: f64,
    end_s: f64,
    text: String,
    #[serde(default = "certain")]
    probability: f32,
}

const fn certain() -> f32 {
    1.0
}

fn read(path: &Path) -> Result<String, InputError> {
    fs_err::read_to_string(path).map_err(|source| InputError::Unreadable { path: path.to_owned(), source })
}

/// Reads a chat file: one JSON object a line, in any order. Blank lines are skipped.
///
/// # Errors
/// [`InputError`] with the file and the line.
pub fn read_chat(path: &Path) -> Result<Vec<ChatMessage>, InputError> {
    let mut messages = parse_chat(&read(path)?).map_err(|(line, problem)| InputError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        expected: CHAT_FORM,
    })?;
    messages.sort_by_key(|message| message.at);
    Ok(messages)
}

/// Reads a transcript file. Words may be missing; segments and words come out in order of time.
///
/// # Errors
/// [`InputError`] with the file and the line.
pub fn read_transcript(path: &Path) -> Result<Transcript, InputError> {
    parse_transcript(&read(path)?).map_err(|(line, problem)| InputError::Malformed {
        path: path.to_owned(),
        line,
        problem,
        expected: TRANSCRIPT_FORM,
    })
}

fn time(seconds: f64) -> Result<MediaTime, String> {
    if seconds.is_finite() && seconds.abs() <= LONGEST_S {
        Ok(MediaTime::from_secs_f64(seconds))
    } else {
        Err(format!("{seconds} is no time in seconds"))
    }
}

fn span(start_s: f64, end_s: f64) -> Result<Span, String> {
    Span::checked(time(start_s)?, time(end_s)?)
        .ok_or_else(|| format!("end_s {end_s} lies before start_s {start_s}"))
}

fn parse_chat(text: &str) -> Result<Vec<ChatMessage>, (usize, String)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let at_line = |problem: String| (index + 1, problem);
            parse_chat_line(line).map_err(at_line)
        })
        .collect()
}

/// One line of a chat file.
pub(crate) fn parse_chat_line(line: &str) -> Result<ChatMessage, String> {
    let entry: ChatLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Ok(ChatMessage { at: time(entry.t_s)?, user: entry.user, text: entry.text })
}

fn parse_transcript(text: &str) -> Result<Transcript, (usize, String)> {
    let file: TranscriptFile =
        serde_json::from_str(text).map_err(|error| (error.line().max(1), error.to_string()))?;
    let mut segments = Vec::with_capacity(file.segments.len());
    for (index, entry) in file.segments.into_iter().enumerate() {
        let in_segment = |problem: String| (1, format!("segment {}: {problem}", index + 1));
        let mut words = Vec::with_capacity(entry.words.len());
        for word in entry.words.into_iter().filter(|word| !word.text.trim().is_empty()) {
            let span = span(word.start_s, word.end_s).map_err(in_segment)?;
            words.push(Word {
                span,
                text: word.text.trim().to_owned(),
                probability: word.probability.clamp(0.0, 1.0),
            });
        }
        words.sort_by_key(|word| word.span);
        let span = span(entry.start_s, entry.end_s).map_err(in_segment)?;
        segments.push(Segment {
            span,
            text: entry.text.trim().to_owned(),
            words,
            no_speech_probability: 0.0,
        });
    }
    segments.sort_by_key(|segment| segment.span);
    Ok(Transcript { language: file.language, segments })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_contract_is_read() {
        let chat = parse_chat("{\"t_s\": 1.5, \"user\": \"a\", \"text\": \"GG\", \"more\": 1}\n\n")
            .expect("the contract");
        assert_eq!(chat[0].at, MediaTime::from_millis(1_500));
        let transcript = parse_transcript(
            r#"{"segments": [{"start_s": 5, "end_s": 6, "text": " two"}, {"start_s": 1, "end_s": 2, "text": "one", "words": [{"start_s": 1, "end_s": 2, "text": " one "}]}]}"#,
        )
        .expect("the contract");
        assert_eq!(transcript.words().map(|word| word.text).collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn mistakes_name_the_line() {
        let (line, problem) = parse_chat("{\"t_s\": 1, \"user\": \"a\", \"text\": \"\"}\n{\"t_s\": \"x\"}")
            .expect_err("a string");
        assert_eq!(line, 2);
        assert!(problem.contains("expected f64"), "{problem}");
        let (_, problem) = parse_transcript(r#"{"segments": [{"start_s": 5, "end_s": 4, "text": ""}]}"#)
            .expect_err("backwards");
        assert_eq!(problem, "segment 1: end_s 4 lies before start_s 5");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = parse_chat(&text).map_err(|(line, _)| assert!(line >= 1));
            let _ = parse_transcript(&text).map_err(|(line, _)| assert!(line >= 1));
        }

        #[test]
        fn any_numbers_are_read_or_refused(start: f64, end: f64) {
            let text = serde_json::json!({"segments": [{"start_s": start, "end_s": end, "text": "x"}]}).to_string();
            if let Ok(transcript) = parse_transcript(&text) {
                prop_assert!(transcript.segments[0].span.start() <= transcript.segments[0].span.end());
            }
        }
    }
}
