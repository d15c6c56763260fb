//! Damage costs what is damaged, and nothing else.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use media_io::{AudioRequest, open_audio};
use proptest::prelude::*;
use tempfile::{TempDir, tempdir};
use timeline::{GapCause, SampleRate};

use crate::support::{CLICKS, Heard, assert_clicks, drain, hear, make};

const REQUEST: AudioRequest = AudioRequest::new(SampleRate::HZ_16000);
/// AAC without an edit list is one frame late.
const DELAY: f64 = 1_024.0 / 48_000.0;

fn changed(folder: &TempDir, source: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs_err::read(source).unwrap();
    change(&mut bytes);
    let path = folder.path().join("changed").with_extension(source.extension().unwrap());
    fs_err::write(&path, bytes).unwrap();
    path
}

/// Gaps lie between the clicks, where the damage was done, and are of that cause.
fn assert_gap(name: &str, heard: &Heard, cause: GapCause) {
    assert!(!heard.gaps.is_empty(), "{name}");
    for gap in &heard.gaps {
        assert_eq!(gap.cause, cause, "{name}");
        let (start, end) = (gap.span.start().as_secs_f64(), gap.span.end().as_secs_f64());
        assert!(start > 1.1 && end < 2.4, "{name}: {}", gap.span);
    }
}

#[test]
fn lost_packets_leave_a_gap_and_move_nothing() {
    let folder = tempdir().unwrap();
    let whole = make(&folder, "whole.ts", &format!("-f lavfi -i {CLICKS} -c:a aac -b:a 192k"));
    let packets = fs_err::metadata(&whole).unwrap().len() as usize / 188;
    let lost = (packets * 2 / 5)..(packets * 2 / 5 + 8);
    let path = changed(&folder, &whole, |bytes| drop(bytes.drain(lost.start * 188..lost.end * 188)));
    let heard = hear(&path, &REQUEST);
    assert_clicks("lost", &heard, &[1.0 + DELAY, 2.5 + DELAY]);
    assert_gap("lost", &heard, GapCause::Damaged);
    assert!(heard.report.damaged_packets > 0);
    let path = changed(&folder, &whole, |bytes| bytes[lost.start * 188..lost.end * 188].fill(0x55));
    let heard = hear(&path, &REQUEST);
    assert_clicks("overwritten", &heard, &[1.0 + DELAY, 2.5 + DELAY]);
    assert_gap("overwritten", &heard, GapCause::Damaged);
}

#[test]
fn unreadable_samples_leave_a_gap_and_move_nothing() {
    let folder = tempdir().unwrap();
    for (name, codec) in [("whole.m4a", "-c:a aac -b:a 192k"), ("whole.flac", "-c:a flac")] {
        let whole = make(&folder, name, &format!("-f lavfi -i {CLICKS} {codec}"));
        let path = changed(&folder, &whole, |bytes| {
            let (from, to) = (bytes.len() * 2 / 5, bytes.len() / 2);
            bytes[from..to].fill(0xff);
        });
        let heard = hear(&path, &REQUEST);
        assert_clicks(name, &heard, &[1.0, 2.5]);
        // FLAC's reader passes over what is no frame without a word; the frames' numbers tell.
        let cause = if name.ends_with("flac") { GapCause::Missing } else { GapCause::Damaged };
        assert_gap(name, &heard, cause);
        assert_eq!(heard.report.damaged_packets > 0, cause == GapCause::Damaged, "{name}");
    }
}

#[test]
fn tables_that_send_the_demuxer_astray_cost_the_rest_of_the_file() {
    let folder = tempdir().unwrap();
    let codec = "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 250000";
    let whole = make(&folder, "whole.mp4", &format!("-f lavfi -i {CLICKS} {codec}"));
    let path = changed(&folder, &whole, |bytes| {
        // The second fragment's samples begin, it now says, far before the file does.
        let offset = bytes.windows(4).enumerate().filter(|(_, name)| name == b"trun").nth(4).unwrap().0 + 12;
        bytes[offset] = 0x80;
    });
    let mut reader = open_audio(&path, &REQUEST, None).unwrap();
    let (mut heard, mut gaps) = (0, 0);
    while let Some(event) = reader.next_event().expect("damage is no error") {
        match event {
            media_io::AudioEvent::Samples { samples, .. } => heard += samples.len(),
            media_io::AudioEvent::Gap(_) => gaps += 1,
        }
    }
    assert!(heard > 8_000, "{heard} samples, {gaps} gaps");
    assert!(reader.report().damaged_packets > 0);
}

#[test]
fn what_is_there_of_a_file_cut_short_is_read() {
    let folder = tempdir().unwrap();
    for (name, codec) in [
        ("whole.mp4", "-c:a aac -movflags +faststart"),
        ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 250000"),
        ("whole.mkv", "-c:a aac"),
        ("whole.ts", "-c:a aac"),
        ("whole.mp3", "-c:a libmp3lame"),
        ("whole.flac", "-c:a flac"),
        ("whole.wav", "-c:a pcm_s16le"),
        ("whole.aac", "-c:a aac"),
        ("whole.ogg", "-c:a libvorbis"),
    ] {
        let whole = make(&folder, name, &format!("-f lavfi -i {CLICKS} {codec}"));
        let path = changed(&folder, &whole, |bytes| bytes.truncate(bytes.len() * 6 / 10));
        let heard = hear(&path, &REQUEST);
        // Ogg's pages hold a second of so quiet a sound.
        let least = if name.ends_with("ogg") { 0.9 } else { 1.4 };
        assert!((least..3.0).contains(&heard.seconds()), "{name}: {} s", heard.seconds());
        if heard.seconds() > 1.1 {
            assert!((heard.clicks()[0] - 1.0).abs() < 0.03, "{name}: {:?}", heard.clicks());
        }
    }
}

/// Small files to damage, and how long they last.
static VICTIMS: LazyLock<(TempDir, Vec<PathBuf>)> = LazyLock::new(|| {
    let folder = tempdir().unwrap();
    let source = "-f lavfi -i anoisesrc=r=48000:a=0.4:d=1:seed=3";
    let victims = [
        ("victim.ts", "-c:a aac"),
        ("mp3.ts", "-c:a libmp3lame"),
        ("victim.m4a", "-c:a aac -movflags +faststart"),
        ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov -frag_duration 250000"),
        ("victim.mp3", "-c:a libmp3lame"),
        ("victim.flac", "-c:a flac"),
        ("victim.mkv", "-c:a aac"),
        ("victim.aac", "-c:a aac"),
        ("victim.ogg", "-c:a libvorbis"),
    ];
    let paths = victims.map(|(name, codec)| make(&folder, name, &format!("{source} {codec}"))).to_vec();
    (folder, paths)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_is_survived(
        victim in 0_usize..9,
        flips in prop::collection::vec((0.0_f64..1.0, any::<u8>()), 0..30),
        cut in prop::option::of((0.0_f64..1.0, 0_usize..3_000)),
        end in prop::option::of(0.05_f64..1.0),
    ) {
        let folder = tempdir().unwrap();
        let path = changed(&folder, &VICTIMS.1[victim], |bytes| {
            for (place, value) in flips {
                let at = (place * bytes.len() as f64) as usize;
                bytes[at] = value;
            }
            if let Some((place, length)) = cut {
                let from = (place * bytes.len() as f64) as usize;
                bytes.drain(from..(from + length).min(bytes.len()));
            }
            if let Some(end) = end {
                bytes.truncate((end * bytes.len() as f64) as usize);
            }
        });
        // `drain` checks that time goes on. Without ffmpeg, so that our own code is what is tested.
        if let Ok(reader) = open_audio(&path, &REQUEST, None) {
            drain(reader);
        }
    }
}
