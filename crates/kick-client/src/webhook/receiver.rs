//! Everything that is checked of a delivery, in one place.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::{KeyStore, REPLAY_WINDOW, WebhookError, WebhookEvent, verify_at};

/// The most message ids that are remembered: some megabytes at the most, and sixteen deliveries a second over the whole
/// replay window.
const MOST_REMEMBERED: usize = 20_000;

/// Takes deliveries, from as many tasks as there are.
#[derive(Debug)]
pub struct WebhookReceiver {
    keys: KeyStore,
    seen: Mutex<Seen>,
}

/// A genuine delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepted {
    /// It was not seen before.
    New(Box<WebhookEvent>),
    /// It was accepted before. Answer it like the first, or Kick sends it again.
    Again {
        /// Kick's id of it.
        message_id: String,
    },
}

impl WebhookReceiver {
    /// A receiver that checks signatures with the key of `keys`.
    #[must_use]
    pub fn new(keys: KeyStore) -> Self {
        Self { keys, seen: Mutex::default() }
    }

    /// Checks a delivery with these headers and this body, exactly as it came. If the signature does not fit, the key is
    /// fetched anew, at most once a minute.
    ///
    /// # Errors
    /// If it is not genuine, too old, or not understood, or if there is no key. [`WebhookError::http_status`] tells what to answer.
    pub async fn accept(&self, headers: &HeaderMap, raw_body: &[u8]) -> Result<Accepted, WebhookError> {
        self.accept_at(headers, raw_body, Timestamp::now()).await
    }

    /// As [`WebhookReceiver::accept`], by a clock of your own.
    ///
    /// # Errors
    /// As [`WebhookReceiver::accept`].
    pub async fn accept_at(
        &self,
        headers: &HeaderMap,
        raw_body: &[u8],
        now: Timestamp,
    ) -> Result<Accepted, WebhookError> {
        let key = self.keys.key().await?;
        let event = match verify_at(headers, raw_body, &key, now) {
            Err(WebhookError::WrongSignature) => match self.keys.key_other_than(&key).await {
                Ok(Some(key)) => verify_at(headers, raw_body, &key, now)?,
                Ok(None) => return Err(WebhookError::WrongSignature),
                Err(error) => {
                    tracing::warn!(%error, "a signature does not fit, and the key cannot be fetched anew");
                    return Err(WebhookError::WrongSignature);
                }
            },
            verified => verified?,
        };
        let first = self.seen.lock().unwrap_or_else(PoisonError::into_inner).first(
            &event.message_id,
            event.sent_at,
            now,
        );
        Ok(if first {
            Accepted::New(Box::new(event))
        } else {
            Accepted::Again { message_id: event.message_id }
        })
    }
}

/// Which messages were seen, as long as the replay window lets them in again.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<String>,
    /// In the order of arrival, with the time at which each was sent.
    order: VecDeque<(Timestamp, String)>,
}

impl Seen {
    fn first(&mut self, id: &str, sent_at: Timestamp, now: Timestamp) -> bool {
        while self.order.front().is_some_and(|(sent_at, _)| {
            self.ids.len() >= MOST_REMEMBERED || now.duration_since(*sent_at) > REPLAY_WINDOW
        }) {
            if let Some((_, id)) = self.order.pop_front() {
                self.ids.remove(&id);
            }
        }
        let first = self.ids.insert(id.to_owned());
        if first {
            self.order.push_back((sent_at, id.to_owned()));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn ids_are_remembered_as_long_as_they_could_come_again() {
        let mut seen = Seen::default();
        let start = Timestamp::UNIX_EPOCH;
        let within = start + REPLAY_WINDOW;
        assert!(seen.first("a", start, start));
        assert!(!seen.first("a", start, within));
        assert!(seen.first("b", within, within + SignedDuration::from_secs(1)));
        assert_eq!(seen.ids.len(), 1, "the first is forgotten");
    }

    #[test]
    fn memory_is_bounded() {
        let mut seen = Seen::default();
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..MOST_REMEMBERED + 5 {
            assert!(seen.first(&number.to_string(), now, now));
        }
        assert_eq!((seen.ids.len(), seen.order.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
        assert!(!seen.first(&(MOST_REMEMBERED + 4).to_string(), now, now), "the newest are known");
    }
}
