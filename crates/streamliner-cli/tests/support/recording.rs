//! Pieces of the fixture VOD, and looking at files with ffmpeg itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// Runs ffmpeg to its end; what it said.
#[track_caller]
pub(crate) fn ffmpeg<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (Vec<u8>, String) {
    let output = Command::new("ffmpeg").args(["-nostdin", "-y"]).args(arguments).output().expect("ffmpeg");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (output.stdout, said)
}

/// Copies seconds of the fixture VOD, without encoding anew, to `target`.
#[track_caller]
pub(crate) fn excerpt(start_s: u32, length_s: u32, target: &Path) {
    let (start, length) = (start_s.to_string(), length_s.to_string());
    let source = testkit::arena_night();
    let mut name = std::ffi::OsString::from("file:");
    name.push(target);
    let before = ["-v", "error", "-ss", &start, "-t", &length, "-i"].map(OsStr::new);
    ffmpeg(
        before.into_iter().chain([source.as_os_str()]).chain(["-c", "copy"].map(OsStr::new)).chain([&*name]),
    );
}

/// All files below a folder, in order; empty if there is no such folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect();
    files.sort();
    files
}
