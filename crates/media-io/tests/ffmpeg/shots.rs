//! Shot changes are found at their frame, and only in the span asked for.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use media_io::{Error, FfmpegJob, shot_changes};
use timeline::{FrameRate, MediaDuration, MediaTime, Span};

use crate::media;

/// Dark, bright, dark and so on, 1.7 s each, with moving noise so that no two frames are equal.
fn shots(path: &Path, options: &[&str]) {
    let picture = "nullsrc=s=320x180:r=30:d=20,format=gray,\
                   geq=lum='if(mod(floor(N/51),2),170,60)+20*sin((X+Y+3*N)/20)',noise=alls=8:allf=t,format=yuv420p";
    let job = FfmpegJob::new().arguments(["-f", "lavfi", "-i", picture]);
    media::run(&job.arguments(["-c:v", "libx264", "-preset", "veryfast"]).arguments(options).output(path));
}

#[test]
fn changes_are_exact_to_the_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, options) in [
        ("x.mp4", vec!["-g", "45"]),
        ("x.mkv", vec!["-sc_threshold", "0"]),
        ("x.ts", vec!["-g", "60", "-output_ts_offset", "95435"]),
    ] {
        let path = folder.path().join(name);
        shots(&path, &options);
        let info = media::ffmpeg().probe(&path).expect("probed");
        for (start, end) in [(0.0, 20.0), (5.0, 10.1), (17.0, 19.0)] {
            let span = Span::from_secs_f64(start, end);
            let found =
                shot_changes(media::ffmpeg(), &path, &info, span, &AtomicBool::new(false)).expect("found");
            let changes = (1..12).map(|shot| FrameRate::FPS_30.time_of_frame(shot * 51));
            let wanted: Vec<MediaTime> = changes.filter(|time| span.contains(*time)).collect();
            assert_eq!(found.len(), wanted.len(), "{name} {span}: {found:?} {wanted:?}");
            let near = |(found, wanted): (&MediaTime, &MediaTime)| {
                (*found - *wanted).abs() <= MediaDuration::from_millis(1)
            };
            assert!(found.iter().zip(&wanted).all(near), "{name} {span}: {found:?} {wanted:?}");
        }
    }
}

#[test]
fn an_even_picture_has_none_and_sound_no_shots() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mp4");
    media::encoded(30, &path, &["-t", "4", "-vf", "drawbox=t=fill"]);
    let info = media::ffmpeg().probe(&path).expect("probed");
    let span = Span::from_secs_f64(0.0, 4.0);
    let never = AtomicBool::new(false);
    assert_eq!(shot_changes(media::ffmpeg(), &path, &info, span, &never).expect("looked"), []);

    let set = AtomicBool::new(false);
    set.store(true, Ordering::Relaxed);
    assert!(matches!(shot_changes(media::ffmpeg(), &path, &info, span, &set), Err(Error::Interrupted)));

    let sound = folder.path().join("x.m4a");
    media::encoded(30, &sound, &["-vn", "-t", "4"]);
    let info = media::ffmpeg().probe(&sound).expect("probed");
    assert!(matches!(shot_changes(media::ffmpeg(), &sound, &info, span, &never), Err(Error::NoVideo { .. })));
}
