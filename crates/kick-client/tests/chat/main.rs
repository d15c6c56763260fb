//! The chat against stand-ins on loopback, and the file that it is recorded in.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod connection;
mod history;
mod log;
mod stand_in;
