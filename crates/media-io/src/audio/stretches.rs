//! A track decoded in stretches, so that several cores can work at it.
//!
//! Two decoders take turns. Before its stretch each decodes the last packets of the stretch before and throws away what
//! comes of them. An AAC-LC packet draws on nothing but the packet before it (ISO/IEC 14496-3 4.6.11: half of each window
//! overlaps), so the samples are those that one decoder for the whole track gives. Only substituted noise (4.6.13) differs,
//! which may be any noise of the right energy: each decoder has a generator of its own. There are always two, and which of
//! them decodes a packet is a matter of its number alone, so the samples do not depend on how many cores there are, nor on
//! which of them is faster.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::packet::Packet;

use super::decoder::{Decoded, MonoDecoder};
use super::track::{Next, Stamp, TrackPackets};
use crate::Error;

/// Packets in a stretch: 11 s of AAC at 48 kHz, which are 2 MiB of samples.
pub(super) const STRETCH: usize = 512;
/// Packets decoded before a stretch: the one that its first overlaps with, and another in case that one is damaged.
pub(super) const LEAD_IN: usize = 2;
/// Decoders that take turns. What listens to the samples takes nearly as long as one of them, so more would wait for it.
pub(super) const DECODERS: usize = 2;
/// Stretches that are given out at most before the first of them is taken up: each thread decodes one while the one before
/// waits.
const GIVEN_AHEAD: usize = 2 * DECODERS;

/// Whether a track with these parameters can be decoded in stretches.
pub(super) fn can_be_split(parameters: &AudioCodecParameters) -> bool {
    parameters.codec == CODEC_ID_AAC
}

/// Where stretches are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// Where they are asked for.
    Here,
    /// On threads of their own.
    Threads,
}

impl Where {
    /// What is faster on this machine.
    pub(super) fn best() -> Self {
        let cores = std::thread::available_parallelism();
        if cores.is_ok_and(|cores| cores.get() > 1) { Self::Threads } else { Self::Here }
    }
}

/// Decodes a track stretch by stretch. Dropping it ends its threads.
pub(super) struct Stretches {
    /// Packets in a stretch.
    size: usize,
    hands: Vec<Hand>,
    /// How many stretches were given to the hands, in turn, ...
    given: usize,
    /// ... and how many were taken up.
    taken: usize,
    /// How many may be given and not taken up.
    ahead: usize,
    /// The last packets of the stretch read last.
    lead_in: Vec<Packet>,
    current: Stretch,
    /// Buffers to use again, for the samples of one packet each: fresh memory costs a tenth of the decoding.
    spare: Vec<Vec<f32>>,
    /// Nothing more can be read, ...
    ended: bool,
    /// ... and this is why, until it was told.
    failure: Option<Error>,
}

/// Decodes stretches, and gives them back in the order in which it got them.
enum Hand {
    Here { decoder: MonoDecoder, done: VecDeque<Stretch> },
    Thread { tasks: Sender<Task>, done: Receiver<Stretch>, thread: JoinHandle<()> },
}

/// What is to be decoded.
struct Task {
    lead_in: Vec<Packet>,
    /// The packets, with `None` where the container was damaged.
    packets: Vec<Option<Packet>>,
    /// For their samples.
    buffers: Vec<Vec<f32>>,
}

/// What became of each packet, and its samples.
type Stretch = VecDeque<(Decoded, Vec<f32>)>;

impl Stretches {
    /// Decodes a track with these parameters in stretches of `size` packets.
    ///
    /// # Errors
    /// Where there is no decoder for it.
    pub(super) fn new(
        parameters: &AudioCodecParameters,
        place: Where,
        size: usize,
    ) -> symphonia::core::errors::Result<Self> {
        let hand = |_| Hand::new(parameters, place);
        Ok(Self {
            size,
            hands: (0..DECODERS).map(hand).collect::<Result<_, _>>()?,
            given: 0,
            taken: 0,
            ahead: if place == Where::Threads { GIVEN_AHEAD } else { 1 },
            lead_in: Vec::new(),
            current: Stretch::new(),
            spare: Vec::new(),
            ended: false,
            failure: None,
        })
    }

    /// What became of the next packet of `packets`; its samples are put into `mono`, replacing what is in it.
    ///
    /// # Errors
    /// Those of [`TrackPackets::next`], after all that was read before.
    pub(super) fn next(&mut self, packets: &mut TrackPackets, mono: &mut Vec<f32>) -> Result<Decoded, Error> {
        loop {
            if let Some((decoded, samples)) = self.current.pop_front() {
                self.spare.push(std::mem::replace(mono, samples));
                return Ok(decoded);
            }
            match self.next_stretch(packets)? {
                Some(stretch) => self.current = stretch,
                None => return self.failure.take().map_or(Ok(Decoded::End), Err),
            }
        }
    }

    /// The stretch that comes next, if there is one.
    fn next_stretch(&mut self, packets: &mut TrackPackets) -> Result<Option<Stretch>, Error> {
        // A thread is gone, which only a panic outside of the decoder can do.
        let broken = |packets: &TrackPackets| {
            let detail = "its decoder failed in an unforeseen way".to_owned();
            Error::NotMedia { path: packets.path().to_owned(), detail }
        };
        while self.given - self.taken < self.ahead
            && let Some(task) = self.read(packets)
        {
            self.hands[self.given % DECODERS].give(task).ok_or_else(|| broken(packets))?;
            self.given += 1;
        }
        if self.given == self.taken {
            return Ok(None);
        }
        let stretch = self.hands[self.taken % DECODERS].take().ok_or_else(|| broken(packets))?;
        self.taken += 1;
        Ok(Some(stretch))
    }

    /// Reads the next stretch, if there is one.
    fn read(&mut self, packets: &mut TrackPackets) -> Option<Task> {
        let mut read = Vec::with_capacity(self.size);
        while read.len() < self.size && !self.ended {
            match packets.next() {
                Ok(Next::Packet(packet)) => read.push(Some(packet)),
                Ok(Next::Damage) => read.push(None),
                Ok(Next::End) => self.ended = true,
                Err(error) => (self.ended, self.failure) = (true, Some(error)),
            }
        }
        let last = read[read.len().saturating_sub(LEAD_IN)..].iter().flatten().cloned().collect();
        let lead_in = std::mem::replace(&mut self.lead_in, last);
        let buffers = self.spare.split_off(self.spare.len().saturating_sub(read.len()));
        (!read.is_empty()).then_some(Task { lead_in, packets: read, buffers })
    }
}

impl Drop for Stretches {
    fn drop(&mut self) {
        for hand in self.hands.drain(..) {
            let Hand::Thread { tasks, done, thread } = hand else { continue };
            // The thread ends where it cannot get or give anything: after the stretch that it is at.
            drop((tasks, done));
            if thread.join().is_err() {
                tracing::error!("a decoding thread panicked");
            }
        }
    }
}

impl Hand {
    /// A hand that works at `place`, or here where no thread can be started.
    fn new(parameters: &AudioCodecParameters, place: Where) -> symphonia::core::errors::Result<Self> {
        let mut decoder = MonoDecoder::new(parameters)?;
        if place == Where::Threads {
            let ((tasks, to_do), (finished, done)) = (channel::<Task>(), channel());
            let thread = std::thread::Builder::new().name("audio-stretch".to_owned()).spawn(move || {
                for task in to_do {
                    if finished.send(task.decode(&mut decoder)).is_err() {
                        break;
                    }
                }
            });
            match thread {
                Ok(thread) => return Ok(Self::Thread { tasks, done, thread }),
                Err(error) => tracing::warn!(%error, "no thread can be started to decode on"),
            }
            decoder = MonoDecoder::new(parameters)?;
        }
        Ok(Self::Here { decoder, done: VecDeque::new() })
    }

    /// Gives it a task; `None` if it is gone.
    fn give(&mut self, task: Task) -> Option<()> {
        match self {
            Self::Here { decoder, done } => done.push_back(task.decode(decoder)),
            Self::Thread { tasks, .. } => tasks.send(task).ok()?,
        }
        Some(())
    }

    /// Takes what came of its next task; `None` if it is gone.
    fn take(&mut self) -> Option<Stretch> {
        match self {
            Self::Here { done, .. } => done.pop_front(),
            Self::Thread { done, .. } => done.recv().ok(),
        }
    }
}

impl Task {
    fn decode(self, decoder: &mut MonoDecoder) -> Stretch {
        let Self { lead_in, packets, mut buffers } = self;
        let mut thrown_away = Vec::new();
        decoder.reset();
        for packet in &lead_in {
            decoder.decode(&packet.as_packet_ref(), &mut thrown_away);
        }
        let outcomes = packets.into_iter().map(|packet| match packet {
            None => (Decoded::Damage, Vec::new()),
            Some(packet) => {
                let mut samples = buffers.pop().unwrap_or_default();
                let rate = decoder.decode(&packet.as_packet_ref(), &mut samples);
                (Decoded::Packet { stamp: Stamp::of(&packet), rate }, samples)
            }
        });
        outcomes.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::path::Path;
    use std::sync::LazyLock;
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;
    use symphonia::core::codecs::CodecParameters;
    use symphonia::core::formats::probe::Hint;
    use symphonia::core::io::MediaSourceStream;

    use super::*;
    use crate::{Ffmpeg, FfmpegJob, FfmpegOptions};

    /// Two seconds of stereo noise and a tone, 94 packets, with and without substituted noise.
    static SOUNDS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| ["1", "0"].map(make));

    fn make(substitute_noise: &str) -> Vec<u8> {
        let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).expect("ffmpeg is installed");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sound.aac");
        let sound = "aevalsrc='0.3*sin(2*PI*440*t)+0.2*random(0)|0.1*random(1)':s=48000:d=2";
        let job = FfmpegJob::new()
            .arguments(["-f", "lavfi", "-i", sound, "-c:a", "aac", "-b:a", "96k"])
            .arguments(["-aac_pns", substitute_noise])
            .output(&path);
        ffmpeg.run(&job, &AtomicBool::new(false), &mut |_| {}).expect("encoded");
        fs_err::read(&path).expect("written")
    }

    fn open(bytes: &[u8]) -> Option<(TrackPackets, AudioCodecParameters)> {
        let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
        let probe = symphonia::default::get_probe();
        let format = probe.probe(&Hint::new(), stream, Default::default(), Default::default()).ok()?;
        let track = format.tracks().first()?;
        let Some(CodecParameters::Audio(parameters)) = track.codec_params.clone() else { return None };
        let id = track.id;
        Some((TrackPackets::new(Path::new("sound.aac"), format, id, VecDeque::new()), parameters))
    }

    /// What becomes of each packet, up to `most` of them.
    fn all(
        mut next: impl FnMut(&mut Vec<f32>) -> Result<Decoded, Error>,
        most: usize,
    ) -> Vec<(Decoded, Vec<f32>)> {
        let mut mono = Vec::new();
        let step = || match next(&mut mono).expect("memory can be read") {
            Decoded::End => None,
            decoded => Some((decoded, mono.clone())),
        };
        std::iter::from_fn(step).take(most).collect()
    }

    fn in_stretches(bytes: &[u8], place: Where, size: usize, most: usize) -> Vec<(Decoded, Vec<f32>)> {
        let Some((mut packets, parameters)) = open(bytes) else { return Vec::new() };
        let Ok(mut stretches) = Stretches::new(&parameters, place, size) else { return Vec::new() };
        all(|mono| stretches.next(&mut packets, mono), most)
    }

    #[test]
    fn stretches_give_what_one_decoder_gives() {
        let (mut packets, parameters) = open(&SOUNDS[1]).expect("ADTS");
        let mut decoder = MonoDecoder::new(&parameters).expect("AAC-LC");
        let straight = all(|mono| decoder.next(&mut packets, mono), usize::MAX);
        assert!(straight.len() > 90, "{}", straight.len());
        for size in [3, 10, 50, 1_000] {
            let stretched = in_stretches(&SOUNDS[1], Where::Threads, size, usize::MAX);
            assert!(stretched == straight, "stretches of {size} packets");
        }
    }

    #[test]
    fn substituted_noise_is_another_of_the_same_strength() {
        let (mut packets, parameters) = open(&SOUNDS[0]).expect("ADTS");
        let mut decoder = MonoDecoder::new(&parameters).expect("AAC-LC");
        let straight = all(|mono| decoder.next(&mut packets, mono), usize::MAX);
        let stretched = in_stretches(&SOUNDS[0], Where::Threads, 10, usize::MAX);
        assert!(stretched[..10] == straight[..10] && stretched != straight, "only the noise of the first");
        let power = |decoded: &[(Decoded, Vec<f32>)]| -> f32 {
            decoded.iter().flat_map(|(_, samples)| samples).map(|sample| sample * sample).sum()
        };
        let ratio = power(&stretched) / power(&straight);
        assert!((ratio - 1.0).abs() < 0.01, "{ratio}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn threads_change_nothing_whatever_the_damage(
            sound in 0_usize..2,
            flips in prop::collection::vec((0.0_f64..1.0, any::<u8>()), 0..20),
            size in 1_usize..40,
            most in prop::option::of(0_usize..90),
        ) {
            let mut bytes = SOUNDS[sound].clone();
            for (place, value) in flips {
                let at = (place * bytes.len() as f64) as usize;
                bytes[at] = value;
            }
            let most = most.unwrap_or(usize::MAX);
            let here = in_stretches(&bytes, Where::Here, size, most);
            // Where it stops early, threads are ended in the middle of their work.
            prop_assert!(here == in_stretches(&bytes, Where::Threads, size, most));
        }
    }
}
