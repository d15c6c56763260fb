//! `streamliner monitor`: the real binary on streams that ffmpeg's own HLS muxer makes and a plain web server serves.
#![expect(clippy::expect_used, reason = "helpers of tests")]

mod support;

use std::path::{Path, PathBuf};

use media_io::hls::store::SegmentStore;
use support::background::Running;
use support::recording::{self, files_below};
use support::sandbox::Sandbox;
use testkit::muxer::{LiveMuxer, MuxedStream};
use testkit::origin::Packing;
use testkit::{Placement, Truth, arena_night, decode_audio, frame_numbers};
use timeline::SampleRate;
use tokio::runtime::Runtime;

/// The part of the fixture that is played: it holds a moment.
const LENGTH_S: u32 = 50;
/// The distance of its key frames, in seconds.
const SEGMENT_S: f64 = 5.0;
/// Samples are compared at this rate, in Hz.
const RATE: SampleRate = SampleRate::HZ_16000;
/// How far sound may be from picture, in samples at [`RATE`]: 20 ms.
const SYNC: i64 = 320;
/// How far it is looked for, in samples.
const SEARCHED: i64 = 2 * SYNC;
/// Samples of a clip that are compared: two seconds in its middle.
const COMPARED: usize = 32_000;

/// The start of the fixture as a transport stream.
fn source(folder: &Path) -> PathBuf {
    let path = folder.join("source.ts");
    recording::excerpt(0, LENGTH_S, &path);
    path
}

fn configure(sandbox: &Sandbox, streams: &[(&str, &MuxedStream)]) {
    let sections =
        streams.iter().map(|(name, stream)| format!("[streamers.{name}]\nurl = \"{}\"\n", stream.url()));
    sandbox.write(
        "streamliner.toml",
        &format!(
            "[paths]\ndata_dir = \"data\"\noutput_dir = \"out\"\n[transcription]\nenabled = false\n[detection]\nmin_score = 0.15\n\
             [render]\npreset = \"ultrafast\"\nfps = 30\n[monitor]\npoll_interval_s = 1\nclips_per_hour = 1\n{}",
            sections.collect::<String>()
        ),
    );
}

/// How many samples later the sound of `clip` is than in `original` where both show frame `first` at their start.
fn delay(clip: &[f32], original: &[f32], first: usize) -> i64 {
    let middle = (clip.len() - COMPARED) / 2;
    let piece = &clip[middle..middle + COMPARED];
    let alike = |delay: i64| -> f64 {
        let from = (first + middle) as i64 - delay;
        let other = &original[from as usize..from as usize + COMPARED];
        let product: f64 = piece.iter().zip(other).map(|(one, two)| f64::from(one * two)).sum();
        let energy: f64 = other.iter().map(|sample| f64::from(sample * sample)).sum();
        product / energy.sqrt().max(f64::MIN_POSITIVE)
    };
    (-SEARCHED..=SEARCHED).max_by(|one, two| alike(*one).total_cmp(&alike(*two))).expect("a range")
}

#[test]
fn streams_of_ffmpegs_muxer_are_recorded_whole_and_clipped_in_sync() {
    let runtime = Runtime::new().expect("a runtime");
    let sandbox = Sandbox::new();
    let source = source(&sandbox.path(""));
    let truth = Truth::arena_night().expect("the truth");
    let (transport, fragments) = runtime.block_on(async {
        let transport = LiveMuxer::of(&source).segment_s(SEGMENT_S).start().await.expect("a stream");
        let fragments =
            LiveMuxer::of(&source).segment_s(SEGMENT_S).packing(Packing::Fragmented).start().await;
        (transport, fragments.expect("a stream"))
    });
    let streams = [("transport", &transport), ("fragments", &fragments)];
    configure(&sandbox, &streams);
    let mut monitor = Running::start(&sandbox, &["monitor", "--exit-when-idle", "-v"]);
    let status = monitor.end();
    assert!(status.success(), "{:#?}", monitor.said);

    let streamed = frame_numbers(&source, &truth.strip, Placement::IDENTITY).expect("it can be looked at");
    assert!(streamed.len() >= (LENGTH_S * truth.fps) as usize && streamed.iter().all(Option::is_some));
    let original = decode_audio(&arena_night(), RATE).expect("it can be heard");
    for (name, stream) in streams {
        // Each segment was asked for once, and is there as it was served.
        let served = stream.served();
        assert!(served.iter().all(|segment| segment.requests == 1), "{name}: {:#?}", monitor.said);
        let data = files_below(&sandbox.path("data"));
        let index = data.iter().filter(|path| {
            path.ends_with("index.jsonl") && path.components().any(|part| part.as_os_str() == name)
        });
        let index: Vec<&PathBuf> = index.collect();
        assert_eq!(index.len(), 1, "{name}: {data:?} {:#?}", monitor.said);
        let (store, _) = SegmentStore::open(index[0].parent().expect("a folder")).expect("a recording");
        assert_eq!(store.gaps(), [], "{name}");
        let stored = store.segments().map(|segment| store.dir().join("segments").join(&segment.file));
        let stored: Vec<Vec<u8>> = stored.map(|path| fs_err::read(path).expect("a segment")).collect();
        let expected: Vec<&[u8]> = served.iter().map(|segment| &segment.bytes[..]).collect();
        assert_eq!(stored.len(), expected.len(), "{name}");
        assert!(stored.iter().zip(&expected).all(|(one, two)| one == two), "{name}: other bytes");
        let joined = sandbox.path("joined.bin");
        fs_err::write(&joined, stream.joined().expect("the head is there")).expect("it is written");
        let numbers = frame_numbers(&joined, &truth.strip, Placement::IDENTITY).expect("it can be looked at");
        assert_eq!(numbers, streamed, "{name}");

        // The clip shows frames in order, with the sound that belongs to them.
        let clips = files_below(&sandbox.path("out").join(name));
        let clip = clips.iter().find(|path| path.extension().is_some_and(|extension| extension == "mp4"));
        let clip = clip.unwrap_or_else(|| panic!("{name}: no clip: {:#?}", monitor.said));
        let placement = Placement::centred((truth.width, truth.height), (1080, 1920), 1.0);
        let numbers = frame_numbers(clip, &truth.strip, placement).expect("it can be looked at");
        let first = numbers[0].expect("a number");
        assert_eq!(numbers, (first..first + numbers.len() as u32).map(Some).collect::<Vec<_>>(), "{name}");
        let sound = decode_audio(clip, RATE).expect("it can be heard");
        let start = (first * RATE.hertz() / truth.fps) as usize;
        let delay = delay(&sound, &original, start);
        assert!(delay.abs() < SYNC, "{name}: the sound is {delay} samples late");
    }
}
