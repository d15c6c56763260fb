//! Where the clips of a streamer go by themselves.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use publish::Target;
use timeline::StreamerName;

/// One place for the clips of a streamer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// The account.
    pub target: Target,
    /// Whether clips wait there for a person's word.
    pub held: bool,
    /// A clip that could not be sent within this time is dropped; `None` keeps it.
    pub expires_after: Option<SignedDuration>,
}

/// The outlets of all streamers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlets {
    /// Of those that have none of their own.
    pub common: Vec<Outlet>,
    /// Of those that have; their names have no case.
    pub own: BTreeMap<String, Vec<Outlet>>,
}

impl Outlets {
    /// Where the clips of this streamer go.
    #[must_use]
    pub fn of(&self, streamer: &StreamerName) -> &[Outlet] {
        self.own.get(&streamer.as_str().to_lowercase()).unwrap_or(&self.common)
    }
}
