//! Fragments of an MP4, one at a time.

use std::fmt;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use timeline::{MediaDuration, SampleRate};

use crate::audio::decoder::{Unsupported, objection};
use crate::audio::isobmff::{IsoTiming, TrackTiming};
use crate::audio::source::Step;
use crate::audio::turns::Turns;

/// Errors of the container in a row after which a fragment is given up.
const CONTAINER_ERRORS: u32 = 100;

/// Decodes the default audio track of fragments that share one head.
pub(super) struct LiveFragments {
    /// What is added to the times of the file to get media time.
    offset: MediaDuration,
    decoder: Option<(AudioCodecParameters, Turns)>,
    reading: Option<Reading>,
    /// The fragment makes no sense, which is to be told.
    is_damaged: bool,
    is_silent: bool,
}

/// A fragment that is being read.
struct Reading {
    format: Box<dyn FormatReader>,
    track: u32,
    timing: TrackTiming,
    rate: SampleRate,
    errors: u32,
}

impl fmt::Debug for LiveFragments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LiveFragments").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl LiveFragments {
    /// For fragments whose times become media time by adding `offset`.
    pub(super) fn new(offset: MediaDuration) -> Self {
        Self { offset, decoder: None, reading: None, is_damaged: false, is_silent: false }
    }

    /// Takes a fragment and its head. One that makes no sense gives nothing.
    pub(super) fn push(&mut self, init: &[u8], fragment: &[u8]) -> Result<(), Unsupported> {
        (self.reading, self.is_damaged) = (None, true);
        let bytes = [init, fragment].concat();
        let timing = IsoTiming::read(Cursor::new(bytes.as_slice()));
        let Some(format) = open(bytes) else { return Ok(()) };
        let (track, parameters) = match choose(format.as_ref()) {
            Choice::Track(track, parameters) => (track, parameters),
            Choice::Unknown => {
                let detail = "its MP4 holds a track that is not known".to_owned();
                return Err(Unsupported { detail, usable: false });
            }
            Choice::Silence => {
                (self.is_silent, self.is_damaged) = (true, false);
                return Ok(());
            }
        };
        if !self.decoder.as_ref().is_some_and(|(known, _)| same(known, &parameters)) {
            if let Some(objection) = objection(&parameters) {
                return Err(objection);
            }
            self.decoder = Turns::new(&parameters).ok().map(|decoder| (parameters.clone(), decoder));
        }
        let timing = timing.ok().and_then(|mut timing| timing.take_track(track));
        let rate = parameters.sample_rate.and_then(SampleRate::new);
        if let Some((timing, rate)) = timing.zip(rate) {
            self.reading = Some(Reading { format, track, timing, rate, errors: 0 });
            self.is_damaged = false;
        }
        Ok(())
    }

    /// Whether the file holds no sound.
    pub(super) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Decodes the next packet into `mono`; `None` at the end of the fragment.
    pub(super) fn step(&mut self, mono: &mut Vec<f32>) -> Option<Step> {
        if std::mem::take(&mut self.is_damaged) {
            return Some(Step::Damage { at: None, length: MediaDuration::ZERO });
        }
        let (reading, (_, decoder)) = (self.reading.as_mut()?, self.decoder.as_mut()?);
        loop {
            let packet = match catch_unwind(AssertUnwindSafe(|| reading.format.next_packet())) {
                Ok(Ok(Some(packet))) => packet,
                Ok(Err(error)) if reading.errors < CONTAINER_ERRORS => {
                    tracing::debug!(%error, "a packet could not be read");
                    reading.errors += 1;
                    decoder.skip();
                    return Some(Step::Damage { at: None, length: MediaDuration::ZERO });
                }
                // The end, or a demuxer that has lost its place for good.
                Ok(_) | Err(_) => {
                    self.reading = None;
                    return None;
                }
            };
            if packet.track_id != reading.track {
                continue;
            }
            reading.errors = 0;
            let timestamp = packet.pts.get();
            let Some(rate) = decoder.decode(&packet.as_packet_ref(), mono) else {
                let count = reading.timing.samples_in(packet.dur.get() as i64, reading.rate);
                let placed =
                    reading.timing.place(timestamp, count.max(1), reading.rate).into_iter().next()?;
                let length = MediaDuration::from_units(count as i64, reading.rate.hertz());
                return Some(Step::Damage { at: Some(placed.at + self.offset), length });
            };
            reading.rate = rate;
            // In a fragmented file edits cut nothing, so there is one place.
            let placed = reading.timing.place(timestamp, mono.len(), rate).into_iter().next()?;
            return Some(Step::Block { at: Some(placed.at + self.offset), rate });
        }
    }
}

fn open(bytes: Vec<u8>) -> Option<Box<dyn FormatReader>> {
    let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), MediaSourceStreamOptions::default());
    let probed = catch_unwind(AssertUnwindSafe(|| {
        let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
        symphonia::default::get_probe().probe(&Hint::new(), stream, format, metadata)
    }));
    match probed {
        Ok(Ok(format)) => Some(format),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a fragment cannot be read");
            None
        }
        Err(_) => None,
    }
}

enum Choice {
    Track(u32, AudioCodecParameters),
    /// There are tracks that may be audio.
    Unknown,
    Silence,
}

/// The track that [`TrackChoice::Default`](crate::TrackChoice::Default) means.
fn choose(format: &dyn FormatReader) -> Choice {
    let audio = |track: &Track| match &track.codec_params {
        Some(CodecParameters::Audio(parameters)) => Some((track.id, parameters.clone())),
        _ => None,
    };
    let default = format.default_track(TrackType::Audio).and_then(audio);
    match default.or_else(|| format.tracks().iter().find_map(audio)) {
        Some((track, parameters)) => Choice::Track(track, parameters),
        None if format.tracks().iter().any(|track| track.codec_params.is_none()) => Choice::Unknown,
        None => Choice::Silence,
    }
}

/// Whether a decoder for the one decodes the other.
fn same(one: &AudioCodecParameters, two: &AudioCodecParameters) -> bool {
    one.codec == two.codec && one.sample_rate == two.sample_rate && one.extra_data == two.extra_data
}
