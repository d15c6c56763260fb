//! Keeping a connection to a room: which way, how soon again, and what the caller is told meanwhile.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::FutureExt;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outlet::Outlet;
use super::protocol::{Centrifugo, Pusher};
use super::session::{End, FetchToken, Surroundings, converse};
use super::transport::{Agreed, negotiate, open};
use super::{ChatProblem, ChatRoom, ChatState, ChatTransport, ChatUpdate};
use crate::config::KickConfig;
use crate::http::KickHttp;
use crate::secret_url::origin;

/// The first wait before a new try; each further one is twice as long, plus chance of as much again, so that the many
/// clients that a restart of the server cuts off do not come back in step.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait, before chance.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// The longest wait that is granted when the other side asks for one.
const LONGEST_WAIT_ON_DEMAND: Duration = Duration::from_secs(600);
/// A connection that held this long was a good one: the next is tried at once the same way.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// How soon a lost connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatPacing {
    /// The first wait; 1 s. It doubles from try to try and has chance added.
    pub first_wait: Duration,
    /// The longest wait, before chance; 120 s.
    pub longest_wait: Duration,
    /// How long a connection must hold for the waits to begin anew; 60 s.
    pub stable_after: Duration,
}

impl Default for ChatPacing {
    fn default() -> Self {
        Self { first_wait: FIRST_WAIT, longest_wait: LONGEST_WAIT, stable_after: STABLE_AFTER }
    }
}

impl ChatPacing {
    fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .without_max_times()
            .with_jitter()
            .build()
    }
}

/// A connection to the chat of one channel that is kept up as long as it is wanted.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use kick_client::chat::{ChatConnection, ChatEvent, ChatRoom, ChatUpdate};
/// use kick_client::{KickConfig, KickHttp};
/// use tokio_util::sync::CancellationToken;
///
/// let config = KickConfig::default();
/// let http = KickHttp::new(&config)?;
/// let room = ChatRoom { chatroom_id: 668, channel_id: Some(668) };
/// let (sender, mut updates) = tokio::sync::mpsc::channel(1024);
/// let cancel = CancellationToken::new();
/// tokio::spawn(ChatConnection::new(&config, http, room).run(sender, cancel.clone()));
/// while let Some(update) = updates.recv().await {
///     if let ChatUpdate::Event { event: ChatEvent::Message(message), .. } = update {
///         println!("{}: {}", message.username, message.text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ChatConnection {
    config: KickConfig,
    http: KickHttp,
    room: ChatRoom,
    transports: Vec<ChatTransport>,
    pacing: ChatPacing,
}

/// What went through a connection over its whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatTotals {
    /// Events that were handed over.
    pub events: u64,
    /// Events that were dropped because the receiver was too slow.
    pub missed: u64,
    /// How often messages began to arrive.
    pub connections: u64,
}

impl ChatConnection {
    /// A connection to `room` by every way there is, the better tried first.
    #[must_use]
    pub fn new(config: &KickConfig, http: KickHttp, room: ChatRoom) -> Self {
        let transports = ChatTransport::ALL.to_vec();
        Self { config: config.clone(), http, room, transports, pacing: ChatPacing::default() }
    }

    /// By these ways alone, in this order.
    #[must_use]
    pub fn with_transports(mut self, transports: impl IntoIterator<Item = ChatTransport>) -> Self {
        self.transports = transports.into_iter().collect();
        self
    }

    /// With waits of your own.
    #[must_use]
    pub fn with_pacing(mut self, pacing: ChatPacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Keeps the connection until `cancel` or until the receiver is dropped, and never fails: what goes wrong is told as a
    /// [`ChatState`]. If there is no room in the channel, events are dropped and counted ([`ChatUpdate::Missed`]); states are
    /// always told.
    pub async fn run(self, sender: Sender<ChatUpdate>, cancel: CancellationToken) -> ChatTotals {
        let mut outlet = Outlet::new(sender);
        self.keep(&mut outlet, &cancel).await;
        outlet.totals()
    }

    async fn keep(&self, outlet: &mut Outlet, cancel: &CancellationToken) {
        let mut waits = self.pacing.waits();
        let mut way = 0;
        // Why each way failed since the last connection.
        let mut reasons = Vec::new();
        loop {
            let transport =
                self.transports.get(way).filter(|_| reasons.len() < self.transports.len()).copied();
            let Some(transport) = transport else {
                // All were tried since the last connection, or there are none.
                let retry_in = self.next_wait(&mut waits, reasons.iter().map(|(_, problem)| problem));
                let state = ChatState::Unavailable { reasons: std::mem::take(&mut reasons), retry_in };
                tracing::debug!(room = self.room.chatroom_id, ?retry_in, "no way to the chat room works");
                if self.pause(outlet, state, retry_in, cancel).await.is_err() {
                    return;
                }
                way = 0;
                continue;
            };
            match self.connect(transport, outlet, cancel).await {
                End::Stopped => return,
                End::Failed { ready_since: None, problem } => {
                    tracing::debug!(room = self.room.chatroom_id, %transport, %problem, "no connection to the chat room");
                    reasons.push((transport, problem));
                    way = (way + 1) % self.transports.len();
                }
                End::Failed { ready_since: Some(since), problem } => {
                    reasons.clear();
                    if since.elapsed() >= self.pacing.stable_after {
                        waits = self.pacing.waits();
                        way = 0;
                    } else {
                        // It works, but does not hold: perhaps another does.
                        way = (way + 1) % self.transports.len();
                    }
                    let retry_in = self.next_wait(&mut waits, [&problem]);
                    tracing::debug!(room = self.room.chatroom_id, %transport, %problem, ?retry_in, "the chat is lost");
                    let state = ChatState::Reconnecting { reason: problem, retry_in };
                    if self.pause(outlet, state, retry_in, cancel).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// One connection, from nothing to its end.
    async fn connect(
        &self,
        transport: ChatTransport,
        outlet: &mut Outlet,
        cancel: &CancellationToken,
    ) -> End {
        let agreed = async {
            let Agreed { url, tokens } = match transport {
                ChatTransport::Pusher => Agreed { url: self.config.pusher_url.clone(), tokens: None },
                ChatTransport::Negotiated => negotiate(&self.config, &self.http, self.room).await?,
            };
            let tokens = match tokens {
                Some(tokens) => Some((tokens.fetch().await?, tokens)),
                None => None,
            };
            Ok((open(&url).await?, url, tokens))
        };
        let opened: Result<_, ChatProblem> = tokio::select! {
            biased;
            () = cancel.cancelled() => return End::Stopped,
            opened = agreed => opened,
            _gone = outlet.attend() => return End::Stopped,
        };
        let (socket, url, tokens) = match opened {
            Ok(opened) => opened,
            Err(problem) => return End::Failed { ready_since: None, problem },
        };
        let host = origin(&url);
        let surroundings = Surroundings { outlet, cancel, transport, host: host.clone() };
        match tokens {
            None => converse(socket, Pusher::new(self.room, host), None, surroundings).await,
            Some((first, tokens)) => {
                let fetch = move || {
                    let tokens = tokens.clone();
                    async move { tokens.fetch().await }.boxed()
                };
                let fetch: FetchToken<'_> = &fetch;
                converse(socket, Centrifugo::new(self.room, host, first), Some(fetch), surroundings).await
            }
        }
    }

    /// How long to wait: what the back-off says, or longer if one of `problems` asks for it.
    fn next_wait<'a>(
        &self,
        waits: &mut ExponentialBackoff,
        problems: impl IntoIterator<Item = &'a ChatProblem>,
    ) -> Duration {
        let asked_for = problems.into_iter().filter_map(ChatProblem::retry_after).max().unwrap_or_default();
        let own = waits.next().unwrap_or(self.pacing.longest_wait);
        own.max(asked_for.min(LONGEST_WAIT_ON_DEMAND))
    }

    /// Tells `state` and waits. An error if it is not wanted any more.
    async fn pause(
        &self,
        outlet: &mut Outlet,
        state: ChatState,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), NotWanted> {
        let until = Instant::now() + wait;
        outlet.state(state).map_err(|_gone| NotWanted)?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(NotWanted),
            _gone = outlet.attend() => Err(NotWanted),
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }
}

/// Cancelled, or without a receiver.
struct NotWanted;
