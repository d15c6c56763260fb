//! When to ask again.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Sleeper};
use futures::future::BoxFuture;
use rand::RngExt as _;

use crate::clock::Clock;

/// Questions that change nothing are repeated after 1, 2, 4 and 8 seconds.
const ASK_FIRST_WAIT: Duration = Duration::from_secs(1);
const ASK_REPEATS: usize = 4;
/// An announced upload is empty and harms nobody, but counts against a limit of the minute: it is repeated after 5 and 15 seconds.
const INIT_FIRST_WAIT: Duration = Duration::from_secs(5);
const INIT_FACTOR: f32 = 3.0;
const INIT_REPEATS: usize = 2;
/// Who was told to be asking too often waits at least so long, and at most a minute, which is all that TikTok counts.
const BUSY_LEAST: Duration = Duration::from_secs(10);
const BUSY_MOST: Duration = Duration::from_secs(60);
/// Chance added to a wait for the minute, so that several processes do not come back in step.
const BUSY_JITTER: Duration = Duration::from_secs(2);
/// The most requests for one answer when TikTok says that it is asked too often.
pub(crate) const BUSY_TRIES: usize = 3;

/// Waits by a clock, for `backon`.
pub(super) struct Waiting(pub(super) Arc<dyn Clock>);

impl Sleeper for Waiting {
    type Sleep = BoxFuture<'static, ()>;

    fn sleep(&self, wait: Duration) -> Self::Sleep {
        self.0.sleep(wait)
    }
}

/// The waits between questions that change nothing.
pub(super) fn ask_backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(ASK_FIRST_WAIT)
        .with_max_times(ASK_REPEATS)
        .with_max_delay(ASK_FIRST_WAIT * 8)
        .with_jitter()
}

/// The waits between announcements of the same upload.
pub(crate) fn init_backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(INIT_FIRST_WAIT)
        .with_factor(INIT_FACTOR)
        .with_max_times(INIT_REPEATS)
        .with_jitter()
}

/// How long to wait after having been told to ask too often: until a place is free, as far as that is known.
pub(crate) fn busy_wait(until_free: Duration) -> Duration {
    until_free.clamp(BUSY_LEAST, BUSY_MOST) + rand::rng().random_range(Duration::ZERO..BUSY_JITTER)
}
