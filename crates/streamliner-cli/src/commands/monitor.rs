//! `streamliner monitor`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueHint;
use media_io::Ffmpeg;
use pipeline::live::{self, MonitorRequest, Watched};
use pipeline::publishing::{Destination, Outlets, PublishSink, Until};
use serde::Serialize;
use timeline::StreamerName;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::publishing::{PATIENCE, Publishing, courier, queue, stopped_by};
use super::recording::{failure, ffmpeg, speech};
use super::watching::{self, access, client, disk_budget, watched};
use crate::args::{Global, OutputFormat};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::live_progress::LiveProgress;
use crate::{interrupt, notices, output};

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
    let publishing = if arguments.dry_run {
        Publishing::default()
    } else {
        runtime.block_on(Publishing::of_all(&config))?
    };
    let (outlets_sender, outlets) = watch::channel(publishing.outlets);
    let (destinations_sender, destinations) = watch::channel(publishing.destinations);
    let (sender, receiver) = watch::channel(list);
    let lists = Lists { watched: sender, outlets: outlets_sender, destinations: destinations_sender };
    let nudge = Arc::new(Notify::new());
    let request = MonitorRequest {
        watched: receiver,
        outlets,
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
        let (teller, telling) = notices::start(&config)?;
        let posts = if arguments.dry_run {
            None
        } else {
            Some(Posts::start(&config, &ffmpeg, destinations, progress.publish_sink(teller.clone())).await?)
        };
        let reloading =
            tokio::spawn(reload(config, sources, arguments.streamer.clone(), arguments.dry_run, lists));
        let ended = live::monitor(request, &ffmpeg, Arc::clone(&interrupt), progress.sink(teller)).await;
        if let Some(posts) = posts {
            posts.end(ended.is_ok(), interrupt).await;
        }
        reloading.abort();
        if let Some(telling) = telling {
            telling.finish().await;
        }
        ended.map_err(failure)
    });
    progress.clear();
    // A whisper or an ffmpeg that is being stopped is waited for, but not for ever.
    runtime.shutdown_timeout(watching::LAST_WORK);
    ended.map(|()| Exit::Done)
}

/// What the configuration decides while the monitor runs.
struct Lists {
    watched: watch::Sender<Vec<Watched>>,
    outlets: watch::Sender<Outlets>,
    destinations: watch::Sender<Vec<Destination>>,
}

/// Publishing beside the monitor. It has its own connections to the database and never holds recording up.
struct Posts {
    work: JoinHandle<Result<(), pipeline::Error>>,
    until: watch::Sender<Until>,
    stop: CancellationToken,
}

impl Posts {
    async fn start(
        config: &Config,
        ffmpeg: &Ffmpeg,
        destinations: watch::Receiver<Vec<Destination>>,
        events: PublishSink,
    ) -> Result<Self, Failure> {
        let queue = queue(&config.settings).await?;
        let courier = courier(queue.clone(), ffmpeg.clone(), events);
        let (until, limit) = watch::channel(Until::Stopped);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let work = tokio::spawn(async move {
            let worked = courier.work(destinations, &stopped, limit).await;
            queue.close().await;
            worked
        });
        Ok(Self { work, until, stop })
    }

    /// Sends what may go now, if the monitor has nothing left to do, and otherwise leaves it for the next start.
    async fn end(self, idle: bool, interrupt: Arc<AtomicBool>) {
        let stop = stopped_by(interrupt);
        // It may have ended by itself.
        let _ = self.until.send(Until::NothingFor(PATIENCE));
        let mut work = self.work;
        if idle {
            tokio::select! {
                ended = &mut work => {
                    if let Ok(Err(error)) = ended {
                        tracing::warn!(%error, "the queue of publications cannot be used");
                    }
                    return;
                }
                () = stop.cancelled() => {}
            }
        }
        self.stop.cancel();
        if let Err(error) = work.await {
            tracing::warn!(%error, "publishing ended badly");
        }
    }
}

/// Sends the list of who is watched whenever the configuration file changes. One that is wrong changes nothing, and is told.
async fn reload(
    config: Config,
    sources: crate::config::Sources,
    only: Vec<StreamerName>,
    dry_run: bool,
    lists: Lists,
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
        let read = match loaded {
            Ok(config) => read(&config, &only, dry_run).await,
            Err(failure) => Err(failure),
        };
        match read {
            Ok((new, publishing)) => {
                tracing::info!(streamers = new.len(), "the configuration was read again");
                // Publishing may be over before the monitor is.
                let _ = lists.destinations.send(publishing.destinations);
                let _ = lists.outlets.send(publishing.outlets);
                if lists.watched.send(new).is_err() {
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

async fn read(
    config: &Config,
    only: &[StreamerName],
    dry_run: bool,
) -> Result<(Vec<Watched>, Publishing), Failure> {
    let publishing = if dry_run { Publishing::default() } else { Publishing::of_all(config).await? };
    Ok((watched(config, only)?, publishing))
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
