//! The commands: each maps arguments and settings to the other crates and their results to output.

mod bucket;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod model;
pub(crate) mod monitor;
pub(crate) mod process;
mod publishing;
pub(crate) mod queue;
mod recording;
pub(crate) mod status;
pub(crate) mod tiktok;
pub(crate) mod upload;
pub(crate) mod upload_when_ready;
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
        Command::Queue(arguments) => queue::run(arguments, global),
        Command::Upload(arguments) => upload::run(arguments, global),
        Command::UploadWhenReady(arguments) => upload_when_ready::run(arguments, global),
        Command::TiktokLogin(arguments) => tiktok::login::run(arguments, global),
        Command::TiktokDiagnose(arguments) => tiktok::diagnose::run(arguments, global),
        Command::TiktokClearSandboxState(arguments) => tiktok::clear::run(arguments, global),
        Command::Config(command) => config::run(command, global),
        Command::Doctor(arguments) => doctor::run(arguments, global),
        Command::Model(command) => model::run(command, global),
        Command::Completions(arguments) => completions::run(arguments),
    }
}
