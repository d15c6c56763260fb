//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum, ValueHint};

use crate::commands;
use crate::config::{Flag, Sources};

/// Finds the moments worth sharing in a stream and renders them as captioned vertical clips.
#[derive(Debug, Parser)]
#[command(name = "streamliner", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 bad usage or cannot be done now, 130 interrupted.")]
pub(crate) struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration file, in place of ./streamliner.toml and that of the user.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Set a key of the configuration for this run; may be given more than once.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = parse_setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for still more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How logs and errors are written to stderr.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

impl Global {
    /// The layers of the configuration that the command line knows of.
    pub(crate) fn sources(&self) -> Sources {
        let flag = |(key, value): &(String, String)| Flag {
            flag: "--set".to_owned(),
            key: key.clone(),
            value: value.clone(),
        };
        Sources { file: self.config.clone(), flags: self.set.iter().map(flag).collect() }
    }
}

/// How logs and errors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl LogFormat {
    /// What was asked for, seen before the command line is known to be right.
    pub(crate) fn guess(arguments: &[OsString]) -> Self {
        let joined = arguments.iter().any(|argument| argument == "--log-format=json");
        let apart = arguments.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json");
        if joined || apart { Self::Json } else { Self::Text }
    }
}

/// How a command writes its data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make clips of a recording: find its moments, cut, caption and store them.
    Process(commands::process::Arguments),
    /// Print the moments of a recording, and why, without making clips.
    Detect(commands::detect::Arguments),
    /// Watch streamers around the clock: record while they are live, and make clips as moments happen.
    Monitor(commands::monitor::Arguments),
    /// Tell what the running monitor is doing.
    Status(commands::status::Arguments),
    /// List what waits to be published and why; send, pause, drop or retry it.
    Queue(commands::queue::Arguments),
    /// Publish one video now.
    Upload(commands::upload::Arguments),
    /// Publish one video as soon as the platform's limits allow.
    UploadWhenReady(commands::upload_when_ready::Arguments),
    /// Log in to an account on TikTok.
    TiktokLogin(commands::tiktok::login::Arguments),
    /// Tell how things stand with TikTok: logins, back-off, drafts that wait.
    TiktokDiagnose(commands::tiktok::diagnose::Arguments),
    /// Forget what is known of TikTok's limits.
    TiktokClearSandboxState(commands::tiktok::clear::Arguments),
    /// Write, show or check the configuration.
    #[command(subcommand)]
    Config(commands::config::Command),
    /// Tell what is fine, what is missing, and the command that mends it.
    Doctor(commands::doctor::Arguments),
    /// List, download or verify speech models.
    #[command(subcommand)]
    Model(commands::model::Command),
    /// Print the completions of a shell.
    Completions(commands::completions::Arguments),
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("must be SECTION.KEY=VALUE, as in detection.max_clips=3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
