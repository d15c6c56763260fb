//! Decoding of audio, against media that ffmpeg generates and against ffmpeg's own decoding of it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod containers;
mod damage;
mod refusals;
mod spans;
mod support;
