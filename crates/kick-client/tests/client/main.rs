//! The API, playback and finished broadcasts against a server on the loopback interface.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod any_body;
mod api;
mod http;
mod playback;
mod poll;
mod support;
mod token;
mod vod;
