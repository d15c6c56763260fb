//! The jobs of a run.

use apalis::prelude::{Task, TaskBuilder};
use serde::{Deserialize, Serialize};
use timeline::{ClipId, Digest, MediaTime};

use crate::{Error, Stage};

/// One job: a step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) run: Digest,
    pub(crate) step: Step,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Ingest,
    Analyse,
    Transcribe {
        group: u32,
    },
    Rank,
    Render {
        clip: ClipId,
    },
    Store,
    /// Look closely at one candidate of a live session, which its core's start tells from the others.
    Moment {
        core_start: MediaTime,
    },
    /// Put one finished clip of a live session where it belongs.
    Keep {
        clip: ClipId,
    },
}

/// Rendering goes before listening for more words where both wait: the first clip should be there early.
const RENDER_PRIORITY: usize = 10;

impl Step {
    pub(crate) const fn stage(self) -> Stage {
        match self {
            Self::Ingest => Stage::Ingest,
            Self::Analyse => Stage::Analyse,
            Self::Transcribe { .. } | Self::Moment { .. } => Stage::Transcribe,
            Self::Rank => Stage::Rank,
            Self::Render { .. } => Stage::Render,
            Self::Store | Self::Keep { .. } => Stage::Store,
        }
    }

    /// What tells it apart from other steps of its stage; empty where there is one.
    pub(crate) fn item(self) -> String {
        match self {
            Self::Transcribe { group } => group.to_string(),
            Self::Render { clip } | Self::Keep { clip } => clip.to_string(),
            Self::Moment { core_start } => core_start.ticks().to_string(),
            Self::Ingest | Self::Analyse | Self::Rank | Self::Store => String::new(),
        }
    }
}

/// The queue of a run. Each has its own, so that a process never takes up another's work, and whoever holds the lock of
/// the run knows that no job of it is being worked on elsewhere.
pub(crate) fn queue_of(run: Digest) -> String {
    format!("run-{run}")
}

/// The queue of all live sessions. Only the monitor of a data folder works on it.
pub(crate) const LIVE_QUEUE: &str = "live";

impl Job {
    /// As a task of the queue; the same step of the same run is queued once.
    pub(crate) fn task(self) -> Result<Task<Vec<u8>>, Error> {
        let bytes = serde_json::to_vec(&self).map_err(|source| Error::Stored { what: "a job", source })?;
        let priority = match self.step {
            Step::Render { .. } | Step::Keep { .. } => RENDER_PRIORITY,
            _ => 0,
        };
        let key = format!("{}:{}:{}", self.run, self.step.stage(), self.step.item());
        // Due since ever: a job that is due from now on would wait if the machine's clock were set back.
        let task = TaskBuilder::new(bytes).priority(priority).max_attempts(1).run_at_timestamp(0);
        Ok(task.idempotency_key(key).build())
    }
}
