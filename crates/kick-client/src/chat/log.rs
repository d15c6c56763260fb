//! Chat written beside the recording: one JSON object a line, on the timeline of the medium.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use fs_err::{File, OpenOptions};
use jiff::Timestamp;
use serde::Serialize;
use timeline::MediaTime;

use super::ChatMessage;

/// How much of the file is looked at a time, from its end, for the last whole line, in bytes.
const LOOK_BACK: u64 = 64 << 10;

/// Where a moment of the wall clock lies in the recording.
///
/// Any function or closure of that form is one.
pub trait MediaClock {
    /// The time in the medium at which `wall` was recorded; none if it was not, being before the start or in a gap.
    fn media_time(&self, wall: Timestamp) -> Option<MediaTime>;
}

impl<F: Fn(Timestamp) -> Option<MediaTime>> MediaClock for F {
    fn media_time(&self, wall: Timestamp) -> Option<MediaTime> {
        self(wall)
    }
}

/// The chat file of a recording cannot be written. The message of the cause names the file.
#[derive(Debug, thiserror::Error)]
#[error("the chat cannot be recorded beside the media")]
pub struct ChatLogError {
    #[from]
    source: io::Error,
}

/// One line, as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    t_s: f64,
    user: &'a str,
    text: &'a str,
}

/// Appends messages to a file of lines `{"t_s": seconds, "user": "...", "text": "..."}`, seconds from the start of the medium.
///
/// A line goes out in one piece and is in the file when [`ChatLog::append`] returns, so that a crash of the program costs none; call
/// [`ChatLog::sync`] where a crash of the machine should not either. A line that was cut off is removed before the next is written,
/// at the latest when the file is opened again. Only one log may write to a file at a time. The calls block for as long as the file system does.
#[derive(Debug)]
pub struct ChatLog<C> {
    file: File,
    clock: C,
    /// Up to where the file holds whole lines.
    whole: u64,
    /// Whether something may lie behind that.
    torn: bool,
    line: Vec<u8>,
}

impl<C: MediaClock> ChatLog<C> {
    /// Opens `path`, or makes it, and cuts off what a crash left of a line at its end.
    ///
    /// # Errors
    /// If the file cannot be opened, read or cut.
    pub fn open(path: &Path, clock: C) -> Result<Self, ChatLogError> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        let whole = end_of_last_line(&mut file, length)?;
        if whole < length {
            tracing::info!(path = %path.display(), bytes = length - whole, "a cut-off line of chat is removed");
            file.set_len(whole)?;
        }
        Ok(Self { file, clock, whole, torn: false, line: Vec::new() })
    }

    /// Writes `message` where the clock says it belongs. False if the clock knows no place for it: then nothing is written.
    ///
    /// # Errors
    /// If it cannot be written, for example because the disk is full. The file still holds whole lines alone once the next is
    /// written, and so it may be tried again.
    pub fn append(&mut self, message: &ChatMessage) -> Result<bool, ChatLogError> {
        let placed = self.clock.media_time(message.at).filter(|at| *at >= MediaTime::ZERO);
        let Some(at) = placed else { return Ok(false) };
        // Milliseconds are finer than chat is, and shorter.
        let t_s = at.to_units(1000) as f64 / 1000.0;
        self.line.clear();
        let line = Line { t_s, user: &message.username, text: &message.text };
        serde_json::to_writer(&mut self.line, &line).map_err(io::Error::from)?;
        self.line.push(b'\n');
        if self.torn {
            self.file.set_len(self.whole)?;
        }
        self.torn = true;
        self.file.write_all(&self.line)?;
        self.torn = false;
        self.whole += self.line.len() as u64;
        Ok(true)
    }

    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn sync(&self) -> Result<(), ChatLogError> {
        Ok(self.file.sync_data()?)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

/// Where the last line of `file` ends that was written whole.
fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut piece = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(LOOK_BACK);
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        (&mut *file).take(end - start).read_to_end(&mut piece)?;
        if let Some(newline) = piece.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
