//! The online detector: sound and chat in, candidates out.

use std::collections::VecDeque;

use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate, Span};

use crate::candidate::Candidate;
use crate::cell::{Cell, CellBuilder, FRAMES_PER_CELL};
use crate::chat::{ChatMessage, ChatTrack};
use crate::history::{CellRecord, History};
use crate::model::{AudioModel, FEATURES, FeatureVector, Normaliser};
use crate::segment::{CentredMean, EVIDENCE_CELLS, Hysteresis, Run, SMOOTHING_CELLS, Segmenter};
use crate::spectrum::FrameAnalyser;

/// Cells a second.
const CELLS_PER_SECOND: i64 = 2;
/// Timestamps of containers are rounded to a millisecond or so; a smaller jump than this is rounding, not a gap.
const JITTER: MediaDuration = MediaDuration::from_millis(5);
/// Longest gap that is walked through cell by cell; after a longer one the detector starts over with what it knows of the
/// stream. In cells: the longest moment there can be.
const LONGEST_WALKED_GAP: i64 = 400;
/// After a moment this much sound is needed to say where a clip of it may end: the settling of a clip (3 s unless configured
/// otherwise) and as far as its edge may move, with something to spare. In cells: 6 s.
const SETTLE_CELLS: i64 = 12;
/// Chat answers up to 45 s after a moment begins; with chat, a moment is settled when that time is over. In cells.
const CHAT_SETTLE_CELLS: i64 = (CHAT_LAG_S.1 + CHAT_PATIENCE_S) * CELLS_PER_SECOND;
/// A message may be pushed this much later than the sound it belongs to. In seconds.
const CHAT_PATIENCE_S: i64 = 30;
/// Chat answers a moment between this many seconds after its start ...
pub(crate) const CHAT_LAG_S: (i64, i64) = (5, 45);
/// A rise of chat this high is a candidate without any help from the sound; it lasts while chat stays above the second number.
const CHAT_ALONE: (f32, f32) = (4.0, 1.0);
/// ... which then began about this long before chat rose, and ended this long before chat calmed down. In seconds.
const CHAT_SHIFT_S: (i64, i64) = (25, 20);

/// Samples beyond this are cut off: 18 dB over full scale is damage, and its square must stay a number.
const LOUDEST: f32 = 8.0;

/// Log-odds at which a stretch becomes a candidate, at which it ends, and the pause that separates two: 5 s.
const CANDIDATES: Hysteresis = Hysteresis { enter: -1.75, stay: -2.25, merge_cells: 10 };

/// Half a second as the detector saw it, for plots and reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TracePoint {
    /// When it starts.
    pub at: MediaTime,
    /// K-weighted level, dBFS.
    pub level_db: f32,
    /// Level in the voice band, dBFS.
    pub voice_db: f32,
    /// Log-odds of a moment, smoothed; `None` next to gaps and silence.
    pub log_odds: Option<f32>,
    /// What the scorer weighed, in the order of [`FEATURE_NAMES`](crate::FEATURE_NAMES).
    pub features: [f32; FEATURES],
}

impl TracePoint {
    /// The smoothed log-odds as a probability, 0 to 1; 0 where unknown.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.log_odds.map_or(0.0, crate::candidate::probability)
    }
}

/// A detector cannot be built as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The sample rate is outside what the features are defined for.
    #[error("a sample rate of {0} is not supported: use 8000 to 48000 Hz (16000 is what it is made for)")]
    SampleRate(SampleRate),
}

/// Settings of a [`Detector`].
#[derive(Clone, Debug)]
pub struct DetectorBuilder {
    rate: SampleRate,
    chat: bool,
    trace: bool,
}

impl Default for DetectorBuilder {
    fn default() -> Self {
        Self { rate: SampleRate::HZ_16000, chat: false, trace: false }
    }
}

impl DetectorBuilder {
    /// The rate of the samples that will be pushed: 8 to 48 kHz, 16 kHz unless told. Higher rates cost time and add nothing.
    #[must_use]
    pub fn sample_rate(mut self, rate: SampleRate) -> Self {
        self.rate = rate;
        self
    }

    /// Whether chat will be pushed. If so, candidates settle a minute later, when chat has had its say.
    #[must_use]
    pub fn chat(mut self, expected: bool) -> Self {
        self.chat = expected;
        self
    }

    /// Whether [`Detector::take_trace`] is to be filled.
    #[must_use]
    pub fn trace(mut self, wanted: bool) -> Self {
        self.trace = wanted;
        self
    }

    /// The detector.
    ///
    /// # Errors
    /// [`BuildError::SampleRate`] for a rate outside 8 to 48 kHz.
    pub fn build(self) -> Result<Detector, BuildError> {
        if !(8_000..=48_000).contains(&self.rate.hertz()) {
            return Err(BuildError::SampleRate(self.rate));
        }
        Ok(Detector::new(&self))
    }
}

/// Listens to one stream and yields candidates as they settle.
///
/// The same sound gives the same candidates, to the last bit, in whatever chunks it is pushed. Memory does not grow with
/// the length of the stream. See the [crate documentation](crate) for an example.
#[derive(Debug)]
pub struct Detector {
    rate: SampleRate,
    cell_len: i64,
    hop_len: usize,
    settle_cells: i64,

    /// Index of the next sample, counted from media time zero.
    position: Option<i64>,
    /// Whether the hop in hand began at its border.
    hop_aligned: bool,
    hop: Vec<f32>,
    previous_hop: Vec<f32>,
    analyser: FrameAnalyser,
    voice_levels: Vec<f32>,
    cells: CellBuilder,

    normaliser: Normaliser,
    model: AudioModel,
    evidence: CentredMean,
    smoothed: CentredMean,
    history: History,
    segmenter: Segmenter,
    settling: VecDeque<Run>,

    chat: ChatTrack,
    chat_segmenter: Segmenter,
    chat_settling: VecDeque<Run>,
    gaps: VecDeque<Gap>,
    trace: Option<Vec<TracePoint>>,
}

impl Detector {
    /// Settings to start from: 16 kHz, no chat, no trace.
    #[must_use]
    pub fn builder() -> DetectorBuilder {
        DetectorBuilder::default()
    }

    fn new(settings: &DetectorBuilder) -> Self {
        let cell_len = i64::from(settings.rate.hertz()) / CELLS_PER_SECOND;
        let hop_len = cell_len as usize / FRAMES_PER_CELL;
        Self {
            rate: settings.rate,
            cell_len,
            hop_len,
            settle_cells: if settings.chat { CHAT_SETTLE_CELLS } else { SETTLE_CELLS },
            position: None,
            hop_aligned: false,
            hop: Vec::with_capacity(hop_len),
            previous_hop: Vec::with_capacity(hop_len),
            analyser: FrameAnalyser::new(hop_len * 2, settings.rate.hertz()),
            voice_levels: Vec::with_capacity(FRAMES_PER_CELL),
            cells: CellBuilder::new(),
            normaliser: Normaliser::new(),
            model: AudioModel::builtin(),
            evidence: CentredMean::new(EVIDENCE_CELLS),
            smoothed: CentredMean::new(SMOOTHING_CELLS),
            history: History::default(),
            segmenter: Segmenter::new(CANDIDATES),
            settling: VecDeque::new(),
            chat: ChatTrack::default(),
            chat_segmenter: Segmenter::new(Hysteresis {
                enter: CHAT_ALONE.0,
                stay: CHAT_ALONE.1,
                merge_cells: 10,
            }),
            chat_settling: VecDeque::new(),
            gaps: VecDeque::new(),
            trace: settings.trace.then(Vec::new),
        }
    }

    /// Takes mono samples, full scale 1.0, of which the first is played `at`; gives the candidates that settled.
    ///
    /// Sound that was pushed before is skipped, and a jump forward is a gap: no sound is assumed for it. Samples that
    /// are not finite count as silence.
    pub fn push(&mut self, at: MediaTime, samples: &[f32]) -> Vec<Candidate> {
        let mut settled = Vec::new();
        let start = self.rate.sample_at(at);
        let jitter = self.rate.sample_at(MediaTime::ZERO + JITTER);
        let expected = *self.position.get_or_insert(start);
        let samples = match start - expected {
            late if late > jitter => {
                self.skip_to(start, GapCause::Missing, &mut settled);
                samples
            }
            early if early < -jitter => {
                let heard = usize::try_from(-early).unwrap_or(usize::MAX);
                samples.get(heard..).unwrap_or_default()
            }
            _ => samples,
        };
        self.listen(samples, &mut settled);
        settled
    }

    /// Takes a gap that the source tells of: nothing is heard in it, and clips say so. Sound pushed later goes on at its end.
    pub fn push_gap(&mut self, gap: Gap) -> Vec<Candidate> {
        let mut settled = Vec::new();
        let end = self.rate.sample_at(gap.span.end());
        match self.position {
            // The stream starts late: nothing to skip, but clips that reach back that far say so.
            None => self.gaps.push_back(gap),
            Some(position) if position < end => self.skip_to(end, gap.cause, &mut settled),
            Some(_) => {}
        }
        settled
    }

    /// Takes a chat message. It may come in any order, up to 30 s later than the sound of its time.
    pub fn push_chat(&mut self, message: &ChatMessage) {
        self.chat.push(message);
    }

    /// Ends the stream; gives what had not settled yet.
    #[must_use]
    pub fn finish(mut self) -> Vec<Candidate> {
        let mut settled = Vec::new();
        self.flush(&mut settled);
        settled
    }

    /// The points since the last call, if the builder asked for a trace. They come with a lag of 3 s; what
    /// [`finish`](Self::finish) would still add is left out unless [`finish_with_trace`](Self::finish_with_trace) is used.
    pub fn take_trace(&mut self) -> Vec<TracePoint> {
        self.trace.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Like [`finish`](Self::finish), with the rest of the trace.
    #[must_use]
    pub fn finish_with_trace(mut self) -> (Vec<Candidate>, Vec<TracePoint>) {
        let mut settled = Vec::new();
        self.flush(&mut settled);
        let trace = self.take_trace();
        (settled, trace)
    }

    fn listen(&mut self, mut samples: &[f32], settled: &mut Vec<Candidate>) {
        let Some(mut position) = self.position else { return };
        while !samples.is_empty() {
            let in_cell = position.rem_euclid(self.cell_len) as usize;
            let hops_end = self.hop_len * FRAMES_PER_CELL;
            // The border reached next: of a hop, or of the cell where its length is no multiple of the hop's.
            let border = if in_cell < hops_end {
                (in_cell / self.hop_len + 1) * self.hop_len
            } else {
                self.cell_len as usize
            };
            let taken = (border - in_cell).min(samples.len());
            let (now, later) = samples.split_at(taken);
            if in_cell < hops_end {
                self.hop_aligned |= in_cell.is_multiple_of(self.hop_len);
                if self.hop_aligned {
                    self.hop.extend(now.iter().map(|sample| {
                        if sample.is_finite() { sample.clamp(-LOUDEST, LOUDEST) } else { 0.0 }
                    }));
                }
                if in_cell + taken == border {
                    self.finish_hop();
                }
            }
            position += taken as i64;
            samples = later;
            if position.rem_euclid(self.cell_len) == 0 {
                self.finish_cell(position.div_euclid(self.cell_len) - 1, settled);
            }
        }
        self.position = Some(position);
    }

    fn finish_hop(&mut self) {
        if self.hop.len() == self.hop_len {
            if self.previous_hop.len() == self.hop_len {
                let frame = self.analyser.analyse(&self.previous_hop, &self.hop);
                self.voice_levels.push(frame.voice_db);
                self.cells.push(frame);
            }
            std::mem::swap(&mut self.previous_hop, &mut self.hop);
        } else {
            self.previous_hop.clear();
        }
        self.hop.clear();
    }

    /// Ends what was heard and goes on at sample `start`, past a gap.
    fn skip_to(&mut self, start: i64, cause: GapCause, settled: &mut Vec<Candidate>) {
        let from = self.position.unwrap_or(start);
        self.hop.clear();
        self.previous_hop.clear();
        self.hop_aligned = false;
        self.cells.interrupt();
        let span = Span::new(self.rate.time_of_sample(from), self.rate.time_of_sample(start));
        self.gaps.push_back(Gap { span, cause });
        let (first, last) = (from.div_euclid(self.cell_len), start.div_euclid(self.cell_len));
        if last - first > LONGEST_WALKED_GAP {
            self.flush(settled);
        } else {
            (first..last).for_each(|cell| self.finish_cell(cell, settled));
        }
        self.position = Some(start);
    }

    fn finish_cell(&mut self, index: i64, settled: &mut Vec<Candidate>) {
        let cell = self.cells.finish();
        let features = cell.as_ref().map(|cell| self.normaliser.features(cell));
        self.take_cell(index, cell, features, settled);
    }

    fn take_cell(
        &mut self,
        index: i64,
        cell: Option<Cell>,
        features: Option<FeatureVector>,
        settled: &mut Vec<Candidate>,
    ) {
        let contributions = features.map(|features| self.model.contributions(&features));
        let log_odds = contributions.map(|parts| self.model.bias() + parts.iter().sum::<f32>());
        self.history.push(CellRecord::new(
            index,
            cell.as_ref(),
            features,
            contributions,
            log_odds,
            &self.voice_levels,
        ));
        self.voice_levels.clear();
        let Some(evidence) = self.evidence.push(log_odds) else { return };
        let Some(score) = self.smoothed.push(evidence) else { return };
        let scored = index - (self.evidence.lag() + self.smoothed.lag()) as i64;
        self.history.set_score(scored, score);
        self.follow_chat(scored);
        if let (Some(trace), Some(record)) = (&mut self.trace, self.history.get(scored)) {
            trace.push(record.trace_point());
        }
        self.settling.extend(self.segmenter.push(scored, score));
        self.settle(scored + 1, settled);
    }

    fn follow_chat(&mut self, scored: i64) {
        let second = scored.div_euclid(CELLS_PER_SECOND) - CHAT_PATIENCE_S;
        self.chat.advance(second + 1);
        if scored.rem_euclid(CELLS_PER_SECOND) == 0 {
            let rise = self.chat.rise_at(second);
            self.chat_settling.extend(self.chat_segmenter.push(second, Some(rise)));
        }
    }

    /// Yields the runs for which enough of what follows is known at cell `now`.
    fn settle(&mut self, now: i64, settled: &mut Vec<Candidate>) {
        while self.settling.front().is_some_and(|run| now - run.end >= self.settle_cells) {
            if let Some(run) = self.settling.pop_front() {
                settled.extend(self.candidate(run));
            }
        }
        while let Some(run) = self.chat_settling.pop_front() {
            settled.extend(self.candidate_from_chat(run));
        }
        let needed = self.segmenter.earliest(now).min(self.settling.front().map_or(now, |run| run.first));
        self.history.forget_before(needed);
        let oldest = self.history.first_index().map(|cell| self.time_of_cell(cell));
        while self.gaps.front().is_some_and(|gap| oldest.is_none_or(|oldest| gap.span.end() < oldest)) {
            self.gaps.pop_front();
        }
    }

    /// Settles everything, as at the end of the stream.
    fn flush(&mut self, settled: &mut Vec<Candidate>) {
        let Some(position) = self.position else { return };
        self.finish_hop();
        // The cell in hand ends here, unless it has just begun; empty cells push the scores of the last ones out.
        let end = (position + self.cell_len - 1).div_euclid(self.cell_len);
        let lag = (self.evidence.lag() + self.smoothed.lag()) as i64;
        (position.div_euclid(self.cell_len)..end + lag).for_each(|cell| self.finish_cell(cell, settled));
        self.settling.extend(self.segmenter.finish(end));
        self.chat.advance(end.div_euclid(CELLS_PER_SECOND) + CHAT_LAG_S.1);
        self.chat_settling.extend(self.chat_segmenter.finish(end.div_euclid(CELLS_PER_SECOND)));
        self.settle(i64::MAX / 4, settled);
        self.evidence = CentredMean::new(EVIDENCE_CELLS);
        self.smoothed = CentredMean::new(SMOOTHING_CELLS);
        self.history = History::default();
        self.hop_aligned = false;
    }

    fn time_of_cell(&self, index: i64) -> MediaTime {
        self.rate.time_of_sample(index * self.cell_len)
    }

    fn candidate(&self, run: Run) -> Option<Candidate> {
        let core = self.history.tighten(run);
        let mut reasons = self.history.audio_reasons(core, self.model.bias())?;
        let second = core.first.div_euclid(CELLS_PER_SECOND);
        let last = core.end.div_euclid(CELLS_PER_SECOND);
        let rise = self.chat.highest_rise(second + CHAT_LAG_S.0, last.max(second) + CHAT_LAG_S.1);
        reasons.extend(rise.map(|(_, rise)| crate::evidence::chat_reason(rise)));
        Some(Candidate {
            core: Span::new(self.time_of_cell(core.first), self.time_of_cell(core.end)),
            peak: self.time_of_cell(self.history.peak(core)) + MediaDuration::from_millis(250),
            reasons,
            dips: self.history.dips(|cell| self.time_of_cell(cell)),
            gaps: self.gaps.iter().copied().collect(),
        })
    }

    /// A candidate where chat rose although the sound did not; `None` where the sound has one too.
    fn candidate_from_chat(&self, rise: Run) -> Option<Candidate> {
        let core = Run {
            first: (rise.first - CHAT_SHIFT_S.0) * CELLS_PER_SECOND,
            end: (rise.end - CHAT_SHIFT_S.1) * CELLS_PER_SECOND,
        };
        let known = self.settling.iter().any(|run| run.first < core.end && core.first < run.end);
        if known || self.history.is_scored_high(core, CANDIDATES.enter) {
            return None;
        }
        let mut reasons = self.history.audio_reasons(core, self.model.bias())?;
        let (second, highest) = self.chat.highest_rise(rise.first, rise.end.max(rise.first + 1))?;
        reasons.push(crate::evidence::chat_reason(highest));
        let peak = MediaTime::from_secs(second - CHAT_SHIFT_S.1);
        let core = Span::new(self.time_of_cell(core.first), self.time_of_cell(core.end));
        Some(Candidate {
            core,
            peak: peak.clamp_to(core.start(), core.end()),
            reasons,
            dips: self.history.dips(|cell| self.time_of_cell(cell)),
            gaps: self.gaps.iter().copied().collect(),
        })
    }
}
