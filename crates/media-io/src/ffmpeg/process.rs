//! A child process that is always killed when it is no longer wanted, and always waited for.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Error;
use crate::error::FfmpegFailure;

/// How many lines of standard error are kept for an error.
const STDERR_LINES: usize = 40;

/// What ffmpeg says, and ends well all the same, when the disk is full at the very end of a file.
const UNFINISHED: [&str; 2] = ["Error writing trailer of ", "Error closing file "];

/// How many bytes of one line of standard error are kept: a damaged file makes long ones.
const STDERR_LINE_BYTES: usize = 500;

/// How often the interrupt flag is looked at while ffmpeg is silent: too short for a person to notice.
const INTERRUPT_PERIOD: Duration = Duration::from_millis(50);

/// How many lines may wait to be handled before ffmpeg has to.
const LINE_QUEUE: usize = 256;

/// A started program. Dropping it kills it and waits for its end, so a panic leaves no process behind either.
#[derive(Debug)]
pub(super) struct RunningProcess {
    program: PathBuf,
    arguments: Vec<OsString>,
    child: Child,
    stderr: Option<JoinHandle<String>>,
}

impl RunningProcess {
    /// Starts `program` with its standard output to be read, its standard error collected and no standard input.
    #[expect(clippy::disallowed_types, reason = "this is the one place that starts programs")]
    pub(super) fn start(program: &Path, arguments: Vec<OsString>) -> Result<Self, Error> {
        tracing::debug!(program = %program.display(), ?arguments, "starting");
        let child = std::process::Command::new(program)
            .args(&arguments)
            // Child messages are matched by their text.
            .env("LC_ALL", "C")
            // Coloured messages are no use in an error.
            .env("AV_LOG_FORCE_NOCOLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| cannot_start(program, &error))?;
        let stderr =
            child.stderr.take().map(|stderr| thread::spawn(move || read_tail(BufReader::new(stderr))));
        Ok(Self { program: program.to_owned(), arguments, child, stderr })
    }

    /// Its standard output, once.
    pub(super) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; its standard output must have been read to the end or dropped.
    pub(super) fn wait(&mut self) -> Result<(), Error> {
        let status = self.child.wait().map_err(|source| self.io_error(source))?;
        self.judge(status)
    }

    fn wait_unless(&mut self, interrupt: &AtomicBool) -> Result<(), Error> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(|source| self.io_error(source))? {
                // Ctrl-C on a terminal reaches the program as well as us.
                let stopped = interrupt.load(Ordering::Relaxed) && !status.success();
                return if stopped { Err(Error::Interrupted) } else { self.judge(status) };
            }
            if interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            // Its standard output is closed already: the end is a matter of milliseconds.
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn judge(&mut self, status: ExitStatus) -> Result<(), Error> {
        let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() && !UNFINISHED.iter().any(|text| stderr.contains(text)) {
            if !stderr.is_empty() {
                tracing::debug!(program = %self.program.display(), %stderr, "finished with warnings");
            }
            return Ok(());
        }
        Err(Error::Ffmpeg(Box::new(FfmpegFailure {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            status,
            stderr,
        })))
    }

    fn io_error(&self, source: io::Error) -> Error {
        Error::Io { path: self.program.clone(), source }
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        // Both fail only when it has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end and returns its standard output.
pub(super) fn capture(program: &Path, arguments: Vec<OsString>) -> Result<Vec<u8>, Error> {
    let mut process = RunningProcess::start(program, arguments)?;
    let mut output = Vec::new();
    if let Some(mut stdout) = process.take_stdout() {
        stdout.read_to_end(&mut output).map_err(|source| process.io_error(source))?;
    }
    process.wait()?;
    Ok(output)
}

/// Runs a program to its end and hands over each line of its standard output as it comes.
pub(super) fn read_lines(
    program: &Path,
    arguments: Vec<OsString>,
    interrupt: &AtomicBool,
    handle: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    if interrupt.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    let mut process = RunningProcess::start(program, arguments)?;
    let Some(stdout) = process.take_stdout() else { return process.wait() };
    let (sender, lines) = mpsc::sync_channel(LINE_QUEUE);
    // Ends at the end of the output, which comes at the latest when the process is killed.
    thread::spawn(move || {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        match lines.recv_timeout(INTERRUPT_PERIOD) {
            Ok(line) => handle(String::from_utf8_lossy(&line).trim_end()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
    }
    process.wait_unless(interrupt)
}

fn cannot_start(program: &Path, error: &io::Error) -> Error {
    let program = program.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::FfmpegMissing { program },
        _ => Error::FfmpegUnusable { program, detail: error.to_string() },
    }
}

/// The last lines of `stderr`, each bounded.
fn read_tail(stderr: impl BufRead) -> String {
    let mut tail = VecDeque::with_capacity(STDERR_LINES);
    let mut lines = BoundedLines { reader: stderr };
    while let Some(line) = lines.next_line() {
        if line.trim().is_empty() {
            continue;
        }
        if tail.len() == STDERR_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    tail.make_contiguous().join("\n")
}

struct BoundedLines<R> {
    reader: R,
}

impl<R: BufRead> BoundedLines<R> {
    /// The next line, its end cut off where it is too long; `None` at the end.
    fn next_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let mut read_anything = false;
        loop {
            let buffer = self.reader.fill_buf().ok()?;
            if buffer.is_empty() {
                return read_anything.then(|| to_text(&line));
            }
            read_anything = true;
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &buffer[..end.unwrap_or(buffer.len())];
            line.extend(part.iter().take(STDERR_LINE_BYTES.saturating_sub(line.len())));
            let used = end.map_or(buffer.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Some(to_text(&line));
            }
        }
    }
}

fn to_text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_bounded_in_lines_and_bytes() {
        let mut text = "x".repeat(10_000_000);
        for number in 0..1_000 {
            text.push_str(&format!("\nline {number}"));
        }
        let tail = read_tail(text.as_bytes());
        assert_eq!(tail.lines().count(), STDERR_LINES);
        assert!(tail.ends_with("line 999"), "{tail}");
        assert_eq!(read_tail("y".repeat(9_999).as_bytes()).len(), STDERR_LINE_BYTES);
    }

    #[test]
    fn empty_lines_and_bad_text_are_no_trouble() {
        assert_eq!(read_tail(&b"\n\r\n a\xffb\n\n"[..]), " a\u{fffd}b");
        assert_eq!(read_tail(&b""[..]), "");
    }
}
