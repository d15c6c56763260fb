//! Detection on its own: one recording in, a choice out, nothing kept.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use highlight_detect::{ChatMessage, Lexicon, RankOptions};
use media_io::{Ffmpeg, MediaInfo};
use timeline::{MediaDuration, Span, SpanSet, Transcript};

use crate::analysis::analyse;
use crate::contract::Detection;
use crate::event::{EventSink, Stage};
use crate::footage::Excerpt;
use crate::selection::{Findings, Selector, evidence_spans, groups};
use crate::settings::{LexiconSettings, SpeechSettings};
use crate::speech::Speech;
use crate::vod::VodError;
use crate::{Analysis, Error};

/// What to look for and with what.
#[derive(Clone, Debug, Default)]
pub struct DetectRequest {
    /// How moments are chosen and cut.
    pub options: RankOptions,
    /// Which words are exciting.
    pub lexicon: LexiconSettings,
    /// Chat, on the timeline of the recording; empty if there is none.
    pub chat: Vec<ChatMessage>,
    /// Moments that are over before this are left out.
    pub start: Option<MediaDuration>,
    /// Whether the chat of a finished broadcast is asked for around its moments.
    pub sampled_chat: bool,
    /// What is said, if that is known already; nobody listens for words then.
    pub transcript: Option<Transcript>,
    /// How speech is recognised; `None` if it is not.
    pub speech: Option<SpeechSettings>,
}

/// Looks for highlights in the recording at `path`. Cuts in the picture are used where there is a picture and an ffmpeg.
///
/// # Errors
/// [`Error`] where the sound cannot be read, the lexicon or the options are wrong, or `interrupt` was set.
pub fn detect(
    path: &Path,
    request: &DetectRequest,
    ffmpeg: Option<&Ffmpeg>,
    interrupt: &AtomicBool,
    events: &EventSink,
) -> Result<Detection, Error> {
    request.options.validate()?;
    let lexicon = request.lexicon.build()?;
    events.started(Stage::Analyse, 0, "listening");
    let mut analysis = analyse(path, ffmpeg, &request.chat, interrupt, &mut |share| {
        events.progress(Stage::Analyse, 0, share);
    })?;
    if let Some(start) = request.start {
        if start >= analysis.duration {
            return Err(VodError::StartsAfterEnd { start, length: analysis.duration }.into());
        }
        analysis.begin_at(start);
    }
    events.finished(Stage::Analyse, 0, format!("{} candidates", analysis.candidates.len()));
    let mut speech = request.speech.clone().map(Speech::new);
    // A long file takes ffprobe a while and much memory, so it is not asked about pictures that cannot be there.
    let picture = if analysis.only_sound { OnceCell::from(None) } else { OnceCell::new() };
    let mut search = Search { path, ffmpeg, speech: speech.as_mut(), interrupt, picture };
    let medium = analysis.span();
    weigh(&analysis, request, &lexicon, events, |group, progress| {
        let spans = evidence_spans(&analysis.candidates, group, medium, &request.options);
        search.look(&spans, request.transcript.as_ref(), progress)
    })
}

/// Looks around the candidates worth it, group by group, and chooses. `look` gives the findings around each of a group.
pub(crate) fn weigh(
    analysis: &Analysis,
    request: &DetectRequest,
    lexicon: &Lexicon,
    events: &EventSink,
    mut look: impl FnMut(&[usize], &mut dyn FnMut(f64)) -> Result<Vec<Findings>, Error>,
) -> Result<Detection, Error> {
    let medium = analysis.span();
    let mut findings: Vec<Option<Findings>> = vec![None; analysis.candidates.len()];
    let budget = request.speech.as_ref().and_then(|speech| speech.budget);
    for (item, group) in (0..).zip(&groups(&analysis.candidates, medium, &request.options, budget)) {
        events.started(Stage::Transcribe, item, looking_for(request.speech.is_some()));
        let found = look(group, &mut |share| events.progress(Stage::Transcribe, item, share))?;
        for (index, found) in group.iter().zip(found) {
            findings[*index] = Some(found);
        }
        events.finished(Stage::Transcribe, item, String::new());
    }
    let selector = Selector {
        candidates: &analysis.candidates,
        findings: &findings,
        lexicon,
        options: &request.options,
        medium,
        rate: None,
    };
    Ok(Detection::new(analysis.duration, &selector.ranking()))
}

/// What is looked for around candidates, for people.
pub(crate) const fn looking_for(has_speech: bool) -> &'static str {
    if has_speech { "listening for words" } else { "looking for cuts" }
}

/// Looks around candidates for words and cuts.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    pub(crate) path: &'a Path,
    pub(crate) ffmpeg: Option<&'a Ffmpeg>,
    pub(crate) speech: Option<&'a mut Speech>,
    pub(crate) interrupt: &'a AtomicBool,
    /// What the file holds, once somebody asked; nothing where it has no picture or ffprobe cannot read it.
    pub(crate) picture: OnceCell<Option<MediaInfo>>,
}

impl Search<'_> {
    /// The findings in `span` of a run, of which the file is an excerpt.
    pub(crate) fn look_in(&mut self, excerpt: &Excerpt, span: Span) -> Result<Findings, Error> {
        let found = self.look(&[span.shifted(excerpt.to_file())], None, &mut |_| {})?;
        Ok(found.into_iter().next().unwrap_or_default().shifted(excerpt.to_run()))
    }

    /// The findings in each of `spans`, which are listened to together.
    pub(crate) fn look(
        &mut self,
        spans: &[Span],
        known: Option<&Transcript>,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Vec<Findings>, Error> {
        let together: SpanSet = spans.iter().copied().collect();
        let transcript = match (known, &mut self.speech) {
            (Some(known), _) => Some(Cow::Borrowed(known)),
            (None, Some(speech)) => {
                let found =
                    speech.transcribe(self.path, together.spans(), self.ffmpeg, self.interrupt, progress)?;
                Some(Cow::Owned(found))
            }
            (None, None) => None,
        };
        let mut findings = Vec::with_capacity(spans.len());
        for &span in spans {
            findings.push(Findings {
                words: transcript.as_ref().map(|transcript| transcript.words_in(span)),
                shots: self.shots(span)?,
                shots_searched: span,
            });
        }
        Ok(findings)
    }

    /// Cuts in the picture; none where there is no picture or it cannot be decoded: they are a hint, not a need.
    fn shots(&self, span: Span) -> Result<Vec<timeline::MediaTime>, Error> {
        let Some(ffmpeg) = self.ffmpeg else { return Ok(Vec::new()) };
        let probe = || match ffmpeg.probe(self.path) {
            Ok(info) => info.default_video().is_some().then_some(info),
            Err(error) => {
                tracing::warn!(%error, "cannot look for shot changes");
                None
            }
        };
        let Some(info) = self.picture.get_or_init(probe) else { return Ok(Vec::new()) };
        match media_io::shot_changes(ffmpeg, self.path, info, span, self.interrupt) {
            Err(_) if self.interrupt.load(Ordering::Relaxed) => Err(Error::Interrupted),
            Err(error) => {
                tracing::warn!(%error, %span, "cannot look for shot changes");
                Ok(Vec::new())
            }
            Ok(shots) => Ok(shots),
        }
    }
}
