//! Live streams that ffmpeg's own HLS muxer makes and a plain web server serves, and recordings that are hours long: frames and
//! samples are those of the source, and sound stays with picture. All is measured by `testkit`, which knows nothing of this crate.
#![expect(clippy::expect_used, reason = "helpers of tests fail by panicking, as tests do")]

mod measure;
mod muxer;
mod six_hours;
