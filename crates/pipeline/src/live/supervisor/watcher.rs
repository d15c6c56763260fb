//! What the supervisor knows of each streamer, and of sessions that nobody records.

use std::time::Instant;

use jiff::Timestamp;
use timeline::Digest;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::presence::{Presence, Sighting};
use super::super::sources::Look;
use super::super::status::StreamerStatus;
use super::super::watch::Watched;
use crate::catalogue::SessionRow;

/// One streamer as the supervisor sees it.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) watched: Watched,
    pub(super) presence: Presence,
    pub(super) session: Option<Handle>,
    /// The run of the session, or of the last one.
    pub(super) last_run: Option<Digest>,
    /// When a drop of the stream last caused a look.
    pub(super) nudged: Option<Instant>,
    pub(super) status: StreamerStatus,
    pub(super) end_at: Option<Timestamp>,
    /// Whether the stream brings nothing new.
    pub(super) standing: bool,
    /// What the stream is filed under.
    pub(super) category: Option<String>,
    /// The newest segment of a fixed address at the last look, and of what was left of a stream that is over.
    pub(super) newest: Option<u64>,
    pub(super) remains: Option<u64>,
}

impl Watcher {
    /// Of a streamer who has not been looked at yet.
    pub(super) fn new(watched: Watched) -> Self {
        let status = StreamerStatus { name: watched.name.to_string(), ..StreamerStatus::default() };
        Self {
            watched,
            presence: Presence::default(),
            session: None,
            last_run: None,
            nudged: None,
            status,
            end_at: None,
            standing: false,
            category: None,
            newest: None,
            remains: None,
        }
    }

    /// A look at a fixed address, compared with the one before: a playlist that does not grow is what is left of a stream.
    pub(super) fn compared(&mut self, mut look: Look) -> Look {
        let Some(newest) = look.newest else { return look };
        let grown = self.newest.replace(newest) != Some(newest);
        let over = match &self.session {
            Some(_) => !grown,
            None => self.remains == Some(newest),
        };
        if over {
            self.remains = Some(newest);
            look.sighting = Sighting::Offline;
        }
        look
    }
}

/// A session that runs.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) run: Digest,
    pub(super) over: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

/// A session that nobody records.
#[derive(Debug)]
pub(super) struct LeftOpen {
    pub(super) row: SessionRow,
    /// Looks in a row that did not find its streamer live.
    pub(super) misses: u32,
    pub(super) last_miss: Option<Instant>,
}

impl From<SessionRow> for LeftOpen {
    fn from(row: SessionRow) -> Self {
        Self { row, misses: 0, last_miss: None }
    }
}
