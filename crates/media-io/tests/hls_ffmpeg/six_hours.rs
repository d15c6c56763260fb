//! Six hours of a stream, of which the last seconds are kept: its clock runs over on the way.

use std::sync::Arc;

use media_io::hls::clock::{Placement, SegmentClock};
use media_io::hls::live_audio::{LiveAudio, LiveSound};
use media_io::hls::store::SegmentStore;
use media_io::hls::{InitSection, Packing, Segment};
use tempfile::TempDir;
use testkit::origin::{self, Origin, Pace, Preparation, Repeat, Rung};
use testkit::{Sound, TestMedia, beep_starts};
use timeline::{FrameRate, MediaDuration, MediaTime, SampleRate, Span};

use crate::measure::{Numbered, SYNC, first_frame, keep};

/// Of one pass: a whole number of seconds, of segments and of AAC frames at 48 kHz, so that passes join without a seam.
const PASS_S: u32 = 16;
const SEGMENT_S: i64 = 2;
const SIX_HOURS: i64 = 6 * 3_600;
/// Segments that are kept around the clip.
const KEPT: u64 = 8;
/// When a transport stream's clock of 33 bits runs over, in seconds.
const WRAP_S: f64 = (1_u64 << 33) as f64 / 90_000.0;

/// A stream that plays `media` for ever, its clock `offset_s` ahead.
async fn forever(packing: origin::Packing, offset_s: f64, media: &TestMedia) -> Origin {
    let folder = TempDir::new().expect("a folder");
    let source = folder.path().join("source.mp4");
    media.write(&source).expect("media can be made");
    let prepared = Preparation::of(&source).packing(packing).rungs([Rung::COPY]).cache(folder.path());
    let prepared = prepared.prepare().expect("it can be cut");
    assert_eq!(prepared.segments(), u64::from(PASS_S) / SEGMENT_S as u64);
    let stream = Origin::live(prepared).pace(Pace::Manual).repeat(Repeat::Forever);
    stream.pts_offset(MediaDuration::from_secs_f64(offset_s)).start().await.expect("an origin")
}

/// Segment `index`, as a reader gives it.
fn segment(origin: &Origin, packing: Packing, index: u64) -> Segment {
    let init = origin.media().renditions[0].init.clone().map(|bytes| Arc::new(InitSection { bytes }));
    Segment {
        sequence: index,
        epoch: 0,
        // Playlists round: over six hours, going by them would be wrong by more than a minute.
        duration: MediaDuration::from_millis(1_990),
        discontinuity: false,
        program_date_time: None,
        packing,
        init,
        bytes: origin.segment_bytes(0, index),
    }
}

#[tokio::test]
async fn a_clip_cut_six_hours_in_has_sound_and_picture_together() {
    let media = TestMedia::new(30 * PASS_S as u16).size(256, 64).sound(Sound::Beeps).options([
        "-preset",
        "ultrafast",
        "-bf",
        "2",
        "-g",
        "60",
        "-keyint_min",
        "60",
        "-sc_threshold",
        "0",
        "-b:a",
        "32k",
        "-ar",
        "48000",
    ]);
    let numbered = Numbered { strip: media.strip(), rate: FrameRate::FPS_30, period: 30 * i64::from(PASS_S) };
    for (packing, of_origin, wrap_at_s) in [
        // Half way, and within the clip.
        (Packing::Transport, origin::Packing::Transport, 3.0 * 3_600.0),
        (Packing::Transport, origin::Packing::Transport, SIX_HOURS as f64 + 1.1),
        (Packing::Fragmented, origin::Packing::Fragmented, f64::NAN),
    ] {
        let offset_s = if wrap_at_s.is_nan() { 0.0 } else { WRAP_S - wrap_at_s };
        let what = format!("{packing:?}, wrapping after {wrap_at_s} s");
        let stream = forever(of_origin, offset_s, &media).await;
        let (mut clock, last) = (SegmentClock::new(), SIX_HOURS as u64 / SEGMENT_S as u64 + KEPT / 2);
        let mut placed: Vec<Placement> = Vec::new();
        let kept: Vec<Segment> = (last - KEPT..last).map(|index| segment(&stream, packing, index)).collect();
        for index in 0..last - KEPT {
            let placing = clock.place(&segment(&stream, packing, index)).expect("it has timestamps");
            assert_eq!(placing.gap, None, "{what}: segment {index}");
            placed.push(placing.placement);
        }
        assert!(placed.iter().all(|one| one.offset == placed[0].offset && one.group == 0), "{what}");
        let folder = TempDir::new().expect("a folder");
        let pass = folder.path().join("pass");
        fs_err::write(&pass, stream.media().renditions[0].joined()).expect("it is written");
        let zero = first_frame(&pass);
        let (mut store, _) = SegmentStore::open(&folder.path().join("recording")).expect("it is made");
        let before = clock.clone();
        assert_eq!(keep(&mut store, &mut clock, &kept), 0, "{what}");
        let clip = Span::from_secs_f64(-2.3, 4.4).shifted(MediaDuration::from_secs(SIX_HOURS));
        let off = numbered.cut(&store, clip, zero, &what);
        assert!(off < SYNC, "{what}: sound is {off} from picture");

        // What is listened to lies on the same timeline.
        let (mut clock, mut audio, mut heard) = (before, LiveAudio::new(SampleRate::HZ_48000), Vec::new());
        let mut start = None;
        for segment in &kept {
            let placement = clock.place(segment).expect("it has timestamps").placement;
            for sound in audio.push(segment, &placement).expect("it can be decoded") {
                let LiveSound::Samples { at, samples } = sound else { panic!("{what}: {sound:?}") };
                start.get_or_insert(at);
                heard.extend(samples);
            }
        }
        let start = start.expect("there is sound") - zero;
        let beeps = beep_starts(&heard, SampleRate::HZ_48000);
        assert!(beeps.len() > 12, "{what}: {beeps:?}");
        // The first may have been cut.
        for beep in &beeps[1..] {
            let at = (start + (*beep - MediaTime::ZERO)).as_secs_f64();
            assert!((at - at.round()).abs() < SYNC.as_secs_f64(), "{what}: a beep at {at}");
        }
    }
}
