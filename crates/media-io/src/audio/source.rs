//! What every backend gives to the worker.

use std::collections::VecDeque;

use timeline::{MediaDuration, MediaTime, SampleRate};

use crate::Error;

/// One step of a backend.
#[derive(Debug)]
pub(super) enum Step {
    /// The buffer holds samples that begin at `at`, or follow those before.
    Block { at: Option<MediaTime>, rate: SampleRate },
    /// A packet of about `length` could not be read or decoded.
    Damage { at: Option<MediaTime>, length: MediaDuration },
    /// There is no more.
    End,
}

/// A decoder of one audio track, on the media timeline.
pub(super) trait Source: Send {
    /// Decodes the next piece into `mono`, replacing what is in it. Where a block without a time would be placed is
    /// `expected`.
    fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error>;
}

/// A backend that is ready, and what it knows beforehand.
pub(super) struct Opened {
    pub(super) source: Box<dyn Source>,
    pub(super) duration: Option<MediaDuration>,
    /// The source starts somewhere inside the medium, not at its beginning.
    pub(super) seeked: bool,
    /// The container is known to hold audio tracks and nothing else.
    pub(super) only_sound: bool,
}

/// Packets that may fail before the first that can be decoded. After a seek, MP3 fails up to 9 times.
const FAILURES_AT_START: usize = 32;

/// A source whose first steps were taken to see whether it works.
struct Tried {
    steps: VecDeque<(Step, Vec<f32>)>,
    inner: Box<dyn Source>,
}

impl Opened {
    /// Decodes up to the first packet that can be decoded. `None` where there is none among the first packets: the stream
    /// holds something that its decoder does not know after all.
    pub(super) fn tried(self) -> Result<Option<Self>, Error> {
        let Self { source: mut inner, duration, seeked, only_sound } = self;
        let mut steps = VecDeque::new();
        while steps.len() < FAILURES_AT_START {
            let mut mono = Vec::new();
            let step = inner.step(None, &mut mono)?;
            let settled = match step {
                Step::Block { .. } => !mono.is_empty(),
                Step::Damage { .. } => false,
                Step::End => steps.is_empty(),
            };
            let ended = matches!(step, Step::End);
            steps.push_back((step, mono));
            if settled {
                let source = Box::new(Tried { steps, inner });
                return Ok(Some(Self { source, duration, seeked, only_sound }));
            }
            if ended {
                break;
            }
        }
        Ok(None)
    }
}

impl Source for Tried {
    fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error> {
        match self.steps.pop_front() {
            Some((step, samples)) => {
                *mono = samples;
                Ok(step)
            }
            None => self.inner.step(expected, mono),
        }
    }
}
