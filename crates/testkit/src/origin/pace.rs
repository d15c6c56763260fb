//! How fast a stream plays.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How fast a stream plays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Pace {
    /// A second of media in a second.
    #[default]
    Realtime,
    /// So many seconds of media in a second.
    Scaled(f64),
    /// Only when told to; see [`Origin::advance`](super::Origin::advance).
    Manual,
}

impl Pace {
    /// Seconds of media in a second; `None` where the clock has no part in it.
    #[must_use]
    pub fn factor(self) -> Option<f64> {
        match self {
            Self::Realtime => Some(1.0),
            Self::Scaled(factor) => Some(factor),
            Self::Manual => None,
        }
    }
}

/// The stream's own clock. It stands until the first playlist is asked for, so that a slow start loses nothing.
#[derive(Debug)]
pub(super) struct Clock {
    pace: Pace,
    started: watch::Sender<Option<Instant>>,
}

impl Clock {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, started: watch::Sender::new(None) }
    }

    /// Lets the clock run, if it does not yet.
    pub(super) fn start(&self) {
        self.started.send_if_modified(|started| {
            let first = started.is_none();
            started.get_or_insert_with(Instant::now);
            first
        });
    }

    /// Whether it has no part in the pace.
    pub(super) fn stands(&self) -> bool {
        self.pace.factor().is_none()
    }

    /// Media time since the start; zero for a manual pace.
    pub(super) fn elapsed(&self) -> Duration {
        let started = *self.started.borrow();
        let (Some(started), Some(factor)) = (started, self.pace.factor()) else { return Duration::ZERO };
        started.elapsed().mul_f64(factor)
    }

    /// Waits until this much media time has passed since the start; for ever at a manual pace.
    pub(super) async fn reach(&self, media: Duration) {
        let Some(factor) = self.pace.factor() else { return std::future::pending().await };
        let mut started = self.started.subscribe();
        // The sender lives in `self`, so waiting cannot fail while this borrows it.
        if let Ok(started) = started.wait_for(Option::is_some).await.map(|started| *started) {
            let at = started.unwrap_or_else(Instant::now) + media.div_f64(factor);
            tokio::time::sleep_until(at).await;
        }
    }
}
