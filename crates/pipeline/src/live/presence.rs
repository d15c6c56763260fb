//! Whether a streamer is live: what polling says and what the stream itself does, with hysteresis.
//!
//! Kick's live flag flaps, and a streamer's connection drops for moments. So one look that finds nobody ends nothing:
//! [`MISSES`] in a row do. A broadcast is told from the next by its start time, which a short drop does not change.

use std::fmt;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Looks in a row that find a streamer offline before the session is over (kick.md, section 10).
pub(super) const MISSES: u32 = 2;
/// Misses closer together than this may be one moment of the platform's, so they count once; half a poll if that is less.
const MISSES_APART: Duration = Duration::from_secs(10);

/// How far apart misses must be where it is looked every `poll`.
pub(super) fn misses_apart(poll: Duration) -> Duration {
    MISSES_APART.min(poll / 2)
}

/// What a look at the platform found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sighting {
    /// On air since then.
    Live {
        /// The start of the broadcast, which identifies it; `None` where nobody tells.
        since: Option<Timestamp>,
    },
    /// Not on air.
    Offline,
    /// The look failed, which says nothing.
    Unknown,
}

/// Where a streamer stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not on air.
    #[default]
    Offline,
    /// On air, but no segment is there yet.
    Starting,
    /// Being recorded.
    Live,
    /// Was on air a moment ago; the session goes on if it comes back soon.
    Interrupted,
    /// Over; what is left of the session is being finished.
    Ended,
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Offline => "offline",
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
        })
    }
}

/// What is to be done after a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Stay,
    /// A session begins, of the broadcast with this start.
    Begin(Option<Timestamp>),
    /// The session is over.
    End,
    /// The session is over, and another broadcast has begun.
    EndAndBegin(Option<Timestamp>),
}

/// The state of one streamer and what led to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Presence {
    state: State,
    broadcast: Option<Timestamp>,
    misses: u32,
    last_miss: Option<Instant>,
    /// Whether the stream itself gave no more.
    dropped: bool,
}

impl Presence {
    /// Where the streamer stands.
    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// When the broadcast of the session began, if that is known.
    pub(super) const fn broadcast(&self) -> Option<Timestamp> {
        self.broadcast
    }

    const fn in_session(&self) -> bool {
        matches!(self.state, State::Starting | State::Live | State::Interrupted)
    }

    /// Takes what a look found `at` a time; a miss less than `apart` after the one before does not count.
    pub(super) fn seen(&mut self, sighting: Sighting, at: Instant, apart: Duration) -> Change {
        match (sighting, self.in_session()) {
            (Sighting::Unknown, _) | (Sighting::Offline, false) => Change::Stay,
            (Sighting::Live { since }, false) => {
                *self = Self { state: State::Starting, broadcast: since, ..Self::default() };
                Change::Begin(since)
            }
            (Sighting::Live { since }, true) => {
                // A start time that was unknown at first says nothing of another broadcast.
                if self.broadcast.is_some() && since.is_some() && since != self.broadcast {
                    *self = Self { state: State::Starting, broadcast: since, ..Self::default() };
                    return Change::EndAndBegin(since);
                }
                self.broadcast = self.broadcast.or(since);
                self.misses = 0;
                self.last_miss = None;
                if self.state == State::Interrupted && !self.dropped {
                    self.state = State::Live;
                }
                Change::Stay
            }
            (Sighting::Offline, true) => {
                if self.last_miss.is_some_and(|last| at.saturating_duration_since(last) < apart) {
                    return Change::Stay;
                }
                self.last_miss = Some(at);
                self.misses += 1;
                if self.misses < MISSES {
                    self.state = State::Interrupted;
                    return Change::Stay;
                }
                *self = Self { state: State::Ended, ..Self::default() };
                Change::End
            }
        }
    }

    /// A segment of the stream has come.
    pub(super) fn segment(&mut self) {
        if self.in_session() {
            self.dropped = false;
            if self.misses == 0 {
                self.state = State::Live;
            }
        }
    }

    /// The stream has stopped giving segments.
    pub(super) fn dropped(&mut self) {
        if self.in_session() {
            self.dropped = true;
            self.state = State::Interrupted;
        }
    }

    /// The session has been finished.
    pub(super) fn closed(&mut self) {
        if self.state == State::Ended {
            self.state = State::Offline;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Sighting = Sighting::Live { since: Some(Timestamp::UNIX_EPOCH) };

    fn seen(presence: &mut Presence, sighting: Sighting) -> Change {
        presence.seen(sighting, Instant::now(), Duration::ZERO)
    }

    #[test]
    fn misses_close_together_count_once() {
        let (begun, apart) = (Instant::now(), misses_apart(Duration::from_secs(60)));
        assert_eq!(apart, MISSES_APART);
        assert_eq!(misses_apart(Duration::from_secs(2)), Duration::from_secs(1));
        let mut presence = live();
        let mut miss = |after| presence.seen(Sighting::Offline, begun + Duration::from_secs(after), apart);
        assert_eq!((miss(0), miss(2), miss(9)), (Change::Stay, Change::Stay, Change::Stay));
        assert_eq!(miss(10), Change::End);
    }

    fn live() -> Presence {
        let mut presence = Presence::default();
        assert_eq!(seen(&mut presence, LIVE), Change::Begin(Some(Timestamp::UNIX_EPOCH)));
        assert_eq!(presence.state(), State::Starting);
        presence.segment();
        assert_eq!(presence.state(), State::Live);
        presence
    }

    #[test]
    fn one_miss_ends_nothing_and_two_in_a_row_do() {
        let mut presence = live();
        for _ in 0..3 {
            assert_eq!(seen(&mut presence, Sighting::Offline), Change::Stay);
            assert_eq!(presence.state(), State::Interrupted);
            assert_eq!(seen(&mut presence, LIVE), Change::Stay);
            assert_eq!(presence.state(), State::Live);
        }
        assert_eq!(seen(&mut presence, Sighting::Offline), Change::Stay);
        assert_eq!(seen(&mut presence, Sighting::Unknown), Change::Stay);
        assert_eq!(seen(&mut presence, Sighting::Offline), Change::End);
        assert_eq!(presence.state(), State::Ended);
        presence.closed();
        assert_eq!(presence.state(), State::Offline);
    }

    #[test]
    fn a_drop_of_the_stream_is_over_with_the_next_segment() {
        let mut presence = live();
        presence.dropped();
        assert_eq!(seen(&mut presence, LIVE), Change::Stay);
        assert_eq!(presence.state(), State::Interrupted, "nothing has come yet");
        presence.segment();
        assert_eq!(presence.state(), State::Live);
    }

    #[test]
    fn another_start_time_is_another_broadcast() {
        let mut presence = live();
        let later = Some(Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(3));
        assert_eq!(seen(&mut presence, Sighting::Live { since: None }), Change::Stay);
        assert_eq!(seen(&mut presence, Sighting::Live { since: later }), Change::EndAndBegin(later));
        assert_eq!(presence.state(), State::Starting);
    }

    #[test]
    fn a_failed_look_changes_nothing() {
        let mut presence = Presence::default();
        assert_eq!(seen(&mut presence, Sighting::Unknown), Change::Stay);
        assert_eq!(presence.state(), State::Offline);
    }
}
