//! The last minutes, cell by cell: what a settled moment is read from.

use std::collections::VecDeque;

use timeline::{MediaDuration, MediaTime};

use crate::candidate::{Reason, Signal};
use crate::cell::{Cell, FRAMES_PER_CELL};
use crate::detector::TracePoint;
use crate::model::{FEATURE_GROUPS, FEATURES, FeatureVector, Group};
use crate::segment::Run;
use crate::spectrum::SILENCE_DBFS;

/// Cells remembered at least: the set-up before a moment, the moment, and the wait after it (two minutes).
const KEPT: usize = 240;
/// Cells remembered at most, however long a moment lasts: four minutes.
const MOST_KEPT: usize = 480;
/// A moment's score is the mean over its best cells: 5 s.
const BEST_CELLS: usize = 10;
/// The longest reaction, in cells: 60 s. What stays up longer is tightened around its best part.
const LONGEST_CORE: i64 = 120;
/// A reaction ends where its evidence has fallen this far below its best, in log-odds.
const EDGE_DROP: f32 = 1.5;
/// ... where a best beyond this counts as this much: an extreme peak must not narrow the moment to itself.
const EDGE_CEILING: f32 = -1.0;
/// Evidence around the edge is averaged over this many cells to either side.
const EDGE_REACH: i64 = 1;
/// A dip is a frame this much below its surroundings, in dB ...
const DIP_DEPTH_DB: f32 = 8.0;
/// ... which reach this far to either side, in frames: half a second.
const DIP_REACH: usize = 16;

/// One cell as remembered.
#[derive(Clone, Debug)]
pub(crate) struct CellRecord {
    index: i64,
    level_db: f32,
    voice_db: f32,
    features: Option<FeatureVector>,
    contributions: Option<FeatureVector>,
    log_odds: Option<f32>,
    score: Option<f32>,
    frames: [i8; FRAMES_PER_CELL],
}

impl CellRecord {
    pub(crate) fn new(
        index: i64,
        cell: Option<&Cell>,
        features: Option<FeatureVector>,
        contributions: Option<FeatureVector>,
        log_odds: Option<f32>,
        voice_levels: &[f32],
    ) -> Self {
        let mut frames = [SILENCE_DBFS as i8; FRAMES_PER_CELL];
        for (slot, level) in frames.iter_mut().zip(voice_levels) {
            *slot = level.clamp(SILENCE_DBFS, 20.0) as i8;
        }
        Self {
            index,
            level_db: cell.map_or(SILENCE_DBFS, |cell| cell.level_db),
            voice_db: cell.map_or(SILENCE_DBFS, |cell| cell.voice_db),
            features,
            contributions,
            log_odds,
            score: None,
            frames,
        }
    }

    pub(crate) fn trace_point(&self) -> TracePoint {
        TracePoint {
            at: MediaTime::ZERO + MediaDuration::from_millis(500) * self.index,
            level_db: self.level_db,
            voice_db: self.voice_db,
            log_odds: self.score,
            features: self.features.unwrap_or([0.0; FEATURES]),
        }
    }
}

/// The remembered cells, without holes in their indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    cells: VecDeque<CellRecord>,
}

impl History {
    pub(crate) fn push(&mut self, record: CellRecord) {
        self.cells.push_back(record);
        if self.cells.len() > MOST_KEPT {
            self.cells.pop_front();
        }
    }

    pub(crate) fn first_index(&self) -> Option<i64> {
        self.cells.front().map(|cell| cell.index)
    }

    /// Lets go of cells that neither `needed` nor the set-up before it asks for.
    pub(crate) fn forget_before(&mut self, needed: i64) {
        let needed = needed - KEPT as i64 / 2;
        while self.cells.len() > KEPT && self.first_index().is_some_and(|first| first < needed) {
            self.cells.pop_front();
        }
    }

    pub(crate) fn get(&self, index: i64) -> Option<&CellRecord> {
        let offset = index - self.first_index()?;
        self.cells.get(usize::try_from(offset).ok()?)
    }

    pub(crate) fn set_score(&mut self, index: i64, score: Option<f32>) {
        let Some(first) = self.first_index() else { return };
        if let Some(cell) = usize::try_from(index - first).ok().and_then(|offset| self.cells.get_mut(offset))
        {
            cell.score = score;
        }
    }

    fn within(&self, run: Run) -> impl Iterator<Item = &CellRecord> {
        self.cells.iter().filter(move |cell| run.first <= cell.index && cell.index < run.end)
    }

    /// The cell with the highest smoothed score.
    pub(crate) fn peak(&self, run: Run) -> i64 {
        let score = |cell: &&CellRecord| cell.score.unwrap_or(f32::NEG_INFINITY);
        self.within(run)
            .max_by(|one, two| score(one).total_cmp(&score(two)))
            .map_or(run.first, |cell| cell.index)
    }

    pub(crate) fn is_scored_high(&self, run: Run, threshold: f32) -> bool {
        self.within(run).any(|cell| cell.score.is_some_and(|score| score >= threshold))
    }

    /// Lightly smoothed evidence at a cell; `None` where it holds no sound itself.
    fn edge_evidence(&self, index: i64) -> Option<f32> {
        self.get(index)?.log_odds?;
        let around = Run { first: index - EDGE_REACH, end: index + EDGE_REACH + 1 };
        let (count, sum) = self
            .within(around)
            .filter_map(|cell| cell.log_odds)
            .fold((0_u8, 0.0), |(count, sum), value| (count + 1, sum + value));
        (count > 0).then(|| sum / f32::from(count))
    }

    /// The reaction inside a run: the smoothing that found the run widened it, and a run that will not end is cut to its best part.
    pub(crate) fn tighten(&self, run: Run) -> Run {
        let peak = self.peak(run);
        let best = self.get(peak).and_then(|cell| cell.score).unwrap_or(0.0);
        let floor = best.min(EDGE_CEILING) - EDGE_DROP;
        let belongs = |index: &i64| self.edge_evidence(*index).is_some_and(|evidence| evidence >= floor);
        let first = (run.first..peak).find(belongs).unwrap_or(peak);
        let end = (peak + 1..run.end).rev().find(belongs).unwrap_or(peak) + 1;
        if end - first <= LONGEST_CORE {
            return Run { first, end };
        }
        let first = first.max(peak - LONGEST_CORE / 2);
        Run { first, end: end.min(first + LONGEST_CORE) }
    }

    /// The reasons that sound gives for a run: the mean over its best cells. `None` if there was no sound.
    pub(crate) fn audio_reasons(&self, run: Run, bias: f32) -> Option<Vec<Reason>> {
        let mut scored: Vec<&CellRecord> = self.within(run).filter(|cell| cell.log_odds.is_some()).collect();
        if scored.is_empty() {
            return None;
        }
        scored.sort_by(|one, two| {
            two.score.unwrap_or(f32::NEG_INFINITY).total_cmp(&one.score.unwrap_or(f32::NEG_INFINITY))
        });
        scored.truncate(BEST_CELLS);
        let count = scored.len() as f32;
        let mean = |of: fn(&CellRecord) -> Option<FeatureVector>, feature: usize| {
            scored.iter().filter_map(|cell| of(cell)).map(|values| values[feature]).sum::<f32>() / count
        };
        let weight = |group: Group| {
            (0..FEATURES)
                .filter(|feature| FEATURE_GROUPS[*feature] == group)
                .map(|feature| mean(|cell| cell.contributions, feature))
                .sum::<f32>()
        };
        let feature = |name: &str| {
            crate::FEATURE_NAMES
                .iter()
                .position(|known| *known == name)
                .map_or(0.0, |index| mean(|cell| cell.features, index))
        };
        let level = scored.iter().map(|cell| cell.level_db).sum::<f32>() / count;
        let reason =
            |signal: Signal, group: Group, detail: String| Reason { signal, detail, weight: weight(group) };
        Some(vec![
            Reason { signal: Signal::Prior, detail: "a moment is rare".to_owned(), weight: bias },
            reason(
                Signal::Loudness,
                Group::Loudness,
                format!("{level:.0} dBFS, {:+.1} of the stream's own spread", feature("level")),
            ),
            reason(Signal::Pitch, Group::Pitch, format!("voice {:+.1} of its own spread", feature("pitch"))),
            reason(
                Signal::Timbre,
                Group::Timbre,
                format!("brightness {:+.1} of its own spread", feature("brightness")),
            ),
            reason(Signal::Voice, Group::Voice, format!("{:.0} % voiced", feature("voicing") * 100.0)),
            reason(
                Signal::Dynamics,
                Group::Dynamics,
                format!(
                    "level moves by {:.1} dB, peaks {:.0} dB over the voice",
                    feature("modulation") * 5.0,
                    feature("crest") * 10.0
                ),
            ),
            reason(
                Signal::Laughter,
                Group::Laughter,
                format!("{:.0} % of the movement at 3.5 to 6.5 Hz", feature("laughter_rate") * 100.0),
            ),
        ])
    }

    /// Middles of the quiet dips in everything remembered.
    pub(crate) fn dips(&self, time_of_cell: impl Fn(i64) -> MediaTime) -> Vec<MediaTime> {
        let levels: Vec<f32> = self.cells.iter().flat_map(|cell| cell.frames).map(f32::from).collect();
        let Some(first) = self.first_index() else { return Vec::new() };
        let start = time_of_cell(first);
        let frame = MediaDuration::from_units(1, 32);
        let mut dips = Vec::new();
        let mut index = DIP_REACH;
        while index + DIP_REACH < levels.len() {
            let around = &levels[index - DIP_REACH..=index + DIP_REACH];
            let lowest = around.iter().copied().fold(f32::INFINITY, f32::min);
            let before = around[..DIP_REACH].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let after = around[DIP_REACH + 1..].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let here = levels[index];
            let is_dip = here <= lowest + f32::EPSILON && before.min(after) - here >= DIP_DEPTH_DB;
            if is_dip {
                let flat = levels[index..].iter().take_while(|level| **level <= here).count();
                dips.push(start + (frame * (2 * index + flat) as i64).half());
                index += flat.max(DIP_REACH / 2);
            } else {
                index += 1;
            }
        }
        dips
    }
}
