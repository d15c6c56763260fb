//! The commands: each maps arguments and settings to the other crates and their results to output.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod model;
pub(crate) mod monitor;
pub(crate) mod process;
mod recording;
pub(crate) mod status;
mod vod;
mod watching;

use crate::args::{Arguments, Command};
use crate::exit::{Exit, Failure};

/// Runs what was asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Process(arguments) => process::run(arguments, global),
        Command::Detect(arguments) => detect::run(arguments, global),
        Command::Monitor(arguments) => monitor::run(arguments, global),
        Command::Status(arguments) => status::run(arguments, global),
        Command::Config(command) => config::run(command, global),
        Command::Doctor(arguments) => doctor::run(arguments, global),
        Command::Model(command) => model::run(command, global),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
