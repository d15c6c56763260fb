//! A run of the real binary that goes on while a test looks at it, signals it or kills it.

use std::io::{BufRead as _, BufReader};
#[expect(
    clippy::disallowed_types,
    reason = "the program under test is signalled and killed while it runs"
)]
use std::process::Command;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::sandbox::Sandbox;

/// Longer than any test waits for the next line; only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running `streamliner`; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    /// What it said on stderr so far, as far as it was waited for.
    pub(crate) said: Vec<String>,
}

impl Running {
    /// Starts it as [`Sandbox::command`] would, with temporary files in the sandbox's home.
    #[expect(clippy::disallowed_types, reason = "see the import")]
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Self::spawn(sandbox, Command::new(assert_cmd::cargo::cargo_bin!("streamliner")), arguments)
    }

    /// The same, and going beyond the size limit of files is an error to the program rather than its end.
    #[expect(clippy::disallowed_types, reason = "see the import")]
    pub(crate) fn start_unlimited(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut shell = Command::new("/bin/sh");
        let program = assert_cmd::cargo::cargo_bin!("streamliner");
        // What is ignored stays so in the program that takes the shell's place.
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(program);
        Self::spawn(sandbox, shell, arguments)
    }

    #[expect(clippy::disallowed_types, reason = "see the import")]
    fn spawn(sandbox: &Sandbox, mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(arguments)
            .env_clear()
            .env("HOME", sandbox.home())
            .env("TMPDIR", sandbox.home())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .current_dir(sandbox.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = mpsc::channel();
        // Ends with the pipe, at the latest when the last process that holds it ends.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stderr; `None` at its end, or when there is none within `limit`.
    pub(crate) fn next_line(&mut self, limit: Option<Duration>) -> Option<String> {
        match self.lines.recv_timeout(limit.unwrap_or(PATIENCE)) {
            Ok(line) => {
                self.said.push(line.clone());
                Some(line)
            }
            Err(RecvTimeoutError::Timeout) => {
                assert!(limit.is_some(), "it hangs after {:#?}", self.said);
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Waits for a line that begins so.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, beginning: &str) {
        while let Some(line) = self.next_line(None) {
            if line.starts_with(beginning) {
                return;
            }
        }
        panic!("it ended without “{beginning}”: {:#?}", self.said);
    }

    /// Waits for its end and reads the rest of what it says.
    pub(crate) fn end(&mut self) -> ExitStatus {
        while self.next_line(None).is_some() {}
        self.child.wait().expect("it is our child")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// SIGINT, as Ctrl-C sends it.
    pub(crate) fn interrupt(&self) {
        let sent = assert_cmd::Command::new("kill").args(["-INT", &self.id().to_string()]).output();
        sent.expect("a kill program");
    }

    /// Lets it write files of at most this many bytes, or of any length.
    #[track_caller]
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // Only the limit that may be raised again.
        let arguments = ["--pid", &self.id().to_string(), &format!("--fsize={limit}:")];
        let set = assert_cmd::Command::new("prlimit").args(arguments).output().expect("a prlimit program");
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
