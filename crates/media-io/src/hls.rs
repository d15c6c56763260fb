//! HLS: fetching live streams and finished broadcasts segment by segment, keeping them, and telling their time.
//!
//! Playlists and the addresses in them come from outside and are treated so: every size is bounded, no address is
//! followed from the public network into a private one, and no error or log line shows more of an address than its host.

mod address;
mod client;
mod download;
mod error;
mod fetch;
mod guard;
mod key;
mod live;
mod loss;
mod packed;
mod packing;
mod rendition;
mod segment;
mod vod;

pub mod clock;
pub mod live_audio;
pub mod playlist;
pub mod store;

pub use address::Address;
pub use client::{HlsClient, HlsOptions, MAX_PLAYLIST_BYTES, MAX_REDIRECTS, MAX_SEGMENT_BYTES};
pub use download::Download;
pub use error::HlsError;
pub use live::{
    EndReason, JoinAt, LIVE_CONCURRENCY, LiveEvent, LiveOptions, LiveReader, Located, PlaylistSource,
    Skipped, SourceError,
};
pub use loss::{LossReason, LostSegment};
pub use rendition::{Rendition, RenditionRule, UnknownRule, choose};
pub use segment::{InitSection, Packing, Segment};
pub use vod::{Fetched, VOD_CONCURRENCY, VodPlaylist, VodSegment};
