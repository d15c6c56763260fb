//! Segments as a live origin gives them, made by ffmpeg's own HLS muxer: where they lie, how they sound, and what can be cut
//! out of a store of them.
#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking, as tests do")]

mod extract;
mod live_audio;
mod metadata;
mod support;
