//! Chat of a session: kept beside its recording, in the form of the machine contract, and read again after a restart.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use highlight_detect::ChatMessage;
use jiff::Timestamp;
use kick_client::chat::{ChatLog, ChatMessage as KickMessage};
use timeline::MediaTime;

use super::recorder::Anchor;
use crate::Error;
use crate::inputs::read_chat;

/// The file, in the session's folder.
const FILE: &str = "chat.jsonl";

/// Where wall clock and media time meet, as the log of chat asks for it.
type Clock = Box<dyn Fn(Timestamp) -> Option<MediaTime> + Send + Sync>;

/// Chat of a session.
pub(super) struct SessionChat {
    /// `None` once it could not be written; the detector still hears of messages then.
    log: Option<ChatLog<Clock>>,
    anchor: Arc<Mutex<Option<Anchor>>>,
}

impl SessionChat {
    /// Opens the chat of the session in `folder`, with what was written to it before.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<ChatMessage>), Error> {
        let path = folder.join(FILE);
        let anchor: Arc<Mutex<Option<Anchor>>> = Arc::default();
        let shared = Arc::clone(&anchor);
        let clock: Clock = Box::new(move |wall| {
            let anchor = *shared.lock().unwrap_or_else(PoisonError::into_inner);
            anchor.map(|anchor| anchor.media_time(wall))
        });
        // Opening cuts off a last line that a crash left unfinished.
        let log =
            ChatLog::open(&path, clock).map_err(|error| tracing::warn!(%error, "chat is not kept")).ok();
        let known = if path.is_file() { read_chat(&path)? } else { Vec::new() };
        Ok((Self { log, anchor }, known))
    }

    /// Keeps a message; what the detector is told of it, or nothing if it is of before the session.
    pub(super) fn keep(&mut self, anchor: Anchor, message: &KickMessage) -> Option<ChatMessage> {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = Some(anchor);
        let at = anchor.media_time(message.at);
        if at < MediaTime::ZERO {
            return None;
        }
        if let Some(log) = &mut self.log
            && let Err(error) = log.append(message)
        {
            tracing::warn!(%error, "chat is not kept any more");
            self.log = None;
        }
        Some(ChatMessage { at, user: message.username.clone(), text: message.text.clone() })
    }
}
