//! What happens while a recording is processed, for whoever shows it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A step of the job graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The recording is looked at: what it holds, and that it is whole.
    Ingest,
    /// The sound is listened to from end to end.
    Analyse,
    /// Words and cuts in the picture are looked for around candidates.
    Transcribe,
    /// All evidence is weighed and the highlights are chosen.
    Rank,
    /// One clip is cut, composed and encoded.
    Render,
    /// Clips, list and report are put where they belong.
    Store,
}

impl Stage {
    /// Its name in the database and in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Analyse => "analyse",
            Self::Transcribe => "transcribe",
            Self::Rank => "rank",
            Self::Render => "render",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Part of a stage begins. `item` tells apart what runs more than once: the clip, the group of candidates.
    Started {
        /// The stage.
        stage: Stage,
        /// Which part, from 0.
        item: u32,
        /// What it is about, for people.
        about: String,
    },
    /// Part of a stage has come this far.
    Progress {
        /// The stage.
        stage: Stage,
        /// Which part, from 0.
        item: u32,
        /// 0 to 1.
        share: f64,
    },
    /// Part of a stage is done.
    Finished {
        /// The stage.
        stage: Stage,
        /// Which part, from 0.
        item: u32,
        /// What came of it, for people.
        result: String,
    },
    /// A stage was done by an earlier run and is not repeated.
    Resumed {
        /// The stage.
        stage: Stage,
        /// How many parts of it.
        parts: u32,
    },
    /// Something the user should know.
    Notice(String),
}

/// Where events go. Cheap to clone; called from any thread.
#[derive(Clone)]
pub struct EventSink(Arc<dyn Fn(Event) + Send + Sync>);

impl EventSink {
    /// Events go to `receive`, which must not block.
    pub fn new(receive: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Events go nowhere.
    #[must_use]
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    pub(crate) fn send(&self, event: Event) {
        (self.0)(event);
    }

    pub(crate) fn started(&self, stage: Stage, item: u32, about: impl Into<String>) {
        self.send(Event::Started { stage, item, about: about.into() });
    }

    pub(crate) fn progress(&self, stage: Stage, item: u32, share: f64) {
        self.send(Event::Progress { stage, item, share: share.clamp(0.0, 1.0) });
    }

    pub(crate) fn finished(&self, stage: Stage, item: u32, result: impl Into<String>) {
        self.send(Event::Finished { stage, item, result: result.into() });
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EventSink")
    }
}
