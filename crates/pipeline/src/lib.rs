//! From a recording to stored clips: the durable job graph, and detection on its own.
//!
//! [`detect`] looks through one recording and keeps nothing. [`process`] does the same as a graph of jobs in a database,
//! renders what was found and stores it; whatever ends it, running it again goes on where it stopped.
//!
//! ```text
//! ingest ─ analyse ─ transcribe ─ transcribe ─ … ─ rank ─ store
//!                         └─ render   └─ render     └─ render ┘
//! ```
//!
//! Every stage is a job with an idempotency key. What a stage found and the jobs that follow from it are committed in one
//! transaction, so a stage that had finished is never run again, and one that had not starts anew with what was there before it.
//! Files are written under temporary names and renamed when whole.

mod analysis;
mod blocking;
mod catalogue;
mod contract;
mod detect;
mod engine;
mod error;
mod event;
mod export;
mod fingerprint;
mod footage;
mod inputs;
mod job;
mod listening;
pub mod live;
mod lock;
mod process;
pub mod publishing;
mod rendering;
pub mod report;
mod report_data;
mod selection;
mod settings;
mod speech;
mod stages;
pub mod vod;

pub use analysis::{Analysis, CurvePoint, analyse};
pub use contract::{Detection, HighlightEntry, ReasonEntry, RejectedEntry, WordEntry};
pub use detect::{DetectRequest, detect};
pub use error::Error;
pub use event::{Event, EventSink, Stage};
pub use export::{CAPTION_VARIABLES, plain_caption};
pub use inputs::{InputError, read_chat, read_transcript};
pub use process::{Outcome, ProcessRequest, Processed, Source, process};
pub use settings::{InputFile, LexiconSettings, RunSettings, SpeechSettings};
