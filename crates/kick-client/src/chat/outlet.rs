//! The way out to the caller: bounded, never waited for, and honest about what it dropped.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::{ChatEvent, ChatState, ChatTotals, ChatUpdate};

/// The caller has let go of the receiver.
pub(super) struct ReceiverGone;

/// Hands updates over. An event for which there is no room is dropped and counted; a state waits, and a newer one takes
/// its place.
pub(super) struct Outlet {
    sender: Sender<ChatUpdate>,
    /// Told as soon as there is room, the first first: a count of what was dropped, a state, or both in either order.
    waiting: VecDeque<ChatUpdate>,
    totals: ChatTotals,
}

impl Outlet {
    pub(super) fn new(sender: Sender<ChatUpdate>) -> Self {
        Self { sender, waiting: VecDeque::new(), totals: ChatTotals::default() }
    }

    /// What went through so far.
    pub(super) fn totals(&self) -> ChatTotals {
        self.totals
    }

    pub(super) fn event(&mut self, event: ChatEvent, received_at: Timestamp) -> Result<(), ReceiverGone> {
        self.hand_over_waiting()?;
        if self.waiting.is_empty() {
            match self.sender.try_send(ChatUpdate::Event { received_at, event }) {
                Ok(()) => {
                    self.totals.events += 1;
                    return Ok(());
                }
                Err(TrySendError::Closed(_)) => return Err(ReceiverGone),
                Err(TrySendError::Full(_)) => {}
            }
        }
        self.totals.missed += 1;
        match self.waiting.back_mut() {
            Some(ChatUpdate::Missed { events }) => *events += 1,
            _ => self.waiting.push_back(ChatUpdate::Missed { events: 1 }),
        }
        Ok(())
    }

    pub(super) fn state(&mut self, state: ChatState) -> Result<(), ReceiverGone> {
        if matches!(state, ChatState::Connected { .. }) {
            self.totals.connections += 1;
        }
        self.waiting.retain(|update| !matches!(update, ChatUpdate::State(_)));
        self.join_counts();
        self.waiting.push_back(ChatUpdate::State(state));
        self.hand_over_waiting()
    }

    /// Hands over what waits as soon as there is room, and returns once the caller lets go of the receiver. Nothing is lost
    /// if this is dropped half-way.
    pub(super) async fn attend(&mut self) -> ReceiverGone {
        while let Some(next) = self.waiting.front() {
            match self.sender.reserve().await {
                Ok(permit) => permit.send(next.clone()),
                Err(_) => return ReceiverGone,
            }
            self.waiting.pop_front();
        }
        self.sender.closed().await;
        ReceiverGone
    }

    fn hand_over_waiting(&mut self) -> Result<(), ReceiverGone> {
        while let Some(next) = self.waiting.front() {
            match self.sender.try_send(next.clone()) {
                Ok(()) => self.waiting.pop_front(),
                Err(TrySendError::Full(_)) => return Ok(()),
                Err(TrySendError::Closed(_)) => return Err(ReceiverGone),
            };
        }
        Ok(())
    }

    /// Once the state between two counts is gone, they are one. There are never more than two.
    fn join_counts(&mut self) {
        let events: u64 = self
            .waiting
            .drain(..)
            .map(|update| if let ChatUpdate::Missed { events } = update { events } else { 0 })
            .sum();
        if events > 0 {
            self.waiting.push_back(ChatUpdate::Missed { events });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;
    use crate::chat::{ChatProblem, ChatTransport};

    fn event(name: usize) -> ChatEvent {
        ChatEvent::Other { name: name.to_string() }
    }

    fn connected() -> ChatState {
        ChatState::Connected { transport: ChatTransport::Pusher }
    }

    fn lost() -> ChatState {
        ChatState::Reconnecting { reason: ChatProblem::NoChannelId, retry_in: Duration::ZERO }
    }

    fn shown(update: ChatUpdate) -> String {
        match update {
            ChatUpdate::Event { event: ChatEvent::Other { name }, .. } => name,
            ChatUpdate::Missed { events } => format!("missed {events}"),
            ChatUpdate::State(ChatState::Connected { .. }) => "connected".into(),
            ChatUpdate::State(_) => "lost".into(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_dropped_is_counted_in_its_place_and_states_are_kept() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut outlet = Outlet::new(sender);
        let now = Timestamp::UNIX_EPOCH;
        for number in 0..5 {
            outlet.event(event(number), now).ok().unwrap();
        }
        outlet.state(lost()).ok().unwrap();
        outlet.event(event(5), now).ok().unwrap();
        outlet.state(connected()).ok().unwrap();
        assert_eq!(outlet.totals(), ChatTotals { events: 2, missed: 4, connections: 1 });
        let mut seen = Vec::new();
        let reading = async {
            while seen.len() < 4 {
                seen.push(shown(receiver.recv().await.unwrap()));
            }
        };
        tokio::select! {
            _gone = outlet.attend() => panic!("the receiver is still there"),
            () = reading => {}
        }
        outlet.event(event(6), now).ok().unwrap();
        seen.push(shown(receiver.recv().await.unwrap()));
        assert_eq!(seen, ["0", "1", "missed 4", "connected", "6"]);
        assert_eq!(outlet.totals().events, 3);
    }

    #[tokio::test]
    async fn a_receiver_that_is_gone_is_noticed() {
        let (sender, receiver) = mpsc::channel(1);
        let mut outlet = Outlet::new(sender);
        drop(receiver);
        let ReceiverGone = outlet.attend().await;
        assert!(outlet.event(event(0), Timestamp::UNIX_EPOCH).is_err());
        assert!(outlet.state(connected()).is_err());
        let ReceiverGone = outlet.attend().await;
    }
}
