//! What the caller reads: samples on the media grid, and gaps.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use timeline::{Gap, MediaDuration, MediaTime, SampleRate, Span};

use super::assembler::Assembled;
use super::grid::Grid;
use super::worker::{Message, Worker};
use crate::Error;

/// Gaps that a report lists at most; later ones are still delivered as events.
const REPORTED_GAPS: usize = 1_000;

/// What decodes the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// symphonia, from a container it reads itself.
    Symphonia,
    /// symphonia, from an MPEG transport stream.
    TransportStream,
    /// The ffmpeg program.
    Ffmpeg,
}

/// A piece of the sound, in order of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AudioEvent<'a> {
    /// Samples between -1 and 1 (a little more where the source clips), the first of them at `at`. The time of each is a
    /// whole number of sample periods from media time zero. They follow the samples before, unless a gap comes between.
    Samples {
        /// When the first sample is played.
        at: MediaTime,
        /// Half a second of them, more or less.
        samples: &'a [f32],
    },
    /// There is no sound here, and this is why. The next samples come at its end, within one sample period.
    Gap(Gap),
}

/// What came of decoding, so far or in all.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeReport {
    /// What decodes the file.
    pub backend: Backend,
    /// Whether the file is known to hold nothing but sound: no picture is to be looked for. False where the container does
    /// not tell.
    pub only_sound: bool,
    /// Packets that could not be read or decoded.
    pub damaged_packets: u64,
    /// The gaps delivered, the first thousand of them.
    pub gaps: Vec<Gap>,
    /// How many gaps were delivered in all.
    pub gap_count: u64,
    /// Samples delivered, at the rate asked for.
    pub samples: u64,
}

/// A stream of samples from a file. Memory use does not grow with the length of the file.
#[derive(Debug)]
pub struct AudioReader {
    path: PathBuf,
    worker: Worker,
    grid: Grid,
    span: Option<Span>,
    duration: Option<MediaDuration>,
    block: Vec<f32>,
    waiting: VecDeque<Waiting>,
    report: DecodeReport,
    ended: bool,
}

#[derive(Debug)]
enum Waiting {
    Part(Assembled),
    Gap(Gap),
    End,
}

impl AudioReader {
    pub(super) fn new(
        path: &Path,
        worker: Worker,
        (backend, only_sound): (Backend, bool),
        rate: SampleRate,
        span: Option<Span>,
        duration: Option<MediaDuration>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            worker,
            grid: Grid::new(rate, span.unwrap_or(Span::new(MediaTime::ZERO, MediaTime::MAX))),
            span,
            duration,
            block: Vec::new(),
            waiting: VecDeque::new(),
            report: DecodeReport {
                backend,
                only_sound,
                damaged_packets: 0,
                gaps: Vec::new(),
                gap_count: 0,
                samples: 0,
            },
            ended: false,
        }
    }

    /// The next samples or gap; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Io`] where the file can no longer be read, [`Error::Ffmpeg`] where ffmpeg failed before it gave anything.
    /// Damage in the file is no error.
    pub fn next_event(&mut self) -> Result<Option<AudioEvent<'_>>, Error> {
        self.block.clear();
        while !self.ended {
            let waiting = match self.waiting.pop_front() {
                Some(waiting) => waiting,
                None => match self.worker.receive() {
                    Some(Message::Part(part)) => Waiting::Part(part),
                    Some(Message::End) => Waiting::End,
                    Some(Message::Failed(error)) => {
                        self.ended = true;
                        return Err(error);
                    }
                    None => {
                        self.ended = true;
                        let detail = "its decoder failed in an unforeseen way".to_owned();
                        return Err(Error::NotMedia { path: self.path.clone(), detail });
                    }
                },
            };
            let first = self.process(waiting);
            if let Some(gap) = first.err() {
                self.report.gap_count += 1;
                if self.report.gaps.len() < REPORTED_GAPS {
                    self.report.gaps.push(gap);
                }
                return Ok(Some(AudioEvent::Gap(gap)));
            }
            if let Some(first) = first.unwrap_or_default() {
                self.report.samples += self.block.len() as u64;
                return Ok(Some(AudioEvent::Samples {
                    at: self.grid.rate().time_of_sample(first),
                    samples: &self.block,
                }));
            }
        }
        Ok(None)
    }

    /// What came of decoding so far.
    #[must_use]
    pub fn report(&self) -> DecodeReport {
        DecodeReport { damaged_packets: self.worker.damaged_packets(), ..self.report.clone() }
    }

    /// How long the audio track is, as its container says; damaged and live recordings may say nothing, or be wrong.
    #[must_use]
    pub fn duration_hint(&self) -> Option<MediaDuration> {
        self.duration
    }

    /// The rate of the samples.
    #[must_use]
    pub fn rate(&self) -> SampleRate {
        self.grid.rate()
    }

    /// Deals with one message. `Ok(Some(index))` where it filled the block, whose first sample has that index; `Err` with
    /// a gap to deliver.
    fn process(&mut self, waiting: Waiting) -> Result<Option<i64>, Gap> {
        match waiting {
            Waiting::Gap(gap) => match self.span.map_or(Some(gap.span), |span| span.intersection(gap.span)) {
                Some(span) => Err(Gap { span, ..gap }),
                None => Ok(None),
            },
            Waiting::End => {
                let rest = self.grid.end_run(&mut self.block);
                self.ended = rest.is_none();
                if !self.ended {
                    self.waiting.push_front(Waiting::End);
                }
                Ok(rest)
            }
            Waiting::Part(Assembled::Gap(gap)) => {
                let rest = self.grid.end_run(&mut self.block);
                self.waiting.push_front(Waiting::Gap(gap));
                Ok(rest)
            }
            Waiting::Part(Assembled::Samples { run_start: Some(_), .. }) if self.grid.has_run() => {
                let rest = self.grid.end_run(&mut self.block);
                self.waiting.push_front(waiting);
                Ok(rest)
            }
            Waiting::Part(Assembled::Samples { run_start, rate, samples }) => {
                Ok(self.grid.push(run_start, rate, &samples, &mut self.block))
            }
        }
    }
}
