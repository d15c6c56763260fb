//! Watches all streamers: who is live is recorded, and a failure of one never touches another.
//!
//! This file holds the loop; what is done about each thing that wakes it is in the files beside it.

mod begin;
mod books;
mod end;
mod list;
mod lock;
mod looks;
mod news;
mod watcher;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::LocalBoxFuture;
use media_io::Ffmpeg;
use media_io::hls::HlsClient;
use timeline::{Digest, StreamerName};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::disk::{self, DiskBudget};
use super::event::MonitorSink;
use super::session::News;
use super::sources::{KickAccess, Look};
use super::watch::Watched;
use super::webhooks::Told;
use super::workshop::Workshop;
use crate::Error;
use crate::catalogue::Catalogue;
use crate::job::LIVE_QUEUE;
use crate::lock::Turn;
use crate::process::{DATABASE, made};
use crate::publishing::Outlets;

pub use lock::is_running;
use lock::{LOCK, take_lock};
use watcher::{LeftOpen, Watcher};

/// The state for others to read is written this often.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// The disk budget is looked at this often.
const DISK_INTERVAL: Duration = Duration::from_secs(15);
/// The interrupt flag is looked at this often.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);
/// The folder of the recordings, in the data folder.
const RECORDINGS: &str = "recordings";
/// News that wait for the supervisor at most; sessions wait beyond that.
const NEWS_AHEAD: usize = 256;

/// After the worker of jobs ended, the next begins this much later.
const JOBS_PAUSE: Duration = Duration::from_secs(5);

/// What to watch and where to.
#[derive(Debug)]
pub struct MonitorRequest {
    /// Who is watched. What changes here takes effect while the monitor runs.
    pub watched: watch::Receiver<Vec<Watched>>,
    /// Where clips are published: each is put into the queue of publications, once.
    pub outlets: watch::Receiver<Outlets>,
    /// Kick; `None` where nobody is watched there or there are no credentials.
    pub kick: Option<KickAccess>,
    /// Fetches streams.
    pub client: HlsClient,
    /// Where the database, recordings and work in progress are kept.
    pub data_dir: PathBuf,
    /// Where clips go: a folder for each streamer, and in it one for each session.
    pub output_dir: PathBuf,
    /// How often it is looked who is live.
    pub poll: Duration,
    /// What recordings may take.
    pub disk: DiskBudget,
    /// A nudge to look at once, from a webhook for example.
    pub nudge: Arc<Notify>,
    /// Where Kick's webhooks are received; `None` if they are not.
    pub webhooks: Option<std::net::SocketAddr>,
    /// Whether to end when every session has ended and every job is done, instead of waiting for more.
    pub until_idle: bool,
}

/// What looks found, each with the run that was recorded when it began.
type Found = Vec<(StreamerName, Option<Digest>, Look)>;
/// What disk keeping found.
type Kept = Result<(disk::Room, u64), Error>;

/// Both ends of a channel.
type Ends<T> = (mpsc::Sender<T>, mpsc::Receiver<T>);

struct Supervisor {
    request: MonitorRequest,
    workshop: Arc<Workshop>,
    watchers: BTreeMap<StreamerName, Watcher>,
    /// Sessions that have not ended and that nobody records, until somebody goes on with them or they are known to be over.
    left_open: Vec<LeftOpen>,
    /// Sessions that failed, which will be among those.
    failed: Vec<Digest>,
    /// Sessions that are being finished and that no watcher holds any more, by their run.
    ending: HashMap<Digest, JoinHandle<()>>,
    /// The look that is under way, and whether another is to follow it at once.
    looking: Option<LocalBoxFuture<'static, Found>>,
    look_again: bool,
    /// Whether a look has ended yet.
    looked: bool,
    /// The disk keeping that is under way.
    keeping: Option<JoinHandle<Kept>>,
    news: Ends<(StreamerName, Digest, News)>,
    told: Ends<Told>,
    stop: CancellationToken,
    events: MonitorSink,
    warned_of_disk: bool,
    /// What keeps the books from being kept, while something does.
    trouble: Option<String>,
    recorded_bytes: u64,
}

/// Watches until `interrupt` is set, or nothing is left to do where that was asked for.
///
/// # Errors
/// [`Error::Busy`] while another process watches from the same data folder; [`Error::Interrupted`] when `interrupt` was
/// set: recordings and jobs are left so that the next start goes on with them; [`Error`] where the database or the folders cannot
/// be used. What happens to one stream is told as an event and ends nothing.
pub async fn monitor(
    request: MonitorRequest,
    ffmpeg: &Ffmpeg,
    interrupt: Arc<AtomicBool>,
    events: MonitorSink,
) -> Result<(), Error> {
    let data_dir = made(&request.data_dir)?;
    made(&request.output_dir)?;
    let locks = made(&data_dir.join("locks"))?;
    let _lock = take_lock(&locks.join(LOCK)).await?;
    let catalogue = {
        let _turn = Turn::wait_for(locks.join("database.lock")).await?;
        Catalogue::open(&data_dir.join(DATABASE)).await?
    };
    catalogue.take_over(LIVE_QUEUE).await?;
    let scratch = data_dir.join("live-scratch");
    if scratch.exists() {
        // What a process that was killed left behind.
        fs_err::remove_dir_all(&scratch).map_err(Error::file("removed", &scratch))?;
    }
    let scratch = made(&scratch)?;
    let left_open = catalogue.open_sessions().await?.into_iter().map(LeftOpen::from).collect();
    let workshop = Arc::new(Workshop::new(
        catalogue.clone(),
        ffmpeg.clone(),
        events.clone(),
        Arc::clone(&interrupt),
        scratch,
        request.outlets.clone(),
    ));
    let stop = CancellationToken::new();
    let jobs = tokio::spawn(Arc::clone(&workshop).work(stop.clone().cancelled_owned()));
    let supervisor = Supervisor {
        request,
        workshop,
        watchers: BTreeMap::new(),
        left_open,
        failed: Vec::new(),
        ending: HashMap::new(),
        looking: None,
        look_again: false,
        looked: false,
        keeping: None,
        news: mpsc::channel(NEWS_AHEAD),
        told: mpsc::channel(NEWS_AHEAD),
        stop: stop.clone(),
        events,
        warned_of_disk: false,
        trouble: None,
        recorded_bytes: 0,
    };
    let watched = match supervisor.receive_webhooks().await {
        Ok(()) => supervisor.watch(interrupt, jobs).await,
        Err(error) => {
            stop.cancel();
            Err(error)
        }
    };
    catalogue.close().await;
    watched
}

/// What the look that may be under way finds; nothing ever while there is none.
async fn found(look: &mut Option<LocalBoxFuture<'static, Found>>) -> Found {
    let Some(looking) = look else { return std::future::pending().await };
    let found = looking.await;
    *look = None;
    found
}

/// What a task that may be under way gives; nothing ever while there is none.
async fn given<T>(task: &mut Option<JoinHandle<T>>) -> Result<T, Error> {
    let Some(running) = task else { return std::future::pending().await };
    let given = running.await;
    *task = None;
    given.map_err(|error| Error::Queue(error.to_string()))
}

/// What woke the supervisor.
enum Woken {
    Look,
    News(StreamerName, Digest, News),
    Told(Told),
    List,
    Status,
    Disk,
    Found(Found),
    Kept(Kept),
    Stop,
    Jobs(Result<(), Error>),
}

impl Supervisor {
    async fn watch(
        mut self,
        interrupt: Arc<AtomicBool>,
        mut jobs: JoinHandle<Result<(), Error>>,
    ) -> Result<(), Error> {
        self.take_list();
        // Before anything more is recorded, there may be too much already.
        self.keep_to_budget();
        let mut looks = tokio::time::interval(self.request.poll);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut statuses = tokio::time::interval(STATUS_INTERVAL);
        let mut disks = tokio::time::interval_at(tokio::time::Instant::now() + DISK_INTERVAL, DISK_INTERVAL);
        let nudge = Arc::clone(&self.request.nudge);
        let ended = loop {
            let woken = tokio::select! {
                () = raised(&interrupt) => Woken::Stop,
                _ = looks.tick() => Woken::Look,
                () = nudge.notified() => Woken::Look,
                Some((streamer, run, news)) = self.news.1.recv() => Woken::News(streamer, run, news),
                Some(told) = self.told.1.recv() => Woken::Told(told),
                Ok(()) = self.request.watched.changed() => Woken::List,
                _ = statuses.tick() => Woken::Status,
                _ = disks.tick() => Woken::Disk,
                found = found(&mut self.looking) => Woken::Found(found),
                kept = given(&mut self.keeping) => Woken::Kept(kept.flatten()),
                ended = &mut jobs => Woken::Jobs(ended.unwrap_or_else(|error| Err(Error::Queue(error.to_string())))),
            };
            let is_status = matches!(woken, Woken::Status);
            let done = match woken {
                Woken::Stop => break Err(Error::Interrupted),
                Woken::Jobs(ended) => {
                    jobs = tokio::spawn(work_again(Arc::clone(&self.workshop), self.stop.clone()));
                    Err(ended.err().unwrap_or_else(|| Error::Queue("the worker ended by itself".to_owned())))
                }
                Woken::Look => {
                    self.look();
                    Ok(())
                }
                Woken::Found(found) => self.take_found(found).await,
                Woken::Kept(kept) => kept.map(|kept| self.take_kept(kept)),
                Woken::News(streamer, run, news) => {
                    self.take_news(&streamer, run, news);
                    Ok(())
                }
                Woken::Told(told) => {
                    self.take_told(told);
                    Ok(())
                }
                Woken::List => {
                    self.take_list();
                    self.look();
                    Ok(())
                }
                Woken::Status => self.write_status().await,
                Woken::Disk => {
                    self.keep_to_budget();
                    Ok(())
                }
            };
            if is_status && done.is_ok() {
                self.trouble = None;
            }
            if let Err(error) = done {
                // The database or the data folder fails: what is recorded goes on, and it is tried again.
                let text = error.to_string();
                if self.trouble.as_ref() != Some(&text) {
                    tracing::error!(error = text, "the monitor cannot keep its books");
                    self.events.notice(None, text.clone());
                    self.trouble = Some(text);
                }
            }
            if self.request.until_idle && self.is_idle().await {
                break Ok(());
            }
        };
        self.leave(jobs).await?;
        ended
    }
}

/// Works on jobs again after the worker ended.
async fn work_again(workshop: Arc<Workshop>, stop: CancellationToken) -> Result<(), Error> {
    tokio::select! {
        () = stop.cancelled() => return Ok(()),
        () = tokio::time::sleep(JOBS_PAUSE) => {}
    }
    workshop.catalogue.take_over(LIVE_QUEUE).await?;
    workshop.work(stop.cancelled_owned()).await
}

async fn raised(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        tokio::time::sleep(INTERRUPT_INTERVAL).await;
    }
}
