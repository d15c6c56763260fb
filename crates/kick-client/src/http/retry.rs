//! When to ask again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};
use tokio::time::Instant;

use crate::error::KickError;

/// The most requests for one answer.
const TRIES: usize = 4;
/// The first wait; each further one is twice as long, plus chance.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait chosen by ourselves.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The time after which no further try begins. Pollers come again within the minute anyway.
const TOTAL: Duration = Duration::from_secs(40);

/// When and how often a request that failed for a passing reason is repeated.
///
/// Waits double and have chance added, so that many clients do not come back in step. `Retry-After` is honoured: if it
/// asks for more time than is left, the failure is given back at once, with that time in it.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    /// The most requests for one answer, 1 for no repetition; 4.
    pub tries: usize,
    /// The first wait; 0.5 s.
    pub first_wait: Duration,
    /// The longest wait that is not asked for by the server; 10 s.
    pub longest_wait: Duration,
    /// The time after which no further try begins; 40 s.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { tries: TRIES, first_wait: FIRST_WAIT, longest_wait: LONGEST_WAIT, total: TOTAL }
    }
}

impl RetryPolicy {
    fn backoff(&self) -> impl BackoffBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.tries.saturating_sub(1))
            .with_jitter()
    }
}

/// Runs `attempt` until it succeeds, fails for good, or `policy` is used up.
pub(super) async fn with_policy<T, F>(
    policy: &RetryPolicy,
    attempt: impl FnMut() -> F,
) -> Result<T, KickError>
where
    F: Future<Output = Result<T, KickError>>,
{
    let started = Instant::now();
    attempt
        .retry(policy.backoff())
        .sleep(tokio::time::sleep)
        .when(KickError::is_transient)
        .adjust(|error: &KickError, wait| {
            let wait = wait?.max(error.retry_after().unwrap_or_default());
            (started.elapsed() + wait <= policy.total).then_some(wait)
        })
        .notify(|error, wait| tracing::debug!(%error, ?wait, "asking again"))
        .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use url::Url;

    use super::*;
    use crate::error::Failure;

    async fn tries(policy: &RetryPolicy, failure: Failure, good_at: usize) -> (usize, Duration, bool) {
        let count = Cell::new(0);
        let started = Instant::now();
        let error = KickError::new("test", &Url::parse("http://h").unwrap(), failure);
        let result = with_policy(policy, || {
            count.set(count.get() + 1);
            let result = if count.get() >= good_at { Ok(()) } else { Err(error.clone()) };
            std::future::ready(result)
        })
        .await;
        (count.get(), started.elapsed(), result.is_ok())
    }

    fn limited(seconds: u64) -> Failure {
        Failure::RateLimited { retry_after: Some(Duration::from_secs(seconds)) }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_and_end() {
        let (count, took, ok) =
            tries(&RetryPolicy::default(), Failure::Server { status: 500, retry_after: None }, 99).await;
        assert_eq!((count, ok), (TRIES, false));
        // 0.5 + 1 + 2 s, and at most as much again by chance.
        assert!((Duration::from_millis(3500)..Duration::from_millis(7100)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_permanent_is_asked_once() {
        let (count, took, _) = tries(&RetryPolicy::default(), Failure::Unauthorized, 99).await;
        assert_eq!((count, took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_wish_counts_if_it_is_longer_and_there_is_time() {
        let (count, took, ok) = tries(&RetryPolicy::default(), limited(7), 2).await;
        assert_eq!((count, ok), (2, true));
        assert!(took >= Duration::from_secs(7) && took < Duration::from_secs(8), "{took:?}");

        let (count, took, ok) = tries(&RetryPolicy::default(), limited(3600), 2).await;
        assert_eq!((count, took, ok), (1, Duration::ZERO, false));
    }

    #[tokio::test(start_paused = true)]
    async fn one_try_means_one() {
        let policy = RetryPolicy { tries: 1, ..RetryPolicy::default() };
        assert_eq!(tries(&policy, limited(0), 99).await.0, 1);
    }
}
