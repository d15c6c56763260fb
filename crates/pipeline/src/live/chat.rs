//! Chat of a session: kept beside its recording, in the form of the machine contract, and read again after a restart.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use highlight_detect::ChatMessage;
use jiff::Timestamp;
use kick_client::chat::{ChatLog, ChatMessage as KickMessage};
use timeline::MediaTime;

use super::recorder::Anchor;
use crate::inputs::parse_chat_line;

/// The file, in the session's folder.
const FILE: &str = "chat.jsonl";

/// Where wall clock and media time meet, as the log of chat asks for it.
type Clock = Box<dyn Fn(Timestamp) -> Option<MediaTime> + Send + Sync>;

/// Chat of a session.
pub(super) struct SessionChat {
    /// `None` if it could not be opened; the detector still hears of messages then.
    log: Option<ChatLog<Clock>>,
    /// Whether the last message could not be written: that is told once, and the next message may fare better.
    failing: bool,
    anchor: Arc<Mutex<Option<Anchor>>>,
}

impl SessionChat {
    /// Opens the chat of the session in `folder`, with what was written to it before, as far as that can be read: chat is a
    /// help, and never keeps a stream from being recorded.
    pub(super) fn open(folder: &Path) -> (Self, Vec<ChatMessage>) {
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
        (Self { log, failing: false, anchor }, read_known(&path))
    }

    /// Keeps a message; what the detector is told of it, or nothing if it is of before the session.
    pub(super) fn keep(&mut self, anchor: Anchor, message: &KickMessage) -> Option<ChatMessage> {
        *self.anchor.lock().unwrap_or_else(PoisonError::into_inner) = Some(anchor);
        let at = anchor.media_time(message.at);
        if at < MediaTime::ZERO {
            return None;
        }
        if let Some(log) = &mut self.log {
            let written = log.append(message);
            if let Err(error) = &written
                && !self.failing
            {
                tracing::warn!(%error, "chat messages cannot be kept");
            }
            self.failing = written.is_err();
        }
        Some(ChatMessage { at, user: message.username.clone(), text: message.text.clone() })
    }
}

/// The messages in the file at `path`, in order of time; lines that are none are passed over.
fn read_known(path: &Path) -> Vec<ChatMessage> {
    if !path.exists() {
        return Vec::new();
    }
    let bytes = match fs_err::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::warn!(%error, "the chat from before cannot be read");
            return Vec::new();
        }
    };
    let (mut known, mut bad) = (Vec::new(), 0_u32);
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match parse_chat_line(&String::from_utf8_lossy(line)) {
            Ok(message) => known.push(message),
            Err(_) => bad += 1,
        }
    }
    if bad > 0 {
        tracing::warn!(path = %path.display(), lines = bad, "lines of chat that cannot be read are passed over");
    }
    known.sort_by_key(|message| message.at);
    known
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn good(second: u32) -> String {
        format!(r#"{{"t_s": {second}, "user": "a", "text": "GG"}}"#)
    }

    #[test]
    fn bad_lines_and_unreadable_files_cost_only_themselves() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let lines =
            [good(2).into_bytes(), b"\xff\xfe".to_vec(), b"{\"t_s\": \"x\"}".to_vec(), good(1).into_bytes()];
        fs_err::write(&path, [lines.join(&b'\n'), b"\n".to_vec()].concat()).expect("written");
        let (_, known) = SessionChat::open(folder.path());
        let times: Vec<_> = known.iter().map(|message| message.at).collect();
        assert_eq!(times, [MediaTime::from_millis(1_000), MediaTime::from_millis(2_000)]);
        fs_err::remove_file(&path).expect("removed");
        fs_err::create_dir(&path).expect("made");
        let (chat, known) = SessionChat::open(folder.path());
        assert!(chat.log.is_none() && known.is_empty());
    }

    proptest! {
        #[test]
        fn any_line_between_good_ones_is_read_or_passed_over(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join(FILE);
            let (first, last) = (good(1).into_bytes(), good(2).into_bytes());
            fs_err::write(&path, [first, junk, last].join(&b'\n')).expect("written");
            prop_assert!(read_known(&path).len() >= 2);
        }
    }
}
