//! Puts decoded blocks on the media timeline: continuous runs of samples, with marked gaps between them.

use timeline::{Gap, GapCause, MediaDuration, MediaTime, SampleRate, Span};

/// Timestamps that differ from the running sample count by less than this are jitter, and the count is right: containers
/// round to milliseconds, and live encoders correct by a few of them. A quarter of an AAC frame, the shortest loss there is.
pub(super) const JITTER: MediaDuration = MediaDuration::from_millis(5);

/// How many samples a chunk holds at least, in seconds of sound, before it is handed on: half a second.
const CHUNK: MediaDuration = MediaDuration::from_millis(500);

/// What the assembler hands on.
#[derive(Debug, PartialEq)]
pub(super) enum Assembled {
    /// Samples that follow the ones before directly, or begin a run at `run_start`.
    Samples { run_start: Option<MediaTime>, rate: SampleRate, samples: Vec<f32> },
    /// Nothing is known about this stretch; the next samples begin a run.
    Gap(Gap),
}

/// Turns blocks with (or without) timestamps into runs and gaps inside `limits`. Time never goes backwards.
#[derive(Debug)]
pub(super) struct Assembler {
    limits: Span,
    /// Why nothing precedes the first samples, if they come later than the limits begin.
    late_cause: GapCause,
    /// What was handed on, or lies in `pending`, reaches to here.
    covered: MediaTime,
    /// Where a block without a timestamp belongs.
    expected: Option<MediaTime>,
    run: Option<RunState>,
    damaged: bool,
    /// Why the next gap is there, where somebody told.
    announced: Option<GapCause>,
    started: bool,
    pending: Vec<f32>,
}

#[derive(Clone, Copy, Debug)]
struct RunState {
    origin: MediaTime,
    rate: SampleRate,
    length: i64,
    announced: bool,
}

impl RunState {
    fn end(self) -> MediaTime {
        self.origin + MediaDuration::from_units(self.length, self.rate.hertz())
    }
}

impl Assembler {
    /// Assembles what lies inside `limits`; a first block that begins later than they do leaves a gap of `late_cause`.
    pub(super) fn new(limits: Span, late_cause: GapCause) -> Self {
        Self {
            limits,
            late_cause,
            covered: limits.start(),
            expected: None,
            run: None,
            damaged: false,
            announced: None,
            started: false,
            pending: Vec::new(),
        }
    }

    /// Where a block without a timestamp would be placed.
    pub(super) fn expected(&self) -> Option<MediaTime> {
        self.expected
    }

    /// Says anew where a block without a timestamp would be placed, if anywhere but at the beginning.
    pub(super) fn expect(&mut self, time: Option<MediaTime>) {
        self.expected = time;
    }

    /// The next gap has this cause.
    pub(super) fn announce(&mut self, cause: GapCause) {
        self.announced = Some(cause);
    }

    /// Marks that nothing comes before `end`. What is pending must have been handed on.
    pub(super) fn leave_out(&mut self, end: MediaTime, out: &mut Vec<Assembled>) {
        if end - self.covered >= JITTER {
            self.gap(end, out);
        }
    }

    /// Whether everything inside the limits has been seen.
    pub(super) fn is_complete(&self) -> bool {
        self.expected.is_some_and(|expected| expected >= self.limits.end())
    }

    /// Notes a packet of about `length` that could not be decoded. Returns whether it lies inside the limits.
    pub(super) fn damage(&mut self, at: Option<MediaTime>, length: MediaDuration) -> bool {
        let start = self.placed(at);
        if let Some(start) = start {
            self.expected = Some(start + length);
        }
        let inside =
            start.is_none_or(|start| start + length > self.limits.start() && start < self.limits.end());
        self.damaged |= inside;
        inside
    }

    /// Takes a block of `samples` that begins at `at`, or follows the block before.
    pub(super) fn block(
        &mut self,
        at: Option<MediaTime>,
        rate: SampleRate,
        samples: &[f32],
        out: &mut Vec<Assembled>,
    ) {
        if samples.is_empty() {
            return;
        }
        let mut start = self.placed(at).unwrap_or(self.limits.start());
        let length = |count: usize| MediaDuration::from_units(count as i64, rate.hertz());
        self.expected = Some(start + length(samples.len()));
        let mut samples = samples;
        // What lies before is known already, or not asked for.
        let early = samples_in(self.covered - start, rate).min(samples.len() as i64);
        if early > 0 {
            samples = &samples[early as usize..];
            start += length(early as usize);
        }
        let room =
            samples_in(self.limits.end() - start, rate).saturating_add(1).clamp(0, samples.len() as i64);
        samples = &samples[..room as usize];
        if samples.is_empty() {
            // Nothing lies between here and the end of the limits.
            if start >= self.limits.end() && self.limits.end() - self.covered >= JITTER {
                self.flush(out);
                self.gap(self.limits.end(), out);
            }
            return;
        }
        let continues = self.run.is_some_and(|run| run.rate == rate && start - run.end() < JITTER);
        if !continues {
            self.flush(out);
            if start - self.covered >= JITTER {
                self.gap(start, out);
            }
            self.run = Some(RunState { origin: start, rate, length: 0, announced: false });
        }
        self.damaged = false;
        self.announced = None;
        self.started = true;
        if let Some(run) = &mut self.run {
            run.length += samples.len() as i64;
            self.covered = self.covered.max(run.end());
        }
        if self.pending.capacity() == 0 {
            self.pending.reserve_exact(CHUNK.to_units(rate.hertz()) as usize + samples.len());
        }
        self.pending.extend_from_slice(samples);
        if length(self.pending.len()) >= CHUNK {
            self.flush(out);
        }
    }

    /// Ends the stream: hands on the rest, and marks damage at the very end.
    pub(super) fn finish(&mut self, out: &mut Vec<Assembled>) {
        self.flush(out);
        let end = self.expected.unwrap_or(self.covered).min(self.limits.end());
        if self.damaged && end - self.covered >= JITTER {
            self.gap(end, out);
        }
    }

    fn placed(&self, at: Option<MediaTime>) -> Option<MediaTime> {
        match (at, self.expected) {
            (Some(at), Some(expected)) if (at - expected).abs() < JITTER => Some(expected),
            (Some(at), _) => Some(at),
            (None, expected) => expected,
        }
    }

    fn gap(&mut self, end: MediaTime, out: &mut Vec<Assembled>) {
        let cause = self.announced.take().unwrap_or(match (self.damaged, self.started) {
            (true, _) => GapCause::Damaged,
            (false, true) => GapCause::Missing,
            (false, false) => self.late_cause,
        });
        out.push(Assembled::Gap(Gap { span: Span::new(self.covered, end), cause }));
        self.covered = end;
        self.run = None;
    }

    /// Hands on what is pending.
    pub(super) fn flush(&mut self, out: &mut Vec<Assembled>) {
        let Some(run) = &mut self.run else { return };
        if self.pending.is_empty() {
            return;
        }
        let run_start = (!run.announced).then_some(run.origin);
        run.announced = true;
        out.push(Assembled::Samples {
            run_start,
            rate: run.rate,
            samples: std::mem::take(&mut self.pending),
        });
    }
}

/// How many samples at `rate` fit into `length`, to the nearest; negative for a negative length.
fn samples_in(length: MediaDuration, rate: SampleRate) -> i64 {
    length.to_units(rate.hertz())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: SampleRate = SampleRate::HZ_16000;

    fn limits(start: i64, end: i64) -> Span {
        Span::new(MediaTime::from_millis(start), MediaTime::from_millis(end))
    }

    fn at(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn gaps(assembled: &[Assembled]) -> Vec<(i64, i64, GapCause)> {
        let in_millis = |time: MediaTime| time.to_units(1_000);
        assembled
            .iter()
            .filter_map(|part| match part {
                Assembled::Gap(gap) => {
                    Some((in_millis(gap.span.start()), in_millis(gap.span.end()), gap.cause))
                }
                Assembled::Samples { .. } => None,
            })
            .collect()
    }

    fn sample_count(assembled: &[Assembled]) -> usize {
        assembled
            .iter()
            .map(|part| match part {
                Assembled::Gap(_) => 0,
                Assembled::Samples { samples, .. } => samples.len(),
            })
            .sum()
    }

    #[test]
    fn gaps_have_their_cause() {
        let mut assembler = Assembler::new(limits(0, 60_000), GapCause::LateStart);
        let (block, mut out) = (vec![0.5; 1_600], Vec::new());
        assembler.block(Some(at(1_000)), RATE, &block, &mut out);
        assembler.block(Some(at(1_101)), RATE, &block, &mut out);
        assembler.block(Some(at(1_500)), RATE, &block, &mut out);
        assert!(assembler.damage(Some(at(1_600)), MediaDuration::from_millis(100)));
        assembler.block(None, RATE, &block, &mut out);
        assembler.block(Some(at(1_750)), RATE, &block, &mut out);
        assembler.damage(None, MediaDuration::from_millis(100));
        assembler.finish(&mut out);
        assert_eq!(
            gaps(&out),
            [
                (0, 1_000, GapCause::LateStart),
                (1_200, 1_500, GapCause::Missing),
                (1_600, 1_700, GapCause::Damaged),
                (1_850, 1_950, GapCause::Damaged),
            ]
        );
        // The last block overlapped the one before by 50 ms.
        assert_eq!(sample_count(&out), 4 * 1_600 + 800);
    }

    #[test]
    fn limits_are_kept_to_the_sample() {
        let mut assembler = Assembler::new(limits(250, 350), GapCause::Missing);
        let (block, mut out) = (vec![0.5; 1_600], Vec::new());
        for index in 0..5 {
            assembler.block(Some(at(index * 100)), RATE, &block, &mut out);
        }
        assert!(assembler.is_complete());
        assembler.finish(&mut out);
        assert_eq!(gaps(&out), []);
        let Assembled::Samples { run_start, .. } = &out[0] else { panic!("samples first: {out:?}") };
        assert_eq!(*run_start, Some(at(250)));
        assert!(sample_count(&out).abs_diff(1_600) <= 1, "{}", sample_count(&out));
    }

    proptest! {
        #[test]
        fn time_never_goes_backwards_whatever_the_timestamps(
            blocks in prop::collection::vec((prop::option::of(-500_i64..5_000), 1_usize..2_000, any::<bool>()), 0..40),
        ) {
            let mut assembler = Assembler::new(limits(0, 4_000), GapCause::LateStart);
            let mut out = Vec::new();
            for (millis, length, damaged) in blocks {
                let time = millis.map(MediaTime::from_millis);
                if damaged {
                    assembler.damage(time, MediaDuration::from_units(length as i64, RATE.hertz()));
                } else {
                    assembler.block(time, RATE, &vec![0.5; length], &mut out);
                }
            }
            assembler.finish(&mut out);
            let mut clock = MediaTime::ZERO;
            for part in out {
                match part {
                    Assembled::Gap(gap) => {
                        prop_assert!(gap.span.start() >= clock && !gap.span.is_empty());
                        clock = gap.span.end();
                    }
                    Assembled::Samples { run_start, rate, samples } => {
                        if let Some(start) = run_start {
                            // Rounding to whole samples may overlap by half of one.
                            prop_assert!(start + MediaDuration::from_units(1, rate.hertz()) >= clock);
                            clock = start;
                        }
                        clock += MediaDuration::from_units(samples.len() as i64, rate.hertz());
                    }
                }
            }
            prop_assert!(clock <= MediaTime::from_millis(4_001));
        }
    }
}
