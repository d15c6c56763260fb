//! From what Whisper heard in a window to segments on the media timeline.

use std::ops::Range;

use timeline::{Segment, Span, Word};

use crate::SpeechAudio;
use crate::audio::{SAMPLES_PER_CENTISECOND, duration_of};
use crate::guard::Evidence;
use crate::timing::{is_voiced, lay_out, mend, shortest};
use crate::tokens::{RawWord, Sentence, sentences, word_separator};
use crate::voice::VoiceActivity;
use crate::whisper::Heard;
use crate::window::{Piece, Window};

/// The segments spoken in `window`, in its order; doubtful ones are left out.
pub(crate) fn assemble(
    window: &Window,
    heard: &Heard,
    language: Option<&str>,
    audio: &[SpeechAudio],
    voices: &[VoiceActivity],
) -> Vec<Segment> {
    let sentences = sentences(heard.tokens.iter().cloned());
    let mut words = place(window, &sentences, language);
    let mut segments = Vec::new();
    for run in words.chunk_by_mut(|one, next| one.piece == next.piece) {
        let piece = &window.pieces[run[0].piece];
        let voice = &voices[piece.source];
        let regions = voice.regions();
        mend_run(run, piece, &regions);
        // A sentence that runs on over the seam of two pieces becomes two segments.
        for part in run.chunk_by(|one, next| one.sentence == next.sentence) {
            let part = Part {
                words: part.iter().filter(|word| is_voiced(&word.time, &regions)).collect(),
                separator: word_separator(language),
                mean_log_probability: sentences[part[0].sentence].mean_log_probability(),
                no_speech_probability: heard.no_speech_probability,
            };
            segments.extend(part.segment(&audio[piece.source], voice));
        }
    }
    segments
}

/// A word of a sentence in a piece of the window, each by index.
struct PlacedWord {
    sentence: usize,
    piece: usize,
    word: RawWord,
    /// In samples: of the window at first, then of the piece's source.
    time: Range<usize>,
}

fn place(window: &Window, sentences: &[Sentence], language: Option<&str>) -> Vec<PlacedWord> {
    let sample = |centiseconds: i64| usize::try_from(centiseconds).unwrap_or(0) * SAMPLES_PER_CENTISECOND;
    let window_end = window.end();
    let mut placed = Vec::new();
    for (index, sentence) in sentences.iter().enumerate() {
        let start = sentence.start.map_or(0, sample).min(window_end);
        let end = sentence.end.map_or(window_end, sample).clamp(start, window_end);
        let words = sentence.words(language);
        let times = lay_out(&words, start..end, sentence.end.is_some());
        placed.extend(words.into_iter().zip(times).map(|(word, time)| PlacedWord {
            sentence: index,
            piece: window.nearest(time.start.midpoint(time.end)),
            word,
            time,
        }));
    }
    placed
}

fn mend_run(run: &mut [PlacedWord], piece: &Piece, regions: &[Range<usize>]) {
    let mut times: Vec<Range<usize>> = run
        .iter()
        .map(|word| piece.source_position(word.time.start)..piece.source_position(word.time.end))
        .collect();
    let lengths: Vec<usize> = run.iter().map(|word| shortest(&word.word.text)).collect();
    mend(&mut times, &lengths, regions, &piece.range);
    for (word, time) in run.iter_mut().zip(times) {
        word.time = time;
    }
}

/// The words of one sentence in one piece.
struct Part<'a> {
    words: Vec<&'a PlacedWord>,
    separator: &'static str,
    mean_log_probability: f32,
    no_speech_probability: f32,
}

impl Part<'_> {
    fn segment(&self, audio: &SpeechAudio, voice: &VoiceActivity) -> Option<Segment> {
        let whole = self.words.first()?.time.start..self.words.last()?.time.end;
        let span_of = |time: &Range<usize>| Span::new(audio.time_of(time.start), audio.time_of(time.end));
        let texts: Vec<&str> = self.words.iter().map(|placed| placed.word.text.as_str()).collect();
        let text = texts.join(self.separator);
        let evidence = Evidence {
            words: &texts,
            no_speech_probability: self.no_speech_probability,
            mean_log_probability: self.mean_log_probability,
            voice: voice.mean(whole.clone()),
            seconds: duration_of(whole.len()).as_secs_f64() as f32,
        };
        if let Some(doubt) = evidence.doubt() {
            tracing::debug!(%text, ?doubt, ?evidence, "left out text that nobody seems to have said");
            return None;
        }
        let words = self.words.iter().map(|placed| Word {
            span: span_of(&placed.time),
            text: placed.word.text.clone(),
            probability: placed.word.probability,
        });
        Some(Segment {
            span: span_of(&whole),
            text,
            words: words.collect(),
            no_speech_probability: self.no_speech_probability,
        })
    }
}
