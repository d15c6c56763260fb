//! The log, on stderr.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::{Global, LogFormat};

/// Libraries whose warnings are about what is normal in recordings, or about themselves; they speak from `-vv` on.
const NOISY: [&str; 4] = ["symphonia", "whisper_rs", "sqlx", "apalis"];

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
    let theirs = if level >= LevelFilter::DEBUG { level } else { LevelFilter::ERROR };
    let targets = NOISY
        .iter()
        .fold(Targets::new().with_default(level), |targets, noisy| targets.with_target(*noisy, theirs));
    let layer =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match global.log_format {
        LogFormat::Text => {
            tracing_subscriber::registry()
                .with(layer.without_time().with_target(false).with_filter(targets))
                .init();
        }
        LogFormat::Json => tracing_subscriber::registry().with(layer.json().with_filter(targets)).init(),
    }
}
