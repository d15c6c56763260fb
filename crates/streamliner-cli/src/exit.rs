//! How a command ends.

use std::fmt;
use std::process::ExitCode;

use crate::config::Problem;

/// The exit codes of the machine contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Bad usage, or it cannot be done now.
    CannotNow = 2,
    /// Stopped by Ctrl-C or a request to end.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What went wrong, a line each.
    pub(crate) errors: Vec<anyhow::Error>,
    /// What would mend it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// It was tried and failed.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failed, errors: vec![error.into()], hint: None }
    }

    /// It was not tried: bad usage, or something that is needed is not there.
    pub(crate) fn cannot(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::CannotNow, ..Self::failed(error) }
    }

    /// Somebody pressed Ctrl-C.
    pub(crate) fn interrupted(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Interrupted, ..Self::failed(error) }
    }

    /// The configuration is wrong.
    pub(crate) fn of_configuration(problems: &[Problem]) -> Self {
        Self {
            exit: Exit::CannotNow,
            errors: problems.iter().map(|problem| anyhow::Error::msg(problem.to_string())).collect(),
            hint: Some(
                "correct the configuration; `streamliner config check` tells whether it is right".to_owned(),
            ),
        }
    }

    /// With a remedy.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Whether the reader of our output went away, which is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let broken = |error: &anyhow::Error| {
            error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
                .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        };
        self.errors.iter().any(broken)
    }
}
