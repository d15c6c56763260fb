//! Running ffmpeg and ffprobe to their end.

use std::ffi::OsStr;
use std::io::{self, Write};
#[expect(
    clippy::disallowed_types,
    reason = "the tests of media-io need a way to look at media that is not media-io's own"
)]
use std::process::Command;
use std::process::{Output, Stdio};
use std::thread;

/// What the program wrote to its standard output.
pub(crate) fn output<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
) -> io::Result<Vec<u8>> {
    let output = command(program, arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| named(program, &source))?;
    succeeded(program, output).map(|output| output.stdout)
}

/// Runs the program with `input` as its standard input.
pub(crate) fn feed<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
    input: impl Iterator<Item = Vec<u8>> + Send,
) -> io::Result<()> {
    let mut child = command(program, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| named(program, &source))?;
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        scope.spawn(move || {
            // A program that has seen enough closes its input; its exit status tells whether that was well.
            if let Some(mut pipe) = pipe {
                let _ = input.into_iter().try_for_each(|block| pipe.write_all(&block));
            }
        });
        child.wait_with_output()
    })?;
    succeeded(program, output).map(|_| ())
}

#[expect(clippy::disallowed_types, reason = "see the import")]
fn command<S: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn named(program: &str, source: &io::Error) -> io::Error {
    io::Error::new(source.kind(), format!("{program} could not be started: {source}"))
}

fn succeeded(program: &str, output: Output) -> io::Result<Output> {
    if output.status.success() {
        return Ok(output);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} ended with {}: {}", output.status, message.trim())))
}
