//! The chat of a finished broadcast, asked for around the moments that it may decide.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use highlight_detect::{Candidate, ChatMessage, RankOptions};
use jiff::{SignedDuration, Timestamp};
use kick_client::chat::ChatHistory;
use kick_client::{KickError, KickHttp};
use timeline::{MediaDuration, MediaTime, Span, SpanSet};
use tokio::time::{Instant, timeout_at};

use super::broadcast::Broadcast;
use crate::process::unless;
use crate::{Error, Event, EventSink};

/// At most so many windows are asked for in one broadcast: enough for twenty moments far from one another, at some ten requests a
/// second a minute's worth.
const MOST_WINDOWS: i64 = 480;
/// How much one request covers, in seconds.
const WINDOW_S: i64 = 5;
/// No further moment is begun after this long, whatever is left to ask for: chat is a help, and clips should not wait for it.
const PATIENCE: Duration = Duration::from_secs(90);

/// Where the chat of a broadcast is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChatPlace {
    /// The channel's number in Kick's internal endpoints.
    pub(crate) channel_id: u64,
    /// When the broadcast began, for where its playlist tells no time.
    pub(crate) began: Option<Timestamp>,
}

/// A stretch of the recording whose wall-clock time is known.
#[derive(Clone, Copy, Debug)]
struct Clock {
    span: Span,
    wall: Timestamp,
}

impl Clock {
    fn wall(self, time: MediaTime) -> Option<Timestamp> {
        let micros = (time - self.span.start()).to_units(1_000_000);
        self.wall.checked_add(SignedDuration::from_micros(micros)).ok()
    }

    fn media(self, wall: Timestamp) -> MediaTime {
        let micros = wall.duration_since(self.wall).as_micros();
        self.span.start() + MediaDuration::from_units(i64::try_from(micros).unwrap_or(i64::MAX), 1_000_000)
    }
}

impl Broadcast {
    /// Adds to `candidates` what chat says of them: of the most promising first, as far as it can be had and the bounds allow. What
    /// cannot be had is unknown and no error.
    pub(crate) async fn weigh_chat(
        &self,
        candidates: &mut [Candidate],
        options: &RankOptions,
        interrupt: &AtomicBool,
        events: &EventSink,
    ) -> Result<(), Error> {
        let Some(place) = self.chat_place() else { return Ok(()) };
        let clocks = self.clocks(place)?;
        let kick = self.kick();
        let history = match KickHttp::new(kick) {
            Ok(http) => ChatHistory::new(kick, http),
            Err(error) => {
                tracing::warn!(%error, "chat cannot be asked for");
                return Ok(());
            }
        };
        let mut sampled = Sampled::new(history, place.channel_id);
        let end = Instant::now() + PATIENCE;
        for index in promising(candidates, options) {
            let candidate = &mut candidates[index];
            let core = candidate.core;
            let Some(clock) = clocks.iter().min_by_key(|clock| clock.span.distance(core)) else { break };
            let asking = timeout_at(end, sampled.complete(candidate.chat_span(), *clock));
            let came = unless(interrupt, asking).await?;
            match came {
                Ok(Coming::All) => candidate.reasons.extend(candidate.sampled_chat(&sampled.messages)),
                Ok(Coming::NotAll) => {}
                Ok(Coming::NoMore) => break,
                Err(_) => {
                    tracing::debug!("asking for chat takes too long; the other moments go without");
                    break;
                }
            }
        }
        if let Some(problem) = sampled.problem {
            events.send(Event::Notice(format!("chat is missing for some moments: {problem}")));
        }
        Ok(())
    }

    /// Where wall clock and media time meet, for each stretch of the recording.
    fn clocks(&self, place: ChatPlace) -> Result<Vec<Clock>, Error> {
        let store = self.store()?;
        let store = store.lock();
        let listed = store.segments().filter_map(|segment| {
            Some(Clock { span: segment.placement.span, wall: segment.program_date_time? })
        });
        let mut clocks: Vec<Clock> = listed.collect();
        if let (true, Some(wall)) = (clocks.is_empty(), place.began) {
            clocks.push(Clock { span: store.span(), wall });
        }
        Ok(clocks)
    }
}

/// The candidates that chat could make a highlight, or a better one, the most promising first.
fn promising(candidates: &[Candidate], options: &RankOptions) -> Vec<usize> {
    let mut promising: Vec<usize> = (0..candidates.len())
        .filter(|index| candidates[*index].potential_score_with_chat() >= options.min_score)
        .collect();
    promising.sort_by(|one, two| {
        candidates[*two].log_odds().total_cmp(&candidates[*one].log_odds()).then(one.cmp(two))
    });
    promising
}

/// What was asked for and came.
#[derive(Debug)]
struct Sampled {
    history: ChatHistory,
    channel_id: u64,
    messages: Vec<ChatMessage>,
    known: SpanSet,
    /// Windows that were asked for.
    windows: i64,
    /// What kept something from being had.
    problem: Option<KickError>,
}

/// How much of what was asked for is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    All,
    NotAll,
    /// Not all, and asking for more makes no sense.
    NoMore,
}

impl Sampled {
    fn new(history: ChatHistory, channel_id: u64) -> Self {
        let (messages, known) = (Vec::new(), SpanSet::new());
        Self { history, channel_id, messages, known, windows: 0, problem: None }
    }

    /// Asks for what is not known yet of `span`.
    async fn complete(&mut self, span: Span, clock: Clock) -> Coming {
        for missing in self.known.gaps(span).spans().to_vec() {
            self.windows += missing.duration().to_units_floor(1) / WINDOW_S + 1;
            if self.windows > MOST_WINDOWS {
                return Coming::NoMore;
            }
            let Some(asked) = clock.wall(missing.start()).zip(clock.wall(missing.end())) else {
                return Coming::NotAll;
            };
            let sample = self.history.around(self.channel_id, &[asked]).await;
            if sample.windows_missing > 0 {
                let is_transient = sample.problem.as_ref().is_some_and(KickError::is_transient);
                self.problem = self.problem.take().or(sample.problem);
                return if is_transient { Coming::NotAll } else { Coming::NoMore };
            }
            self.messages.extend(sample.messages.into_iter().map(|message| ChatMessage {
                at: clock.media(message.at),
                user: message.username,
                text: message.text,
            }));
            self.known.insert(missing);
        }
        Coming::All
    }
}

#[cfg(test)]
mod tests {
    use highlight_detect::{Reason, Signal};

    use super::*;

    #[test]
    fn wall_clock_and_media_time_lead_back_to_one_another() {
        let span = Span::from_secs_f64(100.0, 110.0);
        let clock = Clock { span, wall: "2026-10-08T12:00:00Z".parse().expect("a time") };
        for second in [90, 100, 4_000] {
            let time = MediaTime::from_secs(second);
            assert_eq!(clock.wall(time).map(|wall| clock.media(wall)), Some(time));
        }
        assert_eq!(clock.wall(MediaTime::from_secs(65)), "2026-10-08T11:59:25Z".parse().ok());
    }

    #[test]
    fn the_promising_are_asked_for_first_and_the_hopeless_not_at_all() {
        let candidate = |second: i64, weight: f32| {
            let core = Span::new(MediaTime::from_secs(second), MediaTime::from_secs(second + 6));
            let reasons = vec![Reason { signal: Signal::Prior, detail: String::new(), weight }];
            Candidate { core, peak: core.middle(), reasons, dips: vec![], gaps: vec![] }
        };
        let candidates = [candidate(100, -1.0), candidate(300, 2.0), candidate(500, -12.0)];
        assert_eq!(promising(&candidates, &RankOptions::default()), [1, 0]);
    }
}
