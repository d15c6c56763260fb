//! What is cut out of stored segments is what is cut out of the whole.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use media_io::hls::clock::SegmentClock;
use media_io::hls::store::{Entry, SegmentStore};
use media_io::hls::{Packing, Segment};
use media_io::{Error, ExactCut};
use tempfile::TempDir;
use testkit::{FrameStrip, Placement, Sound, TestMedia, beep_starts, decode_audio, frame_numbers};
use timeline::{FrameRate, MediaDuration, MediaTime, SampleRate, Span};

use crate::support::{self, FFMPEG, Heard, Stream, hear, outline};

/// How far sound may be from where the cut of the whole has it.
const SYNC: MediaDuration = MediaDuration::from_millis(20);

fn media() -> TestMedia {
    TestMedia::new(480).size(256, 144).sound(Sound::Beeps)
}

/// 16 s with a number in each frame and a beep at each full second, in segments of 2 s.
fn numbered(packing: Packing, encoding: &[&str], muxing: &str) -> Stream {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("source.mp4");
    let options =
        ["-preset", "ultrafast", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-ar", "48000"];
    media().options(options.iter().chain(encoding).copied()).write(&path).expect("media can be made");
    let source = path.to_str().expect("a plain path");
    support::stream(packing, &["-i", source], &format!("-c copy -hls_time 2 {muxing}"))
}

fn store(segments: &[Segment]) -> (TempDir, SegmentStore, SegmentClock) {
    let folder = TempDir::new().expect("a folder");
    let (mut store, recovered) = SegmentStore::open(folder.path()).expect("it is made");
    let mut clock = recovered.clock;
    append(&mut store, &mut clock, segments);
    (folder, store, clock)
}

fn append(store: &mut SegmentStore, clock: &mut SegmentClock, segments: &[Segment]) {
    for segment in segments {
        let placed = clock.place(segment).expect("it has timestamps");
        if let Some(gap) = placed.gap {
            store.append_gap(gap).expect("it is noted");
        }
        store.append(segment, &placed.placement).expect("it is stored").expect("it is new");
    }
}

/// Cuts `span`, on the media timeline of `path`, and gives its frame numbers and sound.
fn cut(path: &Path, span: Span, strip: &FrameStrip) -> (Vec<Option<u32>>, Vec<f32>) {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("cut.mp4");
    let info = FFMPEG.probe(path).expect("it can be probed");
    let cut = ExactCut::plan(&info, path, span, FrameRate::FPS_30).expect("it can be cut");
    media_io::extract(&FFMPEG, &cut, &out, &AtomicBool::new(false), &mut |_| {}).expect("it is cut");
    let numbers = frame_numbers(&out, strip, Placement::IDENTITY).expect("it can be looked at");
    (numbers, decode_audio(&out, SampleRate::HZ_48000).expect("it can be heard"))
}

/// Asserts that the cut of `span` out of the store is that of `span - shift` out of `whole`.
fn compare(store: &SegmentStore, span: Span, whole: &Path, shift: MediaDuration, what: &str) {
    let (strip, folder) = (media().strip(), TempDir::new().expect("a folder"));
    let extract = store.extract(span, &folder.path().join("extract.part")).expect("it is there");
    assert_eq!(extract.span, span, "{what}");
    let from_extract = cut(&extract.path, span.shifted(MediaTime::ZERO - extract.origin), &strip);
    let from_whole = cut(whole, span.shifted(-shift), &strip);
    assert!(from_whole.0.iter().all(Option::is_some), "{what}: {:?}", from_whole.0);
    assert_eq!(from_extract.0, from_whole.0, "{what} {span}");
    let beeps = |samples: &[f32]| beep_starts(samples, SampleRate::HZ_48000);
    let (one, two) = (beeps(&from_extract.1), beeps(&from_whole.1));
    let agree = one.len() == two.len() && one.iter().zip(&two).all(|(one, two)| (*one - *two).abs() <= SYNC);
    assert!(agree && !one.is_empty(), "{what} {span}: {one:?} {two:?}");
}

const SPANS: [(f64, f64); 4] = [(0.0, 1.6), (1.51, 6.33), (7.9, 12.4), (13.2, 15.8)];

#[test]
fn cuts_out_of_extracts_are_cuts_out_of_the_whole() {
    for (packing, encoding, muxing) in [
        (Packing::Transport, &["-bf", "0"][..], ""),
        (Packing::Transport, &["-bf", "3", "-x264-params", "b-pyramid=normal:b-adapt=0"], ""),
        (Packing::Transport, &["-x264-params", "open-gop=1:repeat-headers=1"], ""),
        // The 33 bits of the clock are used up 7 s after the start.
        (Packing::Transport, &["-bf", "2"], "-output_ts_offset 95436.7"),
        (Packing::Fragmented, &["-bf", "2"], ""),
        (Packing::Fragmented, &["-bf", "2"], "-output_ts_offset 5000"),
    ] {
        let stream = numbered(packing, encoding, muxing);
        let (whole, (_folder, store, _)) = (stream.whole(), store(&stream.segments));
        assert_eq!(store.gaps(), []);
        // The first span has nothing before it, the last nothing after it.
        let spans = if encoding == ["-bf", "0"] { &SPANS[..] } else { &SPANS[1..3] };
        for (start, end) in spans {
            let span = Span::from_secs_f64(*start, *end);
            compare(&store, span, &whole, MediaDuration::ZERO, &format!("{packing:?} {encoding:?} {muxing}"));
        }
    }
}

#[test]
fn six_hours_later_sound_and_picture_are_together() {
    // The clock wraps on the way.
    let early = numbered(Packing::Transport, &["-bf", "2"], "-output_ts_offset 80000");
    let late = numbered(Packing::Transport, &["-bf", "2"], "-output_ts_offset 101600");
    let (_folder, mut store, mut clock) = store(&early.segments[..3]);
    clock.lost(MediaDuration::from_secs(21_600 - 6));
    let renumbered = late.segments.iter().map(|segment| Segment { epoch: 1, ..segment.clone() });
    append(&mut store, &mut clock, &renumbered.collect::<Vec<_>>());
    let (gaps, shift) = (store.gaps(), MediaDuration::from_secs(21_600));
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        (gaps[0].span.end() - MediaTime::from_secs(21_600)).abs() < MediaDuration::from_millis(50),
        "{gaps:?}"
    );
    let whole = late.whole();
    for (start, end) in &SPANS[1..3] {
        let span = Span::from_secs_f64(*start, *end).shifted(shift);
        compare(&store, span, &whole, shift, "six hours later");
    }
}

#[test]
fn extracts_sound_like_the_source_bit_by_bit() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let stream = numbered(packing, &[], "");
        let (folder, store, _) = store(&stream.segments);
        let whole = hear(&stream.whole(), None);
        let Some(Heard::Run(start, all)) = whole.iter().find(|part| matches!(part, Heard::Run(..))) else {
            panic!("a run: {:?}", outline(&whole))
        };
        for (from, to) in SPANS {
            let span = Span::from_secs_f64(from, to);
            let extract = store.extract(span, &folder.path().join("extract")).expect("it is there");
            // Samples lie on the grid of the file, so the file's zero decides where they can be compared.
            let rate = SampleRate::HZ_16000;
            let part = hear(&extract.path, Some(span.shifted(MediaTime::ZERO - extract.origin)));
            let Some(Heard::Run(at, samples)) = part.last() else { panic!("a run: {:?}", outline(&part)) };
            let at = *at + (extract.origin - MediaTime::ZERO);
            let exact = rate.time_of_sample(rate.sample_at(at)) == at;
            let offset = (rate.sample_at(at) - rate.sample_at(*start)) as usize;
            let expected = &all[offset..offset + samples.len()];
            assert!(samples.len() as f64 > (to - from - 0.1) * 16_000.0, "{:?}", outline(&part));
            let difference =
                samples.iter().zip(expected).map(|(one, two)| (one - two).abs()).fold(0.0, f32::max);
            // A shift of less than a sample of 16 kHz changes a tone of 1 kHz and half amplitude by up to 0.1.
            let tolerance = if exact { 1e-6 } else { 0.1 };
            assert!(difference < tolerance, "{packing:?} {span}: {difference}, exact: {exact}");
        }
    }
}

#[test]
fn only_what_is_contiguous_is_extracted() {
    let stream = numbered(Packing::Transport, &[], "");
    let (folder, mut store, mut clock) = store(&stream.segments[..3]);
    clock.lost(stream.segments[3].duration);
    append(&mut store, &mut clock, &stream.segments[4..]);
    let out = folder.path().join("extract.ts");
    let asked = Span::from_secs_f64(1.0, 8.0);
    let extract = store.extract(asked, &out).expect("its middle is there");
    assert_eq!(Some(extract.span), store.contiguous(asked));
    let gap = store.gaps()[0].span;
    assert_eq!(extract.span, Span::new(asked.start(), gap.start()));
    let refused = store.extract(Span::from_secs_f64(6.5, 7.5), &out).expect_err("it is a gap");
    assert!(matches!(refused, Error::SpanOutside { .. }), "{refused}");
}

#[test]
fn files_of_a_lost_index_find_their_places_by_their_timestamps() {
    for packing in [Packing::Transport, Packing::Fragmented] {
        let stream = numbered(packing, &["-bf", "2"], "");
        let (folder, store, _) = store(&stream.segments);
        let before: Vec<_> = store.segments().map(|segment| (segment.number, segment.placement)).collect();
        drop(store);
        let index = folder.path().join("index.jsonl");
        let lines = fs_err::read_to_string(&index).expect("an index");
        for kept in [0, 3, lines.lines().count() - 1] {
            let text: String = lines.lines().take(kept).map(|line| format!("{line}\n")).collect();
            fs_err::write(&index, text).expect("it is written");
            let (store, recovered) = SegmentStore::open(folder.path()).expect("it is opened");
            let found: Vec<_> = store.segments().map(|segment| (segment.number, segment.placement)).collect();
            assert_eq!(found, before, "{packing:?}, {kept} lines");
            assert_eq!(recovered.indexed_anew, before.len() - kept);
            assert_eq!(recovered.clock.now(), store.span().end());
        }
        // One line in the middle makes no sense.
        let text: String = lines
            .lines()
            .enumerate()
            .map(|(number, line)| if number == 4 { "{}\n".to_owned() } else { format!("{line}\n") })
            .collect();
        fs_err::write(&index, text).expect("it is written");
        let (store, recovered) = SegmentStore::open(folder.path()).expect("it is opened");
        let found: Vec<_> = store.segments().map(|segment| (segment.number, segment.placement)).collect();
        assert_eq!((found, recovered.damaged_lines, recovered.indexed_anew), (before, 1, 1));
    }
}

#[test]
fn a_file_of_a_lost_index_lies_after_the_gaps_before_it() {
    let stream = numbered(Packing::Transport, &["-bf", "2"], "");
    let (folder, store, _) = store(&stream.segments);
    let index = folder.path().join("index.jsonl");
    drop(store);
    let lines = fs_err::read_to_string(&index).expect("an index");
    let text: String = lines.lines().take(2).map(|line| format!("{line}\n")).collect();
    fs_err::write(&index, text).expect("it is written");
    for name in ["00000001.ts", "00000002.ts"] {
        fs_err::remove_file(folder.path().join("segments").join(name)).expect("it was there");
    }
    let (store, recovered) = SegmentStore::open(folder.path()).expect("it is opened");
    let spans: Vec<Span> = store.entries().iter().map(Entry::span).collect();
    assert!(spans.windows(2).all(|pair| pair[0].end() <= pair[1].start()), "{spans:?}");
    assert_eq!((recovered.files_lost, recovered.indexed_anew), (2, stream.segments.len() - 2));
    assert_eq!(recovered.clock.now(), store.span().end());
}
