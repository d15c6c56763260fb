//! An entry point for the fuzzer, which is no part of the API and may change at any time.

use std::time::Duration;

use jiff::Timestamp;

use super::protocol::{Action, Centrifugo, Probe, Protocol, Pusher};
use super::{ChatEvent, ChatRoom};

/// Reads `frames` in order as they would come over either protocol, and returns the events in them and the waits that
/// they call for, which are never zero.
#[must_use]
pub fn read_frames(frames: &[&str]) -> (Vec<ChatEvent>, Vec<Duration>) {
    let room = ChatRoom { chatroom_id: 7, channel_id: Some(5) };
    let host = "wss://chat.example".to_owned();
    let mut protocols: [Box<dyn Protocol>; 2] =
        [Box::new(Pusher::new(room, host.clone())), Box::new(Centrifugo::new(room, host, "token".into()))];
    let (mut events, mut waits) = (Vec::new(), Vec::new());
    for protocol in &mut protocols {
        for frame in frames {
            for action in protocol.frame(frame, Timestamp::UNIX_EPOCH) {
                match action {
                    Action::Tell(event) => events.push(event),
                    Action::RefreshIn(wait) => waits.push(wait),
                    Action::Send(_) | Action::Ready | Action::End(_) => {}
                }
            }
            let pulse = protocol.pulse();
            waits.push(pulse.quiet);
            waits.extend(pulse.probe.map(|(_, answer): (Probe, Duration)| answer));
        }
    }
    (events, waits)
}
