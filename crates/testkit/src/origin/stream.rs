//! The state of one stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use timeline::MediaDuration;
use tokio::sync::watch;

use super::log::SharedLog;
use super::pace::Clock;
use super::plan::Plan;
use super::token::Tokens;
use super::transport::PacketCounts;

/// See the module.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) plan: Plan,
    pub(super) live: bool,
    pub(super) clock: Clock,
    /// Segments that were complete at the start.
    pub(super) lead: u64,
    /// Segments added by hand.
    pub(super) advanced: AtomicU64,
    /// How many there will be, if it was stopped.
    pub(super) stopped: AtomicU64,
    /// Told when one of the two changes.
    pub(super) changed: watch::Sender<()>,
    pub(super) log: SharedLog,
    pub(super) tokens: Tokens,
    pub(super) token_life: Duration,
    /// The wall clock at media time zero.
    pub(super) began: Timestamp,
    /// Scheme, host and port.
    pub(super) base: String,
    /// The channel, as Kick's backend names it.
    pub(super) channel: String,
    /// The path below which a finished stream lies.
    pub(super) vod_folder: String,
    /// Of one pass, by rung.
    pub(super) packets: Vec<PacketCounts>,
}

impl Stream {
    /// How many segments are complete.
    pub(super) fn made(&self) -> u64 {
        let end = self.total().unwrap_or(u64::MAX);
        if !self.live {
            return end;
        }
        let elapsed = MediaDuration::from_secs_f64(self.clock.elapsed().as_secs_f64());
        let timed = self.plan.made(self.plan.start(self.lead) + elapsed);
        (timed + self.advanced.load(Ordering::SeqCst)).min(end)
    }

    /// How many there will be, if that is known.
    pub(super) fn total(&self) -> Option<u64> {
        let stopped = self.stopped.load(Ordering::SeqCst);
        let total = self.plan.total().unwrap_or(u64::MAX).min(stopped);
        (total < u64::MAX).then_some(total)
    }

    /// The oldest segment that is still served: a window's length longer than it is listed.
    pub(super) fn oldest(&self, made: u64) -> u64 {
        made.saturating_sub(self.plan.window.saturating_mul(2))
    }

    pub(super) fn has_rung(&self, rung: usize) -> bool {
        rung < self.plan.media.renditions.len()
    }

    /// Waits until all segments there will be are complete.
    pub(super) async fn complete(&self) {
        self.reached(u64::MAX).await;
    }

    /// Waits until so many segments are complete, or all there will be.
    pub(super) async fn reached(&self, wanted: u64) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let wanted = wanted.min(self.total().unwrap_or(u64::MAX));
            if self.made() >= wanted {
                return;
            }
            tokio::select! {
                () = self.reach(wanted) => {}
                // The sender lives in `self`, so this cannot fail.
                _ = changed.changed() => {}
            }
        }
    }

    /// Waits until the clock has come to this moment, or the segment that holds it is complete.
    pub(super) async fn on_air(&self, time: MediaDuration) {
        if self.clock.stands() {
            self.reached(self.plan.made(time) + 1).await;
        } else {
            let rest = time - self.plan.start(self.lead);
            self.clock.reach(Duration::from_secs_f64(rest.as_secs_f64().max(0.0))).await;
        }
    }

    /// Waits until the clock says that so many segments are complete.
    async fn reach(&self, wanted: u64) {
        if wanted == u64::MAX {
            return std::future::pending().await;
        }
        let rest = self.plan.start(wanted) - self.plan.start(self.lead);
        // A millisecond more than exact, so that rounding does not make the caller spin.
        self.clock
            .reach(Duration::from_secs_f64(rest.as_secs_f64().max(0.0)) + Duration::from_millis(1))
            .await;
    }
}
