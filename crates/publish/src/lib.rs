//! Publishing a clip: what it means, whatever the platform.
//!
//! A [`Publisher`] takes one finished [`Post`] to one account of one platform. There is one in this crate, [`FolderExport`];
//! each platform is a crate of its own that implements the same trait and passes the same checks (feature `conformance`).
//!
//! # Exactly once
//!
//! Nobody can make two machines agree with one message, so a publisher keeps a [`Journal`]: **before** each request that changes
//! something at the platform it writes down what it is about to do, and after the reply what came of it. Whoever starts again
//! after a crash hands the same journal to [`Publisher::publish`], which goes on by this table:
//!
//! | the journal's [`Standing`] | what the platform may have | what is done |
//! |---|---|---|
//! | [`Nothing`](Standing::Nothing) | nothing | begin |
//! | [`Asked`](Standing::Asked) | a place to send to, empty | begin anew; what is empty is never shown to anyone |
//! | [`Opened`](Standing::Opened) | a place to send to, and a part | go on there, or begin anew if it is gone |
//! | [`Committing`](Standing::Committing) | the whole post, or not | ask the platform; never send again unless it says no |
//! | [`Committed`](Standing::Committed) | the whole post | ask what became of it |
//! | [`Delivered`](Standing::Delivered) | the post | nothing: the earlier [`Delivery`] is the answer |
//!
//! An outcome that nobody can find out is [`PublishError::Unknown`]: it is shown to a person and never tried again by itself.
//!
//! What stands in the journal is no secret: addresses to send to, which are, stay with the publisher.

#[cfg(feature = "conformance")]
pub mod conformance;
mod delivery;
mod error;
mod folder;
mod journal;
mod post;
mod publisher;

pub use delivery::{Delivery, DeliveryState, Receipt};
pub use error::{JournalError, PublishError, Refusal};
pub use folder::FolderExport;
pub use journal::{Journal, Mark, MemoryJournal, Standing};
pub use post::{ContentHash, Post, PostKey, Target, VideoFacts};
pub use publisher::{ProgressSink, Publisher, Readiness};
