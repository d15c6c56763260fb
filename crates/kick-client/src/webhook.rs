//! What Kick tells by itself: requests to an address of ours, signed, perhaps late, perhaps twice.
//!
//! This is the official and documented way to hear of a broadcast that begins. It serves nothing: a program hands the
//! headers and the raw body of each request to [`WebhookReceiver::accept`] and answers with
//! [`WebhookError::http_status`] if that fails. Deliveries may be late by hours or stay away, so polling goes on beside it.
//!
//! A request counts if its signature fits Kick's public key ([`verify`]), its time is within [`REPLAY_WINDOW`] of ours,
//! and its message id was not seen before.

mod error;
mod event;
mod keys;
mod receiver;
mod signature;

pub use error::{KeyError, WebhookError};
pub use event::{Broadcaster, LivestreamMetadata, LivestreamStatus, WebhookEvent, WebhookPayload};
pub use keys::KeyStore;
pub use receiver::{Accepted, WebhookReceiver};
pub use signature::{REPLAY_WINDOW, WebhookKey, verify, verify_at};
