//! `streamliner tiktok-clear-sandbox-state`.

use pipeline::publishing::Queue;
use tiktok_publish::{Ledger, PLATFORM};

use crate::args::Global;
use crate::commands::publishing::{queue, refused};
use crate::commands::recording::failure;
use crate::commands::vod::runtime;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output;

/// Arguments of `tiktok-clear-sandbox-state`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Forget what was sent, too. TikTok counts on by itself, so this makes no more room there.
    #[arg(long)]
    all: bool,
}

/// Forgets how long to hold back.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let data_dir = &config.settings.paths.data_dir;
    runtime()?.block_on(async {
        Ledger::clear(data_dir, arguments.all).await.map_err(refused)?;
        if Queue::exists(data_dir) {
            let queue = queue(&config.settings).await?;
            let cleared = queue.clear_holds(PLATFORM).await;
            queue.close().await;
            cleared.map_err(failure)?;
        }
        Ok(())
    })?;
    if !global.quiet {
        output::notice(if arguments.all {
            "what was known of TikTok's limits and of what was sent is forgotten"
        } else {
            "nothing is held back any more; what was sent is still known (--all forgets it too, which makes no more room on TikTok)"
        });
    }
    Ok(Exit::Done)
}
