//! What is known about the generated fixtures: the `*.truth.json` beside them.

use std::io;
use std::path::Path;

use serde::Deserialize;
use timeline::{MediaTime, Span};

use crate::{FrameStrip, fixture};

/// The truth about a generated video. Times count from its first picture.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Truth {
    /// Seconds of picture.
    pub duration_s: f64,
    /// Frames a second, where every frame is there.
    pub fps: u32,
    /// How many frames the file holds.
    pub frames: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Where the frame number is drawn.
    pub strip: FrameStrip,
    /// What a detector should find.
    pub moments: Vec<Moment>,
    /// What it should not.
    #[serde(default)]
    pub distractors: Vec<Distractor>,
    /// When a new shot begins, in seconds.
    #[serde(default)]
    pub shots: Vec<f64>,
    /// What is said, in order.
    pub speech: Vec<Speech>,
    /// When the file's own clock starts, in seconds.
    #[serde(default)]
    pub clock_start_s: f64,
    /// When sound begins, in seconds after the picture.
    #[serde(default)]
    pub audio_start_s: f64,
    /// Where bytes were overwritten.
    pub damage: Option<Damage>,
}

/// A reaction worth a clip.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Moment {
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: f64,
    /// Such as `clutch`.
    pub kind: String,
}

/// Something loud or suspicious that is not worth a clip.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Distractor {
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: f64,
    /// Such as `loud music`.
    pub kind: String,
}

/// A sentence as spoken.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Speech {
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: f64,
    /// With its punctuation.
    pub text: String,
    /// Whether it belongs to a moment.
    #[serde(default)]
    pub moment: bool,
    /// Its words; empty where only the sentence's time is known.
    #[serde(default)]
    pub words: Vec<SpokenWord>,
}

/// A word as spoken.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct SpokenWord {
    /// Seconds.
    pub start_s: f64,
    /// Seconds.
    pub end_s: f64,
    /// With its punctuation.
    pub text: String,
}

/// A stretch of a file that was overwritten with noise.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Damage {
    /// The first byte overwritten.
    pub first_byte: u64,
    /// The first byte after it.
    pub end_byte: u64,
    /// Presentation time of the first packet hit, in seconds from the first picture.
    pub start_s: f64,
    /// When sound is whole again, in seconds from the first picture.
    pub end_s: f64,
    /// When the next key frame makes the picture whole again.
    pub picture_back_s: f64,
}

impl Truth {
    /// The truth about `fixtures/arena-night.mp4`.
    ///
    /// # Errors
    /// If the file cannot be read or does not have the expected shape.
    pub fn arena_night() -> io::Result<Self> {
        Self::read(&fixture("arena-night.truth.json"))
    }

    /// The truth about `fixtures/awkward.ts`.
    ///
    /// # Errors
    /// As [`Truth::arena_night`].
    pub fn awkward() -> io::Result<Self> {
        Self::read(&fixture("awkward.truth.json"))
    }

    fn read(path: &Path) -> io::Result<Self> {
        serde_json::from_str(&fs_err::read_to_string(path)?).map_err(io::Error::other)
    }
}

macro_rules! has_span {
    ($($name:ident),*) => {$(
        impl $name {
            /// From start to end.
            #[must_use]
            pub fn span(&self) -> Span {
                Span::new(MediaTime::from_secs_f64(self.start_s), MediaTime::from_secs_f64(self.end_s))
            }
        }
    )*};
}
has_span!(Moment, Distractor, Speech, SpokenWord, Damage);
