//! The queue of publications: which clip goes where, when, and what became of it.
//!
//! Finished clips are put into a [`Queue`] in the database, once for each [`Outlet`] of their streamer. A [`Courier`] takes them from there, best first,
//! and hands them to the [`Publisher`](publish::Publisher) of their [`Destination`] when its [`Schedule`] allows. Each publication is
//! claimed by one process at a time, and its journal is in the database, so whatever ends a process, the next one goes on where it
//! stopped and nothing is sent twice.

mod bucket;
mod claim;
mod clock;
mod courier;
mod event;
mod intake;
mod journal;
mod outlet;
mod parcel;
mod queue;
mod record;
mod rows;
mod schedule;
mod verdict;

pub use bucket::StorePublisher;
pub use clock::Clock;
pub use courier::{Courier, Destination, Sent, Until};
pub use event::{PublishEvent, PublishSink};
pub(crate) use intake::{ClipPost, intake, offers};
pub use outlet::{Outlet, Outlets};
pub use parcel::facts_of;
pub use queue::{Added, Queue, QueueError};
pub use record::{NewPublication, Publication, PublicationState};
pub(crate) use rows::insert;
pub use schedule::{Hold, Hours, HoursError, Schedule};
