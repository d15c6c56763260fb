//! Listening for words around candidates.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use media_io::{AudioEvent, AudioRequest, Ffmpeg, TrackChoice, open_audio};
use timeline::{MediaDuration, MediaTime, Span, Transcript};
use transcribe::{
    SAMPLE_RATE, SpeechAudio, TranscribeOptions, Transcriber, WhisperOptions, WhisperTranscriber,
};

use crate::settings::SpeechSettings;
use crate::{Error, Stage};

/// A recogniser that is loaded when it is first needed.
pub(crate) struct Speech {
    settings: SpeechSettings,
    loaded: Option<WhisperTranscriber>,
}

impl std::fmt::Debug for Speech {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Speech").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Speech {
    pub(crate) const fn new(settings: SpeechSettings) -> Self {
        Self { settings, loaded: None }
    }

    /// Whether it recognises with the model and the means of `settings`; the language does not matter.
    pub(crate) fn serves(&self, settings: &SpeechSettings) -> bool {
        let own = &self.settings;
        own.model == settings.model && own.threads == settings.threads && own.gpu == settings.gpu
    }

    /// From now on the language of `settings`.
    pub(crate) fn set_language(&mut self, settings: &SpeechSettings) {
        self.settings.language.clone_from(&settings.language);
    }

    /// The words in `spans` of the recording.
    pub(crate) fn transcribe(
        &mut self,
        path: &Path,
        spans: &[Span],
        ffmpeg: Option<&Ffmpeg>,
        interrupt: &AtomicBool,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Transcript, Error> {
        let mut audio = Vec::new();
        for span in spans {
            audio.extend(read(path, *span, ffmpeg)?);
        }
        let transcriber = match &mut self.loaded {
            Some(loaded) => loaded,
            empty => {
                let options = WhisperOptions {
                    model: self.settings.model.clone(),
                    threads: self.settings.threads,
                    gpu: self.settings.gpu,
                };
                empty.insert(WhisperTranscriber::load(&options)?)
            }
        };
        let options = TranscribeOptions { language: self.settings.language.clone() };
        let transcript = transcriber.transcribe(&audio, &options, interrupt, &mut |state| {
            progress(state.done.as_secs_f64() / state.total.as_secs_f64().max(f64::MIN_POSITIVE));
        })?;
        tracing::debug!(stage = %Stage::Transcribe, segments = transcript.segments.len(), model = transcriber.name(), "transcribed");
        Ok(transcript)
    }
}

/// The sound of a span, in pieces where there are gaps in it.
fn read(path: &Path, span: Span, ffmpeg: Option<&Ffmpeg>) -> Result<Vec<SpeechAudio>, Error> {
    let request = AudioRequest { rate: SAMPLE_RATE, track: TrackChoice::Default, span: Some(span) };
    let mut reader = open_audio(path, &request, ffmpeg)?;
    let mut pieces: Vec<SpeechAudio> = Vec::new();
    let mut next: Option<MediaTime> = None;
    while let Some(event) = reader.next_event()? {
        let AudioEvent::Samples { at, samples } = event else {
            next = None;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if next == Some(at) => piece.samples.extend_from_slice(samples),
            _ => pieces.push(SpeechAudio { at, samples: samples.to_vec() }),
        }
        let piece = pieces.last().map_or(0, |piece| piece.samples.len());
        let start = pieces.last().map_or(at, |piece| piece.at);
        next = Some(start + MediaDuration::from_units(piece as i64, SAMPLE_RATE.hertz()));
    }
    Ok(pieces)
}
