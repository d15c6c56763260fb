//! What files are, and what files are not.

use std::path::Path;

use media_io::{Error, FfmpegJob};
use timeline::{FrameRate, MediaDuration, MediaTime};

use crate::media;

fn probe_error(path: &Path) -> Error {
    media::ffmpeg().probe(path).expect_err("it is no medium")
}

#[test]
fn streams_are_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mkv");
    let inputs =
        ["-f", "lavfi", "-i", "testsrc=s=320x240:r=30000/1001:d=3", "-f", "lavfi", "-i", "sine=d=3:r=44100"];
    let job = FfmpegJob::new()
        .arguments(inputs)
        .arguments([
            "-map", "0", "-map", "1", "-map", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac",
        ])
        .arguments([
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-colorspace",
            "bt709",
            "-color_range",
            "tv",
        ])
        .arguments([
            "-metadata:s:a:1",
            "language=spa",
            "-disposition:a:0",
            "0",
            "-disposition:a:1",
            "default",
        ])
        .arguments(["-vf", "setsar=4/3"]);
    media::run(&job.output(&path));

    let info = media::ffmpeg().probe(&path).expect("probed");
    assert_eq!(info.container, "matroska,webm");
    let length = info.duration.expect("a length");
    assert!((length - MediaDuration::from_secs(3)).abs() < MediaDuration::from_millis(100), "{length}");
    let video = info.default_video().expect("a picture");
    assert_eq!((video.codec.as_str(), video.width, video.height), ("h264", 320, 240));
    assert_eq!((video.sample_aspect_ratio, video.display_size()), ((4, 3), (426, 240)));
    assert_eq!(video.average_rate, FrameRate::new(30_000, 1_001));
    assert!(!video.variable_frame_rate);
    assert_eq!(video.pixel_format.as_deref(), Some("yuv420p"));
    assert_eq!(video.colour.matrix.as_deref(), Some("bt709"));
    assert_eq!(video.colour.range.as_deref(), Some("tv"));
    assert_eq!(info.audio.len(), 2);
    let audio = info.default_audio().expect("sound");
    assert_eq!((audio.index, audio.language.as_deref()), (2, Some("spa")));
    assert_eq!((audio.codec.as_str(), audio.sample_rate, audio.channels), ("aac", 44_100, 1));
}

#[test]
fn times_count_from_the_start_of_the_container() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ts");
    media::moved(&path, "0", "2.25");
    let info = media::ffmpeg().probe(&path).expect("probed");
    assert!(info.start > MediaTime::from_secs(1), "{}", info.start);
    assert_eq!(info.video[0].start, MediaTime::ZERO);
    // Less the priming of the encoder.
    let late = info.audio[0].start.as_secs_f64();
    assert!((2.2..2.26).contains(&late), "{late}");
}

#[test]
fn constant_rates_are_constant_in_every_container() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["x.mp4", "x.mkv", "x.ts", "x.flv", "x.mov"] {
        let path = folder.path().join(name);
        media::encoded(60, &path, &["-t", "4"]);
        let info = media::ffmpeg().probe(&path).expect("probed");
        assert!(!info.video[0].variable_frame_rate, "{name}");
    }
}

#[test]
fn a_turned_picture_is_turned() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mp4");
    media::encoded(30, &path, &["-t", "1", "-an"]);
    // A quarter turn clockwise, as a phone writes it: the matrix of the track header, in 16.16 and 2.30 fixed point.
    let mut bytes = fs_err::read(&path).expect("read");
    let header = bytes.windows(4).position(|window| window == b"tkhd").expect("a track header");
    let matrix: [i32; 9] = [0, 1 << 16, 0, -(1 << 16), 0, 0, 64 << 16, 0, 1 << 30];
    let matrix: Vec<u8> = matrix.iter().flat_map(|number| number.to_be_bytes()).collect();
    let at = header + 4 + 4 + 20 + 8 + 8;
    bytes[at..at + matrix.len()].copy_from_slice(&matrix);
    fs_err::write(&path, bytes).expect("written");
    let info = media::ffmpeg().probe(&path).expect("probed");
    assert_eq!(info.video[0].rotation, 90);
    assert_eq!(info.video[0].display_size(), (64, 192));
}

#[test]
fn cover_art_is_not_video() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cover, path) = (folder.path().join("cover.png"), folder.path().join("x.mp3"));
    let picture = FfmpegJob::new().arguments(["-f", "lavfi", "-i", "color=s=64x64:d=1"]);
    media::run(&picture.arguments(["-frames:v", "1", "-update", "1"]).output(&cover));
    let job = FfmpegJob::new().arguments(["-f", "lavfi", "-i", "sine=d=2"]).input(&cover);
    media::run(
        &job.arguments(["-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"])
            .output(&path),
    );
    let info = media::ffmpeg().probe(&path).expect("probed");
    assert!(info.video.is_empty());
    assert_eq!(info.audio.len(), 1);
    assert!(matches!(probe_error(&cover), Error::NotMedia { .. }));
}

#[test]
fn what_is_no_medium_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs_err::write(&path, content).expect("written");
        path
    };
    assert!(matches!(probe_error(&folder.path().join("none.mp4")), Error::NotFound { .. }));
    assert!(matches!(probe_error(&file("x", b"").join("below.mp4")), Error::NotFound { .. }));
    assert!(matches!(probe_error(folder.path()), Error::Directory { .. }));
    assert!(matches!(probe_error(&file("empty.mp4", b"")), Error::Empty { .. }));
    let text = "One line of text after another.\n".repeat(100);
    for name in ["text.mp4", "text.txt", "text", "-i.ts", "a:b.mp3"] {
        let error = probe_error(&file(name, text.as_bytes()));
        assert!(matches!(error, Error::NotMedia { .. }), "{name}: {error:?}");
        let message = error.to_string();
        assert!(message.contains(name) && !message.contains('\n'), "{message}");
    }
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n";
    assert!(matches!(probe_error(&file("list.mp4", playlist.as_bytes())), Error::NotMedia { .. }));

    let whole = folder.path().join("whole.mp4");
    media::encoded(30, &whole, &["-t", "2"]);
    let bytes = fs_err::read(&whole).expect("read");
    // In its sound and picture, and in its index, which is at its end here: in the header of the first track and later.
    let index = bytes.windows(4).position(|window| window == b"moov").expect("an index");
    for length in [200, index - 4, index + 150, index + 180, index + 300] {
        let error = probe_error(&file(&format!("{length} bytes.mp4"), &bytes[..length]));
        assert!(matches!(error, Error::Truncated { .. }), "{length}: {error:?}");
    }
}
