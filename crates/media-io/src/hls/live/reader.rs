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

/// How long after a failed attempt to find a new address the next is made, at first and at most; it doubles in between. Whoever knows
/// the address limits how often he is asked, and may be asked for many streams.
const RESOLVE_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

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
    /// How many attempts to find a new address failed in a row, and before when there is no further one.
    resolve_failures: u32,
    resolve_not_before: Instant,
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
    /// Whether a new address was asked for.
    resolving: bool,
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
            resolve_failures: 0,
            resolve_not_before: now,
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
        // While no new address may be asked for, the old one is tried.
        let resolving = self.resolve && asked_at >= self.resolve_not_before;
        let known = self.current.as_ref().filter(|_| !resolving).map(|current| current.borrow().clone());
        let reload = match known {
            Some(Current { fetcher, listing, .. }) => Task::spawn(async move {
                let outcome = fetcher.list(&listing.address).await;
                let outcome = outcome.map(|listing| Reloaded { listing, resolved: None });
                Reload { asked_at, resolving: false, outcome: outcome.map_err(ReloadError::Failed) }
            }),
            None => {
                let source = Arc::clone(&self.source);
                let (client, rule) = (self.client.clone(), self.rule);
                let received = Arc::clone(&self.received);
                Task::spawn(async move {
                    let outcome = resolve(&*source, &client, rule, received).await;
                    Reload { asked_at, resolving: true, outcome }
                })
            }
        };
        self.reload = Some(reload);
    }

    fn reloaded(&mut self, reload: Option<Reload>) -> Result<(), HlsError> {
        let now = Instant::now();
        let (asked_at, resolving, outcome) = match reload {
            Some(Reload { asked_at, resolving, outcome }) => (asked_at, resolving, outcome),
            None => (now, false, Err(ReloadError::Failed(HlsError::Stopped))),
        };
        if resolving && matches!(outcome, Err(ReloadError::Failed(HlsError::Source(_)))) {
            self.resolve_not_before = now + resolve_pause(self.resolve_failures);
            self.resolve_failures += 1;
        }
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
        let Reloaded { mut listing, resolved } = reloaded;
        let joined = self.current.is_some();
        if !joined && let Some(method) = listing.list.unsupported_encryption() {
            let method = method.to_owned();
            return Err(HlsError::Encryption { host: listing.base.host(), method });
        }
        self.failures = 0;
        self.failing_since = None;
        self.window.renumber(&mut listing.list);
        let mut update =
            self.window.update(&listing.list, now.duration_since(self.listed_at), self.options.join);
        let fetcher = match resolved {
            Some(Resolved { fetcher, rendition, expires }) => {
                self.resolve = false;
                self.resolve_failures = 0;
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
        if !joined {
            // There is no old address to try meanwhile.
            self.reload_at = self.reload_at.max(self.resolve_not_before);
        }
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

/// How long after so many failed attempts before the last one a new address is asked for again; up to a quarter longer by chance, so that
/// many streams do not ask in step.
fn resolve_pause(failures: u32) -> Duration {
    let (first, longest) = RESOLVE_AGAIN;
    let pause = first.saturating_mul(2_u32.saturating_pow(failures)).min(longest);
    pause.mul_f64(rand::random_range(1.0..1.25))
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures::future::BoxFuture;

    use super::super::source::Located;
    use super::*;
    use crate::hls::client::HlsOptions;

    /// Knows no address, and counts how often it is asked.
    #[derive(Debug, Default)]
    struct Silent(AtomicUsize);

    impl PlaylistSource for Silent {
        fn resolve(&self) -> BoxFuture<'_, Result<Located, SourceError>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Err(SourceError::Failed("too many requests".into())) })
        }
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_found_is_asked_for_seldom() {
        let source = Arc::new(Silent::default());
        let client_options = HlsOptions { retry_delay: Duration::from_millis(1), ..HlsOptions::default() };
        let client = HlsClient::new(client_options).expect("a client");
        let options = LiveOptions::default();
        let mut reader = LiveReader::new(client, Arc::clone(&source) as _, RenditionRule::Best, options);
        let next = tokio::time::timeout(Duration::from_millis(500), reader.next()).await;
        assert!(next.is_err(), "{next:?}");
        assert_eq!(source.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_pause_between_attempts_grows_to_a_bound() {
        let near = |failures, seconds: f64| {
            let pause = resolve_pause(failures).as_secs_f64();
            assert!((seconds..seconds * 1.25).contains(&pause), "{pause} s after {failures} failures");
        };
        [(0, 5.0), (1, 10.0), (2, 20.0), (3, 30.0), (u32::MAX, 30.0)]
            .into_iter()
            .for_each(|(failures, seconds)| near(failures, seconds));
    }
}
