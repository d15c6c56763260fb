//! Packets decoded as they come, by decoders that take turns.
//!
//! A file's AAC is decoded by two decoders, stretch by stretch (see [`stretches`](super::stretches)), each of which makes
//! up the noise in it for itself. Whatever else decodes AAC takes the same turns, so that a stream sounds the same, bit for bit,
//! in whichever container and whether it is there already or still coming.

use std::collections::VecDeque;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};
use timeline::SampleRate;

use super::decoder::MonoDecoder;
use super::stretches::{DECODERS, LEAD_IN, STRETCH, can_be_split};

/// Decodes the packets of one track, one after the other.
pub(super) struct Turns {
    /// One, where the codec does not allow for turns.
    decoders: Vec<MonoDecoder>,
    /// The last packets before this one.
    lead_in: VecDeque<Vec<u8>>,
    /// Packets so far.
    count: usize,
}

impl Turns {
    /// For a track with these parameters.
    ///
    /// # Errors
    /// Where there is no decoder for it.
    pub(super) fn new(parameters: &AudioCodecParameters) -> symphonia::core::errors::Result<Self> {
        let count = if can_be_split(parameters) { DECODERS } else { 1 };
        let decoders = (0..count).map(|_| MonoDecoder::new(parameters)).collect::<Result<_, _>>()?;
        Ok(Self { decoders, lead_in: VecDeque::new(), count: 0 })
    }

    /// Notes a packet that could not be read. It counts.
    pub(super) fn skip(&mut self) {
        self.count += 1;
    }

    /// Decodes `packet` into `mono`, replacing what is in it. `None` where the packet is damaged.
    pub(super) fn decode(&mut self, packet: &PacketRef<'_>, mono: &mut Vec<f32>) -> Option<SampleRate> {
        let (turn, place) = (self.count / STRETCH % self.decoders.len(), self.count % STRETCH);
        let takes_turns = self.decoders.len() > 1;
        let decoder = &mut self.decoders[turn];
        self.count += 1;
        if takes_turns && place == 0 {
            decoder.reset();
            for data in self.lead_in.drain(..) {
                decoder.decode(&PacketRef::new(0, Timestamp::new(0), Duration::new(0), &data), mono);
            }
        }
        if takes_turns && place + LEAD_IN >= STRETCH {
            self.lead_in.push_back(packet.data.to_vec());
        }
        decoder.decode(packet, mono)
    }
}
