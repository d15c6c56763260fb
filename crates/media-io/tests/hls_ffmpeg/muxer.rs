//! Recording what ffmpeg's HLS muxer makes of numbered frames and beeps.

use std::path::Path;
use std::sync::Arc;

use media_io::hls::clock::SegmentClock;
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::store::SegmentStore;
use media_io::hls::{
    Address, EndReason, HlsClient, HlsOptions, LiveEvent, LiveOptions, LiveReader, RenditionRule, Segment,
};
use media_io::{AudioEvent, AudioRequest, open_audio};
use tempfile::TempDir;
use testkit::muxer::{LiveMuxer, MuxedStream};
use testkit::origin::Packing;
use testkit::{Sound, TestMedia, decode_audio};
use timeline::{FrameRate, SampleRate, Span};

use crate::measure::{Numbered, SYNC, first_frame, keep};

/// The length of each stream, in seconds: more segments than the list holds, so that some are deleted on the way.
const LENGTH_S: u16 = 20;
const SEGMENTS: usize = 10;

/// What is streamed.
struct Source {
    rate: FrameRate,
    /// Options of the encoder.
    encoding: &'static [&'static str],
    /// Samples a second.
    sampling: u32,
    /// The sound begins at this second.
    sound_from_s: f64,
}

/// Frames are stored in another order than they are shown in.
const REORDERED: Source = Source {
    rate: FrameRate::FPS_30,
    encoding: &["-bf", "3", "-x264-params", "b-pyramid=normal:b-adapt=0"],
    sampling: 48_000,
    sound_from_s: 0.0,
};

/// Sound and picture of other rates, and the sound comes late, though within the first segment: ffmpeg writes the head of fragments
/// with that one, and what it does not know of the sound by then is missing there.
const ODD: Source = Source {
    rate: FrameRate::FPS_60,
    encoding: &["-bf", "2", "-ar", "44100", "-af", "atrim=start=1.3"],
    sampling: 44_100,
    sound_from_s: 1.3,
};

/// Half of the usual sampling rate, as HE-AAC has it in its headers.
const MAYBE_HE_AAC: Source = Source { encoding: &["-ar", "24000"], sampling: 24_000, ..REORDERED };

/// The files of a stream: segments, or parts of one file that grows.
const SEPARATE: &[&str] = &[];
const ONE_FILE: &[&str] = &["-hls_flags", "single_file"];
const ONE_FILE_DATED: &[&str] = &["-hls_flags", "single_file+program_date_time"];

impl Source {
    fn media(&self) -> TestMedia {
        let distance = (2.0 * self.rate.as_f64()).to_string();
        let keys = ["-preset", "ultrafast", "-g", &distance, "-keyint_min", &distance, "-sc_threshold", "0"];
        let options = keys.iter().chain(self.encoding).map(|option| (*option).to_owned());
        let options: Vec<String> = options.collect();
        TestMedia::new(self.frames()).rate(self.rate).size(256, 144).sound(Sound::Beeps).options(options)
    }

    fn frames(&self) -> u16 {
        LENGTH_S * self.rate.as_f64() as u16
    }
}

/// All segments of `stream`, to its end.
async fn follow(stream: &MuxedStream, what: &str) -> Vec<Segment> {
    let client = HlsClient::new(HlsOptions::default()).expect("a client");
    let address = Address::parse(&stream.url()).expect("an address");
    let mut reader = LiveReader::new(client, Arc::new(address), RenditionRule::Best, LiveOptions::default());
    let mut segments = Vec::new();
    loop {
        match reader.next().await.expect("it is a stream") {
            LiveEvent::Segment(segment) => segments.push(segment),
            // On a busy machine ffmpeg may take its time.
            LiveEvent::Stalled { .. } => {}
            LiveEvent::Ended(EndReason::EndList) => return segments,
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// The samples that `LiveAudio` gives of the segments of `store`, and those that the offline reader gives of `whole`.
fn heard(segments: &[Segment], whole: &Path, what: &str) -> (Vec<f32>, Vec<f32>) {
    let (mut clock, mut audio) = (SegmentClock::new(), LiveAudio::new(SampleRate::HZ_16000));
    let mut sounds = Vec::new();
    for segment in segments {
        let placement = clock.place(segment).expect("it has timestamps").placement;
        sounds.extend(audio.push(segment, &placement).unwrap_or_else(|error| panic!("{what}: {error}")));
    }
    sounds.extend(audio.finish());
    let live = sounds.into_iter().flat_map(|sound| match sound {
        LiveSound::Samples { samples, .. } => samples,
        LiveSound::Gap(_) => Vec::new(),
    });
    let mut offline = Vec::new();
    let mut reader = open_audio(whole, &AudioRequest::new(SampleRate::HZ_16000), None).expect("it opens");
    while let Some(event) = reader.next_event().expect("it can be read") {
        if let AudioEvent::Samples { samples, .. } = event {
            offline.extend_from_slice(samples);
        }
    }
    (live.collect(), offline)
}

/// A stream that was recorded.
struct Recorded {
    what: String,
    segments: Vec<Segment>,
    folder: TempDir,
}

/// Streams the file at `source` and records it; checks that each segment came once and as it was served.
async fn record(source: &Path, packing: Packing, muxing: &[&str]) -> Recorded {
    let what = format!("{} as {packing:?} {muxing:?}", source.display());
    let stream = LiveMuxer::of(source).packing(packing).options(muxing.iter().copied()).start().await;
    let mut stream = stream.expect("a stream");
    let segments = follow(&stream, &what).await;
    stream.ended().await.expect("ffmpeg was content");
    let served = stream.served();
    let numbers: Vec<u64> = segments.iter().map(|segment| segment.sequence).collect();
    assert_eq!(numbers, (0..SEGMENTS as u64).collect::<Vec<_>>(), "{what}");
    assert!(served.len() == SEGMENTS && served.iter().all(|one| one.requests == 1), "{what}");
    for segment in &segments {
        assert!(served.iter().any(|one| one.bytes == segment.bytes), "{what}: segment {}", segment.sequence);
    }
    Recorded { what, segments, folder: TempDir::new().expect("a folder") }
}

impl Recorded {
    /// Stores it without a gap.
    fn store(&self) -> SegmentStore {
        let folder = self.folder.path().join("recording");
        let (mut store, recovered) = SegmentStore::open(&folder).expect("it is made");
        let mut clock = recovered.clock;
        assert_eq!(keep(&mut store, &mut clock, &self.segments), 0, "{}", self.what);
        assert_eq!((store.gaps(), store.segments().count()), (vec![], SEGMENTS), "{}", self.what);
        assert!(store.segments().all(|segment| segment.placement.group == 0), "{}", self.what);
        store
    }

    /// Checks that frames and samples are those of the source, and those that belong together in what is cut out of it.
    fn check(&self, source: &Source, file: &Path) {
        let what = &self.what;
        let store = self.store();
        let whole = self.folder.path().join("whole.bin");
        let init = self.segments[0].init.iter().map(|init| &init.bytes);
        let parts = init.chain(self.segments.iter().map(|segment| &segment.bytes));
        fs_err::write(&whole, parts.map(|bytes| &bytes[..]).collect::<Vec<_>>().concat()).expect("written");
        let frames = u32::from(source.frames());
        let strip = source.media().strip();
        let numbered = Numbered { strip, rate: source.rate, period: i64::from(frames) };
        assert_eq!(numbered.numbers(&whole), (0..frames).map(Some).collect::<Vec<_>>(), "{what}");

        let sampling = SampleRate::new(source.sampling).expect("a rate");
        let samples = |path: &Path| decode_audio(path, sampling).expect("it can be heard");
        let (recorded, original) = (samples(&whole), samples(file));
        assert!(recorded == original, "{what}: {} and {} samples", recorded.len(), original.len());
        let (live, offline) = heard(&self.segments, &whole, what);
        assert!(live == offline && !live.is_empty(), "{what}: {} and {} samples", live.len(), offline.len());

        let zero = first_frame(&whole);
        for (start, end) in [(source.sound_from_s + 0.1, 5.33), (13.51, 18.4)] {
            let off = numbered.cut(&store, Span::from_secs_f64(start, end), zero, what);
            assert!(off < SYNC, "{what}: sound is {off} from picture");
        }
    }
}

#[tokio::test]
async fn streams_of_ffmpegs_muxer_are_recorded_to_the_frame_and_sample() {
    let folder = TempDir::new().expect("a folder");
    let (reordered, odd) = (folder.path().join("reordered.ts"), folder.path().join("odd.ts"));
    REORDERED.media().write(&reordered).expect("media can be made");
    ODD.media().write(&odd).expect("media can be made");
    let cases = [
        (&REORDERED, &reordered, Packing::Transport, SEPARATE),
        (&REORDERED, &reordered, Packing::Transport, ONE_FILE),
        (&REORDERED, &reordered, Packing::Transport, ONE_FILE_DATED),
        (&REORDERED, &reordered, Packing::Fragmented, SEPARATE),
        (&ODD, &odd, Packing::Transport, SEPARATE),
        (&ODD, &odd, Packing::Fragmented, SEPARATE),
    ];
    let recording = cases.iter().map(|(_, file, packing, muxing)| record(file, *packing, muxing));
    let recorded = futures::future::join_all(recording).await;
    for ((source, file, ..), recorded) in cases.iter().zip(&recorded) {
        recorded.check(source, file);
    }
}

#[tokio::test]
async fn sound_that_cannot_be_listened_to_is_recorded_all_the_same() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("source.ts");
    MAYBE_HE_AAC.media().write(&file).expect("media can be made");
    let both = [Packing::Transport, Packing::Fragmented].map(|packing| record(&file, packing, SEPARATE));
    for recorded in futures::future::join_all(both).await {
        let (store, mut audio) = (recorded.store(), LiveAudio::new(SampleRate::HZ_16000));
        for (segment, stored) in recorded.segments.iter().zip(store.segments()) {
            let refused = audio.push(segment, &stored.placement).expect_err("it may be HE-AAC");
            assert!(refused.to_string().contains("HE-AAC"), "{refused}");
        }
    }
}
