//! Why a chat room cannot be reached.

use std::time::Duration;

use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::error::{Failure, KickError, tidy};

/// Why a connection to a chat room did not come about or ended. Names hosts alone, no paths, keys or tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChatProblem {
    /// The website was asked and gave no usable answer.
    #[error("{what}")]
    Website {
        /// What was asked, of whom, and why there is no answer.
        what: String,
        /// How long the website asks to wait.
        retry_after: Option<Duration>,
        /// Whether a guard in front of Kick turned us away.
        blocked: bool,
    },
    /// The website cannot be asked without the channel's id.
    #[error("the internal id of the channel is not known, so the website cannot be asked for a connection")]
    NoChannelId,
    /// The configured address is no socket's.
    #[error("{host} is no address of a socket; it must begin with wss:// or ws://")]
    BadAddress {
        /// Scheme and host of it.
        host: String,
    },
    /// No connection, or it broke off.
    #[error("{host}: {what}")]
    Network {
        /// Scheme and host.
        host: String,
        /// What happened.
        what: String,
    },
    /// Something did not happen in time.
    #[error("{host}: {what} took longer than {} s", limit.as_secs_f32())]
    TooSlow {
        /// Scheme and host.
        host: String,
        /// What.
        what: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection stood, but nothing came through it any more, not even an answer to a ping.
    #[error("{host}: nothing was heard for {} s", silence.as_secs_f32())]
    Silent {
        /// Scheme and host.
        host: String,
        /// For how long.
        silence: Duration,
    },
    /// The server ended the connection.
    #[error("{host} closed the connection{}", coded(*.code, .message))]
    Closed {
        /// Scheme and host.
        host: String,
        /// Its code, if it gave one.
        code: Option<u64>,
        /// Its words, perhaps empty.
        message: String,
    },
    /// The server refuses what it was asked for.
    #[error("{host} refuses {what}{}", coded(*.code, .message))]
    Refused {
        /// Scheme and host.
        host: String,
        /// What it was asked for.
        what: &'static str,
        /// Its code, if it gave one.
        code: Option<u64>,
        /// Its words, perhaps empty.
        message: String,
    },
    /// The server speaks in a form that is not known here.
    #[error("{host} is not understood: {what}")]
    NotUnderstood {
        /// Scheme and host.
        host: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl ChatProblem {
    /// Whether a guard in front of Kick turned us away.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Website { blocked: true, .. })
    }

    /// How long the other side asks to wait, if it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Website { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What a failure of the socket means. The texts of the library may hold addresses, so they are tidied.
    pub(super) fn of_socket(host: String, error: &SocketError) -> Self {
        match error {
            SocketError::Http(response) => Self::Refused {
                host,
                what: "a socket",
                code: Some(response.status().as_u16().into()),
                message: String::new(),
            },
            SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
                Self::Closed { host, code: None, message: String::new() }
            }
            other => Self::Network { host, what: tidy(&other.to_string()) },
        }
    }

    pub(super) fn closed(host: &str, frame: Option<CloseFrame>) -> Self {
        let (code, message) = frame.map_or((None, String::new()), |frame| {
            (Some(u16::from(frame.code).into()), tidy(frame.reason.as_str()))
        });
        Self::Closed { host: host.to_owned(), code, message }
    }
}

impl From<KickError> for ChatProblem {
    fn from(error: KickError) -> Self {
        Self::Website {
            what: error.to_string(),
            retry_after: error.retry_after(),
            blocked: matches!(error.failure(), Failure::Blocked { .. }),
        }
    }
}

fn coded(code: Option<u64>, message: &str) -> String {
    match (code, message.is_empty()) {
        (None, true) => String::new(),
        (None, false) => format!(" ({message})"),
        (Some(code), true) => format!(" ({code})"),
        (Some(code), false) => format!(" ({code}: {message})"),
    }
}
