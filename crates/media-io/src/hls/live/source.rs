//! Where a live stream's address comes from.

use std::error::Error;
use std::fmt::Debug;

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::hls::address::Address;

/// Knows the address of a live stream. It is asked at the start, and again whenever the address has stopped working.
pub trait PlaylistSource: Send + Sync + Debug {
    /// The address of the list of renditions (or of one rendition's list of segments), as valid now.
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>>;
}

/// The address of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The address.
    pub address: Address,
    /// When it stops being valid, if known; it is asked for anew some time before.
    pub expires: Option<Timestamp>,
}

/// Why the address of a stream is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The stream is over; there is no use in asking again.
    #[error("the stream is over")]
    Gone,
    /// It could not be found out now.
    #[error("the address of the stream cannot be found out")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// A fixed address is its own source.
impl PlaylistSource for Address {
    fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
        Box::pin(async { Ok(Located { address: self.clone(), expires: None }) })
    }
}
