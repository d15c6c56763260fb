//! What several examples need: the fixtures, and words from a transcript file. The examples are the files beside this one.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use timeline::{Span, Word};

/// A file of the fixtures folder, wherever the example is started.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

#[derive(Deserialize)]
struct TranscriptFile {
    segments: Vec<SegmentEntry>,
}

#[derive(Deserialize)]
struct SegmentEntry {
    #[serde(default)]
    words: Vec<WordEntry>,
}

#[derive(Deserialize)]
struct WordEntry {
    start_s: f64,
    end_s: f64,
    text: String,
}

/// The words of a transcript file of the machine contract; `None` if there is no such file.
///
/// # Errors
/// Where the file cannot be read, or is no transcript.
pub fn read_words(path: &Path) -> anyhow::Result<Option<Vec<Word>>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs_err::read_to_string(path)?;
    let file: TranscriptFile =
        serde_json::from_str(&text).with_context(|| format!("{} is no transcript", path.display()))?;
    let words = file.segments.into_iter().flat_map(|segment| segment.words);
    Ok(Some(
        words
            .map(|word| Word {
                span: Span::from_secs_f64(word.start_s, word.end_s),
                text: word.text,
                probability: 1.0,
            })
            .collect(),
    ))
}
