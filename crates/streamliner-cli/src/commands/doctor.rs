//! `streamliner doctor`.

mod checks;

use std::fmt::Write as _;

use anyhow::anyhow;
use serde::Serialize;

use crate::args::{Global, OutputFormat};
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    /// What was looked at.
    name: &'static str,
    /// Whether it is fine.
    state: State,
    /// What was found.
    detail: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Whether a thing is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is.
    Ok,
    /// The program works without, or soon will not.
    Warn,
    /// The program does not work so.
    Fail,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), remedy: None }
    }

    fn warn(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, state: State::Warn, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn fail(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(name, detail, remedy) }
    }
}

/// What `doctor --format json` prints.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

/// Looks at everything and tells.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let interrupt = interrupt::watch()?;
    let checks = checks::all(&global.sources(), &interrupt)?;
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    match arguments.format {
        OutputFormat::Json => output::json(&Report { ok: failed == 0, checks: &checks })?,
        OutputFormat::Text => output::data(as_text(&checks))?,
    }
    match failed {
        0 => Ok(Exit::Done),
        1 => Err(Failure::cannot(anyhow!("1 check failed"))),
        count => Err(Failure::cannot(anyhow!("{count} checks failed"))),
    }
}

fn as_text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    checks.iter().fold(String::new(), |mut text, check| {
        let state = match check.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{state:<5} {:<width$}  {}", check.name, check.detail);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "{:<5} {:<width$}  -> {remedy}", "", "");
        }
        text
    })
}
