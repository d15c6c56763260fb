//! `streamliner queue`.

use anyhow::anyhow;
use clap::Subcommand;
use jiff::Timestamp;
use pipeline::publishing::{Publication, PublicationState, Queue, QueueError, Until};
use publish::{Delivery, PostKey};
use serde::Serialize;

use super::publishing::{PATIENCE, Publishing, courier, queue, stopped_by};
use super::recording::{failure, ffmpeg};
use super::vod::runtime;
use crate::args::{Global, OutputFormat};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::publish_progress::PublishProgress;
use crate::{interrupt, output};

/// As much of a key as tells publications apart in practice.
const SHOWN_KEY: usize = 8;

/// Arguments of `queue`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What to do; without it, the queue is listed.
    #[command(subcommand)]
    verb: Option<Verb>,
    /// How to write the list.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
    /// List what is over, too.
    #[arg(long)]
    all: bool,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Send what may go now, and end.
    Run {
        /// Go on until nothing waits that will go by itself.
        #[arg(long)]
        wait: bool,
    },
    /// Let publications wait for your word: those named, or the whole queue.
    Pause(Names),
    /// Give the word: to those named, or to the whole queue.
    Resume(Names),
    /// Never send these.
    Drop(Needed),
    /// Try these again, though they failed, were refused or dropped. What may have been posted is asked about first.
    Retry(Needed),
}

/// Some publications, or all.
#[derive(Debug, clap::Args)]
struct Names {
    /// Keys as the list shows them, or names of clips.
    #[arg(value_name = "PUBLICATION")]
    names: Vec<String>,
}

/// Some publications.
#[derive(Debug, clap::Args)]
struct Needed {
    /// Keys as the list shows them, or names of clips.
    #[arg(value_name = "PUBLICATION", required = true)]
    names: Vec<String>,
}

/// A publication as `queue --format json` prints it.
#[derive(Serialize)]
struct Printed<'a> {
    key: String,
    state: PublicationState,
    platform: &'a str,
    account: &'a str,
    streamer: String,
    name: &'a str,
    file: String,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    attempts: u32,
    created_at: Timestamp,
    changed_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Delivery>,
}

/// Lists the queue or changes it.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let data_dir = &config.settings.paths.data_dir;
    let runtime = runtime()?;
    if let Some(Verb::Run { wait }) = arguments.verb {
        return runtime.block_on(send(&config, wait, global));
    }
    if !Queue::exists(data_dir) {
        // Looking at nothing need not make anything.
        return match &arguments.verb {
            None => list(&[], false, arguments),
            Some(Verb::Pause(names) | Verb::Resume(names)) if names.names.is_empty() => {
                runtime.block_on(change(&config, arguments, global))
            }
            Some(_) => Err(Failure::cannot(anyhow!("the queue is empty"))),
        };
    }
    runtime.block_on(change(&config, arguments, global))
}

async fn send(config: &Config, wait: bool, global: &Global) -> Result<Exit, Failure> {
    let publishing = Publishing::of_all(config).await?;
    if publishing.destinations.is_empty() {
        return Err(Failure::cannot(anyhow!("no target is configured"))
            .hint("set publishing.targets, as in targets = [\"folder\"]"));
    }
    let interrupt = interrupt::watch()?;
    let ffmpeg = ffmpeg(&config.settings).map_err(|error| failure(error.into()))?;
    let queue = queue(&config.settings).await?;
    let progress = PublishProgress::new(global);
    let stop = stopped_by(interrupt);
    let until = if wait { Until::Empty } else { Until::NothingFor(PATIENCE) };
    let courier = courier(queue.clone(), ffmpeg, progress.sink());
    let sent = courier.drain(publishing.destinations, &stop, until).await;
    progress.clear();
    let open = queue.list().await.map_err(failure)?;
    queue.close().await;
    sent.map_err(failure)?;
    if stop.is_cancelled() {
        return Err(Failure::interrupted(anyhow!("interrupted; the next `streamliner queue run` goes on")));
    }
    tell_waiting(&open, global);
    Ok(Exit::Done)
}

/// Says how many publications wait, and for what the first of them does.
pub(crate) fn tell_waiting(all: &[Publication], global: &Global) {
    let waiting: Vec<&Publication> = all.iter().filter(|one| one.state.is_open()).collect();
    let Some(first) = waiting.iter().min_by_key(|one| one.not_before.unwrap_or(Timestamp::MAX)) else {
        return;
    };
    if global.quiet {
        return;
    }
    let why = first.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let from = first.not_before.map_or_else(String::new, |time| format!("; from {time} on"));
    let count = waiting.len();
    output::notice(format!("{count} wait in the queue{why}{from}; `streamliner queue` tells more"));
}

async fn change(config: &Config, arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let queue = queue(&config.settings).await?;
    let done = match &arguments.verb {
        None => {
            let all = queue.list().await.map_err(failure)?;
            list(&all, queue.is_paused().await.map_err(failure)?, arguments)
        }
        Some(Verb::Pause(Names { names })) if names.is_empty() => {
            queue.pause_all().await.map_err(failure).map(|()| said("the queue is paused", global))
        }
        Some(Verb::Resume(Names { names })) if names.is_empty() => {
            let resumed = resume_all(&queue).await;
            resumed
                .map_err(stands)
                .map(|count| said(&format!("the queue goes on; {count} were given the word"), global))
        }
        Some(Verb::Pause(Names { names })) => each(&queue, names, "paused", global, Queue::pause).await,
        Some(Verb::Resume(Names { names })) => each(&queue, names, "resumed", global, Queue::resume).await,
        Some(Verb::Drop(Needed { names })) => each(&queue, names, "dropped", global, Queue::discard).await,
        Some(Verb::Retry(Needed { names })) => {
            each(&queue, names, "to be tried again", global, Queue::retry).await
        }
        Some(Verb::Run { .. }) => Ok(Exit::Done),
    };
    queue.close().await;
    done
}

/// Lets the queue go on, and with it every publication that was paused.
async fn resume_all(queue: &Queue) -> Result<usize, QueueError> {
    queue.resume_all().await?;
    let mut count = 0;
    for one in queue.list().await? {
        if one.state == PublicationState::Paused {
            queue.resume(one.key).await?;
            count += 1;
        }
    }
    Ok(count)
}

fn said(text: &str, global: &Global) -> Exit {
    if !global.quiet {
        output::notice(text);
    }
    Exit::Done
}

/// Does it to each publication that is meant; all names are looked up first, so that a slip changes nothing.
async fn each<'queue, Work>(
    queue: &'queue Queue,
    names: &[String],
    done: &str,
    global: &Global,
    work: impl Fn(&'queue Queue, PostKey) -> Work,
) -> Result<Exit, Failure>
where
    Work: Future<Output = Result<(), QueueError>>,
{
    let mut keys = Vec::new();
    for name in names {
        keys.extend(queue.find(name).await.map_err(stands)?.into_iter().map(|key| (name, key)));
    }
    for (name, key) in keys {
        work(queue, key).await.map_err(stands)?;
        said(&format!("{name} ({:.SHOWN_KEY$}) is {done}", key.to_string()), global);
    }
    Ok(Exit::Done)
}

/// How an error of the queue ends the program.
pub(crate) fn stands(error: QueueError) -> Failure {
    match error {
        QueueError::Other(error) => failure(error),
        error => Failure::cannot(error),
    }
}

fn list(all: &[Publication], paused: bool, arguments: &Arguments) -> Result<Exit, Failure> {
    let is_over =
        |one: &Publication| matches!(one.state, PublicationState::Delivered | PublicationState::Dropped);
    let shown: Vec<&Publication> = all.iter().filter(|one| arguments.all || !is_over(one)).collect();
    match arguments.format {
        OutputFormat::Json => {
            let rows: Vec<Printed<'_>> = shown.into_iter().map(printed).collect();
            output::json(&rows)?;
        }
        OutputFormat::Text => {
            let over = all.len() - shown.len();
            let mut text: String = shown.into_iter().map(row).collect();
            if text.is_empty() {
                text.push_str("nothing waits\n");
            }
            if over > 0 {
                text.push_str(&format!("{over} are over; --all lists them too\n"));
            }
            if paused {
                text.push_str("the queue is paused; `streamliner queue resume` lets it go on\n");
            }
            output::data(text)?;
        }
    }
    Ok(Exit::Done)
}

fn printed(one: &Publication) -> Printed<'_> {
    Printed {
        key: one.key.to_string(),
        state: one.state,
        platform: &one.target.platform,
        account: &one.target.account,
        streamer: one.streamer.to_string(),
        name: &one.name,
        file: one.video.display().to_string(),
        score: one.score,
        why: one.why.as_deref(),
        not_before: one.not_before,
        expires_at: one.expires_at,
        attempts: one.attempts,
        created_at: one.created_at,
        changed_at: one.changed_at,
        result: one.result.as_ref(),
    }
}

fn row(one: &Publication) -> String {
    let mut row = format!(
        "{:.SHOWN_KEY$}  {:10}  {:8}  {:.2}  {}\n",
        one.key.to_string(),
        one.state,
        one.target.platform,
        one.score,
        one.name
    );
    let when = one.not_before.map(|time| format!("from {time} on"));
    let words = one.result.as_ref().map(|delivery| delivery.state.words().to_owned());
    let more: Vec<String> = [words, one.why.clone(), when].into_iter().flatten().collect();
    if !more.is_empty() {
        row.push_str(&format!("          {}\n", more.join("; ")));
    }
    row
}
