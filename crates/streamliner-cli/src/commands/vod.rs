//! Finished broadcasts by their address: from what was typed and configured to what the pipeline takes.

use std::path::Path;

use anyhow::Context as _;
use pipeline::vod::{VodAccess, VodInput};
use tokio::runtime::Runtime;

use super::recording::failure;
use super::watching::{client, kick_config};
use crate::config::Settings;
use crate::exit::Failure;

/// The address that was typed in place of a file; `None` where it is a file.
pub(crate) fn address(input: &Path) -> Result<Option<VodInput>, Failure> {
    let text = input.to_string_lossy();
    if !VodInput::is_address(&text) || input.exists() {
        return Ok(None);
    }
    VodInput::parse(&text).map(Some).map_err(|error| failure(error.into()))
}

/// How broadcasts are found and fetched.
pub(crate) fn access(settings: &Settings) -> Result<VodAccess, Failure> {
    Ok(VodAccess {
        client: client(settings)?,
        kick: kick_config(settings)?,
        command: settings.vod.resolver_command.clone(),
    })
}

/// What runs a pipeline.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the job queue")
        .map_err(Failure::failed)
}
