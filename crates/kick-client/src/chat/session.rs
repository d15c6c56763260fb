//! One connection, from its first frame to its end: the clock and the I/O around a [`Protocol`].

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{SinkExt, StreamExt};
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;

use super::outlet::{Outlet, ReceiverGone};
use super::protocol::{Action, Probe, Protocol};
use super::{ChatProblem, ChatState, ChatTransport};

/// How long it may take from the open socket until messages arrive.
const SETUP_LIMIT: Duration = Duration::from_secs(15);
/// How long a frame of ours may take to be sent. All are small, so only a dead peer takes longer.
const SENDING_LIMIT: Duration = Duration::from_secs(10);
/// How long after a failed attempt a token is fetched again. Should the old one expire, the server ends the
/// connection, and the next begins with a new token.
const TOKEN_RETRY: Duration = Duration::from_secs(5);
/// How long the closing of a socket may take.
const FAREWELL_LIMIT: Duration = Duration::from_millis(200);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The caller cancelled it, or let go of the receiver.
    Stopped,
    /// It failed or was lost.
    Failed {
        /// Since when messages arrived; none if it never came to that.
        ready_since: Option<Instant>,
        problem: ChatProblem,
    },
}

/// What stays the same over all connections to a room.
pub(super) struct Surroundings<'a> {
    pub(super) outlet: &'a mut Outlet,
    pub(super) cancel: &'a CancellationToken,
    pub(super) transport: ChatTransport,
    pub(super) host: String,
}

/// A token, soon.
pub(super) type TokenFuture = BoxFuture<'static, Result<SecretString, ChatProblem>>;

/// Where new tokens come from, for protocols that need them.
pub(super) type FetchToken<'a> = &'a (dyn Fn() -> TokenFuture + Sync);

/// Leads a conversation until it ends.
pub(super) async fn converse<S, P>(
    socket: WebSocketStream<S>,
    protocol: P,
    fetch_token: Option<FetchToken<'_>>,
    surroundings: Surroundings<'_>,
) -> End
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    P: Protocol,
{
    let now = Instant::now();
    let mut conversation = Conversation {
        socket,
        protocol,
        fetch_token,
        surroundings,
        begun: now,
        ready_since: None,
        last_heard: now,
        probed_at: None,
        refresh_at: None,
        token: None,
    };
    let stop = match conversation.lead().await {
        Ok(never) => match never {},
        Err(stop) => stop,
    };
    // A word of farewell, for which nobody waits long.
    let _ = tokio::time::timeout(FAREWELL_LIMIT, conversation.socket.close(None)).await;
    match stop {
        Stop::Asked => End::Stopped,
        Stop::Problem(problem) => End::Failed { ready_since: conversation.ready_since, problem },
    }
}

struct Conversation<'a, S, P> {
    socket: WebSocketStream<S>,
    protocol: P,
    fetch_token: Option<FetchToken<'a>>,
    surroundings: Surroundings<'a>,
    begun: Instant,
    /// Since when messages arrive.
    ready_since: Option<Instant>,
    last_heard: Instant,
    /// When a sign of life was asked for, if none came since.
    probed_at: Option<Instant>,
    /// When to fetch a new token.
    refresh_at: Option<Instant>,
    /// The new token, while it is being fetched.
    token: Option<TokenFuture>,
}

/// Why a conversation is over.
enum Stop {
    Asked,
    Problem(ChatProblem),
}

/// What happens next.
enum Next {
    Stop,
    RefreshDue,
    Token(Result<SecretString, ChatProblem>),
    Frame(Option<Result<Message, SocketError>>),
    Silence,
}

impl<S, P> Conversation<'_, S, P>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    P: Protocol,
{
    async fn lead(&mut self) -> Result<Infallible, Stop> {
        for text in self.protocol.opening() {
            self.send(Message::text(text)).await?;
        }
        loop {
            match self.next().await {
                Next::Stop => return Err(Stop::Asked),
                Next::RefreshDue => {
                    self.refresh_at = None;
                    self.token = self.fetch_token.map(|fetch| fetch());
                }
                Next::Token(token) => self.take_token(token).await?,
                Next::Frame(frame) => self.take_frame(frame).await?,
                Next::Silence => self.break_silence().await?,
            }
        }
    }

    async fn next(&mut self) -> Next {
        let silent_at = self.silent_at();
        let refresh_due = async {
            match self.refresh_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let new_token = async {
            match &mut self.token {
                Some(token) => token.await,
                None => std::future::pending().await,
            }
        };
        // A frame counts before the silence: after a suspension of the machine both are due. The rest comes before frames,
        // which in a raid never let up.
        tokio::select! {
            biased;
            () = self.surroundings.cancel.cancelled() => Next::Stop,
            () = refresh_due => Next::RefreshDue,
            token = new_token => {
                self.token = None;
                Next::Token(token)
            }
            frame = self.socket.next() => Next::Frame(frame),
            _gone = self.surroundings.outlet.attend() => Next::Stop,
            () = tokio::time::sleep_until(silent_at) => Next::Silence,
        }
    }

    fn silent_at(&self) -> Instant {
        if self.ready_since.is_none() {
            return self.begun + SETUP_LIMIT;
        }
        let pulse = self.protocol.pulse();
        match (self.probed_at, pulse.probe) {
            (Some(probed_at), Some((_, patience))) => probed_at + patience,
            _ => self.last_heard + pulse.quiet,
        }
    }

    async fn break_silence(&mut self) -> Result<(), Stop> {
        if self.ready_since.is_none() {
            let (host, what) = (self.host(), "joining the chat room");
            return Err(Stop::Problem(ChatProblem::TooSlow { host, what, limit: SETUP_LIMIT }));
        }
        match (self.probed_at, self.protocol.pulse().probe) {
            (None, Some((probe, _))) => {
                self.send(match probe {
                    Probe::Text(text) => Message::text(text),
                    Probe::Ping => Message::Ping(Bytes::new()),
                })
                .await?;
                self.probed_at = Some(Instant::now());
                Ok(())
            }
            _ => Err(Stop::Problem(ChatProblem::Silent {
                host: self.host(),
                silence: self.last_heard.elapsed(),
            })),
        }
    }

    async fn take_token(&mut self, token: Result<SecretString, ChatProblem>) -> Result<(), Stop> {
        match token {
            Ok(token) => match self.protocol.refresh(&token) {
                Some(text) => self.send(Message::text(text)).await,
                None => Ok(()),
            },
            Err(problem) => {
                tracing::debug!(%problem, "no new token for the chat yet");
                self.refresh_at = Some(Instant::now() + TOKEN_RETRY);
                Ok(())
            }
        }
    }

    async fn take_frame(&mut self, frame: Option<Result<Message, SocketError>>) -> Result<(), Stop> {
        let message = match frame {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(Stop::Problem(ChatProblem::of_socket(self.host(), &error))),
            None => return Err(Stop::Problem(ChatProblem::closed(&self.host(), None))),
        };
        self.last_heard = Instant::now();
        self.probed_at = None;
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Binary(bytes) => str::from_utf8(bytes).unwrap_or_default(),
            Message::Close(frame) => {
                return Err(Stop::Problem(ChatProblem::closed(&self.host(), frame.clone())));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
        };
        let received_at = Timestamp::now();
        for action in self.protocol.frame(text, received_at) {
            self.act(action, received_at).await?;
        }
        Ok(())
    }

    async fn act(&mut self, action: Action, received_at: Timestamp) -> Result<(), Stop> {
        let outlet = &mut *self.surroundings.outlet;
        let told = match action {
            Action::Send(text) => return self.send(Message::text(text)).await,
            Action::End(problem) => return Err(Stop::Problem(problem)),
            Action::RefreshIn(after) => {
                self.refresh_at = Some(Instant::now() + after);
                Ok(())
            }
            Action::Tell(event) => outlet.event(event, received_at),
            Action::Ready if self.ready_since.is_some() => Ok(()),
            Action::Ready => {
                self.ready_since = Some(Instant::now());
                outlet.state(ChatState::Connected { transport: self.surroundings.transport })
            }
        };
        told.map_err(|ReceiverGone| Stop::Asked)
    }

    async fn send(&mut self, message: Message) -> Result<(), Stop> {
        let problem = match tokio::time::timeout(SENDING_LIMIT, self.socket.send(message)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => ChatProblem::of_socket(self.host(), &error),
            Err(_) => ChatProblem::TooSlow { host: self.host(), what: "sending", limit: SENDING_LIMIT },
        };
        Err(Stop::Problem(problem))
    }

    fn host(&self) -> String {
        self.surroundings.host.clone()
    }
}

#[cfg(test)]
mod tests;
