//! Everything that runs ffmpeg, with a real ffmpeg on media made on the spot.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cut;
mod media;
mod probe;
mod run;
mod shots;
