//! A child process that is always killed when it is no longer wanted, and always waited for.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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

/// For how long an ffmpeg that reports its progress may make none: the slowest start (opening an input, filling a filter) takes
/// seconds, and only a hung disk, network mount or decoder takes minutes.
const STILL_LIMIT: Duration = Duration::from_secs(180);

/// No single look counts for more than this, so that a computer or process that was halted for hours is not taken for a hung ffmpeg.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What of a progress report tells that ffmpeg got on; speed and the like change also while it stands still.
const PROGRESS_KEYS: [&str; 3] = ["frame=", "out_time_us=", "total_size="];

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

    /// Kills it and tells why, in the place of what it would have said last.
    fn give_up(&mut self, why: &str) -> Error {
        // It fails only when it has ended already.
        let _ = self.child.kill();
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(source) => return self.io_error(source),
        };
        let mut stderr = self.stderr_tail();
        if !stderr.is_empty() {
            stderr.push('\n');
        }
        stderr.push_str(why);
        self.failure(status, stderr)
    }

    fn stderr_tail(&mut self) -> String {
        self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }

    fn failure(&self, status: ExitStatus, stderr: String) -> Error {
        Error::Ffmpeg(Box::new(FfmpegFailure {
            program: self.program.clone(),
            arguments: self.arguments.clone(),
            status,
            stderr,
        }))
    }

    fn judge(&mut self, status: ExitStatus) -> Result<(), Error> {
        let stderr = self.stderr_tail();
        if status.success() && !UNFINISHED.iter().any(|text| stderr.contains(text)) {
            if !stderr.is_empty() {
                tracing::debug!(program = %self.program.display(), %stderr, "finished with warnings");
            }
            return Ok(());
        }
        Err(self.failure(status, stderr))
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

/// Notices when an ffmpeg that reports its progress makes none.
#[derive(Debug)]
struct Standstill {
    limit: Duration,
    still_for: Duration,
    looked_at: Instant,
    /// The last value of each of [`PROGRESS_KEYS`].
    last: [String; PROGRESS_KEYS.len()],
}

impl Standstill {
    fn new(limit: Duration) -> Self {
        Self { limit, still_for: Duration::ZERO, looked_at: Instant::now(), last: Default::default() }
    }

    fn take_line(&mut self, line: &str) {
        for (key, last) in PROGRESS_KEYS.iter().zip(&mut self.last) {
            if let Some(value) = line.strip_prefix(key)
                && value != last
            {
                value.clone_into(last);
                self.still_for = Duration::ZERO;
            }
        }
    }

    /// Whether nothing has moved for as long as is allowed.
    fn is_over(&mut self) -> bool {
        let now = Instant::now();
        self.still_for += now.duration_since(self.looked_at).min(LONGEST_LOOK);
        self.looked_at = now;
        self.still_for >= self.limit
    }
}

/// Runs a program to its end and hands over each line of its standard output as it comes. One that is told to report its
/// progress is killed when it makes none for [`STILL_LIMIT`]; others may be silent for as long as they like.
pub(super) fn read_lines(
    program: &Path,
    arguments: Vec<OsString>,
    interrupt: &AtomicBool,
    handle: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    read_lines_within(STILL_LIMIT, program, arguments, interrupt, handle)
}

fn read_lines_within(
    limit: Duration,
    program: &Path,
    arguments: Vec<OsString>,
    interrupt: &AtomicBool,
    handle: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let mut standstill =
        arguments.iter().any(|argument| argument == "-progress").then(|| Standstill::new(limit));
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
            Ok(line) => {
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end();
                if let Some(standstill) = &mut standstill {
                    standstill.take_line(line);
                }
                handle(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if standstill.as_mut().is_some_and(Standstill::is_over) {
            let why = format!("it made no progress for {} s and was stopped", limit.as_secs());
            return Err(process.give_up(&why));
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

    /// Runs a shell script as if it were an ffmpeg that reports its progress, or one that does not.
    #[cfg(unix)]
    fn run_script(script: &str, reports: bool, limit: Duration) -> Result<(), Error> {
        let told = if reports { "-progress" } else { "-quiet" };
        let arguments = ["-c", script, told].map(OsString::from).to_vec();
        read_lines_within(limit, Path::new("sh"), arguments, &AtomicBool::new(false), &mut |_| {})
    }

    #[cfg(unix)]
    #[test]
    fn one_that_stands_still_is_stopped_and_told_of() {
        let started = Instant::now();
        let script = "echo frame=7; while :; do echo frame=7; echo speed=$((n += 1))x; done";
        let error = run_script(script, true, Duration::from_secs(1)).expect_err("it never ends");
        assert!(started.elapsed() >= Duration::from_secs(1));
        assert!(matches!(&error, Error::Ffmpeg(failure) if !failure.status.success()), "{error:?}");
        assert!(error.to_string().ends_with("it made no progress for 1 s and was stopped"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn one_that_gets_on_or_reports_nothing_is_left_alone() {
        let limit = Duration::from_millis(1);
        run_script("exec sleep 0.2", false, limit).expect("no progress is read of it");
        let mut standstill = Standstill::new(Duration::from_secs(3_600));
        standstill.still_for = Duration::from_secs(3_599);
        for line in ["out_time_us=40", "out_time_us=40", "speed=2x"] {
            standstill.take_line(line);
        }
        assert_eq!(standstill.still_for, Duration::ZERO);
        standstill.still_for = Duration::from_secs(3_600);
        standstill.take_line("out_time_us=40");
        assert!(standstill.is_over());
    }

    #[test]
    fn empty_lines_and_bad_text_are_no_trouble() {
        assert_eq!(read_tail(&b"\n\r\n a\xffb\n\n"[..]), " a\u{fffd}b");
        assert_eq!(read_tail(&b""[..]), "");
    }
}
