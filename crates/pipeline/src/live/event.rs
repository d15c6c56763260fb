//! What happens while streams are watched, for whoever shows it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use timeline::{Gap, MediaDuration, MediaTime, StreamerName};

use super::presence::State;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MonitorEvent {
    /// A streamer's state has changed.
    State {
        /// Whose.
        streamer: StreamerName,
        /// To what.
        state: State,
    },
    /// More of a stream is recorded.
    Recorded {
        /// Whose.
        streamer: StreamerName,
        /// How much of the session there is now.
        length: MediaDuration,
    },
    /// Part of a stream is missing.
    Gap {
        /// Whose.
        streamer: StreamerName,
        /// What is missing.
        gap: Gap,
    },
    /// A candidate has settled.
    Candidate {
        /// Whose.
        streamer: StreamerName,
        /// Its highest point, in the session.
        peak: MediaTime,
        /// What sound and chat alone make of it, 0 to 1.
        score: f32,
    },
    /// A clip is in its place.
    Clip {
        /// Whose.
        streamer: StreamerName,
        /// The file.
        path: PathBuf,
        /// Its score, 0 to 1.
        score: f32,
    },
    /// A session is over and its list and report are written.
    Closed {
        /// Whose.
        streamer: StreamerName,
        /// The report.
        report: PathBuf,
        /// How many clips it gave.
        clips: usize,
    },
    /// Something the user should know; of one streamer, or of all.
    Notice {
        /// Whose, if of one.
        streamer: Option<StreamerName>,
        /// What, as a sentence.
        text: String,
    },
}

/// Where events go. Cheap to clone; called from any thread.
#[derive(Clone)]
pub struct MonitorSink(Arc<dyn Fn(MonitorEvent) + Send + Sync>);

impl MonitorSink {
    /// Events go to `receive`, which must not block.
    pub fn new(receive: impl Fn(MonitorEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    pub(super) fn send(&self, event: MonitorEvent) {
        (self.0)(event);
    }

    pub(super) fn notice(&self, streamer: Option<&StreamerName>, text: impl Into<String>) {
        self.send(MonitorEvent::Notice { streamer: streamer.cloned(), text: text.into() });
    }
}

impl fmt::Debug for MonitorSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MonitorSink")
    }
}
