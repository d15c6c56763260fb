//! The HLS client against origins on loopback that do what origins do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bounds;
mod faults;
mod live;
mod origin;
mod vod;
