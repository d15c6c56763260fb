//! The reader of a live stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::budget::Budget;
use super::event::{EndReason, LiveEvent, Skipped};
use super::options::LiveOptions;
use super::pace::{reload_after, segment_length};
use super::source::{PlaylistSource, SourceError};
use super::task::{Current, Task, fetch_listed};
use super::window::Window;
use crate::hls::client::HlsClient;
use crate::hls::error::HlsError;
use crate::hls::fetch::{Body, Fetcher, Listing};
use crate::hls::loss::{LossReason, LostSegment};
use crate::hls::playlist::Entry;
use crate::hls::rendition::{Rendition, RenditionRule};
use crate::hls::segment::Segment;

/// How long before an address expires a new one is asked for.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);
/// After how many failed reloads in a row a new address is asked for, whatever the failures were.
const FAILURES_TO_RESOLVE: u32 = 3;

/// How many segments are held at most while one before them is still tried for.
const AHEAD: usize = 8;

/// Follows one live stream. Playlists and segments are fetched by tasks of the surrounding tokio runtime, which go on while
/// the caller is busy and end when the reader is dropped; some eight segments wait for him at most.
#[derive(Debug)]
pub struct LiveReader {
    client: HlsClient,
    source: Arc<dyn PlaylistSource>,
    rule: RenditionRule,
    options: LiveOptions,
    received: Arc<AtomicU64>,
    budget: Budget,
    window: Window,
    /// The newest list; none before the first.
    current: Option<watch::Sender<Current>>,
    rendition: Rendition,
    /// What is to be told, in order.
    queue: VecDeque<Item>,
    /// What is to be told before that.
    events: VecDeque<LiveEvent>,
    reload: Option<Task<Reload>>,
    reload_at: Instant,
    /// How long a segment lasts, by the newest list.
    length: Duration,
    /// When the newest list was had.
    listed_at: Instant,
    /// When the last new segment was listed, and how often it was told that there is none since.
    progress: (Instant, u32),
    failures: u32,
    failing_since: Option<Instant>,
    resolve: bool,
    resolved_at: Option<Instant>,
    expires_at: Option<Instant>,
    refused: Arc<Notify>,
    /// Why nothing more will be listed, once that is known.
    ending: Option<EndReason>,
}

#[derive(Debug)]
enum Item {
    Waiting { epoch: u32, entry: Entry },
    Fetching { epoch: u32, entry: Entry, task: Task<Result<Body, HlsError>> },
    Skipped(Skipped),
}

/// What asking for the playlist brought.
#[derive(Debug)]
struct Reload {
    asked_at: Instant,
    outcome: Result<Reloaded, ReloadError>,
}

#[derive(Debug)]
struct Reloaded {
    listing: Listing,
    /// What a new address brought; none if the old one was used.
    resolved: Option<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    fetcher: Arc<Fetcher>,
    rendition: Rendition,
    expires: Option<Timestamp>,
}

#[derive(Debug)]
enum ReloadError {
    Gone,
    Failed(HlsError),
}

impl LiveReader {
    /// A reader of the stream whose address `source` knows. Nothing is fetched before [`LiveReader::next`] is called.
    #[must_use]
    pub fn new(
        client: HlsClient,
        source: Arc<dyn PlaylistSource>,
        rule: RenditionRule,
        options: LiveOptions,
    ) -> Self {
        let now = Instant::now();
        Self {
            client,
            source,
            rule,
            received: Arc::default(),
            budget: Budget::new(options.bytes_per_hour),
            options,
            window: Window::default(),
            current: None,
            rendition: Rendition::default(),
            queue: VecDeque::new(),
            events: VecDeque::new(),
            reload: None,
            reload_at: now,
            length: Duration::ZERO,
            listed_at: now,
            progress: (now, 0),
            failures: 0,
            failing_since: None,
            resolve: true,
            resolved_at: None,
            expires_at: None,
            refused: Arc::default(),
            ending: None,
        }
    }

    /// The rendition that is read, once the first event has come.
    #[must_use]
    pub const fn rendition(&self) -> &Rendition {
        &self.rendition
    }

    /// How many bytes of playlists, keys and segments have come so far.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Waits for what happens next. It may be given up and called again without losing anything. After
    /// [`LiveEvent::Ended`] it gives that again.
    ///
    /// # Errors
    /// If the stream cannot be joined, for a reason that waiting does not mend: its address leads to something else than a
    /// playlist, or into a private network, or it is encrypted in a way that cannot be undone. Once joined, whatever goes
    /// wrong is an event.
    pub async fn next(&mut self) -> Result<LiveEvent, HlsError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if let Some(Item::Skipped(skipped)) = self.queue.front() {
                let event = LiveEvent::Skipped(*skipped);
                self.queue.pop_front();
                return Ok(event);
            }
            if self.queue.is_empty()
                && let Some(reason) = &self.ending
            {
                return Ok(LiveEvent::Ended(reason.clone()));
            }
            self.start_fetching();
            let open = self.ending.is_none();
            let reloading = self.reload.is_some();
            let joined = self.current.is_some();
            let stall_at = self.stall_at();
            let expiry = self.expires_at;
            tokio::select! {
                biased;
                body = fetched(self.queue.front_mut()) => return Ok(self.deliver(body)),
                reload = reloaded(self.reload.as_mut()), if reloading => {
                    self.reload = None;
                    self.reloaded(reload)?;
                }
                () = sleep_until(self.reload_at), if open && !reloading => self.start_reload(),
                () = self.refused.notified(), if open && joined => self.refused(),
                () = sleep_until(expiry.unwrap_or(stall_at)), if open && expiry.is_some() => {
                    self.expires_at = None;
                    self.resolve_now();
                }
                () = sleep_until(stall_at), if open && joined => {
                    self.progress.1 += 1;
                    self.events.push_back(LiveEvent::Stalled { since: self.progress.0.into_std() });
                }
            }
        }
    }

    fn stall_at(&self) -> Instant {
        let (since, told) = self.progress;
        since + self.length * self.options.stall_segments.max(1) * (told + 1)
    }

    /// Begins to fetch what comes first in the queue.
    fn start_fetching(&mut self) {
        let Some(current) = &self.current else { return };
        let mut free = self.options.concurrency.max(1);
        let segments = self.queue.iter_mut().filter(|item| !matches!(item, Item::Skipped(_)));
        for item in segments.take(free.max(AHEAD)) {
            match item {
                Item::Fetching { task, .. } => free = free.saturating_sub(usize::from(!task.is_finished())),
                Item::Waiting { epoch, entry } if free > 0 => {
                    let (epoch, entry) = (*epoch, entry.clone());
                    let options = self.client.options().clone();
                    let refused = Arc::clone(&self.refused);
                    let work = fetch_listed(epoch, entry.clone(), current.subscribe(), refused, options);
                    *item = Item::Fetching { epoch, entry, task: Task::spawn(work) };
                    free -= 1;
                }
                Item::Waiting { .. } | Item::Skipped(_) => {}
            }
        }
    }

    /// The event of the segment that comes first in the queue.
    fn deliver(&mut self, body: Result<Body, HlsError>) -> LiveEvent {
        let event = match (self.queue.pop_front(), body) {
            (Some(Item::Fetching { epoch, entry, .. }), Ok(body)) => {
                LiveEvent::Segment(Segment::new(&entry, epoch, body))
            }
            (Some(Item::Fetching { epoch, entry, .. }), Err(error)) => {
                tracing::warn!(%error, sequence = entry.sequence, "a segment of a live stream is lost");
                LiveEvent::Lost(LostSegment::new(&entry, epoch, LossReason::from(&error)))
            }
            // Only a segment that is being fetched has a body; see `fetched`.
            (Some(Item::Skipped(skipped)), _) => LiveEvent::Skipped(skipped),
            (Some(Item::Waiting { epoch, entry }), _) => {
                LiveEvent::Lost(LostSegment::new(&entry, epoch, LossReason::Stopped))
            }
            (None, _) => LiveEvent::Resolved,
        };
        let within = self.budget.allows(self.bytes_received(), Instant::now());
        if let (false, Some(bytes_per_hour)) = (within, self.options.bytes_per_hour) {
            self.queue.clear();
            self.reload = None;
            self.ending = Some(EndReason::Budget { bytes_per_hour });
        }
        event
    }

    fn start_reload(&mut self) {
        let asked_at = Instant::now();
        let known = self.current.as_ref().filter(|_| !self.resolve).map(|current| current.borrow().clone());
        let reload = match known {
            Some(Current { fetcher, listing, .. }) => Task::spawn(async move {
                let outcome = fetcher.list(&listing.address).await;
                let outcome = outcome.map(|listing| Reloaded { listing, resolved: None });
                Reload { asked_at, outcome: outcome.map_err(ReloadError::Failed) }
            }),
            None => {
                let source = Arc::clone(&self.source);
                let (client, rule) = (self.client.clone(), self.rule);
                let received = Arc::clone(&self.received);
                Task::spawn(async move {
                    Reload { asked_at, outcome: resolve(&*source, &client, rule, received).await }
                })
            }
        };
        self.reload = Some(reload);
    }

    fn reloaded(&mut self, reload: Option<Reload>) -> Result<(), HlsError> {
        let now = Instant::now();
        let (asked_at, outcome) = match reload {
            Some(Reload { asked_at, outcome }) => (asked_at, outcome),
            None => (now, Err(ReloadError::Failed(HlsError::Stopped))),
        };
        match outcome {
            Ok(reloaded) => self.listed(reloaded, asked_at, now),
            Err(ReloadError::Gone) => {
                self.ending = Some(EndReason::Gone);
                Ok(())
            }
            Err(ReloadError::Failed(error)) => self.failed(error, now),
        }
    }

    fn listed(&mut self, reloaded: Reloaded, asked_at: Instant, now: Instant) -> Result<(), HlsError> {
        let Reloaded { listing, resolved } = reloaded;
        let joined = self.current.is_some();
        if !joined && let Some(method) = listing.list.unsupported_encryption() {
            let method = method.to_owned();
            return Err(HlsError::Encryption { host: listing.base.host(), method });
        }
        self.failures = 0;
        self.failing_since = None;
        let mut update =
            self.window.update(&listing.list, now.duration_since(self.listed_at), self.options.join);
        let fetcher = match resolved {
            Some(Resolved { fetcher, rendition, expires }) => {
                self.resolve = false;
                self.resolved_at = Some(now);
                self.expires_at = expires.map(|expires| now + until_renewal(expires));
                if joined {
                    self.events.push_back(LiveEvent::Resolved);
                    let other =
                        (rendition.size, &rendition.codecs) != (self.rendition.size, &self.rendition.codecs);
                    if let (true, Some(first)) = (other, update.fresh.first_mut()) {
                        first.discontinuity = true;
                    }
                }
                self.rendition = rendition;
                Some(fetcher)
            }
            None => None,
        };
        self.length = segment_length(&listing.list);
        self.listed_at = now;
        let changed = !update.fresh.is_empty();
        if changed || !joined {
            self.progress = (now, 0);
        }
        self.reload_at = asked_at + reload_after(self.length, changed);
        if update.behind {
            tracing::debug!("a playlist is older than the one before it");
        } else if listing.list.ended {
            self.ending = Some(EndReason::EndList);
        }
        if update.reset {
            tracing::info!(epoch = self.window.epoch(), "a live stream numbers its segments anew");
        }
        let epoch = self.window.epoch();
        self.queue.extend(update.skipped.map(Item::Skipped));
        self.queue.extend(update.fresh.into_iter().map(|entry| Item::Waiting { epoch, entry }));
        self.publish(epoch, listing, fetcher, update.behind);
        Ok(())
    }

    /// Makes a list the newest one, for reloads and for the segments that are being fetched.
    fn publish(&mut self, epoch: u32, listing: Listing, fetcher: Option<Arc<Fetcher>>, behind: bool) {
        let listing = Arc::new(listing);
        match (&self.current, fetcher) {
            (Some(sender), fetcher) => sender.send_modify(|current| {
                let renewed = fetcher.is_some();
                if let Some(fetcher) = fetcher {
                    current.fetcher = fetcher;
                }
                // An older list would make the newest segments look as if they had left the window.
                if !behind || renewed {
                    current.epoch = epoch;
                    current.listing = listing;
                }
            }),
            (None, Some(fetcher)) => {
                self.current = Some(watch::Sender::new(Current { epoch, listing, fetcher }));
            }
            // The first list comes by a new address, which brings a fetcher.
            (None, None) => {}
        }
    }

    fn failed(&mut self, error: HlsError, now: Instant) -> Result<(), HlsError> {
        let joined = self.current.is_some();
        let hopeless = !error.is_transient() || matches!(error, HlsError::Playlist { .. });
        if !joined && hopeless {
            return Err(error);
        }
        self.failures += 1;
        tracing::debug!(%error, failures = self.failures, "the playlist of a live stream did not come");
        let since = *self.failing_since.get_or_insert(now);
        // A fresh address is tried at once when the old one is refused for the first time.
        let at_once = error.is_expired() && !self.resolve;
        self.resolve |= error.is_expired() || self.failures >= FAILURES_TO_RESOLVE;
        self.reload_at = if at_once { now } else { now + self.client.options().delay(self.failures) };
        if now.duration_since(since) >= self.options.give_up_after {
            self.ending = Some(EndReason::Lost(Arc::new(error)));
        }
        Ok(())
    }

    /// A segment was refused: a new address may help while it is still listed.
    fn refused(&mut self) {
        let spacing = self.options.resolve_spacing;
        if self.resolved_at.is_none_or(|at| at.elapsed() >= spacing) {
            self.resolve_now();
        }
    }

    fn resolve_now(&mut self) {
        self.resolve = true;
        self.reload_at = Instant::now();
    }
}

/// Waits for the segment that comes first, if it is being fetched.
async fn fetched(first: Option<&mut Item>) -> Result<Body, HlsError> {
    match first {
        Some(Item::Fetching { task, .. }) => task.join().await.unwrap_or(Err(HlsError::Stopped)),
        _ => std::future::pending().await,
    }
}

async fn reloaded(task: Option<&mut Task<Reload>>) -> Option<Reload> {
    match task {
        Some(task) => task.join().await,
        None => std::future::pending().await,
    }
}

async fn resolve(
    source: &dyn PlaylistSource,
    client: &HlsClient,
    rule: RenditionRule,
    received: Arc<AtomicU64>,
) -> Result<Reloaded, ReloadError> {
    let located = source.resolve().await.map_err(|error| match error {
        SourceError::Gone => ReloadError::Gone,
        SourceError::Failed(source) => ReloadError::Failed(HlsError::Source(source)),
    })?;
    let fetcher = Arc::new(Fetcher::new(client, &located.address, received).await);
    let (rendition, listing) = fetcher.open(&located.address, rule).await.map_err(ReloadError::Failed)?;
    Ok(Reloaded { listing, resolved: Some(Resolved { fetcher, rendition, expires: located.expires }) })
}

/// How long from now until a new address is asked for. Where addresses live shorter than the margin, it is asked for once
/// in a margin.
fn until_renewal(expires: Timestamp) -> Duration {
    let left = Duration::try_from(expires.duration_since(Timestamp::now())).unwrap_or_default();
    left.checked_sub(EXPIRY_MARGIN).filter(|left| !left.is_zero()).unwrap_or(EXPIRY_MARGIN)
}
