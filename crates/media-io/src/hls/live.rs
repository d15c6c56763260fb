//! Following a live stream: every segment once, in order, and what is missing marked.

mod budget;
mod event;
mod options;
mod pace;
mod reader;
mod source;
mod task;
mod window;

pub use event::{EndReason, LiveEvent, Skipped};
pub use options::{JoinAt, LIVE_CONCURRENCY, LiveOptions};
pub use reader::LiveReader;
pub use source::{Located, PlaylistSource, SourceError};
