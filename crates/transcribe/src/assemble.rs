//! From what Whisper heard in a window to segments on the media timeline.

use std::ops::Range;

use timeline::{Segment, Span, Word};

use crate::SpeechAudio;
use crate::audio::duration_of;
use crate::guard::Evidence;
use crate::hints::hints;
use crate::layout::{Ground, STEP, lay_out};
use crate::timing::{in_order, is_voiced, shortest};
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
    let regions: Vec<_> = voices.iter().map(VoiceActivity::regions).collect();
    let mut words = place(window, &sentences, language, &regions);
    let mut segments = Vec::new();
    for run in words.chunk_by_mut(|one, next| one.piece == next.piece) {
        let piece = &window.pieces[run[0].piece];
        let voice = &voices[piece.source];
        let regions = &regions[piece.source];
        move_to_source(run, piece);
        // A sentence that runs on over the seam of two pieces becomes two segments.
        for part in run.chunk_by(|one, next| one.sentence == next.sentence) {
            let part = Part {
                words: part.iter().filter(|word| is_voiced(&word.time, regions)).collect(),
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

fn place(
    window: &Window,
    sentences: &[Sentence],
    language: Option<&str>,
    regions: &[Vec<Range<usize>>],
) -> Vec<PlacedWord> {
    let words: Vec<Vec<RawWord>> = sentences.iter().map(|sentence| sentence.words(language)).collect();
    let ground = ground(window, regions);
    let hints = hints(sentences, &words, &ground);
    // Where there is no room, the words of a looping decoder, what there is will be shared.
    let times = lay_out(&hints, &ground).unwrap_or_else(|| vec![0..0; hints.len()]);
    let words = words
        .into_iter()
        .enumerate()
        .flat_map(|(index, words)| words.into_iter().map(move |word| (index, word)));
    words
        .zip(times)
        .map(|((sentence, word), time)| {
            let time = time.start * STEP..time.end * STEP;
            PlacedWord { sentence, piece: window.nearest(time.start.midpoint(time.end)), word, time }
        })
        .collect()
}

/// What is heard in each step of the window, by its middle.
fn ground(window: &Window, regions: &[Vec<Range<usize>>]) -> Vec<Ground> {
    let mut ground = vec![Ground::Nowhere; window.end().div_ceil(STEP)];
    for (step, kind) in ground.iter_mut().enumerate() {
        let middle = step * STEP + STEP / 2;
        let piece = &window.pieces[window.nearest(middle)];
        if (piece.at..piece.at + piece.range.len()).contains(&middle) {
            let there = piece.source_position(middle);
            let voiced = regions[piece.source].iter().any(|region| region.contains(&there));
            *kind = if voiced { Ground::Voice } else { Ground::Quiet };
        }
    }
    ground
}

/// Takes the times of the words in a piece over to its source.
fn move_to_source(run: &mut [PlacedWord], piece: &Piece) {
    let mut times: Vec<Range<usize>> = run
        .iter()
        .map(|word| piece.source_position(word.time.start)..piece.source_position(word.time.end))
        .collect();
    let lengths: Vec<usize> = run.iter().map(|word| shortest(&word.word.text)).collect();
    in_order(&mut times, &lengths, &piece.range);
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
