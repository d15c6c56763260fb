//! Publishing to the strict stand-in for TikTok.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod conformance;
mod errors;
mod faults;
mod flow;
mod limits;
mod resume;
mod secrets;
mod support;
