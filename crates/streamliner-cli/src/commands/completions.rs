//! `streamliner completions`.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::output;

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The shell; where its completions belong is in its manual.
    shell: Shell,
}

/// Prints the completions.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut command = crate::args::Arguments::command();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "streamliner", &mut script);
    output::data(String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
