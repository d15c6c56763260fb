//! The sound of a demultiplexed transport stream: frames with believed timestamps, decoded one by one.

use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use timeline::{MediaDuration, MediaTime};

use super::demux::Demuxer;
use super::frames::FrameHeader;
use super::trust::{self, Belief, TIMESTAMP_RATE, believe, unroll};
use crate::audio::TrackChoice;
use crate::audio::source::Step;
use crate::audio::turns::Turns;

/// Frames that are kept at most while waiting for a timestamp that confirms another (1.4 s of AAC).
const LONGEST_WAIT: usize = 64;

/// The chosen audio stream, from packets to samples. Whoever owns it feeds [`demuxer`](Self::demuxer).
pub(super) struct Sound {
    pub(super) demuxer: Demuxer,
    /// No more packets will come.
    pub(super) at_end: bool,
    /// What is added to an unrolled timestamp to get media time.
    pub(super) offset: MediaDuration,
    /// The last unrolled timestamp.
    pub(super) last: i64,
    decoder: Option<(FrameHeader, Turns)>,
    /// What is added to all times since the clock was set back.
    rebase: MediaDuration,
    /// Damage was reported for the frame that comes next.
    damage_told: bool,
}

impl Sound {
    pub(super) fn new(track: TrackChoice) -> Self {
        Self {
            demuxer: Demuxer::new(track),
            at_end: false,
            offset: MediaDuration::ZERO,
            last: 0,
            decoder: None,
            rebase: MediaDuration::ZERO,
            damage_told: false,
        }
    }

    pub(super) fn time_of(&self, unrolled: i64) -> MediaTime {
        MediaTime::from_units(unrolled, TIMESTAMP_RATE) + self.offset
    }

    /// Whether the next frame is there, and, if `expected` contradicts its timestamp, one that confirms or refutes it.
    pub(super) fn is_ready(&self, expected: Option<MediaTime>) -> bool {
        if self.at_end {
            return true;
        }
        let frames = &self.demuxer.streams.frames;
        let Some(front) = frames.front() else { return false };
        let Some((timestamp, expected)) = front.timestamp.zip(expected) else { return true };
        let time = self.time_of(unroll(timestamp, self.last)) + self.rebase;
        trust::agree(time, expected)
            || frames.iter().skip(1).any(|frame| frame.timestamp.is_some())
            || frames.len() >= LONGEST_WAIT
    }

    /// When the frame at the front of the queue is presented, if its timestamp is there and to be believed.
    fn time_of_front(&mut self, expected: Option<MediaTime>) -> Option<MediaTime> {
        let frames = &self.demuxer.streams.frames;
        let unrolled = unroll(frames.front()?.timestamp?, self.last);
        let time = self.time_of(unrolled) + self.rebase;
        let following = frames.iter().skip(1).position(|frame| frame.timestamp.is_some()).and_then(|index| {
            let between = frames.iter().take(index + 1).map(|frame| frame.header.duration()).sum();
            let later = unroll(frames[index + 1].timestamp?, unrolled);
            Some((self.time_of(later) + self.rebase, between))
        });
        match believe(time, expected, following) {
            Belief::Ignore => {
                tracing::debug!(%time, "a timestamp contradicts its neighbours and is ignored");
                None
            }
            Belief::Accept => {
                self.last = unrolled;
                Some(time)
            }
            Belief::ClockSet(expected) => {
                tracing::warn!(%time, %expected, "the stream's clock was set anew; its time goes on where it was");
                self.rebase += expected - time;
                self.last = unrolled;
                Some(expected)
            }
        }
    }

    /// Decodes the next frame into `mono`. The caller has seen to it that [`is_ready`](Self::is_ready).
    pub(super) fn step(&mut self, expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Step {
        if let Some(front) = self.demuxer.streams.frames.front()
            && front.after_loss
            && !std::mem::replace(&mut self.damage_told, true)
        {
            return Step::Damage { at: None, length: MediaDuration::ZERO };
        }
        self.damage_told = false;
        let at = self.time_of_front(expected);
        let Some(frame) = self.demuxer.streams.frames.pop_front() else { return Step::End };
        let length = frame.header.duration();
        if !frame.header.plain {
            return Step::Damage { at, length };
        }
        if self.decoder.as_ref().is_none_or(|(header, _)| !header.same_decoder(&frame.header)) {
            self.decoder = Turns::new(&frame.header.parameters()).ok().map(|decoder| (frame.header, decoder));
        }
        let Some((_, decoder)) = &mut self.decoder else { return Step::Damage { at, length } };
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(0), &frame.data);
        match decoder.decode(&packet, mono) {
            Some(rate) if frame.header.rate() == Some(rate) => Step::Block { at, rate },
            _ => Step::Damage { at, length },
        }
    }
}
