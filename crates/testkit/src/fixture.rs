//! Where the committed media lies.

use std::path::{Path, PathBuf};

/// The `fixtures/` folder of the workspace.
#[must_use]
pub fn fixtures() -> PathBuf {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/testkit lies two below");
    workspace.join("fixtures")
}

/// A committed file by its name below `fixtures/`, such as `speech/jfk.wav`.
///
/// # Panics
/// If there is no such file: a misspelt fixture should fail by its name.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    let path = fixtures().join(name);
    assert!(path.exists(), "there is no fixture {}", path.display());
    path
}

/// The fixture VOD: 216 s with four moments among eight distractors.
#[must_use]
pub fn arena_night() -> PathBuf {
    fixture("arena-night.mp4")
}

/// The awkward transport stream: late sound, odd clock, variable frame rate, a damaged stretch.
#[must_use]
pub fn awkward() -> PathBuf {
    fixture("awkward.ts")
}
