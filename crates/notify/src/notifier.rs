//! The queue and the task behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::channel::{Channel, ChannelError};
use crate::notice::Notice;

/// As many notices wait at most; a monitor of many streamers makes fewer in an hour.
const MOST_WAITING: usize = 256;
/// A notice is tried this often in all, with pauses of 1, 2, 4, 8 and 16 s, or what the server asks for.
const ATTEMPTS: usize = 6;
/// What waits when the program ends is given this long.
const PARTING_TIME: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Notice>,
    dropped: usize,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Notify,
}

/// Takes notices. Cheap to clone; clones share the queue.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    shared: Arc<Shared>,
}

/// The task that sends them.
#[derive(Debug)]
pub struct NotifierTask {
    notifier: Notifier,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Starts the task that sends notices to these channels, on the current runtime.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn start(channels: Vec<Channel>) -> Result<NotifierTask, reqwest::Error> {
        // An address may hold a token, which must not follow a redirect to somebody else.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let notifier = Self::default();
        let task = tokio::spawn(deliver_all(Arc::clone(&notifier.shared), client, channels));
        Ok(NotifierTask { notifier, task })
    }

    /// Tells a notice. Never waits: if too many wait, the oldest is dropped.
    pub fn tell(&self, notice: Notice) {
        let mut queue = self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() == MOST_WAITING {
            queue.waiting.pop_front();
            queue.dropped += 1;
        }
        queue.waiting.push_back(notice);
        drop(queue);
        self.shared.changed.notify_one();
    }
}

impl NotifierTask {
    /// What takes the notices.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Sends what waits, for a few seconds at most, and ends.
    pub async fn finish(self) {
        self.notifier.shared.queue.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        self.notifier.shared.changed.notify_one();
        let abort = self.task.abort_handle();
        if tokio::time::timeout(PARTING_TIME, self.task).await.is_err() {
            tracing::warn!("the last notifications could not be delivered");
            abort.abort();
        }
    }
}

async fn deliver_all(shared: Arc<Shared>, client: reqwest::Client, channels: Vec<Channel>) {
    loop {
        let (next, dropped, is_closed) = {
            let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            (queue.waiting.pop_front(), std::mem::take(&mut queue.dropped), queue.is_closed)
        };
        if dropped > 0 {
            tracing::warn!(dropped, "notifications were dropped, since their channels do not keep up");
        }
        match next {
            Some(notice) => {
                for channel in &channels {
                    deliver(&client, channel, &notice).await;
                }
            }
            None if is_closed => return,
            None => shared.changed.notified().await,
        }
    }
}

async fn deliver(client: &reqwest::Client, channel: &Channel, notice: &Notice) {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_times(ATTEMPTS - 1)
        .with_jitter();
    let delivered = (|| channel.send(client, notice))
        .retry(pauses)
        .when(ChannelError::is_retryable)
        .adjust(|error, pause| pause.map(|pause| error.retry_after().unwrap_or(pause)))
        .await;
    if let Err(error) = delivered {
        tracing::warn!(event = ?notice.event, %error, "a notification was not delivered");
    }
}
