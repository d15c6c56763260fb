//! What goes in: stretches of sound on the media timeline.

use timeline::{MediaDuration, MediaTime, SampleRate, Span};

/// The rate that Whisper and the voice activity network work at.
pub const SAMPLE_RATE: SampleRate = SampleRate::HZ_16000;

/// Samples in a second at [`SAMPLE_RATE`].
pub(crate) const SAMPLES_PER_SECOND: usize = 16_000;

/// Whisper's time stamps count hundredths of a second: 160 samples each.
pub(crate) const SAMPLES_PER_CENTISECOND: usize = SAMPLES_PER_SECOND / 100;

/// A stretch of sound to transcribe: mono at [`SAMPLE_RATE`], full scale at ±1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpeechAudio {
    /// When its first sample is heard.
    pub at: MediaTime,
    /// The samples.
    pub samples: Vec<f32>,
}

impl SpeechAudio {
    /// The time of sample `index`, which may be one past the last.
    #[must_use]
    pub fn time_of(&self, index: usize) -> MediaTime {
        self.at + duration_of(index)
    }

    /// What it covers.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(self.at, self.time_of(self.samples.len()))
    }
}

/// How long `samples` samples last.
pub(crate) fn duration_of(samples: usize) -> MediaDuration {
    MediaDuration::from_units(i64::try_from(samples).unwrap_or(i64::MAX), SAMPLE_RATE.hertz())
}
