//! What happens in a chat room, and with the connection to it.

use std::time::Duration;

use jiff::Timestamp;

use super::{ChatProblem, ChatTransport};

/// What [`ChatConnection::run`](super::ChatConnection::run) tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChatUpdate {
    /// Something happened in the room.
    Event {
        /// When it arrived here, by the wall clock.
        received_at: Timestamp,
        /// What happened.
        event: ChatEvent,
    },
    /// The connection is in another state now.
    State(ChatState),
    /// The receiver was too slow: this many events were dropped here, between the update before and the one after.
    Missed {
        /// How many events.
        events: u64,
    },
}

/// How the connection to a room stands. It is kept up without the caller's help in every state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChatState {
    /// Messages arrive as they are written.
    Connected {
        /// By which way.
        transport: ChatTransport,
    },
    /// The connection was lost. What is written meanwhile is missing.
    Reconnecting {
        /// Why it was lost.
        reason: ChatProblem,
        /// How long until the next try.
        retry_in: Duration,
    },
    /// No way to the room works at present. It is still tried, more and more rarely.
    Unavailable {
        /// Why each way failed, in the order in which they were tried.
        reasons: Vec<(ChatTransport, ChatProblem)>,
        /// How long until the next try.
        retry_in: Duration,
    },
}

/// Something that happened in a room.
///
/// Kick leaves fields out and changes their types; what is missing is `None`, empty or zero here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChatEvent {
    /// Somebody wrote.
    Message(ChatMessage),
    /// A message was taken away.
    Deleted {
        /// The [`ChatMessage::id`] of the message.
        message_id: String,
    },
    /// Somebody may not write for some time, or for good.
    Banned {
        /// Who.
        username: String,
        /// By whom.
        by: Option<String>,
        /// Until when, if not for good.
        expires_at: Option<Timestamp>,
    },
    /// Somebody subscribed or renewed.
    Subscription {
        /// Who.
        username: String,
        /// For how many months by now.
        months: u64,
    },
    /// Somebody gave subscriptions to others.
    GiftedSubscriptions {
        /// Who gave; empty if anonymous.
        gifter: String,
        /// Who got one.
        recipients: Vec<String>,
    },
    /// Somebody gave Kicks, the site's own currency.
    KicksGifted {
        /// Who gave.
        username: String,
        /// What it is called.
        gift: String,
        /// How many Kicks it cost.
        amount: u64,
    },
    /// Another channel sent its viewers here.
    Raid {
        /// Which.
        host: String,
        /// How many viewers.
        viewers: u64,
    },
    /// The broadcast began.
    StreamLive {
        /// Kick's number of the broadcast.
        livestream_id: Option<u64>,
        /// Its title.
        title: Option<String>,
        /// When it began.
        started_at: Option<Timestamp>,
    },
    /// The broadcast ended.
    StreamStopped {
        /// Kick's number of the broadcast.
        livestream_id: Option<u64>,
    },
    /// Something else, such as a poll or a pinned message.
    Other {
        /// What Kick calls it, without a prefix.
        name: String,
    },
}

/// One message, live or from the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Its id, a UUID as a rule.
    pub id: Option<String>,
    /// Who wrote it, by a number that survives renaming.
    pub user_id: Option<u64>,
    /// Who wrote it. Empty if Kick does not say.
    pub username: String,
    /// What was written, with emotes by their names: `[emote:37226:KEKW]` reads `KEKW`.
    pub text: String,
    /// When it was written by Kick's clock, or when it arrived if Kick does not say.
    pub at: Timestamp,
    /// What sort of message it is.
    pub kind: MessageKind,
    /// The emotes in it, in their order, repeated ones as often as they occur.
    pub emotes: Vec<Emote>,
    /// What the writer is in this channel, in Kick's words, such as `moderator` or `subscriber`.
    pub badges: Vec<String>,
}

/// What sort of message one is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// Just a message.
    #[default]
    Message,
    /// An answer to another.
    Reply {
        /// The [`ChatMessage::id`] of that one.
        to_message: Option<String>,
        /// Who wrote that one.
        to_username: Option<String>,
    },
    /// The site celebrates something, such as a year of subscription.
    Celebration,
    /// Any other, in Kick's words.
    Other(String),
}

/// A small picture in a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Emote {
    /// Kick's number of it, in digits.
    pub id: String,
    /// What it is called.
    pub name: String,
}
