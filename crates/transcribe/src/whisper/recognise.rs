//! One window of sound in, its tokens out.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperSegment, WhisperState, WhisperToken};

use crate::Error;
use crate::tokens::{TextToken, Token};

/// Decoding is tried again at temperatures this far apart where it loops or guesses: 0, 0.4 and 0.8. whisper.cpp's own
/// 0.2 tries six times, which noise makes it do at every window.
const TEMPERATURE_STEP: f32 = 0.4;
/// Candidates that greedy decoding samples where the temperature is above 0.
const CANDIDATES: i32 = 2;
/// Hundredths of a second in one step of Whisper's time marks.
const CENTISECONDS_PER_MARK: i64 = 2;

/// What Whisper hears in a window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) tokens: Vec<Token>,
    pub(crate) no_speech_probability: f32,
}

/// Whisper's working memory for one transcription. Made anew for each, so that the same sound gives the same words
/// whatever was heard before.
pub(super) struct Recogniser<'a> {
    context: &'a WhisperContext,
    state: WhisperState,
    parameters: FullParams<'static, 'static>,
    language: Option<&'static str>,
}

impl<'a> Recogniser<'a> {
    pub(super) fn new(
        context: &'a WhisperContext,
        language: Option<&'static str>,
        threads: NonZeroUsize,
        abort: &Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let state = context.create_state().map_err(failed)?;
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: CANDIDATES });
        parameters.set_n_threads(i32::try_from(threads.get()).unwrap_or(1));
        parameters.set_language(language);
        // Each window stands alone: text of the one before misleads (the nano model badly, real ones into loops).
        parameters.set_n_max_text_ctx(0);
        parameters.set_no_context(true);
        // As several segments, whisper.cpp drops the time marks that sentences begin with and takes the end of the one
        // before; as one, all marks come through, and `tokens::sentences` reads them.
        parameters.set_single_segment(true);
        parameters.set_suppress_blank(true);
        parameters.set_temperature_inc(TEMPERATURE_STEP);
        parameters.set_print_special(false);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_timestamps(false);
        // The callback is never freed by whisper-rs, so it is set once and cloned with the parameters. It has to be a
        // boxed closure: whisper-rs 0.16 calls it through a pointer to such a box whatever its type.
        let abort = Arc::clone(abort);
        parameters.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(Box::new(move || {
            abort.load(Ordering::Relaxed)
        })
            as Box<dyn FnMut() -> bool>);
        Ok(Self { context, state, parameters, language })
    }

    /// The language told or, after the first window, detected.
    pub(super) const fn language(&self) -> Option<&'static str> {
        self.language
    }

    pub(super) fn hear(&mut self, samples: &[f32]) -> Result<Heard, Error> {
        self.state.full(self.parameters.clone(), samples).map_err(failed)?;
        if self.language.is_none() {
            self.language = whisper_rs::get_lang_str(self.state.full_lang_id_from_state());
            self.parameters.set_language(self.language);
            tracing::debug!(language = self.language, "detected the language");
        }
        let mut heard = Heard::default();
        for segment in self.state.as_iter() {
            heard.no_speech_probability = segment.no_speech_probability();
            heard.tokens.extend(tokens(&segment).filter_map(|token| self.token(&token)));
        }
        Ok(heard)
    }

    /// `None` for the special tokens other than time marks.
    fn token(&self, token: &WhisperToken<'_, '_>) -> Option<Token> {
        let data = token.token_data();
        if data.id >= self.context.token_beg() {
            return Some(Token::Time(i64::from(data.id - self.context.token_beg()) * CENTISECONDS_PER_MARK));
        }
        if data.id >= self.context.token_eot() {
            return None;
        }
        Some(Token::Text(TextToken {
            bytes: token.to_bytes().ok()?.to_vec(),
            probability: data.p,
            // whisper.cpp sets this to where attention leaves the token: its end.
            end: (data.t_dtw >= 0).then_some(data.t_dtw),
        }))
    }
}

fn tokens<'a>(segment: &'a WhisperSegment<'_>) -> impl Iterator<Item = WhisperToken<'a, 'a>> {
    (0..segment.n_tokens()).filter_map(|index| segment.get_token(index))
}

fn failed(error: whisper_rs::WhisperError) -> Error {
    Error::Recognition { source: Box::new(error) }
}
