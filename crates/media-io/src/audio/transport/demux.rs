//! The part of a transport stream that matters here: the frames of one audio stream, and where every stream begins.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mpeg2ts_reader::StreamType;
use mpeg2ts_reader::demultiplex::{
    Demultiplex, DemuxContext, FilterChangeset, FilterRequest, NullPacketFilter, PatPacketFilter,
    PmtPacketFilter,
};
use mpeg2ts_reader::packet::{Packet, Pid};
use mpeg2ts_reader::packet_filter_switch;
use mpeg2ts_reader::pes::{ElementaryStreamConsumer, PesContents, PesHeader, PesPacketFilter, PtsDts};
use mpeg2ts_reader::psi::pat::PAT_PID;

use super::frames::{Coding, Frame, FrameHeader, Splitter};
use super::trust::unroll;
use crate::audio::TrackChoice;
use crate::audio::decoder::Unsupported;
use crate::audio::native::Attempt;

/// Stream types of audio that symphonia does not decode: AAC in LATM, AC-3, DTS and E-AC-3 (ATSC A/53, ETSI TS 101 154).
const FOREIGN_AUDIO: [u8; 4] = [0x11, 0x81, 0x82, 0x87];

/// Stream type of metadata in PES packets (ISO/IEC 13818-1 table 2-34).
const METADATA: u8 = 0x15;
/// Data that begins before sound and picture by less than this, in 90 kHz units, begins the medium. A second: so ffmpeg does
/// it (`update_stream_timings` in libavformat), whose idea of a file's start is to be shared.
const DATA_LEAD: i64 = 90_000;

packet_filter_switch! {
    Filter<Streams> {
        Pes: PesPacketFilter<Streams, Consumer>,
        Pat: PatPacketFilter<Streams>,
        Pmt: PmtPacketFilter<Streams>,
        Null: NullPacketFilter<Streams>,
    }
}

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Audio(Coding),
    /// Audio, but not for symphonia.
    ForeignAudio,
    /// Private data: DVB puts AC-3 and Opus there.
    Private,
    Video,
    /// Data with times: streaming services put ID3 tags there.
    Data,
}

/// A stream announced by the program map.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) pid: Pid,
    pub(super) kind: Kind,
    /// The first timestamp in it, in 90 kHz units.
    pub(super) first_timestamp: Option<u64>,
}

/// Every stream found, and the frames of the one chosen.
#[expect(unreachable_pub, reason = "the macro above makes its enum public, and so this must be")]
pub struct Streams {
    changes: FilterChangeset<Filter>,
    choice: TrackChoice,
    pub(super) streams: Vec<Stream>,
    pub(super) chosen: Option<Pid>,
    splitter: Option<Splitter>,
    pub(super) frames: VecDeque<Frame>,
    /// The next break in the stream is of our own making.
    break_expected: bool,
    /// Every timestamp of every stream, if they are kept.
    pub(super) log: Option<Vec<(Pid, u64)>>,
}

/// Feeds packets to the demultiplexer.
pub(super) struct Demuxer {
    demultiplex: Demultiplex<Streams>,
    pub(super) streams: Streams,
}

/// Passes on the payload of one stream.
struct Consumer {
    pid: Pid,
}

impl Demuxer {
    pub(super) fn new(choice: TrackChoice) -> Self {
        let mut streams = Streams {
            changes: FilterChangeset::default(),
            choice,
            streams: Vec::new(),
            chosen: None,
            splitter: None,
            frames: VecDeque::new(),
            break_expected: false,
            log: None,
        };
        Self { demultiplex: Demultiplex::new(&mut streams), streams }
    }

    /// One that keeps every timestamp it sees.
    pub(super) fn logging() -> Self {
        let mut demuxer = Self::new(TrackChoice::Default);
        demuxer.streams.log = Some(Vec::new());
        demuxer
    }

    /// Takes one packet of 188 bytes.
    pub(super) fn push(&mut self, packet: &[u8]) {
        let Self { demultiplex, streams } = self;
        // The demultiplexer checks lengths of damaged tables with assertions here and there.
        if catch_unwind(AssertUnwindSafe(|| demultiplex.push(streams, packet))).is_err() {
            tracing::warn!("a damaged transport packet made the demultiplexer panic; it is made anew");
            self.streams.changes = FilterChangeset::default();
            self.lost();
            self.demultiplex = Demultiplex::new(&mut self.streams);
        }
    }

    /// Bytes of the chosen stream may have been lost here.
    pub(super) fn lost(&mut self) {
        self.streams.splitter.as_mut().map(Splitter::lost);
    }

    /// The next packet comes from elsewhere in the file.
    pub(super) fn jump(&mut self) {
        self.streams.splitter.as_mut().map(Splitter::restart);
        self.streams.frames.clear();
        self.streams.break_expected = true;
    }

    /// There are no more packets.
    pub(super) fn finish(&mut self) {
        let streams = &mut self.streams;
        if let Some(splitter) = &mut streams.splitter {
            splitter.finish(&mut streams.frames);
        }
    }
}

impl Streams {
    fn announce(&mut self, pid: Pid, kind: Kind) -> Filter {
        if !self.streams.iter().any(|stream| stream.pid == pid) {
            let index = self.audio().count();
            let is_audio = matches!(kind, Kind::Audio(_) | Kind::ForeignAudio);
            let wanted = match self.choice {
                TrackChoice::Default => index == 0,
                TrackChoice::Index(choice) => index == choice,
            };
            if is_audio && wanted {
                self.chosen = Some(pid);
                self.splitter = match kind {
                    Kind::Audio(coding) => Some(Splitter::new(coding)),
                    _ => None,
                };
            }
            self.streams.push(Stream { pid, kind, first_timestamp: None });
        }
        Filter::Pes(PesPacketFilter::new(Consumer { pid }))
    }

    /// The streams whose timestamps count for the start of the medium.
    fn clocked(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(|stream| !matches!(stream.kind, Kind::Private | Kind::Data))
    }

    /// Whether every stream has shown a timestamp.
    pub(super) fn all_timed(&self) -> bool {
        self.clocked().all(|stream| stream.first_timestamp.is_some())
    }

    /// The earliest first timestamp of all streams, unrolled near `reference` if there is one.
    pub(super) fn start(&self, reference: Option<i64>) -> Option<i64> {
        let first = self.streams.iter().find_map(|stream| stream.first_timestamp)?;
        let reference = reference.map_or(first as i64, |reference| unroll(first, reference));
        let known = self.clocked().filter_map(|stream| stream.first_timestamp);
        let start = known.map(|timestamp| unroll(timestamp, reference)).min().unwrap_or(reference);
        let data = self.streams.iter().filter(|stream| stream.kind == Kind::Data);
        let data = data.filter_map(|stream| stream.first_timestamp);
        let data = data.map(|timestamp| unroll(timestamp, reference)).min();
        Some(data.filter(|data| (start - DATA_LEAD + 1..start).contains(data)).unwrap_or(start))
    }

    /// Whether the sound is known to be of a kind that symphonia does not decode.
    pub(super) fn is_foreign(&self) -> bool {
        let kind = |wanted: Kind| self.streams.iter().any(|stream| stream.kind == wanted);
        match self.streams.iter().find(|stream| Some(stream.pid) == self.chosen) {
            Some(chosen) => chosen.kind == Kind::ForeignAudio,
            None => kind(Kind::Private),
        }
    }

    /// The stream chosen and the header of its next frame, or why there is nothing for symphonia to decode.
    pub(super) fn check(&self) -> Result<(Pid, &FrameHeader), Attempt> {
        let unsupported =
            |detail: &str| Attempt::Unsupported(Unsupported { detail: detail.to_owned(), usable: false });
        let Some(chosen) = self.streams.iter().find(|stream| Some(stream.pid) == self.chosen) else {
            let private = self.streams.iter().any(|stream| stream.kind == Kind::Private);
            return Err(match self.audio().count() {
                _ if private => unsupported("it holds private streams"),
                0 if self.streams.is_empty() => unsupported("it announces no streams"),
                0 => Attempt::NoAudio,
                count => Attempt::NoSuchTrack { count },
            });
        };
        if chosen.kind == Kind::ForeignAudio {
            return Err(unsupported("its audio is not AAC (ADTS) or MPEG audio"));
        }
        let Some(first) = self.frames.front() else {
            return Err(unsupported("no audio was found in it"));
        };
        if !first.header.plain {
            return Err(unsupported("its AAC is not of the LC profile with one or two channels"));
        }
        Ok((chosen.pid, &first.header))
    }

    /// The audio streams, in the order of the program map.
    pub(super) fn audio(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter().filter(|stream| matches!(stream.kind, Kind::Audio(_) | Kind::ForeignAudio))
    }
}

impl DemuxContext for Streams {
    type F = Filter;

    fn filter_changeset(&mut self) -> &mut FilterChangeset<Filter> {
        &mut self.changes
    }

    fn construct(&mut self, request: FilterRequest<'_, '_>) -> Filter {
        match request {
            FilterRequest::ByPid(PAT_PID) => Filter::Pat(PatPacketFilter::default()),
            FilterRequest::Pmt { pid, program_number } => {
                Filter::Pmt(PmtPacketFilter::new(pid, program_number))
            }
            FilterRequest::ByStream { stream_type, stream_info, .. } => {
                let kind = match stream_type {
                    StreamType::ADTS => Kind::Audio(Coding::Adts),
                    StreamType::ISO_11172_AUDIO | StreamType::ISO_138183_AUDIO => Kind::Audio(Coding::Mpeg),
                    StreamType::ISO_11172_VIDEO
                    | StreamType::H262
                    | StreamType::ISO_14496_2_VISUAL
                    | StreamType::H264
                    | StreamType::H265 => Kind::Video,
                    StreamType::H222_0_PES_PRIVATE_DATA => Kind::Private,
                    other if u8::from(other) == METADATA => Kind::Data,
                    other if FOREIGN_AUDIO.contains(&u8::from(other)) => Kind::ForeignAudio,
                    _ => return Filter::Null(NullPacketFilter::default()),
                };
                self.announce(stream_info.elementary_pid(), kind)
            }
            FilterRequest::ByPid(_) | FilterRequest::Nit { .. } => Filter::Null(NullPacketFilter::default()),
        }
    }
}

impl ElementaryStreamConsumer<Streams> for Consumer {
    fn start_stream(&mut self, _: &mut Streams) {}

    fn begin_packet(&mut self, streams: &mut Streams, header: PesHeader<'_>) {
        let (timestamp, payload) = contents(&header);
        if let Some(stream) = streams.streams.iter_mut().find(|stream| stream.pid == self.pid) {
            stream.first_timestamp = stream.first_timestamp.or(timestamp);
        }
        if let Some((log, timestamp)) = streams.log.as_mut().zip(timestamp) {
            log.push((self.pid, timestamp));
        }
        if streams.chosen == Some(self.pid)
            && let Some(splitter) = &mut streams.splitter
        {
            streams.break_expected = false;
            splitter.timestamp(timestamp);
            splitter.push(payload, &mut streams.frames);
        }
    }

    fn continue_packet(&mut self, streams: &mut Streams, data: &[u8]) {
        if streams.chosen == Some(self.pid)
            && let Some(splitter) = &mut streams.splitter
        {
            splitter.push(data, &mut streams.frames);
        }
    }

    fn end_packet(&mut self, _: &mut Streams) {}

    fn continuity_error(&mut self, streams: &mut Streams) {
        if streams.chosen == Some(self.pid)
            && let Some(splitter) = &mut streams.splitter
        {
            if streams.break_expected {
                splitter.restart();
            } else {
                splitter.lost();
            }
        }
    }
}

/// The presentation timestamp and the payload of a PES packet's first part.
fn contents<'a>(header: &PesHeader<'a>) -> (Option<u64>, &'a [u8]) {
    match header.contents() {
        PesContents::Payload(payload) => (None, payload),
        PesContents::Parsed(None) => (None, &[]),
        PesContents::Parsed(Some(parsed)) => {
            let timestamp = match parsed.pts_dts() {
                Ok(PtsDts::PtsOnly(Ok(timestamp)) | PtsDts::Both { pts: Ok(timestamp), .. }) => {
                    Some(timestamp.value())
                }
                _ => None,
            };
            (timestamp, parsed.payload())
        }
    }
}

/// The timestamp that stream `pid` has in this packet of 188 bytes, if a PES packet of it begins here.
pub(super) fn timestamp_in(packet: &[u8], pid: Pid) -> Option<u64> {
    catch_unwind(|| {
        let packet = Packet::try_new(packet).filter(|packet| packet.pid() == pid)?;
        let payload = packet.payload().filter(|_| packet.payload_unit_start_indicator())?;
        contents(&PesHeader::from_bytes(payload)?).0
    })
    .unwrap_or_default()
}
