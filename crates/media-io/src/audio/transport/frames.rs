//! Cuts the elementary stream of a transport stream into coded frames, and decides which timestamps to believe.

use std::collections::VecDeque;

use symphonia::core::audio::layouts::{CHANNEL_LAYOUT_MONO, CHANNEL_LAYOUT_STEREO};
use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};
use timeline::{MediaDuration, SampleRate};

/// ADTS sampling frequencies by index, ISO/IEC 14496-3 table 1.18.
const ADTS_RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
/// MPEG-1 audio sampling frequencies by index, ISO/IEC 11172-3 2.4.2.3; MPEG-2 has half of them, MPEG-2.5 a quarter.
const MPEG_RATES: [u32; 3] = [44_100, 48_000, 32_000];
/// Bit rates in kbit/s by index: MPEG-1 layer I, II and III, then MPEG-2 layer I and layers II and III.
const MPEG_BIT_RATES: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// An ADTS header without and with its checksum.
const ADTS_HEADER: usize = 7;
const ADTS_CHECKSUM: usize = 2;

/// What an elementary stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Adts,
    Mpeg,
}

/// The description in front of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    codec: AudioCodecId,
    rate: u32,
    channels: u8,
    /// Whether the frame is plain AAC-LC or MPEG audio, which symphonia decodes.
    pub(super) plain: bool,
    header: usize,
    length: usize,
    samples: u32,
}

/// One coded frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    /// The timestamp given for it, in 90 kHz units, 33 bits.
    pub(super) timestamp: Option<u64>,
    /// Bytes were lost or skipped before it.
    pub(super) after_loss: bool,
    pub(super) data: Vec<u8>,
}

impl FrameHeader {
    /// Parameters for a decoder of such frames.
    pub(super) fn parameters(&self) -> AudioCodecParameters {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(self.codec).with_sample_rate(self.rate);
        match self.channels {
            1 => parameters.with_channels(CHANNEL_LAYOUT_MONO),
            _ => parameters.with_channels(CHANNEL_LAYOUT_STEREO),
        };
        parameters
    }

    /// Whether a decoder made for `other` decodes this frame.
    pub(super) fn same_decoder(&self, other: &Self) -> bool {
        (self.codec, self.rate, self.channels) == (other.codec, other.rate, other.channels)
    }

    /// How long a frame lasts.
    pub(super) fn duration(&self) -> MediaDuration {
        MediaDuration::from_units(i64::from(self.samples), self.rate)
    }

    /// The rate of its samples.
    pub(super) fn rate(&self) -> Option<SampleRate> {
        SampleRate::new(self.rate)
    }

    fn parse(coding: Coding, bytes: &[u8]) -> Option<Self> {
        match coding {
            Coding::Adts => Self::parse_adts(bytes),
            Coding::Mpeg => Self::parse_mpeg(bytes),
        }
    }

    /// ISO/IEC 14496-3 1.A.2.2.
    fn parse_adts(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..ADTS_HEADER)?;
        if bytes[0] != 0xff || bytes[1] & 0xf6 != 0xf0 {
            return None;
        }
        let (profile, rate_index) = (bytes[2] >> 6, usize::from(bytes[2] >> 2 & 0xf));
        let channels = (bytes[2] & 1) << 2 | bytes[3] >> 6;
        let length =
            usize::from(bytes[3] & 3) << 11 | usize::from(bytes[4]) << 3 | usize::from(bytes[5] >> 5);
        let header = ADTS_HEADER + if bytes[1] & 1 == 0 { ADTS_CHECKSUM } else { 0 };
        let single_block = bytes[6] & 3 == 0;
        let plain = profile == 1 && single_block && (1..=2).contains(&channels);
        let samples = 1_024 * (u32::from(bytes[6] & 3) + 1);
        let rate = *ADTS_RATES.get(rate_index)?;
        (length > header).then_some(Self {
            codec: CODEC_ID_AAC,
            rate,
            channels,
            plain,
            header,
            length,
            samples,
        })
    }

    /// ISO/IEC 11172-3 2.4.1.3 and 13818-3.
    fn parse_mpeg(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..4)?;
        if bytes[0] != 0xff || bytes[1] & 0xe0 != 0xe0 {
            return None;
        }
        // Version bits: 0 is MPEG-2.5, 2 MPEG-2, 3 MPEG-1. Layer bits count down from 3.
        let (version, layer) = (bytes[1] >> 3 & 3, 4 - (bytes[1] >> 1 & 3));
        let (bit_rate_index, rate_index) = (usize::from(bytes[2] >> 4), usize::from(bytes[2] >> 2 & 3));
        if version == 1 || layer == 4 || bit_rate_index == 0 {
            return None;
        }
        let halvings = match version {
            3 => 0,
            2 => 1,
            _ => 2,
        };
        let rate = MPEG_RATES.get(rate_index)? >> halvings;
        let table = match (version, layer) {
            (3, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let bit_rate = u32::from(*MPEG_BIT_RATES[table].get(bit_rate_index)?) * 1_000;
        let padding = u32::from(bytes[2] >> 1 & 1);
        let (samples, length) = match (layer, version) {
            (1, _) => (384, (12 * bit_rate / rate + padding) * 4),
            (3, 0 | 2) => (576, 72 * bit_rate / rate + padding),
            _ => (1_152, 144 * bit_rate / rate + padding),
        };
        let codec = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3][usize::from(layer) - 1];
        let channels = if bytes[3] >> 6 == 3 { 1 } else { 2 };
        let length = length as usize;
        (length > 4).then_some(Self { codec, rate, channels, plain: true, header: 0, length, samples })
    }
}

/// Finds frames in the payload of PES packets.
#[derive(Debug)]
pub(super) struct Splitter {
    coding: Coding,
    buffer: Vec<u8>,
    /// Timestamps, and the place in the buffer from which on a starting frame has them.
    timestamps: VecDeque<(usize, u64)>,
    /// The last frame, while the stream goes on without a break.
    last: Option<FrameHeader>,
    after_loss: bool,
}

impl Splitter {
    pub(super) fn new(coding: Coding) -> Self {
        Self { coding, buffer: Vec::new(), timestamps: VecDeque::new(), last: None, after_loss: false }
    }

    /// A PES packet begins: the next frame to start has this timestamp.
    pub(super) fn timestamp(&mut self, timestamp: Option<u64>) {
        if let Some(timestamp) = timestamp {
            self.timestamps.push_back((self.buffer.len(), timestamp));
        }
    }

    /// Bytes were lost here.
    pub(super) fn lost(&mut self) {
        self.buffer.clear();
        self.timestamps.clear();
        self.last = None;
        self.after_loss = true;
    }

    /// What comes next is from elsewhere in the stream, as asked for.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.coding);
    }

    /// Takes payload and gives the frames that are complete.
    pub(super) fn push(&mut self, bytes: &[u8], frames: &mut VecDeque<Frame>) {
        self.buffer.extend_from_slice(bytes);
        self.split(false, frames);
    }

    /// Gives the last frame.
    pub(super) fn finish(&mut self, frames: &mut VecDeque<Frame>) {
        self.split(true, frames);
    }

    fn split(&mut self, at_end: bool, frames: &mut VecDeque<Frame>) {
        let mut position = 0;
        // The longest header is that of ADTS with its checksum.
        while self.buffer.len() - position >= ADTS_HEADER {
            let rest = &self.buffer[position..];
            let found = FrameHeader::parse(self.coding, rest);
            let Some(header) = found else {
                self.after_loss |= self.last.take().is_some();
                position += 1;
                continue;
            };
            if rest.len() < header.length {
                break;
            }
            let following = &rest[header.length..];
            if !self.last.is_some_and(|last| last.same_decoder(&header)) && !at_end {
                // A pattern in the data looks like a header now and then; two alike, at the right distance, do not.
                if following.len() < ADTS_HEADER {
                    break;
                }
                if !FrameHeader::parse(self.coding, following).is_some_and(|next| next.same_decoder(&header))
                {
                    position += 1;
                    continue;
                }
            }
            let mut timestamp = None;
            while let Some((from, value)) = self.timestamps.front().copied()
                && from <= position
            {
                timestamp = Some(value);
                self.timestamps.pop_front();
            }
            let data = rest[header.header..header.length].to_vec();
            frames.push_back(Frame {
                header,
                timestamp,
                after_loss: std::mem::take(&mut self.after_loss),
                data,
            });
            self.last = Some(header);
            position += header.length;
        }
        self.buffer.drain(..position);
        for (from, _) in &mut self.timestamps {
            *from = from.saturating_sub(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An ADTS frame, AAC-LC 48 kHz stereo, of `length` bytes in all.
    fn adts(length: usize, fill: u8) -> Vec<u8> {
        let mut frame = vec![
            0xff,
            0xf1,
            0x4c,
            0x80 | (length >> 11) as u8,
            (length >> 3) as u8,
            (length << 5) as u8 | 0x1f,
            0xfc,
        ];
        frame.resize(length, fill);
        frame
    }

    #[test]
    fn frames_get_the_timestamp_of_the_packet_they_start_in() {
        let (mut splitter, mut frames) = (Splitter::new(Coding::Adts), VecDeque::new());
        let stream: Vec<u8> = [adts(100, 1), adts(200, 2), adts(50, 3)].concat();
        splitter.timestamp(Some(10));
        splitter.push(&stream[..150], &mut frames);
        splitter.timestamp(Some(20));
        splitter.push(&stream[150..], &mut frames);
        splitter.finish(&mut frames);
        let timestamps: Vec<_> = frames.iter().map(|frame| frame.timestamp).collect();
        assert_eq!(timestamps, [Some(10), None, Some(20)]);
        assert_eq!(frames[1].data.len(), 193);
        assert_eq!(frames[0].header.duration(), MediaDuration::from_units(1_024, 48_000));
    }

    #[test]
    fn rubbish_between_frames_is_marked() {
        let (mut splitter, mut frames) = (Splitter::new(Coding::Adts), VecDeque::new());
        let stream = [adts(80, 0), adts(80, 0), vec![0x12; 30], adts(80, 0), adts(80, 0)].concat();
        splitter.push(&stream, &mut frames);
        splitter.finish(&mut frames);
        let losses: Vec<_> = frames.iter().map(|frame| frame.after_loss).collect();
        assert_eq!(losses, [false, false, true, false]);
    }

    #[test]
    fn mpeg_headers_are_read() {
        // MPEG-1 layer III, 128 kbit/s, 44.1 kHz, joint stereo.
        let header = FrameHeader::parse(Coding::Mpeg, &[0xff, 0xfb, 0x90, 0x64]).expect("a header");
        assert_eq!((header.length, header.samples, header.rate, header.channels), (417, 1_152, 44_100, 2));
        // MPEG-2 layer III, 64 kbit/s, 22.05 kHz, mono.
        let header = FrameHeader::parse(Coding::Mpeg, &[0xff, 0xf3, 0x80, 0xc4]).expect("a header");
        assert_eq!((header.length, header.samples, header.rate, header.channels), (208, 576, 22_050, 1));
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_bytes_arrive(
            bytes in prop::collection::vec(prop_oneof![Just(0xff_u8), Just(0xf1), Just(0x4c), any::<u8>()], 0..600),
            lengths in prop::collection::vec(8_usize..120, 0..8),
            cut in 1_usize..200,
            coding in prop::sample::select(vec![Coding::Adts, Coding::Mpeg]),
        ) {
            let stream: Vec<u8> = lengths.iter().flat_map(|length| adts(*length, 7)).chain(bytes).collect();
            let collect = |cut: usize| {
                let (mut splitter, mut frames) = (Splitter::new(coding), VecDeque::new());
                for part in stream.chunks(cut) {
                    splitter.push(part, &mut frames);
                }
                splitter.finish(&mut frames);
                frames
            };
            prop_assert_eq!(collect(cut), collect(stream.len().max(1)));
        }
    }
}
