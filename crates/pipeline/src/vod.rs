//! Finished broadcasts by their address: analysed in the cheapest rendition, fetched in full quality only where clips are.
//!
//! ```text
//! address ── located ── playlist of the cheapest rendition ── low/ (all of it) ── sound, cuts ── moments
//!                  └─── playlist of the best one ──────────── best/ (what covers the clips) ──────┘ pictures
//! ```
//!
//! The media time of a run is that of its low rendition. The renditions of a broadcast share their timestamps, so the place of a
//! piece in full quality is known to the tick; where they do not, the lengths that the playlists tell have to do.
//!
//! Addresses often carry tokens: none is stored. What is kept is the address as it was given, without its query, and each start
//! asks anew where the broadcast is.

mod access;
mod best;
mod broadcast;
mod cache;
mod chat;
mod detect;
mod download;
mod error;
mod full;
mod input;
mod known;
mod looking;
mod low;
#[cfg(test)]
mod tests;

pub(crate) use access::Place;
pub use access::VodAccess;
pub(crate) use broadcast::{Broadcast, Opened};
pub use detect::detect_vod;
pub(crate) use download::{MediaFile, interrupted};
pub use error::VodError;
pub(crate) use full::{kept, move_file};
pub use input::VodInput;
pub(crate) use known::{FinishedRun, folder_of, lock_of, request_id, sweep};
pub(crate) use looking::Look;
