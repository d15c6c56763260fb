//! The log, on stderr.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;

use crate::args::{Global, LogFormat};

/// Starts the log: warnings, with `-v` what is done, with `-vv` the details, with `-q` errors alone.
pub(crate) fn start(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        // Progress is events of the log in JSON, so it is there without being asked for.
        (false, 0) if global.log_format == LogFormat::Json => LevelFilter::INFO,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match global.log_format {
        LogFormat::Text => builder.without_time().with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
}
