//! The time that TikTok's rules go by, which can run faster than the world's and jump.

use std::time::Duration;

use tokio::time::Instant;

/// See the module.
#[derive(Debug)]
pub(super) struct Clock {
    began: Instant,
    skipped: Duration,
    /// Seconds of TikTok's in a second of the world's.
    pace: f64,
}

impl Clock {
    pub(super) fn new(pace: f64) -> Self {
        Self { began: Instant::now(), skipped: Duration::ZERO, pace }
    }

    /// Since the start, as TikTok's rules count.
    pub(super) fn now(&self) -> Duration {
        self.skipped + self.began.elapsed().mul_f64(self.pace)
    }

    /// Since the start, as clients count: for the lives of tokens, which are announced to them in seconds.
    pub(super) fn unscaled(&self) -> Duration {
        self.skipped + self.began.elapsed()
    }

    /// What the world has to wait for so much of TikTok's time.
    pub(super) fn wait(&self, span: Duration) -> Duration {
        span.div_f64(self.pace)
    }

    /// Jumps forward.
    pub(super) fn advance(&mut self, span: Duration) {
        self.skipped += span;
    }
}
