//! What is said over a socket, without the socket: frames in, actions out.

mod centrifugo;
mod pusher;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{ChatEvent, ChatProblem};

pub(super) use centrifugo::Centrifugo;
pub(super) use pusher::Pusher;

/// What a frame calls for.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Send this text.
    Send(String),
    /// Tell the caller.
    Tell(ChatEvent),
    /// The room's messages arrive from now on.
    Ready,
    /// Fetch a new token after this time, and give it to [`Protocol::refresh`].
    RefreshIn(Duration),
    /// End the connection.
    End(ChatProblem),
}

/// How a dead connection is noticed.
#[derive(Debug, PartialEq)]
pub(super) struct Pulse {
    /// How long it may be quiet before it is suspect.
    pub(super) quiet: Duration,
    /// What is sent then, and how long anything at all may take to come back. None: it is dead at once.
    pub(super) probe: Option<(Probe, Duration)>,
}

/// What asks for a sign of life.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Probe {
    /// A text of the protocol.
    Text(&'static str),
    /// A ping of the socket itself.
    Ping,
}

/// One side of a conversation. Holds no clock and does no I/O.
pub(super) trait Protocol: Send {
    /// What is sent first.
    fn opening(&mut self) -> Vec<String>;
    /// What one text frame calls for. What is not understood is ignored.
    fn frame(&mut self, text: &str, received_at: Timestamp) -> Vec<Action>;
    /// How a dead connection is noticed at present.
    fn pulse(&self) -> Pulse;
    /// What tells the server a new token, if it knows tokens.
    fn refresh(&mut self, token: &SecretString) -> Option<String>;
}
