//! Fetching all of the low rendition, on from where an earlier process stopped.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use media_io::hls::clock::SegmentClock;
use media_io::hls::store::SegmentStore;
use media_io::hls::{Fetched, LossReason, Segment, VodPlaylist};
use timeline::{MediaDuration, MediaTime, Span};

use super::VodError;
use super::broadcast::Broadcast;
use super::download::interrupted;
use crate::Error;
use crate::blocking::blocking;
use crate::footage::SharedStore;

/// Progress is told at most this often.
pub(crate) const PROGRESS_PAUSE: Duration = Duration::from_millis(100);
/// So many segments in a row are lost when a host or the connection is down, and not when a host has lost them.
const STUCK: u32 = 8;

/// Fetched before the place where somebody wants to begin: the set-up of a first clip, and a minute for the detector to learn what is
/// usual.
const LEAD: MediaDuration = MediaDuration::from_secs(75);

/// What came of fetching.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fetching {
    /// Segments that could not be had: gaps.
    pub(crate) lost: u32,
    /// Whether the broadcast still goes on, so that there will be more.
    pub(crate) grows: bool,
}

impl Fetching {
    /// What the user should know.
    pub(crate) fn notice(self) -> Option<String> {
        match (self.lost, self.grows) {
            (0, false) => None,
            (0, true) => {
                Some("the broadcast still goes on; what is there by now is looked through".to_owned())
            }
            (1, _) => Some("1 segment could not be had and is a gap".to_owned()),
            (lost, _) => Some(format!("{lost} segments could not be had and are gaps")),
        }
    }
}

/// Puts segments into the store. It goes to the threads that may block and comes back.
struct Keeper {
    store: SharedStore,
    clock: SegmentClock,
}

impl Keeper {
    /// Places and stores a segment; whether it has a place.
    fn keep(&mut self, segment: &Segment) -> Result<bool, Error> {
        let placed = match self.clock.place(segment) {
            Ok(placed) => placed,
            Err(error) => {
                tracing::warn!(%error, "a segment is left out");
                self.clock.lost(segment.duration);
                return Ok(false);
            }
        };
        let mut store = self.store.lock();
        if let Some(gap) = placed.gap {
            store.append_gap(gap)?;
        }
        store.append(segment, &placed.placement)?;
        Ok(true)
    }
}

/// The next of `coming`, unless `interrupt` is set before it comes.
pub(super) async fn next_of<T>(
    coming: &mut BoxStream<'static, T>,
    interrupt: &AtomicBool,
) -> Result<Option<T>, Error> {
    tokio::select! {
        biased;
        error = interrupted(interrupt) => Err(error),
        next = coming.next() => Ok(next),
    }
}

/// Whether a segment was refused because its address has expired.
pub(super) const fn is_expired(reason: LossReason) -> bool {
    matches!(reason, LossReason::Status(401 | 403 | 410))
}

impl Broadcast {
    /// The index of the first segment that is fetched, but for the very first: that one tells where media time zero is.
    pub(super) fn first_wanted(&self, list: &VodPlaylist) -> usize {
        let start = MediaTime::ZERO + self.start().unwrap_or_default() - LEAD;
        if start <= MediaTime::ZERO {
            0
        } else {
            list.segments_covering(Span::new(start, MediaTime::MAX)).start
        }
    }

    /// Fetches what is not held yet of the low rendition. What cannot be had is a gap, and so is what lies before the place where
    /// it is looked through from.
    pub(crate) async fn fetch_low(
        &self,
        interrupt: &AtomicBool,
        progress: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<Fetching, Error> {
        let folder = self.low_folder();
        let (mut keeper, last) = blocking(move || {
            let (store, recovered) = SegmentStore::open(&folder)?;
            let last = store.segments().next_back().map(|segment| segment.sequence);
            Ok::<_, Error>((Keeper { store: SharedStore::new(store), clock: recovered.clock }, last))
        })
        .await??;
        let mut list = self.low();
        let mut index = last.map_or(0, |last| {
            list.segments.iter().take_while(|segment| segment.entry.sequence <= last).count()
        });
        let (mut fetching, mut in_row, mut renewed) = (Fetching { lost: 0, grows: !list.complete }, 0, false);
        let wanted = self.first_wanted(&list);
        let mut is_anchored = last.is_some();
        let mut coming = list.fetch(index..index);
        while index < list.segments.len() {
            if is_anchored && index < wanted {
                let skipped = list.segments[index..wanted].iter().map(|segment| segment.entry.duration);
                keeper.clock.lost(skipped.sum());
                index = wanted;
            }
            let Some(fetched) = next_of(&mut coming, interrupt).await? else {
                let end = if is_anchored || wanted == 0 { list.segments.len() } else { index + 1 };
                coming = list.fetch(index..end);
                continue;
            };
            let lost = match fetched {
                Fetched::Segment(segment) => {
                    let is_placed;
                    (keeper, is_placed) = blocking(move || {
                        let is_placed = keeper.keep(&segment)?;
                        Ok::<_, Error>((keeper, is_placed))
                    })
                    .await??;
                    in_row = 0;
                    is_anchored |= is_placed;
                    u32::from(!is_placed)
                }
                Fetched::Lost(lost) if is_expired(lost.reason) && !renewed => {
                    renewed = true;
                    list = self.renew().await?;
                    coming = list.fetch(index..index);
                    continue;
                }
                Fetched::Lost(lost) => {
                    in_row += 1;
                    if in_row == STUCK || in_row as usize == list.segments.len() {
                        let (host, reason) = (self.host(), lost.reason);
                        let error = if last.is_none() && in_row as usize > index {
                            VodError::Nothing { host, reason }
                        } else {
                            VodError::Stuck { host, count: in_row, reason }
                        };
                        return Err(error.into());
                    }
                    keeper.clock.lost(lost.duration);
                    1
                }
            };
            fetching.lost += lost;
            index += 1;
            let end =
                list.segments.get(index - 1).map_or(list.duration, |last| last.span.end() - MediaTime::ZERO);
            progress(end.as_secs_f64() / list.duration.as_secs_f64().max(f64::MIN_POSITIVE));
        }
        self.set_store(keeper.store);
        Ok(fetching)
    }
}
