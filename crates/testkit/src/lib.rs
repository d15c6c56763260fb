//! Fixtures and generated media for the tests of the Streamliner crates.
//!
//! * [`fixture`] finds a committed file, [`Truth`] says what is in the fixture VOD and the awkward files.
//! * [`FrameStrip`] reads the frame number that is drawn into their pictures, also after a clip was cut, scaled and
//!   captioned; [`frame_numbers`] does it for a whole file.
//! * [`TestMedia`] makes small videos whose every frame carries its number and whose sound beeps on every full second.
//! * [`origin`] plays a file as a live HLS stream, or serves it as a finished broadcast, with faults on demand;
//!   [`kick`] is a stand-in for Kick that leads to it, [`tiktok`] one for TikTok.
//! * [`muxer`] plays a file live through ffmpeg's own HLS muxer.
//!
//! This crate runs ffmpeg by itself and knows nothing of `media-io`, so that what it measures is a second opinion on it.

mod beep;
mod contract;
mod fixture;
mod generate;
pub mod kick;
pub mod muxer;
pub mod origin;
mod program;
pub mod s3;
mod strip;
pub mod tiktok;
mod truth;
mod video;

pub use beep::beep_starts;
pub use contract::{chat_lines, transcript};
pub use fixture::{arena_night, awkward, fixture, fixtures};
pub use generate::{Sound, TestMedia};
pub use strip::{FrameStrip, Placement};
pub use truth::{Damage, Distractor, Moment, Speech, SpokenWord, Truth};
pub use video::{decode_audio, frame_numbers, frame_times, probe};
