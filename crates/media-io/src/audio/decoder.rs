//! One packet in, mono samples out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::{Audio, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use timeline::SampleRate;

use super::track::{Next, Stamp, TrackPackets};
use crate::Error;

/// AAC with a core rate up to this may carry spectral band replication that the stream does not announce (HE-AAC signalled
/// implicitly, ISO/IEC 14496-3 1.6.5), which symphonia does not decode.
const HIGHEST_SBR_CORE_RATE: u32 = 24_000;

/// A symphonia decoder with down-mixing, guarded against panics in it.
pub(super) struct MonoDecoder {
    parameters: AudioCodecParameters,
    decoder: Box<dyn AudioDecoder>,
    planes: Vec<Vec<f32>>,
}

/// What became of the next packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Decoded {
    /// It was decoded, or is damaged where there is no rate.
    Packet { stamp: Stamp, rate: Option<SampleRate> },
    /// It could not be read.
    Damage,
    /// There is none.
    End,
}

/// Why symphonia should not or cannot decode a track.
#[derive(Debug)]
pub(super) struct Unsupported {
    pub(super) detail: String,
    /// The track can be decoded natively all the same, at a lower quality.
    pub(super) usable: bool,
}

/// Says why a track with these parameters is better left to ffmpeg.
pub(super) fn objection(parameters: &AudioCodecParameters) -> Option<Unsupported> {
    if parameters.codec == CODEC_ID_AAC
        && parameters.sample_rate.is_some_and(|rate| rate <= HIGHEST_SBR_CORE_RATE)
    {
        let detail = "AAC at 24 kHz or less, which may be HE-AAC".to_owned();
        return Some(Unsupported { detail, usable: make(parameters).is_ok() });
    }
    let detail = make(parameters).err()?.to_string();
    Some(Unsupported { detail, usable: false })
}

fn make(parameters: &AudioCodecParameters) -> symphonia::core::errors::Result<Box<dyn AudioDecoder>> {
    symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default())
}

impl MonoDecoder {
    /// A decoder for a track with these parameters.
    pub(super) fn new(parameters: &AudioCodecParameters) -> symphonia::core::errors::Result<Self> {
        Ok(Self { decoder: make(parameters)?, parameters: parameters.clone(), planes: Vec::new() })
    }

    /// Forgets what earlier packets left behind.
    pub(super) fn reset(&mut self) {
        self.decoder.reset();
    }

    /// Decodes the next packet of `packets` into `mono`, replacing what is in it.
    ///
    /// # Errors
    /// Those of [`TrackPackets::next`].
    pub(super) fn next(&mut self, packets: &mut TrackPackets, mono: &mut Vec<f32>) -> Result<Decoded, Error> {
        Ok(match packets.next()? {
            Next::End => Decoded::End,
            Next::Damage => Decoded::Damage,
            Next::Packet(packet) => {
                let rate = self.decode(&packet.as_packet_ref(), mono);
                Decoded::Packet { stamp: Stamp::of(&packet), rate }
            }
        })
    }

    /// Decodes `packet` into `mono`, replacing what is in it. `None` where the packet is damaged.
    pub(super) fn decode(&mut self, packet: &PacketRef<'_>, mono: &mut Vec<f32>) -> Option<SampleRate> {
        mono.clear();
        let Self { decoder, planes, .. } = self;
        // Damaged packets may trip an assertion in a decoder; that must cost a packet and not the stream.
        let decoded = catch_unwind(AssertUnwindSafe(|| match decoder.decode_ref(packet) {
            Ok(buffer) => {
                let rate = SampleRate::new(buffer.spec().rate());
                mix(&buffer, planes, mono);
                rate
            }
            Err(error) => {
                tracing::debug!(%error, "a packet could not be decoded");
                None
            }
        }));
        decoded.unwrap_or_else(|_| {
            tracing::warn!("a damaged packet made its decoder panic; the decoder is made anew");
            mono.clear();
            if let Ok(decoder) = make(&self.parameters) {
                self.decoder = decoder;
            }
            None
        })
    }
}

/// Appends the mean of all channels to `mono`; a value that is no number becomes silence.
fn mix(buffer: &GenericAudioBufferRef<'_>, planes: &mut Vec<Vec<f32>>, mono: &mut Vec<f32>) {
    if let GenericAudioBufferRef::F32(buffer) = buffer {
        let planes: Vec<&[f32]> = buffer.iter_planes().collect();
        mean(&planes, mono);
    } else {
        buffer.copy_to_vecs_planar(planes);
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        mean(&planes, mono);
    }
}

fn mean(planes: &[&[f32]], mono: &mut Vec<f32>) {
    let finite = |sample: f32| if sample.is_finite() { sample } else { 0.0 };
    match planes {
        [] => {}
        [only] => mono.extend(only.iter().map(|sample| finite(*sample))),
        [left, right] => {
            mono.extend(left.iter().zip(*right).map(|(left, right)| finite((left + right) * 0.5)));
        }
        [first, others @ ..] => {
            let scale = 1.0 / planes.len() as f32;
            mono.extend_from_slice(first);
            for plane in others {
                for (sum, sample) in mono.iter_mut().zip(*plane) {
                    *sum += sample;
                }
            }
            for sample in mono {
                *sample = finite(*sample * scale);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged() {
        let mut mono = Vec::new();
        mean(&[&[1.0, f32::NAN], &[0.0, 1.0], &[0.5, 1.0]], &mut mono);
        assert_eq!(mono, [0.5, 0.0]);
        mono.clear();
        mean(&[&[0.25]], &mut mono);
        assert_eq!(mono, [0.25]);
    }
}
