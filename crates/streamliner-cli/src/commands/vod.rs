//! Finished broadcasts by their address: from what was typed and configured to what the pipeline takes.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use pipeline::vod::{VodAccess, VodInput};
use tokio::runtime::Runtime;

use super::recording::{RecordingOptions, failure};
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

/// Whether chat is asked for: only where none is given.
pub(crate) fn sampled_chat(
    settings: &Settings,
    address: Option<&VodInput>,
    options: &RecordingOptions,
) -> bool {
    settings.vod.chat && options.chat.is_none() && address.is_some_and(VodInput::may_have_chat)
}

/// How long what was fetched for a run that did not finish is kept; zero is for ever.
pub(crate) fn keep_unfinished(settings: &Settings) -> Option<Duration> {
    const HOURS_A_DAY: u64 = 24;
    let days = u64::from(settings.vod.keep_unfinished_days);
    (days > 0).then(|| Duration::from_hours(days * HOURS_A_DAY))
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
