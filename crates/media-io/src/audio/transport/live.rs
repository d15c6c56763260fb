//! A transport stream that arrives in pieces.

use std::fmt;

use timeline::{MediaDuration, MediaTime};

use super::packets::Cutter;
use super::sound::Sound;
use super::trust::TIMESTAMP_RATE;
use crate::audio::TrackChoice;
use crate::audio::decoder::{Unsupported, objection};
use crate::audio::native::Attempt;
use crate::audio::source::Step;

/// Decodes the default audio stream of a transport stream whose bytes are pushed.
pub(in crate::audio) struct LiveTransport {
    cutter: Cutter,
    sound: Sound,
    /// The stream was found to be one that symphonia decodes.
    checked: bool,
}

impl fmt::Debug for LiveTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LiveTransport").field("checked", &self.checked).finish_non_exhaustive()
    }
}

impl LiveTransport {
    /// For a stream of which the first timestamp is near `start`, and whose timestamps become media time by adding `offset`.
    pub(in crate::audio) fn new(start: MediaTime, offset: MediaDuration) -> Self {
        let mut sound = Sound::new(TrackChoice::Default);
        sound.offset = offset;
        sound.last = (start - offset).to_units(TIMESTAMP_RATE);
        Self { cutter: Cutter::default(), sound, checked: false }
    }

    /// Takes the next bytes.
    pub(in crate::audio) fn push(&mut self, bytes: &[u8]) -> Result<(), Unsupported> {
        self.cutter.push(bytes);
        self.demultiplex();
        if self.checked {
            return Ok(());
        }
        let streams = &self.sound.demuxer.streams;
        match streams.check() {
            Ok((_, header)) => {
                if let Some(objection) = objection(&header.parameters()) {
                    return Err(objection);
                }
                self.checked = true;
            }
            // A damaged piece may announce nothing, or hold no frame; the next may.
            Err(Attempt::Unsupported(refusal)) if streams.is_foreign() || !streams.frames.is_empty() => {
                return Err(refusal);
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// There are no more bytes: the frames that wait can be had.
    pub(in crate::audio) fn finish(&mut self) {
        self.cutter.finish();
        self.demultiplex();
        self.sound.demuxer.finish();
        self.sound.at_end = true;
    }

    /// Whether the program map is known and holds no audio.
    pub(in crate::audio) fn is_silent(&self) -> bool {
        let streams = &self.sound.demuxer.streams;
        !streams.streams.is_empty() && streams.audio().count() == 0
    }

    /// Decodes the next frame into `mono`; `None` where more bytes are needed for it.
    pub(in crate::audio) fn step(
        &mut self,
        expected: Option<MediaTime>,
        mono: &mut Vec<f32>,
    ) -> Option<Step> {
        if !self.sound.is_ready(expected) {
            return None;
        }
        match self.sound.step(expected, mono) {
            Step::End => None,
            step => Some(step),
        }
    }

    fn demultiplex(&mut self) {
        while let Some((packet, skipped)) = self.cutter.next() {
            if skipped {
                self.sound.demuxer.lost();
            }
            self.sound.demuxer.push(packet);
        }
    }
}
