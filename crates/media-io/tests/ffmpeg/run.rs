//! Running ffmpeg leaves nothing behind but what was asked for.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use media_io::{Error, Ffmpeg, FfmpegJob, FfmpegOptions};
use timeline::MediaDuration;

use crate::media;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A job that would take an hour.
fn endless(output: &Path) -> FfmpegJob {
    FfmpegJob::new().arguments(["-re", "-f", "lavfi", "-i", "testsrc=s=64x64:d=3600"]).output(output)
}

fn short(output: &Path) -> FfmpegJob {
    FfmpegJob::new().arguments(["-f", "lavfi", "-i", "testsrc=s=64x64:r=30:d=2"]).output(output)
}

/// How many child processes of this one there are with `word` in their command, dead or alive.
#[cfg(target_os = "linux")]
fn children_with(word: &str) -> usize {
    let is_child = |folder: &Path| {
        let status = fs_err::read_to_string(folder.join("status")).unwrap_or_default();
        let parent = format!("PPid:\t{}\n", std::process::id());
        let command = fs_err::read(folder.join("cmdline")).unwrap_or_default();
        let zombie = status.contains("State:\tZ");
        status.contains(&parent) && (zombie || String::from_utf8_lossy(&command).contains(word))
    };
    let processes = fs_err::read_dir("/proc").expect("a list of processes");
    processes.filter(|entry| entry.as_ref().is_ok_and(|entry| is_child(&entry.path()))).count()
}

#[test]
fn progress_is_reported_and_the_output_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.mp4");
    let mut reports = Vec::new();
    media::ffmpeg()
        .run(&short(&output), &AtomicBool::new(false), &mut |report| reports.push(report))
        .expect("it runs");
    let last = reports.last().expect("a report");
    assert!(last.finished);
    assert_eq!(last.frame, 60);
    let written = last.out_time.expect("a time");
    assert!((written - MediaDuration::from_secs(2)).abs() < MediaDuration::from_millis(200), "{written}");
    assert_eq!(names(folder.path()), ["out.mp4"]);
    assert_eq!(media::ffmpeg().probe(&output).expect("probed").video.len(), 1);
}

#[test]
fn several_outputs_replace_what_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one.mp4"), folder.path().join("50%d.png"));
    fs_err::write(&one, "old").expect("written");
    let job = short(&one).arguments(["-frames:v", "1", "-update", "1"]).output(&two);
    media::run(&job);
    assert_eq!(names(folder.path()), ["50%d.png", "one.mp4"]);
    assert!(media::ffmpeg().probe(&one).is_ok());
}

#[test]
fn an_interrupted_job_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("interrupted.mp4");
    let interrupt = AtomicBool::new(false);
    let began = Instant::now();
    let result =
        media::ffmpeg().run(&endless(&output), &interrupt, &mut |_| interrupt.store(true, Ordering::Relaxed));
    assert!(result.expect_err("stopped").is_interrupted());
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(names(folder.path()), [""; 0]);
    #[cfg(target_os = "linux")]
    assert_eq!(children_with("interrupted"), 0);
}

#[test]
fn a_panic_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("panicked.mp4");
    let never = AtomicBool::new(false);
    let run = || media::ffmpeg().run(&endless(&output), &never, &mut |_| panic!("on purpose"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    assert_eq!(names(folder.path()), [""; 0]);
    #[cfg(target_os = "linux")]
    assert_eq!(children_with("panicked"), 0);
}

#[test]
fn a_failed_job_says_why_and_keeps_the_old_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bad, output) = (folder.path().join("bad.mp4"), folder.path().join("out.mp4"));
    fs_err::write(&bad, "no medium").expect("written");
    fs_err::write(&output, "old").expect("written");
    let job = FfmpegJob::new().input(&bad).output(&output);
    let error = media::ffmpeg().run(&job, &AtomicBool::new(false), &mut |_| {}).expect_err("fails");
    let Error::Ffmpeg(failure) = &error else { panic!("{error:?}") };
    assert!(!failure.status.success());
    assert!(failure.stderr.contains("Invalid data"), "{}", failure.stderr);
    assert!(failure.command_line().contains("bad.mp4"));
    assert!(!error.to_string().contains('\n') && error.to_string().contains("Invalid data"), "{error}");
    assert_eq!(names(folder.path()), ["bad.mp4", "out.mp4"]);
    assert_eq!(fs_err::read_to_string(&output).expect("read"), "old");
}

#[test]
fn what_a_killed_run_left_is_cleared_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.mp4");
    fs_err::write(folder.path().join(".out.mp4.abcdef.partial.mp4"), "half").expect("written");
    fs_err::write(folder.path().join(".other.mp4.abcdef.partial.mp4"), "half").expect("written");
    // The second job starts while the first is writing, and must leave its file alone.
    let mut nested = false;
    let mut inside = |_| {
        if !nested {
            nested = true;
            media::run(&short(&output));
        }
    };
    media::ffmpeg().run(&short(&output), &AtomicBool::new(false), &mut inside).expect("it runs");
    assert!(nested);
    assert_eq!(names(folder.path()), [".other.mp4.abcdef.partial.mp4", "out.mp4"]);
}

#[test]
fn outputs_that_cannot_be_are_refused_before_ffmpeg_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |output: &Path| media::ffmpeg().run(&short(output), &AtomicBool::new(false), &mut |_| {});
    for bad in [folder.path().join("none/out.mp4"), folder.path().to_owned()] {
        let error = run(&bad).expect_err("refused");
        assert!(matches!(error, Error::Output { .. }), "{error:?}");
    }
    let long = folder.path().join(format!("{}.mp4", "ñ".repeat(120)));
    run(&long).expect("a long name is fine");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = FfmpegJob::new()
        .arguments(["-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-f", "rawvideo", "file:/dev/full"])
        .arguments(["-f", "rawvideo"]);
    let folder = tempfile::tempdir().expect("a folder");
    let job = full.output(&folder.path().join("out.raw"));
    let error = media::ffmpeg().run(&job, &AtomicBool::new(false), &mut |_| {}).expect_err("full");
    assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_pipe_is_read_while_ffmpeg_writes() {
    let arguments = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "1", "-f", "s16le", "-"];
    let mut pipe = media::ffmpeg().open_pipe(arguments.map(Into::into).into()).expect("started");
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("read");
    assert_eq!(bytes.len(), 16_000);
    pipe.finish().expect("it ended well");

    let missing = ["-i", "file:no such file", "-f", "s16le", "-"];
    let pipe = media::ffmpeg().open_pipe(missing.map(Into::into).into()).expect("started");
    let error = pipe.finish().expect_err("nothing to read");
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_dropped_pipe_leaves_no_process() {
    let arguments = ["-f", "lavfi", "-i", "anullsrc", "-metadata", "title=dropped-pipe", "-f", "s16le", "-"];
    let mut pipe = media::ffmpeg().open_pipe(arguments.map(Into::into).into()).expect("started");
    pipe.read_exact(&mut [0; 64]).expect("it writes");
    assert_eq!(children_with("dropped-pipe"), 1);
    drop(pipe);
    assert_eq!(children_with("dropped-pipe"), 0);
}

#[test]
fn an_ffmpeg_that_is_not_there_is_told_with_the_remedy() {
    let options = FfmpegOptions { ffmpeg: Some("no-such-ffmpeg".into()), ffprobe: None };
    let error = Ffmpeg::locate(&options).expect_err("missing");
    assert!(matches!(error, Error::FfmpegMissing { .. }));
    assert!(error.to_string().contains("apt install ffmpeg"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_old_or_broken_ffmpeg_is_told_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let program = |name: &str, script: &str| {
        let path = folder.path().join(name);
        fs_err::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("executable");
        path
    };
    let locate = |ffmpeg| Ffmpeg::locate(&FfmpegOptions { ffmpeg: Some(ffmpeg), ffprobe: None });
    let error =
        locate(program("old", "echo ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright")).expect_err("too old");
    assert!(matches!(error, Error::FfmpegTooOld { .. }));
    let text = error.to_string();
    assert!(["4.4", "5.1", "apt install ffmpeg"].iter().all(|part| text.contains(part)), "{text}");
    for (name, script) in [("failing", "echo library missing >&2; exit 127"), ("other", "echo hello")] {
        let error = locate(program(name, script)).expect_err("broken");
        assert!(matches!(error, Error::FfmpegUnusable { .. }), "{error:?}");
    }
}
