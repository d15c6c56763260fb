//! Work that goes on while nobody waits for it, and ends with its handle.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::hls::client::HlsOptions;
use crate::hls::error::HlsError;
use crate::hls::fetch::{Body, Fetcher, Listing};
use crate::hls::playlist::Entry;

/// How long one segment is tried for at most, since those after it wait for it: as long as the windows of live lists
/// usually reach. Lists exist that keep hours.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A spawned task that is aborted when it is dropped.
#[derive(Debug)]
pub(super) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(super) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Whether it has come to its end.
    pub(super) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for its end; may be given up and called again. None if it panicked or its runtime has ended.
    pub(super) async fn join(&mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The newest list, for the segments that are being fetched: it tells whether they are still listed, and where.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) epoch: u32,
    pub(super) listing: Arc<Listing>,
    pub(super) fetcher: Arc<Fetcher>,
}

/// Fetches one segment, again and again while it is listed, and as often as anything is tried once no list tells of it any more.
pub(super) async fn fetch_listed(
    epoch: u32,
    entry: Entry,
    mut current: watch::Receiver<Current>,
    refused: Arc<Notify>,
    options: HlsOptions,
) -> Result<Body, HlsError> {
    let started = Instant::now();
    let mut latest = current.borrow_and_update().clone();
    // A list that stands still keeps its segments listed for ever; nothing is waited for longer than it reaches.
    let reach = latest.listing.list.entries.iter().map(|entry| entry.duration.to_std()).sum::<Duration>();
    let patience = reach.min(LONGEST_WAIT);
    let mut target = (latest.listing.base.clone(), entry.clone());
    let mut failures = 0;
    loop {
        if let Some(listed) = listed(&latest, epoch, entry.sequence) {
            target = listed;
        }
        let (base, wanted) = &target;
        let error = match latest.fetcher.segment(base, wanted).await {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        failures += 1;
        tracing::debug!(%error, failures, sequence = entry.sequence, "a segment did not come");
        if !error.is_transient() {
            return Err(error);
        }
        if matches!(error, HlsError::Status { status: 401 | 403 | 410, .. }) {
            refused.notify_one();
        }
        tokio::time::sleep(options.delay(failures)).await;
        latest = current.borrow_and_update().clone();
        // Where numbers have begun anew, a list says nothing of what came before: it may still be had at its old address.
        let says_nothing = latest.listing.list.ended || latest.epoch != epoch;
        let listed = says_nothing || listed(&latest, epoch, entry.sequence).is_some();
        let tried = says_nothing && failures >= options.attempts;
        if tried || !listed || started.elapsed() > patience {
            return Err(error);
        }
    }
}

/// The segment as it is listed now.
fn listed(current: &Current, epoch: u32, sequence: u64) -> Option<(crate::hls::Address, Entry)> {
    let entry = (current.epoch == epoch).then(|| current.listing.list.entry(sequence)).flatten()?;
    Some((current.listing.base.clone(), entry.clone()))
}
