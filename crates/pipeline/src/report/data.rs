//! What a report is made of. This is the edge: times are seconds from the start of the recording.

use serde::{Deserialize, Serialize};

/// All that a report shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportData {
    /// What the recording is called: its file name, as a rule.
    pub title: String,
    /// Whose recording it is.
    pub streamer: Option<String>,
    /// When the report was made.
    pub created_at: jiff::Timestamp,
    /// How long the recording is.
    pub duration_s: f64,
    /// What the user should know first, each a sentence, with the command that mends it between backticks where there is one:
    /// no speech model, a damaged stretch, no picture to cut.
    pub notices: Vec<String>,
    /// The settings that matter, in the order to show.
    pub settings: Vec<ReportFact>,
    /// What was done and how long it took, in the order to show.
    pub statistics: Vec<ReportFact>,
    /// From which score on a moment is a candidate.
    pub threshold: f64,
    /// The curves, in order of time; 2,000 points are enough for any screen.
    pub timeline: Vec<TimelinePoint>,
    /// Where nothing could be heard.
    pub gaps: Vec<ReportGap>,
    /// When the picture changed at once.
    pub shot_changes_s: Vec<f64>,
    /// What was found, best first.
    pub highlights: Vec<ReportHighlight>,
    /// What was looked at and not taken.
    pub rejected: Vec<ReportRejection>,
}

/// A name and a value, as text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportFact {
    /// The name.
    pub name: String,
    /// The value, with its unit.
    pub value: String,
}

/// The curves at one time. What is not finite (silence has no level in decibels) is drawn at the lower border.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// When.
    pub t_s: f64,
    /// How loud everything is, in dB.
    pub level_db: f64,
    /// How loud the voice band is, in dB.
    pub voice_db: f64,
    /// How much this looks like a highlight, on the scale of [`ReportData::threshold`].
    pub score: f64,
}

/// A stretch without usable sound.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportGap {
    /// Its start.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Why it is there.
    pub cause: String,
}

/// A moment that was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportHighlight {
    /// Its place, from 1.
    pub rank: u32,
    /// The moment.
    #[serde(flatten)]
    pub moment: ReportMoment,
    /// Its clip, if one was made.
    pub clip: Option<ReportClip>,
    /// The text to post with it.
    pub caption: Option<String>,
}

/// A moment that was not taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportRejection {
    /// Why not.
    pub why: String,
    /// The moment.
    #[serde(flatten)]
    pub moment: ReportMoment,
}

/// A moment of the recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportMoment {
    /// Where its clip starts.
    pub start_s: f64,
    /// Where its clip ends.
    pub end_s: f64,
    /// Where the reaction starts.
    pub core_start_s: f64,
    /// Where the reaction ends.
    pub core_end_s: f64,
    /// Its strongest instant.
    pub peak_s: f64,
    /// How good it is, 0 to 1.
    pub score: f64,
    /// What is said, if it was recognised.
    pub text: Option<String>,
    /// The same, word by word.
    pub words: Vec<ReportWord>,
    /// What spoke for and against it.
    pub reasons: Vec<ReportReason>,
}

/// A word that is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportWord {
    /// The word.
    pub text: String,
    /// Its start.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// How sure the recogniser is, 0 to 1, if it says.
    pub probability: Option<f64>,
    /// Whether the captions emphasise it.
    pub emphasised: bool,
}

/// What spoke for a moment, or against it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportReason {
    /// Which signal.
    pub signal: String,
    /// What it saw.
    pub detail: String,
    /// How much it counts; below zero it speaks against.
    pub weight: f64,
}

/// A clip that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportClip {
    /// Its file, relative to the report, with `/` between folders and not percent-encoded: `clips/demo-01.mp4`.
    pub file: String,
    /// Its picture, likewise.
    pub thumbnail: Option<String>,
    /// Its width, in pixels.
    pub width: u32,
    /// Its height, in pixels.
    pub height: u32,
    /// How long it is.
    pub duration_s: f64,
    /// How loud it is, in LUFS.
    pub loudness_lufs: Option<f64>,
    /// The encoder that made it.
    pub encoder: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The first frame of the recording in it, from 0.
    pub first_frame: Option<u64>,
    /// The last frame of the recording in it, from 0.
    pub last_frame: Option<u64>,
}
