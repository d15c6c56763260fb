//! The only place that writes to stdout and stderr: data to the one, everything else to the other.

use std::fmt;
use std::io::{self, Write as _};

use anyhow::Context as _;
use serde::Serialize;

use crate::args::{Global, LogFormat};
use crate::exit::{Exit, Failure};

/// Writes data to stdout, as it is.
pub(crate) fn data(text: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .context("cannot write to stdout")
        .map_err(Failure::failed)
}

/// Writes data to stdout as JSON, indented, with a line end.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).context("cannot write JSON").map_err(Failure::failed)?;
    data(text + "\n")
}

/// Writes a line for a person to stderr.
pub(crate) fn notice(text: impl fmt::Display) {
    // With stderr gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells something that the user should mend, though the work goes on.
pub(crate) fn warning(text: &str, global: &Global) {
    match (global.quiet, global.log_format) {
        (true, _) => {}
        (false, LogFormat::Text) => notice(format_args!("warning: {text}")),
        (false, LogFormat::Json) => tracing::warn!("{text}"),
    }
}

/// Tells why a command did not end well: a line for each error, one for the remedy.
pub(crate) fn report(failure: &Failure, format: LogFormat) {
    for error in &failure.errors {
        let message = one_line(&format!("{error:#}"));
        match format {
            LogFormat::Text => notice(format_args!("error: {message}")),
            LogFormat::Json => notice(ErrorLine {
                level: "ERROR",
                message: &message,
                hint: failure.hint.as_deref(),
                exit: failure.exit as u8,
            }),
        }
    }
    if let (LogFormat::Text, Some(hint)) = (format, &failure.hint) {
        notice(format_args!("hint: {}", one_line(hint)));
    }
}

/// Tells what clap has to say: help on stdout, wrong usage on stderr.
pub(crate) fn report_usage(error: &clap::Error, format: LogFormat) -> Exit {
    if !error.use_stderr() {
        // Help that nobody reads is no failure.
        let _ = error.print();
        return Exit::Done;
    }
    match format {
        LogFormat::Text => {
            let _ = error.print();
        }
        LogFormat::Json => {
            let text = error.render().to_string();
            let message =
                one_line(text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error: "));
            notice(ErrorLine {
                level: "ERROR",
                message: &message,
                hint: Some("try --help"),
                exit: Exit::CannotNow as u8,
            });
        }
    }
    Exit::CannotNow
}

/// An error as a line of JSON, beside those of the log.
#[derive(Serialize)]
struct ErrorLine<'a> {
    level: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    exit: u8,
}

impl fmt::Display for ErrorLine<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
