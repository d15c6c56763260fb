//! Which time it is, so that tests can let hours pass in seconds.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;

/// Tells the time and lets it pass.
pub trait Clock: Debug + Send + Sync {
    /// The time of the wall clock.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time).boxed()
    }
}

/// A clock that runs faster than the machine's: waits become shorter, and hours pass in seconds.
#[derive(Clone, Debug)]
pub struct ScaledClock {
    start: Timestamp,
    began: Instant,
    scale: f64,
}

impl ScaledClock {
    /// A clock that shows the machine's time now and from here on runs `scale` times as fast. A scale that is no positive
    /// number is taken for 1.
    #[must_use]
    pub fn new(scale: f64) -> Self {
        let scale = if scale.is_finite() && scale > 0.0 { scale } else { 1.0 };
        Self { start: Timestamp::now(), began: Instant::now(), scale }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        later(self.start, self.began.elapsed().mul_f64(self.scale))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time.div_f64(self.scale)).boxed()
    }
}

/// So much later, or the end of time.
pub(crate) fn later(from: Timestamp, by: Duration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// From `now` until then; nothing if that has passed.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    then.duration_since(now).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_waits_less() {
        let (clock, began) = (ScaledClock::new(60.0), tokio::time::Instant::now());
        clock.sleep(Duration::from_secs(120)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
    }

    #[test]
    fn what_has_passed_is_no_wait() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(until(now, later(now, Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(until(later(now, Duration::from_secs(3)), now), Duration::ZERO);
    }
}
