//! Telling people elsewhere what happened: a streamer is live, a clip is ready, was posted, or could not be.
//!
//! A [`Notifier`] takes [`Notice`]s and never makes the caller wait: they go through a short queue to a task of its own, which sends each to
//! every [`Channel`], with repetitions. If a channel is away for long, the oldest notices that wait are dropped, and a log line says how many.
//!
//! | channel | form |
//! |---|---|
//! | [`Channel::webhook`] | `POST` of the notice as JSON, signed as described at [`signature`] |
//! | [`Channel::discord`] | a message with one embed; nobody is pinged, whatever a title says |
//!
//! Addresses of channels are secrets: who knows one can write there.

mod channel;
mod discord;
mod notice;
mod notifier;
mod signature;

pub use channel::{Channel, ChannelError};
pub use notice::{Notice, What};
pub use notifier::{Notifier, NotifierTask};
pub use signature::{SIGNATURE_HEADER, is_signed, signature};
