//! Streams as they run: recorded, listened to, and their moments made into clips while they go on.
//!
//! ```text
//! supervisor ── who is live ──► session ── segments ──► recorder ── candidates ──► jobs: look closely ─ render ─ keep
//!     ▲                            │                        │                                 │
//!     └────────── news ────────────┘                  segment store ◄──────── excerpts ───────┘
//! ```
//!
//! A session is a run whose recording grows. Detection rides on the bytes that are recorded. Its state is in the segments and the database, so
//! a process that is killed costs the segment in flight and nothing else.

mod chat;
mod closing;
mod disk;
mod event;
pub(crate) mod limits;
mod presence;
mod recorder;
mod session;
mod sources;
mod status;
mod steps;
mod supervisor;
mod watch;
mod webhooks;
mod workshop;

pub use disk::DiskBudget;
pub use event::{MonitorEvent, MonitorSink};
pub use limits::{ClipLimits, LimitReached};
pub use presence::State;
pub use sources::{KickAccess, SeenStreamer, SystemCommands, look_once};
pub use status::{MonitorStatus, StreamerStatus};
pub use supervisor::{MonitorRequest, is_running, monitor};
pub use watch::{StreamSource, Watched};
