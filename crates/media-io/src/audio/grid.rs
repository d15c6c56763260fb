//! Runs of samples brought to the rate asked for, on one grid from media time zero on.

use std::ops::Range;

use timeline::{MediaTime, SampleRate, Span};

use super::resample::{Kernel, Run};

/// Resamples one run after the other. No sample comes twice, and none that is not wanted.
#[derive(Debug)]
pub(super) struct Grid {
    rate: SampleRate,
    /// Indices of the samples that are wanted and were not delivered yet.
    wanted: Range<i64>,
    kernel: Option<Kernel>,
    run: Option<Run>,
}

impl Grid {
    /// A grid at `rate`, of which the samples in `wanted` are wanted.
    pub(super) fn new(rate: SampleRate, wanted: Span) -> Self {
        let first_at_or_after = |time: MediaTime| {
            let index = time.to_units_floor(rate.hertz());
            if rate.time_of_sample(index) < time { index + 1 } else { index }
        };
        let wanted = first_at_or_after(wanted.start().max(MediaTime::ZERO))..first_at_or_after(wanted.end());
        Self { rate, wanted, kernel: None, run: None }
    }

    /// The rate of the samples.
    pub(super) fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Whether there is a run that may go on.
    pub(super) fn has_run(&self) -> bool {
        self.run.is_some()
    }

    /// Takes `samples`, which begin a run at `run_start` or follow those before; a run before must have ended. Fills
    /// `block`, which is empty, with what is settled, and tells the index of its first sample, if there is any.
    pub(super) fn push(
        &mut self,
        run_start: Option<MediaTime>,
        rate: SampleRate,
        samples: &[f32],
        block: &mut Vec<f32>,
    ) -> Option<i64> {
        let kernel = match self.kernel.take() {
            Some(kernel) if kernel.from() == rate => kernel,
            _ => Kernel::new(rate, self.rate),
        };
        let mut run = match (run_start, self.run.take()) {
            (None, Some(run)) => run,
            (start, _) => Run::new(&kernel, start.unwrap_or_default()),
        };
        let first = run.next_output();
        run.push(&kernel, samples, block);
        (self.kernel, self.run) = (Some(kernel), Some(run));
        self.clip(first, block)
    }

    /// Ends the run, if there is one, and fills `block`, which is empty, with what it still held.
    pub(super) fn end_run(&mut self, block: &mut Vec<f32>) -> Option<i64> {
        let (run, kernel) = (self.run.take()?, self.kernel.as_ref()?);
        let first = run.next_output();
        run.finish(kernel, block);
        self.clip(first, block)
    }

    /// Cuts from `block`, which begins at index `first`, what is not wanted or was delivered already.
    fn clip(&mut self, first: i64, block: &mut Vec<f32>) -> Option<i64> {
        let length = block.len() as i64;
        let start = (self.wanted.start - first).clamp(0, length);
        let end = (self.wanted.end - first).clamp(start, length);
        block.truncate(end as usize);
        block.drain(..start as usize);
        if block.is_empty() {
            return None;
        }
        self.wanted.start = first + end;
        Some(first + start)
    }
}
