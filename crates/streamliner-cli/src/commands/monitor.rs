//! `streamliner monitor`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueHint;
use pipeline::live::{self, MonitorRequest, Watched};
use serde::Serialize;
use timeline::StreamerName;
use tokio::sync::{Notify, watch};

use super::recording::{failure, ffmpeg, speech};
use super::watching::{self, access, client, disk_budget, watched};
use crate::args::{Global, OutputFormat};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::live_progress::LiveProgress;
use crate::{interrupt, output};

/// The configuration file is looked at this often; what changed in it takes effect without a restart.
const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// Arguments of `monitor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Watch this streamer alone; may be given more than once. All of the configuration unless given.
    #[arg(long, value_name = "NAME")]
    streamer: Vec<StreamerName>,
    /// Make the clips but publish nothing.
    #[arg(long)]
    dry_run: bool,
    /// Look once who is live, print it, and end.
    #[arg(long)]
    once: bool,
    /// End when every stream that was recorded is over and all its clips are made.
    #[arg(long, conflicts_with = "once")]
    exit_when_idle: bool,
    /// Where clips go: a folder for each streamer, and in it one for each stream.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output_dir: Option<PathBuf>,
    /// Receive Kick's webhooks on this address, in place of `monitor.webhook_listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    webhook_listen: Option<String>,
    /// How `--once` prints.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
}

/// What `monitor --once --format json` prints of each streamer.
#[derive(Serialize)]
struct Seen {
    name: String,
    /// `live`, `offline` or `unknown`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Watches until Ctrl-C.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let mut sources = global.sources();
    if let Some(address) = &arguments.webhook_listen {
        sources.flags.push(crate::config::Flag {
            flag: "--webhook-listen".to_owned(),
            key: "monitor.webhook_listen".to_owned(),
            value: address.clone(),
        });
    }
    let config = Config::load(&sources).map_err(|problems| Failure::of_configuration(&problems))?;
    let settings = &config.settings;
    let list = watched(&config, &arguments.streamer)?;
    if list.is_empty() {
        return Err(Failure::cannot(anyhow!("no streamer is configured to be watched"))
            .hint("add a section [streamers.NAME] to streamliner.toml; `streamliner config init` writes one to start from"));
    }
    let kick = access(&config, &list, global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start")
        .map_err(Failure::failed)?;
    let client = client(settings)?;
    if arguments.once {
        let seen = runtime.block_on(live::look_once(kick.as_ref(), &client, &list));
        return print_seen(seen, arguments.format);
    }
    let interrupt = interrupt::watch()?;
    let ffmpeg = ffmpeg(settings).map_err(|error| failure(error.into()))?;
    if let Err(reason) = speech(settings)?
        && settings.transcription.enabled
    {
        output::warning(&reason, global);
    }
    if !arguments.dry_run {
        tracing::debug!("nothing is configured to publish to, so clips are only stored");
    }
    let (sender, receiver) = watch::channel(list);
    let nudge = Arc::new(Notify::new());
    let request = MonitorRequest {
        watched: receiver,
        kick,
        client,
        data_dir: settings.paths.data_dir.clone(),
        output_dir: arguments.output_dir.clone().unwrap_or_else(|| settings.paths.output_dir.clone()),
        poll: settings.monitor.poll_interval.to_std(),
        disk: disk_budget(settings),
        nudge: Arc::clone(&nudge),
        webhooks: settings.monitor.webhook_listen,
        until_idle: arguments.exit_when_idle,
    };
    let progress = LiveProgress::new(global);
    let ended = runtime.block_on(async {
        let reloading = tokio::spawn(reload(config, sources, arguments.streamer.clone(), sender));
        let ended = live::monitor(request, &ffmpeg, interrupt, progress.sink()).await;
        reloading.abort();
        ended
    });
    progress.clear();
    // A whisper or an ffmpeg that is being stopped is waited for, but not for ever.
    runtime.shutdown_timeout(watching::LAST_WORK);
    ended.map(|()| Exit::Done).map_err(failure)
}

/// Sends the list of who is watched whenever the configuration file changes. One that is wrong changes nothing, and is told.
async fn reload(
    config: Config,
    sources: crate::config::Sources,
    only: Vec<StreamerName>,
    list: watch::Sender<Vec<Watched>>,
) {
    let Some(file) = config.file else { return };
    let stamp = || fs_err::metadata(&file).and_then(|known| Ok((known.modified()?, known.len()))).ok();
    let mut last = stamp();
    loop {
        tokio::time::sleep(RELOAD_INTERVAL).await;
        let now = stamp();
        if now == last || now.is_none() {
            continue;
        }
        last = now;
        let loaded = Config::load(&sources).map_err(|problems| Failure::of_configuration(&problems));
        match loaded.and_then(|config| watched(&config, &only)) {
            Ok(new) => {
                tracing::info!(streamers = new.len(), "the configuration was read again");
                if list.send(new).is_err() {
                    return;
                }
            }
            Err(failure) => {
                for error in &failure.errors {
                    tracing::error!(error = format!("{error:#}"), "the changed configuration is not used");
                }
            }
        }
    }
}

fn print_seen(seen: Vec<live::SeenStreamer>, format: OutputFormat) -> Result<Exit, Failure> {
    let rows: Vec<Seen> = seen
        .into_iter()
        .map(|one| Seen {
            name: one.name.to_string(),
            state: match one.live {
                Some(true) => "live",
                Some(false) => "offline",
                None => "unknown",
            },
            since: one.since.map(|since| since.to_string()),
            title: one.title,
            problem: one.problem,
        })
        .collect();
    let failed = !rows.is_empty() && rows.iter().all(|row| row.state == "unknown");
    match format {
        OutputFormat::Json => output::json(&rows)?,
        OutputFormat::Text => {
            let line = |row: &Seen| {
                let more = row.problem.as_ref().or(row.title.as_ref()).map(|text| format!("  {text}"));
                format!("{:24} {:8}{}\n", row.name, row.state, more.unwrap_or_default())
            };
            output::data(rows.iter().map(line).collect::<String>())?;
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
