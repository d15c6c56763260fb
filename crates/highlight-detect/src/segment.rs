//! From a score every half second to spans in which something happens.

use std::collections::VecDeque;

/// Cells over which the evidence is averaged before it is judged: 4.5 s, the length of a short reaction.
pub(crate) const EVIDENCE_CELLS: usize = 9;
/// Cells over which the averaged score is smoothed again, so that one syllable neither opens nor closes a moment: 2.5 s.
pub(crate) const SMOOTHING_CELLS: usize = 5;

/// A centred moving average over cells some of which may be unknown.
#[derive(Clone, Debug)]
pub(crate) struct CentredMean {
    window: VecDeque<Option<f32>>,
    length: usize,
}

impl CentredMean {
    /// Over `length` cells, an odd number.
    pub(crate) fn new(length: usize) -> Self {
        let ahead = length / 2 + 1;
        // Before the stream there is nothing.
        Self { window: std::iter::repeat_n(None, length - ahead).collect(), length }
    }

    /// How many cells later a cell's mean is known.
    pub(crate) fn lag(&self) -> usize {
        self.length / 2
    }

    /// Takes the next cell; gives the mean around the cell [`lag`](Self::lag) earlier once there is one. A mean of
    /// fewer than a third of the cells is unknown.
    pub(crate) fn push(&mut self, value: Option<f32>) -> Option<Option<f32>> {
        self.window.push_back(value);
        if self.window.len() < self.length {
            return None;
        }
        let (count, sum) = self
            .window
            .iter()
            .flatten()
            .fold((0_usize, 0.0_f32), |(count, sum), value| (count + 1, sum + value));
        self.window.pop_front();
        Some((count * 3 >= self.length).then(|| sum / count as f32))
    }
}

/// Where scores open and close a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hysteresis {
    /// A moment opens at this log-odds.
    pub(crate) enter: f32,
    /// It lasts while the log-odds stay above this.
    pub(crate) stay: f32,
    /// Moments fewer cells apart are one.
    pub(crate) merge_cells: i64,
}

/// A run of cells, half-open, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: i64,
    pub(crate) end: i64,
}

/// Finds runs of high score, cell by cell.
#[derive(Clone, Debug)]
pub(crate) struct Segmenter {
    hysteresis: Hysteresis,
    /// First cell of the present stretch above `stay`.
    above_since: Option<i64>,
    entered: bool,
    /// A run that ended but may still be continued.
    pending: Option<Run>,
}

impl Segmenter {
    pub(crate) fn new(hysteresis: Hysteresis) -> Self {
        Self { hysteresis, above_since: None, entered: false, pending: None }
    }

    /// Takes the score of cell `index`; gives a run once nothing can be added to it.
    pub(crate) fn push(&mut self, index: i64, score: Option<f32>) -> Option<Run> {
        let score = score.unwrap_or(f32::NEG_INFINITY);
        let apart = self.pending.is_some_and(|run| index - run.end >= self.hysteresis.merge_cells);
        let settled = if apart && self.above_since.is_none() { self.pending.take() } else { None };
        if score >= self.hysteresis.stay {
            self.above_since.get_or_insert(index);
            self.entered |= score >= self.hysteresis.enter;
        } else {
            self.close(index);
        }
        settled
    }

    fn close(&mut self, end: i64) {
        let first = self.above_since.take();
        let entered = std::mem::take(&mut self.entered);
        let Some(first) = first.filter(|_| entered) else { return };
        // A gap long enough to separate would have settled the pending run before this one opened.
        self.pending = Some(match self.pending.take() {
            Some(earlier) => Run { first: earlier.first, end },
            None => Run { first, end },
        });
    }

    /// The earliest cell that a later call may still refer to.
    pub(crate) fn earliest(&self, next: i64) -> i64 {
        self.pending.map(|run| run.first).or(self.above_since).unwrap_or(next)
    }

    /// Ends the stream before cell `end`.
    pub(crate) fn finish(&mut self, end: i64) -> Option<Run> {
        self.close(end);
        self.pending.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYSTERESIS: Hysteresis = Hysteresis { enter: 1.0, stay: 0.0, merge_cells: 4 };

    fn runs(scores: &[f32]) -> Vec<(i64, i64)> {
        let mut segmenter = Segmenter::new(HYSTERESIS);
        let mut runs: Vec<Run> =
            (0..).zip(scores).filter_map(|(index, score)| segmenter.push(index, Some(*score))).collect();
        runs.extend(segmenter.finish(i64::try_from(scores.len()).expect("short")));
        runs.iter().map(|run| (run.first, run.end)).collect()
    }

    #[test]
    fn a_run_needs_one_cell_above_enter_and_lasts_above_stay() {
        assert_eq!(runs(&[-1.0, 0.5, 2.0, 0.5, -1.0, -1.0, -1.0, -1.0, -1.0]), [(1, 4)]);
        assert_eq!(runs(&[-1.0, 0.5, 0.9, 0.5, -1.0]), []);
    }

    #[test]
    fn near_runs_are_one_and_far_ones_two() {
        assert_eq!(runs(&[2.0, -1.0, -1.0, 2.0, -1.0]), [(0, 4)]);
        assert_eq!(runs(&[2.0, -1.0, -1.0, -1.0, -1.0, 2.0]), [(0, 1), (5, 6)]);
    }

    #[test]
    fn the_mean_is_centred_and_skips_the_unknown() {
        let mut mean = CentredMean::new(3);
        assert_eq!(mean.push(Some(1.0)), None);
        assert_eq!(mean.push(None), Some(Some(1.0)));
        assert_eq!(mean.push(Some(4.0)), Some(Some(2.5)));
        let mut nothing = CentredMean::new(5);
        (0..2).for_each(|_| assert_eq!(nothing.push(None), None));
        assert_eq!(nothing.push(Some(1.0)), Some(None));
    }
}
