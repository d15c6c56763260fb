//! `streamliner upload`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::anyhow;
use clap::{ValueEnum, ValueHint};
use media_io::Ffmpeg;
use pipeline::plain_caption;
use pipeline::publishing::{Added, Destination, NewPublication, PublicationState, Queue, Sent, facts_of};
use publish::{ContentHash, Delivery, DeliveryState, Post, Publisher, VideoFacts};
use serde::Serialize;
use timeline::StreamerName;
use tokio_util::sync::CancellationToken;

use super::publishing::{courier, destination, publisher, queue, refused, stopped_by, told_before};
use super::queue::stands;
use super::recording::{failure, ffmpeg};
use super::{tiktok, vod};
use crate::args::{Global, OutputFormat};
use crate::config::{Config, TargetName};
use crate::exit::{Exit, Failure};
use crate::publish_progress::PublishProgress;
use crate::{interrupt, output};

/// A post that is processing is asked about this often with `--wait-status`.
const ASK_INTERVAL: Duration = Duration::from_secs(10);
/// And not for longer than this: what takes longer is for a person to look at.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// What `upload` and `upload-when-ready` publish, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct UploadOptions {
    /// The video.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Whose clip it is: decides the account and the text.
    #[arg(long, value_name = "NAME")]
    pub(crate) streamer: StreamerName,
    /// How TikTok gets it: AUTO, MULTIPART (sent in pieces), PULL_FROM_URL (fetched by TikTok) or DIRECT_POST (posted, not a draft).
    #[arg(long, value_name = "STRATEGY", default_value = "AUTO", value_parser = strategy)]
    pub(crate) strategy: Strategy,
    /// Check everything, but send and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do as the strategy says or not at all.
    #[arg(long)]
    pub(crate) no_fallback: bool,
    /// Wait until the platform has worked on it.
    #[arg(long)]
    pub(crate) wait_status: bool,
    /// Send it although it was sent before.
    #[arg(long)]
    pub(crate) force: bool,
    /// Where to.
    #[arg(long, value_name = "TARGET", default_value = "tiktok")]
    pub(crate) to: To,
    /// The text to post with it; that of the file beside it (.txt) or of the template unless given.
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// How to write what became of it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: OutputFormat,
}

/// Arguments of `upload`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: UploadOptions,
}

/// Where a video can be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum To {
    /// The account on TikTok.
    Tiktok,
    /// The folder of `publishing.folder`.
    Folder,
}

/// `--strategy`, by the names of the original program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Auto,
    Multipart,
    PullFromUrl,
    DirectPost,
    /// It named an endpoint that TikTok switched off in 2023.
    Bytes,
}

fn strategy(text: &str) -> Result<Strategy, String> {
    match text.to_ascii_uppercase().as_str() {
        "AUTO" => Ok(Strategy::Auto),
        "MULTIPART" => Ok(Strategy::Multipart),
        "PULL_FROM_URL" => Ok(Strategy::PullFromUrl),
        "DIRECT_POST" => Ok(Strategy::DirectPost),
        "BYTES" => Ok(Strategy::Bytes),
        _ => Err("must be AUTO, MULTIPART, PULL_FROM_URL or DIRECT_POST".to_owned()),
    }
}

/// What `upload --format json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    key: String,
    state: PublicationState,
    result: &'a Delivery,
}

/// One video on its way.
pub(crate) struct Upload {
    options: Options,
    ffmpeg: Ffmpeg,
    destination: Destination,
    new: NewPublication,
    facts: VideoFacts,
    queue: Queue,
    pub(crate) stop: CancellationToken,
}

/// Of the options, what holds for every attempt.
#[derive(Clone, Copy)]
struct Options {
    force: bool,
    wait_status: bool,
    format: OutputFormat,
}

/// Publishes one video.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let interrupt = interrupt::watch()?;
    vod::runtime()?.block_on(async {
        let Some(prepared) = Prepared::new(&arguments.options, global).await? else { return Ok(Exit::Done) };
        let upload = prepared.open(interrupt).await?;
        let done = async { upload.send(global).await?.finished(&upload, global).await }.await;
        upload.close().await;
        done
    })
}

/// A video that was looked at, before anything is opened or sent.
pub(crate) struct Prepared {
    config: Config,
    options: Options,
    to: TargetName,
    ffmpeg: Ffmpeg,
    publisher: Arc<dyn Publisher>,
    new: NewPublication,
    facts: VideoFacts,
}

impl Prepared {
    /// Looks at the video; `None` if it was to be looked at only.
    pub(crate) async fn new(options: &UploadOptions, global: &Global) -> Result<Option<Self>, Failure> {
        let config =
            Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
        let config = config.for_streamer(options.streamer.as_str());
        if options.strategy == Strategy::Bytes {
            return Err(Failure::failed(anyhow!(
                "BYTES sent videos to an endpoint that TikTok switched off in September 2023"
            ))
            .hint("use --strategy MULTIPART"));
        }
        let path = video(&options.file)?;
        let ffmpeg = ffmpeg(&config.settings).map_err(|error| failure(error.into()))?;
        let facts = facts_of(&ffmpeg, &path).map_err(refused)?;
        let text = text(&config, options, &path)?;
        let content = ContentHash::of_file(&path).map_err(refused)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let post = Post {
            video: path.clone(),
            content,
            facts: facts.clone(),
            streamer: options.streamer.clone(),
            name: name.clone(),
            text: text.clone(),
            cover: None,
        };
        let to = match options.to {
            To::Tiktok => TargetName::TikTok,
            To::Folder => TargetName::Folder,
        };
        if options.dry_run {
            let way = match to {
                TargetName::TikTok => tiktok::rehearse(&config, options, &post)?,
                TargetName::Folder => "it would be exported to the folder".to_owned(),
            };
            output::notice(format!("{name}: {way}; nothing was sent"));
            output::data(format!("{text}\n"))?;
            return Ok(None);
        }
        let publisher = match to {
            TargetName::TikTok => Arc::new(tiktok::uploader(&config, options).await?),
            TargetName::Folder => publisher(&config, to).await?,
        };
        publisher.check(&post).map_err(refused)?;
        let new = NewPublication {
            target: publisher.target().clone(),
            video: path,
            content,
            name,
            text,
            cover: None,
            streamer: options.streamer.clone(),
            clip: None,
            // What a person asks for goes before what was found.
            score: 1.0,
            // By hand or not at all: what cannot go now is not sent later without being asked.
            held: true,
            expires_at: None,
        };
        let options =
            Options { force: options.force, wait_status: options.wait_status, format: options.format };
        Ok(Some(Self { config, options, to, ffmpeg, publisher, new, facts }))
    }

    /// Opens the queue.
    pub(crate) async fn open(self, interrupt: Arc<AtomicBool>) -> Result<Upload, Failure> {
        let stop = stopped_by(interrupt);
        let queue = queue(&self.config.settings).await?;
        let destination = destination(&self.config, self.to, self.publisher)?;
        Ok(Upload {
            options: self.options,
            ffmpeg: self.ffmpeg,
            destination,
            new: self.new,
            facts: self.facts,
            queue,
            stop,
        })
    }
}

/// The file, if it is one.
fn video(path: &Path) -> Result<PathBuf, Failure> {
    match fs_err::metadata(path) {
        Ok(known) if known.is_file() => {}
        Ok(_) => return Err(Failure::cannot(anyhow!("{} is not a file", path.display()))),
        Err(error) => return Err(Failure::cannot(error)),
    }
    fs_err::canonicalize(path).map_err(Failure::cannot)
}

/// The text to post: as it was typed, or as it lies beside the video, or by the template.
fn text(config: &Config, options: &UploadOptions, path: &Path) -> Result<String, Failure> {
    if let Some(text) = &options.text {
        return Ok(text.trim().to_owned());
    }
    let beside = path.with_extension("txt");
    if beside.is_file() {
        return Ok(fs_err::read_to_string(beside).map_err(Failure::cannot)?.trim().to_owned());
    }
    let publishing = &config.settings.publishing;
    let title = path.file_stem().unwrap_or_default().to_string_lossy();
    plain_caption(&publishing.description_template, &options.streamer, &title, &publishing.hashtags)
        .map_err(failure)
}

impl Upload {
    /// Who takes it.
    pub(crate) fn publisher(&self) -> &dyn Publisher {
        self.destination.publisher.as_ref()
    }

    /// Closes the queue.
    pub(crate) async fn close(&self) {
        self.queue.close().await;
    }

    /// Puts it into the queue and sends it from there.
    pub(crate) async fn send(&self, global: &Global) -> Result<Sent, Failure> {
        let key = self.new.key();
        if let Added::Known(known) = self.queue.add(&self.new).await.map_err(failure)? {
            let is_there = known.state == PublicationState::Delivered;
            if self.options.force && !known.state.is_open() {
                self.queue.begin_again(&self.new).await.map_err(stands)?;
            } else if is_there {
                return Err(Failure::cannot(anyhow!(told_before(&known))).hint("--force sends it again"));
            }
        }
        let progress = PublishProgress::new(global);
        let courier = courier(self.queue.clone(), self.ffmpeg.clone(), progress.sink());
        let sent = tokio::select! {
            biased;
            sent = courier.send(&self.destination, key) => sent,
            () = self.stop.cancelled() => {
                progress.clear();
                return Err(Failure::interrupted(anyhow!("interrupted; the same command goes on")));
            }
        };
        progress.clear();
        tracing::debug!(bytes = self.facts.bytes, "an attempt has ended");
        sent.map_err(stands)
    }

    /// Asks what became of it until the platform is done with it.
    async fn follow(&self, mut sent: Sent, global: &Global) -> Result<Sent, Failure> {
        let processing = |sent: &Sent| {
            sent.outcome.as_ref().is_ok_and(|delivery| delivery.state == DeliveryState::Processing)
        };
        let begun = tokio::time::Instant::now();
        while processing(&sent) && begun.elapsed() < LONGEST_WAIT {
            tokio::select! {
                () = tokio::time::sleep(ASK_INTERVAL) => {}
                () = self.stop.cancelled() => {
                    return Err(Failure::interrupted(anyhow!("interrupted; it is sent, and `streamliner queue` follows it")));
                }
            }
            sent = self.send(global).await?;
        }
        Ok(sent)
    }
}

/// What came of an attempt, as a command ends with it.
pub(crate) trait Finished {
    /// Prints it.
    async fn finished(self, upload: &Upload, global: &Global) -> Result<Exit, Failure>;
}

impl Finished for Sent {
    async fn finished(self, upload: &Upload, global: &Global) -> Result<Exit, Failure> {
        let sent = if upload.options.wait_status { upload.follow(self, global).await? } else { self };
        let delivery = sent.outcome.map_err(refused)?;
        match upload.options.format {
            OutputFormat::Json => output::json(&Printed {
                key: upload.new.key().to_string(),
                state: sent.state,
                result: &delivery,
            })?,
            OutputFormat::Text => {
                let what = delivery.link.as_deref();
                let what = what.or(delivery.receipt.as_ref().map(|receipt| receipt.0.as_str()));
                if let Some(what) = what {
                    output::data(format!("{what}\n"))?;
                }
            }
        }
        Ok(Exit::Done)
    }
}
