//! `streamliner process URL` where sound and picture are listed apart, as ffmpeg's own muxer does it.
#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/broadcast.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod broadcast;
#[path = "support/contract.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod contract;
#[path = "support/host.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod host;
#[path = "support/recording.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod recording;
#[path = "support/sandbox.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod sandbox;

use std::path::Path;

use broadcast::{Clip, arguments, assert_alike, assert_frames, assert_tidy, configured, found_in_file, list};
use host::Host;
use testkit::{arena_night, decode_audio, probe};
use timeline::SampleRate;

/// How far sound may be from its picture, in seconds.
const SYNC_S: f64 = 0.020;
/// How far is looked for sound that is out of place, in seconds.
const REACH_S: f64 = 0.2;
/// So many samples are compared at most.
const MOST_SAMPLES: usize = 32_000;
/// The rate at which sounds are compared.
const RATE: SampleRate = SampleRate::HZ_16000;

#[expect(clippy::disallowed_types, reason = "the test makes its media itself")]
fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let made = std::process::Command::new(program)
        .args(["-v", "error"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("it runs");
    assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("text")
}

/// Lists the fixture with its sound apart, as ffmpeg's muxer does it.
fn listed_apart(folder: &Path, kind: &str) {
    let (fixture, ending) = (arena_night(), if kind == "fmp4" { "m4s" } else { "ts" });
    let segments = format!("%v-%d.{ending}");
    let mut arguments =
        vec!["-nostdin", "-i", fixture.to_str().expect("text"), "-map", "0:v:0", "-map", "0:a:0"];
    arguments.extend([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-crf",
        "28",
        "-g",
        "60",
        "-sc_threshold",
        "0",
    ]);
    arguments.extend([
        "-bf",
        "2",
        "-c:a",
        "copy",
        "-f",
        "hls",
        "-hls_time",
        "8",
        "-hls_playlist_type",
        "vod",
    ]);
    arguments.extend(["-hls_segment_type", kind, "-hls_segment_filename", &segments]);
    arguments.extend(["-hls_fmp4_init_filename", "init-%v.mp4", "-master_pl_name", "master.m3u8"]);
    arguments.extend(["-var_stream_map", "a:0,agroup:sound,default:yes v:0,agroup:sound", "%v.m3u8"]);
    run(folder, "ffmpeg", &arguments);
}

/// By how much `part` lies later in `whole` than at second `at_s`: where the two are most alike.
fn lateness_s(part: &[f32], whole: &[f32], at_s: f64) -> f64 {
    let hertz = f64::from(RATE.hertz());
    let reach = (REACH_S * hertz) as i64;
    let begin = (at_s * hertz).round() as i64;
    let likeness = |shift: i64| -> f64 {
        let other = &whole[(begin + shift) as usize..][..part.len()];
        let sum = |one: &[f32], two: &[f32]| -> f64 {
            one.iter().zip(two).map(|(one, two)| f64::from(*one) * f64::from(*two)).sum()
        };
        sum(part, other) / sum(other, other).sqrt().max(f64::MIN_POSITIVE)
    };
    let best = (-reach..=reach).max_by(|one, two| likeness(*one).total_cmp(&likeness(*two)));
    // Found later in the whole, it is played too early.
    -(best.expect("some shift") as f64) / hertz
}

#[track_caller]
fn assert_in_sync(folder: &Path, clip: &Clip, source: &[f32]) {
    let sound = decode_audio(&folder.join(&clip.clip.file), RATE).expect("sound");
    // From its middle: the renderer fades edges in and out.
    let (from, length) = (sound.len() / 4, (sound.len() / 2).min(MOST_SAMPLES));
    let first_s = f64::from(clip.clip.first_frame) / 30.0;
    let at_s = first_s + from as f64 / f64::from(RATE.hertz());
    let late = lateness_s(&sound[from..from + length], source, at_s);
    assert!(late.abs() <= SYNC_S, "sound is {late} s late");
}

#[test]
fn sound_apart_is_listened_to_alone_and_joined_with_its_picture() {
    let source = decode_audio(&arena_night(), RATE).expect("sound");
    for kind in ["mpegts"] {
        let folder = tempfile::tempdir().expect("a folder");
        listed_apart(folder.path(), kind);
        let host = Host::folder(folder.path().to_owned());
        let sandbox = configured(None);
        let address = host.url("/master.m3u8?token=SECRETTOKEN");
        sandbox.run(&[&arguments(&address)[..], &["--keep-full"]].concat()).expect(0);
        let (found, clips) = list(&sandbox);
        assert_alike(&found, found_in_file());
        assert_frames(&sandbox, &clips);
        for clip in &clips {
            assert_in_sync(&sandbox.path("out"), clip, &source);
        }
        let mut segments: Vec<String> = host
            .asked()
            .into_iter()
            .filter(|path| !path.ends_with(".m3u8") && !path.contains("init"))
            .collect();
        let count = segments.len();
        segments.sort_unstable();
        segments.dedup();
        assert_eq!(segments.len(), count, "fetched twice");
        let whole = sandbox.path("out/master.mp4");
        let facts = probe(&whole).expect("the whole");
        let streams = facts["streams"].as_array().expect("streams");
        let kinds: Vec<_> = streams.iter().map(|stream| &stream["codec_type"]).collect();
        assert_eq!(kinds, ["video", "audio"]);
        // A transport stream also plays what the encoder began with, before the first picture.
        let start_s = |at: usize| -> f64 {
            let text = streams[at]["start_time"].as_str().expect("a start");
            text.parse().expect("seconds")
        };
        let sound = decode_audio(&whole, RATE).expect("sound");
        let late = lateness_s(&sound[600_000..632_000], &source, 37.5) + start_s(1) - start_s(0);
        assert!(late.abs() <= SYNC_S, "the sound of the whole is {late} s late");
        assert_tidy(&sandbox, "SECRETTOKEN");
    }
}
