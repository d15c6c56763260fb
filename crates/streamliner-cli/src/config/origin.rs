//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Where a value came from; the later variants win over the earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// As it was found.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The `.env` file of the working directory.
    DotEnv {
        /// As it was found.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A variable of the process environment.
    Environment {
        /// Its name.
        variable: String,
    },
    /// A command line flag.
    Flag {
        /// As it is typed, `--set` or `--max-clips`.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } | Self::DotEnv { path, line } => {
                write!(formatter, "{}:{line}", path.display())
            }
            Self::Environment { variable } => write!(formatter, "environment {variable}"),
            Self::Flag { flag } => write!(formatter, "flag {flag}"),
        }
    }
}
