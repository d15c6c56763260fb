//! Containers and codecs that symphonia reads.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{FORMAT_ID_ISOMP4, FORMAT_ID_MKV};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::{MetadataOptions, RawValue};
use symphonia::core::packet::Packet;
use symphonia::core::units::TimeBase;
use timeline::{MediaDuration, MediaTime, SampleRate};

use super::TrackChoice;
use super::decoder::{Decoded, MonoDecoder, Unsupported, objection};
use super::isobmff::{IsoTiming, Placed, TrackTiming};
use super::source::{Opened, Source, Step};
use super::stretches::{STRETCH, Stretches, Where, can_be_split};
use super::track::{Stamp, TrackPackets};
use crate::Error;

/// A span is decoded from this much before its start, so that every decoder has settled when it begins: MP3 draws on
/// up to 9 earlier frames (0.25 s), AAC and Vorbis on one.
const PREROLL: MediaDuration = MediaDuration::from_millis(500);
/// To find the first timestamp of every track, at most this many packets are looked at and kept.
const START_SCAN_PACKETS: usize = 256;

/// What came of trying symphonia.
pub(super) enum Attempt {
    /// It reads the file.
    Ready(Opened),
    /// It does not; ffmpeg may.
    Unsupported(Unsupported),
    /// The file has audio tracks, but not the one asked for.
    NoSuchTrack { count: usize },
    /// Seeking failed; the file is to be read from its beginning.
    LostPlace,
    /// The file is readable but holds no audio that symphonia knows of.
    NoAudio,
}

/// A track read and decoded by symphonia.
struct NativeSource {
    packets: TrackPackets,
    decoding: Decoding,
    timing: Timing,
    /// The container's start on its own timeline: media time zero.
    zero: MediaTime,
    rate: SampleRate,
    /// Further pieces of a packet that an edit list cut in two.
    pieces: VecDeque<(MediaTime, Vec<f32>)>,
}

/// How packets are decoded.
enum Decoding {
    /// One after the other.
    Straight(MonoDecoder),
    /// In stretches, some at once.
    Stretches(Stretches),
}

/// How packet timestamps become times.
enum Timing {
    /// Directly.
    Base(TimeBase),
    /// Through the edit list and fragments of an MP4.
    Iso(TrackTiming),
}

/// How seeking ended.
enum Seek {
    Landed,
    /// The beginning is near enough.
    NotNeeded,
    /// The reader may be anywhere.
    Lost,
}

/// How a source is to be opened.
pub(super) struct Opening<'a> {
    pub(super) track: TrackChoice,
    /// Where decoding has to begin to be exact.
    pub(super) start: Option<MediaTime>,
    /// The file, for messages.
    pub(super) path: &'a Path,
    /// Whether `medium` is on the media timeline already, as what ffmpeg makes of a file is.
    pub(super) on_media_time: bool,
    /// Decode even what ffmpeg would decode better.
    pub(super) insist: bool,
}

/// Opens `medium` with symphonia.
pub(super) fn open(medium: Box<dyn MediaSource>, opening: &Opening<'_>) -> Result<Attempt, Error> {
    let stream = MediaSourceStream::new(medium, symphonia::core::io::MediaSourceStreamOptions::default());
    let probed = catch_unwind(AssertUnwindSafe(|| {
        symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    }));
    let mut format = match probed {
        Ok(Ok(format)) => format,
        Ok(Err(error)) => {
            return Ok(Attempt::Unsupported(Unsupported { detail: error.to_string(), usable: false }));
        }
        Err(_) => {
            let detail = "its tables are damaged".to_owned();
            return Ok(Attempt::Unsupported(Unsupported { detail, usable: false }));
        }
    };
    let is_audio = |track: &Track| matches!(track.codec_params, Some(CodecParameters::Audio(_)));
    let only_sound = format.tracks().iter().all(is_audio);
    let (track, parameters) = match choose(format.as_ref(), opening.track) {
        Ok(found) => found,
        Err(attempt) => return Ok(attempt),
    };
    if let Some(objection) = objection(&parameters)
        && !(objection.usable && opening.insist)
    {
        return Ok(Attempt::Unsupported(objection));
    }
    // Of a part it is known from where on it is to be decoded, and a pipe gives samples already.
    let decoding = if opening.start.is_none() && !opening.on_media_time && can_be_split(&parameters) {
        Stretches::new(&parameters, Where::best(), STRETCH).map(Decoding::Stretches)
    } else {
        MonoDecoder::new(&parameters).map(Decoding::Straight)
    };
    let (Ok(decoding), Some(rate)) = (decoding, parameters.sample_rate.and_then(SampleRate::new)) else {
        let detail = "its sample rate is unknown".to_owned();
        return Ok(Attempt::Unsupported(Unsupported { detail, usable: false }));
    };
    let base = track.time_base.or_else(|| TimeBase::try_from_recip(rate.hertz()));
    let Some(base) = base else {
        let detail = "its time base is unknown".to_owned();
        return Ok(Attempt::Unsupported(Unsupported { detail, usable: false }));
    };
    let mut duration = length(&track, base, rate);
    let (mut timing, mut zero, mut ahead) = (Timing::Base(base), MediaTime::ZERO, VecDeque::new());
    let container = format.format_info().format;
    if opening.on_media_time {
        duration = None;
    } else if container == FORMAT_ID_ISOMP4 {
        if let Some((iso, start)) = iso_timing(opening.path, &mut *format, &track)? {
            if !iso.is_forward() {
                let detail = "its edit list plays the track out of order".to_owned();
                return Ok(Attempt::Unsupported(Unsupported { detail, usable: false }));
            }
            duration = iso.presented().map_or(duration, |span| Some(span.end() - start));
            (timing, zero) = (Timing::Iso(iso), start);
        }
    } else if container == FORMAT_ID_MKV {
        (zero, ahead) = matroska_start(&mut *format);
        let info = format.media_info();
        duration = info.time_base.zip(info.duration).map(|(base, length)| span_of(base, length.get() as i64));
    } else {
        // One stream alone: it starts the medium, priming samples excepted.
        zero = in_base(base, track.start_ts.get().max(0));
    }
    let packets = TrackPackets::new(opening.path, format, track.id, ahead);
    let mut source = NativeSource { packets, decoding, timing, zero, rate, pieces: VecDeque::new() };
    let seeked = match opening.start.map(|start| source.seek(start - PREROLL)) {
        Some(Seek::Lost) => return Ok(Attempt::LostPlace),
        Some(Seek::Landed) => true,
        Some(Seek::NotNeeded) | None => false,
    };
    Ok(Attempt::Ready(Opened { source: Box::new(source), duration, seeked, only_sound }))
}

/// The track chosen and its parameters.
fn choose(format: &dyn FormatReader, choice: TrackChoice) -> Result<(Track, AudioCodecParameters), Attempt> {
    let audio = |track: &Track| match &track.codec_params {
        Some(CodecParameters::Audio(parameters)) => Some((track.clone(), parameters.clone())),
        _ => None,
    };
    let mut tracks: Vec<(Track, AudioCodecParameters)> = format.tracks().iter().filter_map(audio).collect();
    if tracks.is_empty() {
        // A track without parameters is one symphonia does not know, and may be audio.
        if format.tracks().iter().any(|track| track.codec_params.is_none()) {
            let detail = "it holds no track that is known".to_owned();
            return Err(Attempt::Unsupported(Unsupported { detail, usable: false }));
        }
        return Err(Attempt::NoAudio);
    }
    let unknown = format.tracks().iter().any(|track| track.codec_params.is_none());
    let index = match choice {
        TrackChoice::Default => {
            let default = format.default_track(TrackType::Audio).map(|track| track.id);
            tracks.iter().position(|(track, _)| Some(track.id) == default).unwrap_or(0)
        }
        // The count is ffmpeg's to make where some tracks are unknown.
        TrackChoice::Index(_) if unknown => {
            let detail = "it holds tracks that are not known".to_owned();
            return Err(Attempt::Unsupported(Unsupported { detail, usable: false }));
        }
        TrackChoice::Index(index) if index < tracks.len() => index,
        TrackChoice::Index(_) => return Err(Attempt::NoSuchTrack { count: tracks.len() }),
    };
    Ok(tracks.swap_remove(index))
}

/// The track's length as its container states it.
fn length(track: &Track, base: TimeBase, rate: SampleRate) -> Option<MediaDuration> {
    match (track.duration, track.num_frames) {
        (Some(length), _) => Some(span_of(base, length.get() as i64)),
        (None, Some(frames)) => Some(MediaDuration::from_units(frames as i64, rate.hertz())),
        (None, None) => None,
    }
}

/// Edit list, fragments and `iTunSMPB` of the track, and the start of the file.
fn iso_timing(
    path: &Path,
    format: &mut dyn FormatReader,
    track: &Track,
) -> Result<Option<(TrackTiming, MediaTime)>, Error> {
    let file = fs_err::File::open(path).map_err(|error| Error::reading(path, error))?;
    let mut timing = match IsoTiming::read(file) {
        Ok(timing) => timing,
        Err(error) => {
            tracing::debug!(%error, "the timing boxes cannot be read");
            return Ok(None);
        }
    };
    let start = timing.start();
    let Some(own) = timing.take_track(track.id) else { return Ok(None) };
    let own = match itunes_gapless(format) {
        Some((delay, length)) if !own.has_edits() => own.with_delay(delay, length),
        _ => own,
    };
    Ok(Some((own, start)))
}

/// Priming samples and length of the `iTunSMPB` tag: hexadecimal words, of which the second is the delay, the third the
/// padding and the fourth the length without either.
fn itunes_gapless(format: &mut dyn FormatReader) -> Option<(i64, Option<i64>)> {
    let metadata = format.metadata();
    let tags = &metadata.current()?.media.tags;
    let tag = tags.iter().find(|tag| tag.raw.key.ends_with("iTunSMPB"))?;
    let RawValue::String(text) = &tag.raw.value else { return None };
    let mut words = text.split_whitespace().skip(1).map(|word| i64::from_str_radix(word, 16).unwrap_or(0));
    let delay = words.next().filter(|delay| (1..1 << 20).contains(delay))?;
    Some((delay, words.nth(1).filter(|length| *length > 0)))
}

/// The first presentation time of any track of a Matroska file, and the packets read to learn it.
fn matroska_start(format: &mut dyn FormatReader) -> (MediaTime, VecDeque<Packet>) {
    let bases: Vec<(u32, TimeBase)> = format
        .tracks()
        .iter()
        .filter(|track| {
            matches!(track.codec_params, Some(CodecParameters::Audio(_) | CodecParameters::Video(_)) | None)
        })
        .filter_map(|track| Some((track.id, track.time_base?)))
        .collect();
    let (mut waiting, mut ahead, mut first) = (bases.clone(), VecDeque::new(), None::<MediaTime>);
    while !waiting.is_empty() && ahead.len() < START_SCAN_PACKETS {
        let read = catch_unwind(AssertUnwindSafe(|| format.next_packet()));
        let Ok(Ok(Some(packet))) = read else { break };
        if let Some((_, base)) = bases.iter().find(|(id, _)| *id == packet.track_id) {
            let time = in_base(*base, packet.pts.get());
            first = Some(first.map_or(time, |first| first.min(time)));
        }
        waiting.retain(|(id, _)| *id != packet.track_id);
        ahead.push_back(packet);
    }
    (first.unwrap_or_default(), ahead)
}

fn in_base(base: TimeBase, units: i64) -> MediaTime {
    MediaTime::from_timebase(units, base.numer.get(), base.denom.get())
}

fn span_of(base: TimeBase, units: i64) -> MediaDuration {
    MediaDuration::from_timebase(units, base.numer.get(), base.denom.get())
}

impl NativeSource {
    /// Goes to a packet at `time` or shortly after it, if the container can.
    fn seek(&mut self, time: MediaTime) -> Seek {
        let Some(timestamp) = self.timestamp_at(time).filter(|timestamp| *timestamp > 0) else {
            return Seek::NotNeeded;
        };
        // Where a Matroska file does not state how long packets are, the next one is landed on.
        let latest = self.timestamp_at(time + PREROLL.half()).unwrap_or(timestamp);
        match self.packets.seek(timestamp) {
            Some(landed) if landed <= latest => Seek::Landed,
            Some(_) | None => Seek::Lost,
        }
    }

    fn timestamp_at(&self, time: MediaTime) -> Option<i64> {
        let time = MediaTime::ZERO + (time - MediaTime::ZERO) + (self.zero - MediaTime::ZERO);
        match &self.timing {
            Timing::Iso(timing) => timing.timestamp_at(time),
            Timing::Base(base) => {
                let scaled = i128::from(time.ticks()) * i128::from(base.denom.get());
                let unit = i128::from(timeline::TICKS_PER_SECOND) * i128::from(base.numer.get());
                i64::try_from(scaled.div_euclid(unit)).ok()
            }
        }
    }

    fn place(&self, stamp: Stamp, count: usize) -> Vec<Placed> {
        match &self.timing {
            Timing::Iso(timing) => timing.place(stamp.at, count, self.rate),
            Timing::Base(base) => {
                // The decoder has cut what the container marks as priming.
                let first = stamp.at.saturating_add(stamp.priming);
                vec![Placed { at: in_base(*base, first), samples: 0..count }]
            }
        }
    }

    fn on_timeline(&self, time: MediaTime) -> MediaTime {
        MediaTime::ZERO + (time - self.zero)
    }
}

impl Source for NativeSource {
    fn step(&mut self, _expected: Option<MediaTime>, mono: &mut Vec<f32>) -> Result<Step, Error> {
        loop {
            if let Some((at, samples)) = self.pieces.pop_front() {
                *mono = samples;
                return Ok(Step::Block { at: Some(at), rate: self.rate });
            }
            let decoded = match &mut self.decoding {
                Decoding::Straight(decoder) => decoder.next(&mut self.packets, mono),
                Decoding::Stretches(stretches) => stretches.next(&mut self.packets, mono),
            };
            let (stamp, rate) = match decoded? {
                Decoded::End => return Ok(Step::End),
                Decoded::Damage => return Ok(Step::Damage { at: None, length: MediaDuration::ZERO }),
                Decoded::Packet { stamp, rate } => (stamp, rate),
            };
            let Some(rate) = rate else {
                let count = match &self.timing {
                    Timing::Iso(timing) => timing.samples_in(stamp.length, self.rate),
                    Timing::Base(base) => span_of(*base, stamp.length).to_units(self.rate.hertz()) as usize,
                };
                // Damage in what an edit list leaves out is none.
                let Some(placed) = self.place(stamp, count.max(1)).into_iter().next() else { continue };
                let length = MediaDuration::from_units(count as i64, self.rate.hertz());
                return Ok(Step::Damage { at: Some(self.on_timeline(placed.at)), length });
            };
            self.rate = rate;
            let mut placed = self.place(stamp, mono.len()).into_iter();
            let Some(first) = placed.next() else { continue };
            for piece in placed {
                self.pieces.push_back((self.on_timeline(piece.at), mono[piece.samples].to_vec()));
            }
            mono.truncate(first.samples.end);
            mono.drain(..first.samples.start);
            return Ok(Step::Block { at: Some(self.on_timeline(first.at)), rate });
        }
    }
}
