//! The chat of a channel: live over a socket, of finished broadcasts in pieces, and written beside the recording.
//!
//! Chat is a signal for scoring, never a condition: nothing here makes a caller fail. [`ChatConnection::run`] tells
//! what it is up to as [`ChatState`]s and goes on trying until it is cancelled; [`ChatHistory::around`] gives what it
//! could get and says why there is no more.
//!
//! | part | what it does |
//! |---|---|
//! | [`ChatConnection`] | keeps a connection to one room: Pusher first, then what the website negotiates (Centrifugo) |
//! | [`ChatEvent`] | what happens in a room, the same whichever way it came |
//! | [`ChatLog`] | appends messages to a JSONL file on the timeline of the recording |
//! | [`ChatHistory`] | what was written during a finished broadcast, sampled around the times that matter |
//!
//! All of it rests on internal endpoints of Kick, which may change or vanish.

mod connection;
mod emotes;
mod event;
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod log;
mod loose;
mod normalise;
mod outlet;
mod problem;
mod protocol;
mod room;
mod session;
mod transport;

pub use connection::{ChatConnection, ChatPacing, ChatTotals};
pub use event::{ChatEvent, ChatMessage, ChatState, ChatUpdate, Emote, MessageKind};
pub use history::{ChatHistory, ChatSample};
pub use log::{ChatLog, ChatLogError, MediaClock};
pub use normalise::{chat_event, chat_message};
pub use problem::ChatProblem;
pub use room::find_room;
pub use transport::{ChatRoom, ChatTransport};

pub(crate) use loose::{flag, number, text, timestamp};
