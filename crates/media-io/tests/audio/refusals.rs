//! What cannot be decoded is refused with the reason.

use media_io::{AudioRequest, Error, TrackChoice, open_audio};
use tempfile::tempdir;
use timeline::SampleRate;

use crate::support::{CLICKS, FFMPEG, PICTURE, make};

const REQUEST: AudioRequest = AudioRequest::new(SampleRate::HZ_16000);

#[test]
fn files_that_hold_no_sound() {
    let folder = tempdir().unwrap();
    let refused = |path: &std::path::Path| open_audio(path, &REQUEST, Some(&FFMPEG)).expect_err("no sound");
    for name in ["silent.mp4", "silent.mkv", "silent.ts", "silent.avi"] {
        let path = make(&folder, name, &format!("-f lavfi -i {PICTURE} -c:v libx264 -preset ultrafast"));
        let error = refused(&path);
        assert!(matches!(error, Error::NoAudio { .. }), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(matches!(refused(&folder.path().join("missing.mp4")), Error::NotFound { .. }));
    assert!(matches!(refused(folder.path()), Error::Directory { .. }));
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs_err::write(&path, content).unwrap();
        path
    };
    assert!(matches!(refused(&file("empty.mp4", b"")), Error::Empty { .. }));
    let text = file("text.mp4", "Call me Ishmael. ".repeat(1_000).as_bytes());
    assert!(matches!(refused(&text), Error::NotMedia { .. }), "{}", refused(&text));
    let whole = make(&folder, "whole.mp4", &format!("-f lavfi -i {CLICKS} -c:a aac"));
    let bytes = fs_err::read(whole).unwrap();
    let cut = file("cut.mp4", &bytes[..bytes.len() / 2]);
    assert!(matches!(refused(&cut), Error::Truncated { .. }), "{}", refused(&cut));
}

#[test]
fn tracks_that_are_not_there() {
    let folder = tempdir().unwrap();
    let request = AudioRequest { track: TrackChoice::Index(1), ..REQUEST };
    for name in ["one.mp4", "one.ts", "one.wav", "one.avi"] {
        let path = make(&folder, name, &format!("-f lavfi -i {CLICKS}"));
        let error = open_audio(&path, &request, Some(&FFMPEG)).expect_err("there is one track");
        assert!(matches!(error, Error::NoSuchTrack { index: 1, count: 1, .. }), "{name}: {error}");
    }
}

#[test]
fn what_only_ffmpeg_decodes_needs_it() {
    let folder = tempdir().unwrap();
    for (name, codec) in [("a.mp4", "-c:a ac3"), ("a.ts", "-c:a ac3"), ("a.mkv", "-c:a libopus")] {
        let path = make(&folder, name, &format!("-f lavfi -i {CLICKS} {codec}"));
        let error = open_audio(&path, &REQUEST, None).expect_err("symphonia does not know it");
        assert!(matches!(error, Error::NeedsFfmpeg { .. }), "{name}: {error}");
        assert!(error.to_string().contains("install ffmpeg"), "{error}");
    }
    // It may be HE-AAC, but is better decoded in part than not at all.
    let path = make(&folder, "low.m4a", &format!("-f lavfi -i {CLICKS} -c:a aac -ar 22050"));
    assert!(open_audio(&path, &REQUEST, None).is_ok());
}
