//! The `streamliner` program: commands, configuration, progress, exit codes. What an embedder would want is in the
//! other crates.

mod args;
mod commands;
mod config;
mod exit;
mod interrupt;
mod live_progress;
mod logging;
mod notices;
mod output;
mod progress;
mod publish_progress;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, LogFormat};
use crate::exit::Exit;

fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => return output::report_usage(&error, LogFormat::guess(&typed)).into(),
    };
    logging::start(&arguments.global);
    let exit = match commands::run(&arguments) {
        Ok(exit) => exit,
        Err(failure) if failure.is_broken_pipe() => Exit::Done,
        Err(failure) => {
            output::report(&failure, arguments.global.log_format);
            failure.exit
        }
    };
    exit.into()
}
