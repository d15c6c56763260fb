//! A click at a known time is heard at that time, whatever it is wrapped in.

use media_io::{AudioRequest, Backend, TrackChoice};
use tempfile::tempdir;
use timeline::{GapCause, SampleRate};

use crate::support::{CLICK_TIMES, CLICKS, FFMPEG, Heard, PICTURE, assert_clicks, clicks_in, hear, make};

const WITH_PICTURE: &str = "-map 0:v -map 1:a -c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p";

fn inputs(offset: &str) -> String {
    format!("-f lavfi -i {PICTURE} {offset} -f lavfi -i {CLICKS} {WITH_PICTURE}")
}

fn bytes(path: &std::path::Path) -> Vec<u8> {
    fs_err::read(path).unwrap()
}

fn at(path: &std::path::Path, rate: SampleRate) -> Heard {
    hear(path, &AudioRequest::new(rate))
}

#[test]
fn clicks_of_sound_alone_are_in_place() {
    let folder = tempdir().unwrap();
    for (name, codec, delay) in [
        ("click.wav", "-c:a pcm_s16le", 0.0),
        ("click.aiff", "-c:a pcm_s24be", 0.0),
        ("click.flac", "-c:a flac", 0.0),
        ("click.m4a", "-c:a aac", 0.0),
        ("alac.m4a", "-c:a alac", 0.0),
        ("click.mp3", "-c:a libmp3lame", 0.0),
        ("click.ogg", "-c:a libvorbis", 0.0),
        // Neither marks an encoder's priming: 1024 samples.
        ("click.aac", "-c:a aac", 1_024.0 / 48_000.0),
        ("click.ts", "-c:a aac", 1_024.0 / 48_000.0),
    ] {
        let path = make(&folder, name, &format!("-f lavfi -i {CLICKS} {codec}"));
        let expected = CLICK_TIMES.map(|time| time + delay);
        for rate in [SampleRate::HZ_16000, SampleRate::HZ_48000, SampleRate::new(44_100).unwrap()] {
            let heard = at(&path, rate);
            assert_clicks(name, &heard, &expected);
            assert_eq!(heard.gaps, [], "{name}");
            assert_eq!(heard.report.damaged_packets, 0, "{name}");
            assert!((heard.seconds() - 4.0 - delay).abs() < 0.03, "{name}: {} s", heard.seconds());
            assert_ne!(heard.report.backend, Backend::Ffmpeg, "{name}");
            // A transport stream may announce a picture at any time.
            assert_eq!(heard.report.only_sound, heard.report.backend == Backend::Symphonia, "{name}");
        }
    }
}

#[test]
fn clicks_beside_picture_are_where_ffmpeg_has_them() {
    let folder = tempdir().unwrap();
    for (name, codec, backend) in [
        ("aac.mp4", "-c:a aac", Backend::Symphonia),
        ("mp3.mp4", "-c:a libmp3lame", Backend::Symphonia),
        ("44100.mp4", "-c:a aac -ar 44100", Backend::Symphonia),
        ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov", Backend::Symphonia),
        (
            "edited-fragments.mp4",
            "-c:a aac -movflags frag_keyframe+empty_moov+delay_moov",
            Backend::Symphonia,
        ),
        ("aac.mkv", "-c:a aac", Backend::Symphonia),
        ("flac.mkv", "-c:a flac", Backend::Symphonia),
        ("mp3.mkv", "-c:a libmp3lame", Backend::Symphonia),
        ("vorbis.mkv", "-c:a libvorbis", Backend::Symphonia),
        ("aac.ts", "-c:a aac", Backend::TransportStream),
        ("aac44100.ts", "-c:a aac -ar 44100", Backend::TransportStream),
        ("mp3.ts", "-c:a libmp3lame", Backend::TransportStream),
        ("mp2.ts", "-c:a mp2 -ac 2 -b:a 192k", Backend::TransportStream),
        // 384 kbit/s for one channel is not allowed, but common.
        ("mono-mp2.ts", "-c:a mp2 -b:a 384k", Backend::Ffmpeg),
        ("ac3.ts", "-c:a ac3", Backend::Ffmpeg),
        ("ac3.mp4", "-c:a ac3", Backend::Ffmpeg),
        ("opus.mkv", "-c:a libopus", Backend::Ffmpeg),
        ("mp3.avi", "-c:a libmp3lame", Backend::Ffmpeg),
        ("aac.flv", "-c:a aac", Backend::Ffmpeg),
        ("low.mp4", "-c:a aac -ar 22050", Backend::Ffmpeg),
        ("surround.mp4", "-c:a aac -ac 6", Backend::Ffmpeg),
    ] {
        let path = make(&folder, name, &format!("{} {codec}", inputs("")));
        let heard = at(&path, SampleRate::HZ_48000);
        // ffmpeg's output begins at the container's start, with silence where sound is missing.
        let arguments = [
            "-i",
            path.to_str().unwrap(),
            "-map",
            "0:a:0",
            "-af",
            "aresample=async=1:min_hard_comp=0.01:first_pts=0",
        ];
        let output = ["-ac", "1", "-ar", "48000", "-f", "f32le", "pipe:1"];
        let raw = FFMPEG.capture(arguments.iter().chain(&output).map(Into::into).collect()).unwrap();
        let reference: Vec<f32> =
            raw.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        let expected: Vec<f64> = clicks_in(&reference, SampleRate::HZ_48000)
            .into_iter()
            .map(|index| index as f64 / 48_000.0)
            .collect();
        assert_clicks(name, &heard, &expected);
        assert_eq!(heard.report.backend, backend, "{name}");
        assert!(!heard.report.only_sound, "{name}");
        assert_eq!(heard.report.damaged_packets, 0, "{name}");
        // ffmpeg writes the first sample of such fragments too early, and cuts Opus' priming at the container's start.
        let gaps = usize::from(name == "fragments.mp4" || name == "opus.mkv");
        assert_eq!(heard.gaps.len(), gaps, "{name}: {:?}", heard.gaps);
    }
}

#[test]
fn sound_that_starts_late_says_so() {
    let folder = tempdir().unwrap();
    // Without edit lists for priming, sound and picture both come one AAC frame late, and media time begins with neither.
    for (name, codec, backend) in [
        ("late.mp4", "-c:a aac", Backend::Symphonia),
        ("late.mkv", "-c:a flac", Backend::Symphonia),
        ("late.ts", "-c:a aac", Backend::TransportStream),
        ("late-ac3.ts", "-c:a ac3", Backend::Ffmpeg),
        ("late-ac3.mp4", "-c:a ac3", Backend::Ffmpeg),
    ] {
        let path = make(&folder, name, &format!("{} {codec}", inputs("-itsoffset 1")));
        let heard = at(&path, SampleRate::HZ_16000);
        assert_clicks(name, &heard, &CLICK_TIMES.map(|time| time + 1.0));
        assert_eq!(heard.report.backend, backend, "{name}");
        assert_eq!(heard.gaps.len(), 1, "{name}: {:?}", heard.gaps);
        assert_eq!(heard.gaps[0].cause, GapCause::LateStart, "{name}");
        let (start, end) = heard.gap_millis()[0];
        assert!(start == 0 && (970..=1_001).contains(&end), "{name}: {:?}", heard.gaps);
    }
}

#[test]
fn clocks_that_wrap_go_on() {
    let folder = tempdir().unwrap();
    // 2^33 / 90000 s is 95443.7 s.
    let path = make(&folder, "wrap.ts", &format!("{} -c:a aac -output_ts_offset 95440.9", inputs("")));
    let heard = at(&path, SampleRate::HZ_16000);
    assert_clicks("wrap.ts", &heard, &CLICK_TIMES.map(|time| time + 1_024.0 / 48_000.0));
    assert_eq!(heard.gaps, []);
}

#[test]
fn clocks_that_are_set_anew_go_on() {
    let folder = tempdir().unwrap();
    let one =
        bytes(&make(&folder, "one.ts", &format!("-f lavfi -i {CLICKS} -c:a aac -output_ts_offset 1000")));
    let two = bytes(&make(&folder, "two.ts", &format!("-f lavfi -i {CLICKS} -c:a aac")));
    let path = folder.path().join("both.ts");
    fs_err::write(&path, [one, two].concat()).unwrap();
    let heard = at(&path, SampleRate::HZ_16000);
    let clicks = heard.clicks();
    assert_eq!(clicks.len(), 4, "{clicks:?}");
    assert!((clicks[2] - 5.0).abs() < 0.1, "{clicks:?}");
}

#[test]
fn any_track_can_be_chosen() {
    let folder = tempdir().unwrap();
    let second = CLICKS.replace("48000)+eq(n,120000)", "96000)");
    for name in ["two.mp4", "two.mkv", "two.ts", "two-ac3.mkv"] {
        let codec = if name.contains("ac3") { "ac3" } else { "aac" };
        let tracks = format!("-f lavfi -i {CLICKS} -f lavfi -i {second} -map 0:a -map 1:a -c:a {codec}");
        let path = make(&folder, name, &tracks);
        let clicks =
            |track| hear(&path, &AudioRequest { track, ..AudioRequest::new(SampleRate::HZ_16000) }).clicks();
        assert_eq!(clicks(TrackChoice::Default).len(), 2, "{name}");
        assert_eq!(clicks(TrackChoice::Index(0)).len(), 2, "{name}");
        let second = clicks(TrackChoice::Index(1));
        assert!(second.len() == 1 && (second[0] - 2.0).abs() < 0.03, "{name}: {second:?}");
    }
}

#[test]
fn channels_are_averaged() {
    let folder = tempdir().unwrap();
    let stereo = "aevalsrc=0.5|0.25:s=16000:d=1";
    let path = make(&folder, "stereo.wav", &format!("-f lavfi -i {stereo} -c:a pcm_s16le"));
    let heard = at(&path, SampleRate::HZ_16000);
    assert!(heard.runs[0].1.iter().all(|sample| (sample - 0.375).abs() < 1e-3));
}
