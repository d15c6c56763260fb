//! What was asked for, and what was given.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What happened to one segment of one rendition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentLog {
    /// Requests at an address that held then, faults included.
    pub requests: u32,
    /// How often all of its bytes, and the right ones, were handed to the connection.
    pub whole: u32,
    /// Bytes of bodies handed to connections, of whatever was in them.
    pub bytes: u64,
}

/// What was asked for, and what was given; see [`Origin::log`](super::Origin::log).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// By the rendition's place in the ladder and the segment's index.
    pub segments: BTreeMap<(usize, u64), SegmentLog>,
    /// Requests for multivariant playlists.
    pub masters: u32,
    /// Requests for media playlists.
    pub playlists: u32,
    /// What each readable media playlist listed, by index (the first and the one after the last), in the order of requests.
    pub lists: Vec<Range<u64>>,
    /// Requests for initialisation sections.
    pub inits: u32,
    /// Requests refused with 403: an expired token, a rotated address.
    pub refused: u32,
    /// Requests for segments that were not made yet or are not listed any more, and for what never was.
    pub stray: u32,
    /// Bytes of the bodies of segments and initialisation sections handed to connections.
    pub media_bytes: u64,
}

impl Log {
    /// The segments served whole, by index, at any rung; in order.
    #[must_use]
    pub fn served(&self) -> Vec<u64> {
        let mut served: Vec<_> =
            self.segments.iter().filter(|(_, log)| log.whole > 0).map(|((_, index), _)| *index).collect();
        served.sort_unstable();
        served.dedup();
        served
    }

    /// The segments served whole more than once at one rung: rung and index.
    #[must_use]
    pub fn repeated(&self) -> Vec<(usize, u64)> {
        self.segments.iter().filter(|(_, log)| log.whole > 1).map(|(key, _)| *key).collect()
    }

    /// Bytes of bodies of segments at one rung.
    #[must_use]
    pub fn rung_bytes(&self, rung: usize) -> u64 {
        self.segments.iter().filter(|((of, _), _)| *of == rung).map(|(_, log)| log.bytes).sum()
    }
}

/// The log, shared with the bodies under way.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Log) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a request for a segment and tells how many there were before.
    pub(super) fn requested(&self, rung: usize, index: u64) -> u32 {
        self.change(|log| {
            let entry = log.segments.entry((rung, index)).or_default();
            entry.requests += 1;
            entry.requests - 1
        })
    }
}

/// Who is told how much of a segment's body went out.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    log: SharedLog,
    segment: Option<(usize, u64)>,
}

impl Receipt {
    pub(super) fn of_segment(log: &SharedLog, rung: usize, index: u64) -> Self {
        Self { log: log.clone(), segment: Some((rung, index)) }
    }

    pub(super) fn of_init(log: &SharedLog) -> Self {
        Self { log: log.clone(), segment: None }
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.log.change(|log| {
            log.media_bytes += bytes as u64;
            if let Some(key) = self.segment {
                log.segments.entry(key).or_default().bytes += bytes as u64;
            }
        });
    }

    pub(super) fn whole(&self) {
        if let Some(key) = self.segment {
            self.log.change(|log| log.segments.entry(key).or_default().whole += 1);
        }
    }
}
