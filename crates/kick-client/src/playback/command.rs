//! A program that prints the address: streamlink, yt-dlp, or any other.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Playback, PlaybackResolver, ResolveError};
use crate::error::tidy;
use crate::secret_url::{SecretUrl, address};
use crate::slug::{folded, is_slug};

/// How long a command may take unless told otherwise. Streamlink starts a browser at times.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// What stands for the channel in an argument.
const SLUG: &str = "{slug}";
/// How much of what a command prints is searched for an address, in bytes.
const OUTPUT_LIMIT: usize = 256 << 10;

/// Starts programs. Programs are started in one place of a whole application, and that is not here.
#[async_trait]
pub trait CommandRunner: fmt::Debug + Send + Sync {
    /// Runs `program` with `arguments`, with no shell in between and nothing on its stdin, until it ends.
    ///
    /// A future that is dropped must take the program with it, and what it prints must be bounded.
    ///
    /// # Errors
    ///
    /// If the program cannot be started.
    async fn run(&self, program: &str, arguments: &[String]) -> io::Result<CommandOutput>;
}

/// What a command left.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained about.
    pub stderr: Vec<u8>,
}

impl fmt::Debug for CommandOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it printed holds the address.
        f.debug_struct("CommandOutput").field("code", &self.code).finish_non_exhaustive()
    }
}

/// A program and its arguments; `{slug}` in an argument stands for the channel.
///
/// `["streamlink", "--stream-url", "https://kick.com/{slug}", "best"]` is one.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandTemplate {
    program: String,
    arguments: Vec<String>,
}

/// A list that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// No program is named.
    #[error(
        "a command needs a program, such as [\"streamlink\", \"--stream-url\", \"https://kick.com/{{slug}}\", \"best\"]"
    )]
    NoProgram,
    /// The program depends on the channel.
    #[error("{{slug}} may stand in the arguments of a command, not in its program")]
    SlugInProgram,
}

impl CommandTemplate {
    /// The command made of `parts`: the program, then its arguments.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] if there is no program, or it has the placeholder in it.
    pub fn new(parts: Vec<String>) -> Result<Self, TemplateError> {
        let mut parts = parts.into_iter();
        let program =
            parts.next().filter(|program| !program.trim().is_empty()).ok_or(TemplateError::NoProgram)?;
        if program.contains(SLUG) {
            return Err(TemplateError::SlugInProgram);
        }
        Ok(Self { program, arguments: parts.collect() })
    }

    /// The program.
    pub fn program(&self) -> &str {
        &self.program
    }

    fn arguments_for(&self, slug: &str) -> Vec<String> {
        self.arguments.iter().map(|argument| argument.replace(SLUG, slug)).collect()
    }
}

/// The program alone: arguments may hold cookies and tokens.
impl fmt::Debug for CommandTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandTemplate").field("program", &self.program).finish_non_exhaustive()
    }
}

/// Asks an external command for the address: the first line of its output that is one.
#[derive(Debug)]
pub struct CommandResolver {
    template: CommandTemplate,
    runner: Arc<dyn CommandRunner>,
    timeout: Duration,
}

impl CommandResolver {
    /// Runs `template` by `runner`, for up to `timeout`; [`COMMAND_TIMEOUT`] is reasonable.
    pub fn new(template: CommandTemplate, runner: Arc<dyn CommandRunner>, timeout: Duration) -> Self {
        Self { template, runner, timeout }
    }

    fn failed(&self, why: String) -> ResolveError {
        ResolveError::Command { program: self.template.program.clone(), why }
    }
}

#[async_trait]
impl PlaybackResolver for CommandResolver {
    fn name(&self) -> &str {
        &self.template.program
    }

    async fn resolve(&self, slug: &str) -> Result<Playback, ResolveError> {
        let slug = folded(slug);
        // Anything else could be an option to the program, or more than a part of an address.
        if !is_slug(&slug) {
            return Err(ResolveError::NoSuchChannel);
        }
        let arguments = self.template.arguments_for(&slug);
        let run = self.runner.run(&self.template.program, &arguments);
        let output = tokio::time::timeout(self.timeout, run)
            .await
            .map_err(|_| self.failed(format!("it did not end within {} s", self.timeout.as_secs_f32())))?
            .map_err(|error| self.failed(format!("it cannot be started: {error}")))?;
        if output.code != Some(0) {
            let end =
                output.code.map_or_else(|| "was killed".to_owned(), |code| format!("ended with code {code}"));
            return Err(self.failed(format!("it {end}{}", last_words(&output))));
        }
        match first_address(&output.stdout) {
            Some(url) => Ok(Playback::new(url, self.template.program.clone())),
            None => Err(self.failed(format!("it printed no line that is an address{}", last_words(&output)))),
        }
    }
}

fn first_address(stdout: &[u8]) -> Option<SecretUrl> {
    let text = String::from_utf8_lossy(&stdout[..stdout.len().min(OUTPUT_LIMIT)]);
    text.lines().find_map(address)
}

/// The last line of what a command says; programs put the reason there. Streamlink says it on stdout.
fn last_words(output: &CommandOutput) -> String {
    let last = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(OUTPUT_LIMIT)..]).into_owned();
        text.lines().map(tidy).rfind(|line| !line.is_empty())
    };
    last(&output.stderr)
        .or_else(|| last(&output.stdout))
        .map_or_else(String::new, |line| format!(" ({line})"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn templates() {
        let parts = |parts: &[&str]| parts.iter().map(|&part| part.to_owned()).collect::<Vec<_>>();
        let template = CommandTemplate::new(parts(&[
            "yt-dlp",
            "-g",
            "https://kick.com/{slug}",
            "{slug}; rm -rf {slug}",
        ]));
        let arguments = template.unwrap().arguments_for("foo");
        assert_eq!(arguments, ["-g", "https://kick.com/foo", "foo; rm -rf foo"]);
        assert_eq!(CommandTemplate::new(vec![]), Err(TemplateError::NoProgram));
        assert_eq!(CommandTemplate::new(parts(&[" ", "x"])), Err(TemplateError::NoProgram));
        assert_eq!(CommandTemplate::new(parts(&["{slug}"])), Err(TemplateError::SlugInProgram));
        assert!(!format!("{:?}", CommandTemplate::new(parts(&["x", "SECRET"]))).contains("SECRET"));
    }

    proptest! {
        #[test]
        fn any_output_has_an_address_or_none(stdout in any::<Vec<u8>>(), before in "[a-z\n ]*") {
            let _ = last_words(&CommandOutput { code: None, stdout: stdout.clone(), stderr: Vec::new() });
            let _ = first_address(&stdout);
            let found = first_address(format!("{before}\nhttps://h.example/a.m3u8\nhttps://other.example/").as_bytes());
            prop_assert_eq!(found.map(|url| url.expose().to_string()), Some("https://h.example/a.m3u8".to_owned()));
        }
    }
}
