//! The sound of a stream that arrives in segments, decoded as they come.

mod fragments;

use timeline::{Gap, GapCause, MediaTime, SampleRate, Span};

use self::fragments::LiveFragments;
use super::assembler::{Assembled, Assembler};
use super::decoder::Unsupported;
use super::grid::Grid;
use super::source::Step;
use super::transport::LiveTransport;
use crate::hls::clock::Placement;
use crate::hls::{Packing, Segment};

/// A piece of a live stream's sound, in order of time. It means what an [`AudioEvent`](crate::AudioEvent) means.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveSound {
    /// Samples between -1 and 1 (a little more where the source clips). The time of each is a whole number of sample periods
    /// from media time zero. They follow the samples before, unless a gap comes between.
    Samples {
        /// When the first sample is played.
        at: MediaTime,
        /// The samples, never none.
        samples: Vec<f32>,
    },
    /// There is no sound here, and this is why.
    Gap(Gap),
}

/// Why the sound of a stream cannot be decoded segment by segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sound of this stream cannot be decoded live ({detail}): AAC-LC with one or two channels and MPEG audio can"
)]
pub struct UnsupportedSound {
    /// What the sound is.
    pub detail: String,
}

impl From<Unsupported> for UnsupportedSound {
    fn from(unsupported: Unsupported) -> Self {
        Self { detail: unsupported.detail }
    }
}

/// Decodes the segments of a live stream to mono samples at one rate, on the media timeline.
///
/// It does so when they are pushed, without a thread and without a program beside it, so that a hundred of them can
/// run on two cores. The samples are, bit for bit, those that [`open_audio`](crate::open_audio) gives of a file of the
/// same segments joined.
#[derive(Debug)]
pub struct LiveAudio {
    rate: SampleRate,
    state: Option<State>,
    /// What was settled when there was an error to hand on.
    held: Vec<LiveSound>,
    damaged_packets: u64,
}

#[derive(Debug)]
struct State {
    assembler: Assembler,
    grid: Grid,
    group: Option<Group>,
    /// A gap was announced that reaches to here, and no sound came since.
    announced: Option<MediaTime>,
}

/// Segments whose bytes belong together, and the decoder that goes through them.
#[derive(Debug)]
struct Group {
    number: u32,
    medium: Medium,
    /// No samples of it were decoded yet, so timestamps alone say where it begins.
    is_fresh: bool,
}

#[derive(Debug)]
enum Medium {
    Transport(Box<LiveTransport>),
    Fragments(Box<LiveFragments>),
}

impl LiveAudio {
    /// For samples at `rate`.
    #[must_use]
    pub const fn new(rate: SampleRate) -> Self {
        Self { rate, state: None, held: Vec::new(), damaged_packets: 0 }
    }

    /// Takes the next segment and gives the sound that is settled by it: all but some milliseconds.
    ///
    /// Damage in the segment is no error but a gap. A stream without sound gives gaps.
    ///
    /// # Errors
    /// [`UnsupportedSound`] where the sound is of a kind that only ffmpeg decodes (HE-AAC, AC-3, Opus, more than two
    /// channels); later segments can be pushed all the same, and may be different.
    pub fn push(
        &mut self,
        segment: &Segment,
        placement: &Placement,
    ) -> Result<Vec<LiveSound>, UnsupportedSound> {
        let span = placement.span;
        let state = self.state.get_or_insert_with(|| State {
            assembler: Assembler::new(Span::new(span.start(), MediaTime::MAX), GapCause::LateStart),
            grid: Grid::new(self.rate, Span::new(span.start(), MediaTime::MAX)),
            group: None,
            announced: None,
        });
        let mut parts = Vec::new();
        if state.group.as_ref().is_some_and(|group| group.number != placement.group) {
            self.damaged_packets += state.end_group(&mut parts);
        }
        let group = state.group.get_or_insert_with(|| {
            let medium = match segment.packing {
                Packing::Transport => {
                    Medium::Transport(Box::new(LiveTransport::new(span.start(), placement.offset)))
                }
                Packing::Fragmented => Medium::Fragments(Box::new(LiveFragments::new(placement.offset))),
            };
            Group { number: placement.group, medium, is_fresh: true }
        });
        if group.is_fresh {
            // For frames without a timestamp alone; the others begin where theirs says.
            state.assembler.expect(Some(span.start()));
        }
        let fed = match &mut group.medium {
            Medium::Transport(transport) => transport.push(&segment.bytes),
            Medium::Fragments(fragments) => {
                let init = segment.init.as_ref().map(|init| &init.bytes[..]).unwrap_or_default();
                fragments.push(init, &segment.bytes)
            }
        };
        if let Err(unsupported) = fed {
            state.group = None;
            self.held = self.sounds(parts);
            return Err(unsupported.into());
        }
        let is_silent = group.medium.is_silent();
        self.damaged_packets += state.decode(&mut parts);
        state.assembler.flush(&mut parts);
        if is_silent {
            state.assembler.leave_out(span.end(), &mut parts);
        }
        Ok(self.sounds(parts))
    }

    /// Takes a stretch of which there are no segments. It is handed on as one gap with the next sound, or at the end.
    pub fn gap(&mut self, gap: Gap) -> Vec<LiveSound> {
        let Some(state) = &mut self.state else { return Vec::new() };
        let mut parts = Vec::new();
        self.damaged_packets += state.end_group(&mut parts);
        state.assembler.flush(&mut parts);
        state.assembler.announce(gap.cause);
        state.announced = Some(gap.span.end());
        self.sounds(parts)
    }

    /// Ends the stream: gives what is left.
    pub fn finish(&mut self) -> Vec<LiveSound> {
        let Some(state) = &mut self.state else { return Vec::new() };
        let mut parts = Vec::new();
        self.damaged_packets += state.end_group(&mut parts);
        match state.announced.take() {
            Some(end) => {
                state.assembler.flush(&mut parts);
                state.assembler.leave_out(end, &mut parts);
            }
            None => state.assembler.finish(&mut parts),
        }
        let mut sounds = self.sounds(parts);
        if let Some(mut state) = self.state.take() {
            let mut block = Vec::new();
            let first = state.grid.end_run(&mut block);
            add(&mut sounds, self.rate, first, block);
        }
        sounds
    }

    /// Packets that could not be decoded so far.
    #[must_use]
    pub const fn damaged_packets(&self) -> u64 {
        self.damaged_packets
    }

    /// Brings what was assembled to the rate wanted.
    fn sounds(&mut self, parts: Vec<Assembled>) -> Vec<LiveSound> {
        let mut sounds = std::mem::take(&mut self.held);
        let Some(state) = &mut self.state else { return sounds };
        for part in parts {
            let mut block = Vec::new();
            match part {
                Assembled::Gap(gap) => {
                    let first = state.grid.end_run(&mut block);
                    add(&mut sounds, self.rate, first, block);
                    sounds.push(LiveSound::Gap(gap));
                }
                Assembled::Samples { run_start, rate, samples } => {
                    if run_start.is_some() {
                        let first = state.grid.end_run(&mut block);
                        add(&mut sounds, self.rate, first, std::mem::take(&mut block));
                    }
                    let first = state.grid.push(run_start, rate, &samples, &mut block);
                    add(&mut sounds, self.rate, first, block);
                }
            }
        }
        sounds
    }
}

/// Appends a block of samples, the first of which has index `first`.
fn add(sounds: &mut Vec<LiveSound>, rate: SampleRate, first: Option<i64>, block: Vec<f32>) {
    let Some(first) = first else { return };
    match sounds.last_mut() {
        Some(LiveSound::Samples { at, samples }) if rate.sample_at(*at) + samples.len() as i64 == first => {
            samples.extend(block);
        }
        _ => sounds.push(LiveSound::Samples { at: rate.time_of_sample(first), samples: block }),
    }
}

impl State {
    /// Decodes what the group has. Tells how many packets were damaged.
    fn decode(&mut self, parts: &mut Vec<Assembled>) -> u64 {
        let Some(group) = &mut self.group else { return 0 };
        let (mut mono, mut damaged) = (Vec::new(), 0);
        loop {
            let expected = if group.is_fresh { None } else { self.assembler.expected() };
            let step = match &mut group.medium {
                Medium::Transport(transport) => transport.step(expected, &mut mono),
                Medium::Fragments(fragments) => fragments.step(&mut mono),
            };
            match step {
                Some(Step::Block { at, rate }) => {
                    if group.is_fresh && at.is_some() {
                        self.assembler.expect(None);
                        group.is_fresh = false;
                    }
                    self.assembler.block(at, rate, &mono, parts);
                    self.announced = None;
                }
                Some(Step::Damage { at, length }) => damaged += u64::from(self.assembler.damage(at, length)),
                Some(Step::End) | None => return damaged,
            }
        }
    }

    /// Decodes what waits for bytes that will not come.
    fn end_group(&mut self, parts: &mut Vec<Assembled>) -> u64 {
        if let Some(Group { medium: Medium::Transport(transport), .. }) = &mut self.group {
            transport.finish();
        }
        let damaged = self.decode(parts);
        self.group = None;
        damaged
    }
}

impl Medium {
    /// Whether the stream is known to hold no sound.
    fn is_silent(&self) -> bool {
        match self {
            Self::Transport(transport) => transport.is_silent(),
            Self::Fragments(fragments) => fragments.is_silent(),
        }
    }
}
