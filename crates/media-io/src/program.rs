//! Programs other than ffmpeg that are asked a question: streamlink, yt-dlp and their kin.

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// What is kept of each of a program's outputs, in bytes. What comes beyond that is read and dropped.
const OUTPUT_LIMIT: u64 = 1 << 20;

/// What a program left.
#[derive(Clone, PartialEq, Eq)]
pub struct ProgramOutput {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed, the first mebibyte.
    pub stdout: Vec<u8>,
    /// What it complained about, the first mebibyte.
    pub stderr: Vec<u8>,
}

impl std::fmt::Debug for ProgramOutput {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it printed may be an address that nobody else should know.
        formatter.debug_struct("ProgramOutput").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Runs `program` with `arguments` until it ends: no shell in between, nothing on its stdin. Dropping the future kills it.
///
/// # Errors
/// If it cannot be started or its output cannot be read.
pub async fn run_program(program: &str, arguments: &[String]) -> io::Result<ProgramOutput> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (out, error) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr, status) = tokio::join!(read(out), read(error), child.wait());
    Ok(ProgramOutput { code: status?.code(), stdout: stdout?, stderr: stderr? })
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    if let Some(mut stream) = stream {
        (&mut stream).take(OUTPUT_LIMIT).read_to_end(&mut kept).await?;
        // A program that cannot write on would never end.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(list: &[&str]) -> Vec<String> {
        list.iter().map(|argument| (*argument).to_owned()).collect()
    }

    #[tokio::test]
    async fn output_and_exit_code_come_back_and_no_shell_is_between() {
        let output = run_program("printf", &arguments(&["%s", "$(id); `id`"])).await.expect("it runs");
        assert_eq!((output.code, output.stdout.as_slice()), (Some(0), b"$(id); `id`".as_slice()));
        let failed = run_program("false", &[]).await.expect("it runs");
        assert_eq!(failed.code, Some(1));
        assert!(run_program("no-such-program-anywhere", &[]).await.is_err());
    }

    #[tokio::test]
    async fn what_is_too_much_is_dropped() {
        let output = run_program("head", &arguments(&["-c", "3000000", "/dev/zero"])).await.expect("it runs");
        assert_eq!(output.stdout.len() as u64, OUTPUT_LIMIT);
    }
}
