//! The chat of a finished broadcast, which Kick gives in pieces of some five seconds.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::{ChatMessage, chat_message};
use crate::config::{KickConfig, under};
use crate::error::{Failure, KickError};
use crate::http::{Ask, KickHttp};

/// How much one answer covers, as far as is known.
const WINDOW: SignedDuration = SignedDuration::from_secs(5);
/// Requests that are under way at a time.
const CONCURRENCY: usize = 2;
/// The most windows of one sample: four hours' worth of five-second windows, far above what candidates need.
const MOST_WINDOWS: usize = 2880;
/// The most requests for one window in one form.
const TRIES: usize = 4;
/// The first wait before a window is asked for again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait that is granted when Kick asks for one.
const LONGEST_WAIT_ON_DEMAND: Duration = Duration::from_secs(60);

/// The two forms of the request, the newer first.
const FORMS: usize = 2;

/// What was written during finished broadcasts.
#[derive(Debug)]
pub struct ChatHistory {
    config: KickConfig,
    http: KickHttp,
    /// Which form answered last.
    form: AtomicUsize,
    /// Before this no request begins, since Kick asked for a pause.
    not_before: Mutex<Option<Instant>>,
}

/// What could be had of a chat, and why it is not more.
#[derive(Clone, Debug, Default)]
pub struct ChatSample {
    /// The messages, oldest first, each once.
    pub messages: Vec<ChatMessage>,
    /// Windows that were read.
    pub windows_read: usize,
    /// Windows that are missing: they failed, or were not asked for after a failure that repetition does not mend, or were too
    /// many.
    pub windows_missing: usize,
    /// The first failure, if any.
    pub problem: Option<KickError>,
}

impl ChatHistory {
    /// The history that [`KickConfig::web_base`] gives, or else [`KickConfig::site_base`] in the older form.
    #[must_use]
    pub fn new(config: &KickConfig, http: KickHttp) -> Self {
        Self { config: config.clone(), http, form: AtomicUsize::new(0), not_before: Mutex::new(None) }
    }

    /// What was written in the some five seconds from `start` on, cut down to its whole second. `channel_id` is the channel's
    /// internal id.
    ///
    /// # Errors
    /// If neither form of the request is answered; the error is of the newer one.
    pub async fn window(&self, channel_id: u64, start: Timestamp) -> Result<Vec<ChatMessage>, KickError> {
        let first = self.form.load(Ordering::Relaxed) % FORMS;
        let error = match self.window_by(first, channel_id, start).await {
            Ok(messages) => return Ok(messages),
            // Then it is not the form that is wrong.
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => error,
        };
        let second = (first + 1) % FORMS;
        match self.window_by(second, channel_id, start).await {
            Ok(messages) => {
                self.form.store(second, Ordering::Relaxed);
                Ok(messages)
            }
            Err(other) => Err(if first == 0 { error } else { other }),
        }
    }

    /// What was written within `spans` of the wall clock, ends excluded. Overlapping spans are read once. There is no error:
    /// what could not be had is told in the sample.
    pub async fn around(&self, channel_id: u64, spans: &[(Timestamp, Timestamp)]) -> ChatSample {
        let spans = merged(spans);
        let all = spans.iter().map(|span| window_count(*span)).fold(0, usize::saturating_add);
        // In a list, so that whoever waits for the answers may do so on any thread.
        let starts: Vec<Timestamp> =
            spans.iter().flat_map(|span| windows(*span)).take(MOST_WINDOWS).collect();
        let mut answers =
            futures::stream::iter(starts).map(|start| self.window(channel_id, start)).buffered(CONCURRENCY);
        let mut sample = ChatSample::default();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(messages) => {
                    sample.windows_read += 1;
                    let within = |message: &ChatMessage| {
                        spans.iter().any(|(start, end)| (*start..*end).contains(&message.at))
                    };
                    sample.messages.extend(messages.into_iter().filter(within));
                }
                Err(error) => {
                    let again = error.is_transient();
                    tracing::debug!(channel_id, %error, "a window of the chat is missing");
                    sample.problem.get_or_insert(error);
                    if !again {
                        // The other windows would be answered in the same way.
                        break;
                    }
                }
            }
        }
        sample.windows_missing = all - sample.windows_read;
        sample.messages.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        let mut seen = HashSet::new();
        sample.messages.retain(|message| message.id.as_ref().is_none_or(|id| seen.insert(id.clone())));
        sample
    }

    async fn window_by(
        &self,
        form: usize,
        channel_id: u64,
        start: Timestamp,
    ) -> Result<Vec<ChatMessage>, KickError> {
        let second = start.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ask = self.ask(form, &channel_id.to_string(), &second);
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        loop {
            self.wait_for_turn().await;
            let error = match self.http.once(&ask).await {
                Ok(reply) => return messages(&ask.json(&reply)?, start).ok_or_else(|| ask.failed(NO_LIST)),
                Err(error) => error,
            };
            let asked_for = error.retry_after().unwrap_or_default();
            let own = waits.next().filter(|_| error.is_transient() && asked_for <= LONGEST_WAIT_ON_DEMAND);
            let Some(own) = own else { return Err(error) };
            let until = Instant::now() + own.max(asked_for);
            if matches!(error.failure(), Failure::RateLimited { .. }) {
                // It goes for all requests.
                let mut not_before = self.not_before.lock().await;
                *not_before = Some(not_before.map_or(until, |earlier| earlier.max(until)));
            } else {
                tokio::time::sleep_until(until).await;
            }
        }
    }

    async fn wait_for_turn(&self) {
        loop {
            let until = *self.not_before.lock().await;
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    fn ask(&self, form: usize, channel_id: &str, start: &str) -> Ask {
        let (endpoint, mut url): (_, Url) = if form == 0 {
            ("chat history", under(&self.config.web_base, &["api", "v1", "chat", channel_id, "history"]))
        } else {
            let path = ["api", "v2", "channels", channel_id, "messages"];
            ("chat history (older form)", under(&self.config.site_base, &path))
        };
        url.query_pairs_mut().append_pair("start_time", start);
        Ask::get(endpoint, url).header(reqwest::header::USER_AGENT, self.http.browser())
    }
}

const NO_LIST: Failure =
    Failure::Malformed { field: "data.messages", expected: "a list of messages", found: "something else" };

/// The messages of an answer. Where the list lies depends on the form; what in it is no message is left out.
fn messages(answer: &Value, start: Timestamp) -> Option<Vec<ChatMessage>> {
    let data = answer.get("data");
    let places = [data.and_then(|data| data.get("messages")), data, answer.get("messages"), Some(answer)];
    if let Some(list) = places.into_iter().flatten().find_map(Value::as_array) {
        return Some(list.iter().filter_map(|message| chat_message(message, start)).collect());
    }
    // A window in which nobody wrote.
    let empty = |value: Option<&Value>| value.is_some_and(Value::is_null);
    (empty(data) || empty(data.and_then(|data| data.get("messages")))).then(Vec::new)
}

/// The spans in order, with those that overlap or touch made one; empty ones are left out.
fn merged(spans: &[(Timestamp, Timestamp)]) -> Vec<(Timestamp, Timestamp)> {
    let mut spans: Vec<_> = spans.iter().copied().filter(|(start, end)| start < end).collect();
    spans.sort_unstable();
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in spans {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => *last = end.max(*last),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// The starts of the windows that cover a span, on whole seconds.
fn windows((start, end): (Timestamp, Timestamp)) -> impl Iterator<Item = Timestamp> {
    let first = whole_second(start);
    std::iter::successors(Some(first), |start| start.checked_add(WINDOW).ok())
        .take_while(move |start| *start < end)
}

/// How many those are.
fn window_count((start, end): (Timestamp, Timestamp)) -> usize {
    let covered = end.duration_since(whole_second(start)).as_nanos().max(0);
    usize::try_from(covered.unsigned_abs().div_ceil(WINDOW.as_nanos().unsigned_abs())).unwrap_or(usize::MAX)
}

fn whole_second(time: Timestamp) -> Timestamp {
    let before = time.as_nanosecond().rem_euclid(1_000_000_000);
    Timestamp::from_nanosecond(time.as_nanosecond() - before).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn the_list_is_found_wherever_it_lies() {
        let list = json!([{"id": "a", "content": "x"}, null, 5]);
        for answer in [
            json!({"data": {"messages": list, "cursor": "1"}}),
            json!({"data": list}),
            json!({"messages": list}),
            list.clone(),
        ] {
            assert_eq!(messages(&answer, at(0)).map(|messages| messages.len()), Some(1), "{answer}");
        }
        for empty in [json!({"data": null}), json!({"data": {"messages": null}}), json!([])] {
            assert_eq!(messages(&empty, at(0)), Some(vec![]), "{empty}");
        }
        for other in [json!({}), json!("x"), json!({"data": "x"}), json!(null)] {
            assert_eq!(messages(&other, at(0)), None, "{other}");
        }
    }

    #[test]
    fn windows_begin_on_whole_seconds_and_end_before_the_span_does() {
        let starts: Vec<_> = windows((at(1_700), at(12_000))).collect();
        assert_eq!(starts, [at(1_000), at(6_000), at(11_000)]);
        assert_eq!(windows((at(1_000), at(6_000))).count(), 1);
        assert_eq!(windows((at(-1_700), at(-1_000))).collect::<Vec<_>>(), [at(-2_000)]);
        for span in [(1_700, 12_000), (1_000, 6_000), (-1_700, -1_000), (0, 1), (999, 5_001)] {
            let span = (at(span.0), at(span.1));
            assert_eq!(windows(span).count(), window_count(span), "{span:?}");
        }
        assert!(window_count((Timestamp::MIN, Timestamp::MAX)) > 100_000_000_000);
    }

    proptest! {
        #[test]
        fn merged_spans_hold_the_same_moments(
            spans in prop::collection::vec((0_i64..40, 0_i64..40), 0..8),
            moment in 0_i64..40,
        ) {
            let spans: Vec<_> = spans.into_iter().map(|(start, end)| (at(start), at(end))).collect();
            let merged = merged(&spans);
            let within = |spans: &[(Timestamp, Timestamp)]| {
                spans.iter().any(|(start, end)| (*start..*end).contains(&at(moment)))
            };
            prop_assert_eq!(within(&spans), within(&merged));
            prop_assert!(merged.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
