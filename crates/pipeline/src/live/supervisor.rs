//! Watches all streamers: who is live is recorded, and a failure of one never touches another.

use std::collections::{BTreeMap, HashMap};
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::LocalBoxFuture;
use jiff::{SignedDuration, Timestamp};
use media_io::Ffmpeg;
use media_io::hls::{HlsClient, LiveOptions};
use timeline::{Digest, MediaTime, SourceId, StreamerName};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::disk::{self, DiskBudget};
use super::event::{MonitorEvent, MonitorSink};
use super::presence::{Change, MISSES, Presence, Sighting, State, misses_apart};
use super::session::{News, SessionTask};
use super::sources::{KickAccess, Look, look};
use super::status::{MonitorStatus, StreamerStatus};
use super::watch::{StreamSource, Watched};
use super::webhooks::{self, Told};
use super::workshop::Workshop;
use crate::Error;
use crate::catalogue::{Catalogue, Run, SessionRow};
use crate::fingerprint::digest_of;
use crate::job::LIVE_QUEUE;
use crate::lock::{RunLock, Turn};
use crate::process::{DATABASE, made};

/// The state for others to read is written this often.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
/// The disk budget is looked at this often.
const DISK_INTERVAL: Duration = Duration::from_secs(15);
/// The interrupt flag is looked at this often.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);
/// The folder of the recordings, in the data folder.
const RECORDINGS: &str = "recordings";
/// Held while a monitor runs, in the folder of locks.
const LOCK: &str = "monitor.lock";
/// News that wait for the supervisor at most; sessions wait beyond that.
const NEWS_AHEAD: usize = 256;
/// Where nobody tells broadcasts apart, a stream that comes back within this time after its last segment is the same.
const SAME_BROADCAST: SignedDuration = SignedDuration::from_mins(10);

/// After the worker of jobs ended, the next begins this much later.
const JOBS_PAUSE: Duration = Duration::from_secs(5);
/// A stream that drops causes a look at once, but not more often than this.
const DROPS_APART: Duration = Duration::from_secs(10);
/// Whoever asks whether a monitor runs holds its lock for a moment; so often and with this pause it is tried again.
const LOCK_ATTEMPTS: (u32, Duration) = (5, Duration::from_millis(50));

/// What to watch and where to.
#[derive(Debug)]
pub struct MonitorRequest {
    /// Who is watched. What changes here takes effect while the monitor runs.
    pub watched: watch::Receiver<Vec<Watched>>,
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

/// One streamer as the supervisor sees it.
#[derive(Debug)]
struct Watcher {
    watched: Watched,
    presence: Presence,
    session: Option<Handle>,
    /// The run of the session, or of the last one.
    last_run: Option<Digest>,
    /// When a drop of the stream last caused a look.
    nudged: Option<Instant>,
    status: StreamerStatus,
    end_at: Option<Timestamp>,
    /// Whether the stream brings nothing new.
    standing: bool,
    /// The newest segment of a fixed address at the last look, and of what was left of a stream that is over.
    newest: Option<u64>,
    remains: Option<u64>,
}

impl Watcher {
    /// A look at a fixed address, compared with the one before: a playlist that does not grow is what is left of a stream.
    fn compared(&mut self, mut look: Look) -> Look {
        let Some(newest) = look.newest else { return look };
        let grown = self.newest.replace(newest) != Some(newest);
        let over = match &self.session {
            Some(_) => !grown,
            None => self.remains == Some(newest),
        };
        if over {
            self.remains = Some(newest);
            look.sighting = Sighting::Offline;
        }
        look
    }
}

/// A session that runs.
#[derive(Debug)]
struct Handle {
    run: Digest,
    over: CancellationToken,
    task: JoinHandle<()>,
}

/// A session that nobody records.
#[derive(Debug)]
struct LeftOpen {
    row: SessionRow,
    /// Looks in a row that did not find its streamer live.
    misses: u32,
    last_miss: Option<Instant>,
}

impl From<SessionRow> for LeftOpen {
    fn from(row: SessionRow) -> Self {
        Self { row, misses: 0, last_miss: None }
    }
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

/// Whether a monitor runs on this data folder now.
///
/// # Errors
/// [`Error::File`] where that cannot be found out.
pub fn is_running(data_dir: &Path) -> Result<bool, Error> {
    let lock = data_dir.join("locks").join(LOCK);
    if !lock.exists() {
        return Ok(false);
    }
    // Reading only, and shared: others may ask at the same time, and the file stays as it is.
    let file = fs_err::File::open(&lock).map_err(Error::file("locked", &lock))?;
    match file.file().try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(Error::file("locked", &lock)(source)),
    }
}

async fn take_lock(path: &Path) -> Result<RunLock, Error> {
    let (attempts, pause) = LOCK_ATTEMPTS;
    for _ in 1..attempts {
        match RunLock::take(path) {
            Err(Error::Busy { .. }) => tokio::time::sleep(pause).await,
            taken => return taken,
        }
    }
    RunLock::take(path)
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

    /// Listens for webhooks, if that was asked for.
    async fn receive_webhooks(&self) -> Result<(), Error> {
        let Some(address) = self.request.webhooks else { return Ok(()) };
        let Some(kick) = &self.request.kick else {
            self.events.notice(None, "there is no access to Kick, so webhooks are not received");
            return Ok(());
        };
        let (api, told) = (Arc::clone(&kick.api), self.told.0.clone());
        let bound = webhooks::listen(address, api, told, self.stop.clone()).await?;
        tracing::info!(address = %bound, "webhooks are received");
        Ok(())
    }

    /// Takes what a webhook told of a channel.
    fn take_told(&mut self, told: Told) {
        let is_it = |watcher: &Watcher| match &watcher.watched.source {
            StreamSource::Kick { slug } => slug.eq_ignore_ascii_case(&told.slug),
            StreamSource::Address(_) => false,
        };
        let name = self.watchers.iter().find(|(_, watcher)| is_it(watcher)).map(|(name, _)| name.clone());
        let is_old = |watcher: &Watcher| {
            told.started_at.zip(watcher.presence.broadcast()).is_some_and(|(told, now)| told < now)
        };
        if let Some(name) = name.filter(|name| !self.watchers.get(name).is_some_and(is_old)) {
            self.take_look(&name, told.look);
        }
    }

    /// Stops sessions and jobs; what is in hand is finished or left whole for the next start.
    async fn leave(&mut self, jobs: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
        self.stop.cancel();
        // Sessions do not wait any more for somebody to take their news.
        self.news.1.close();
        let sessions: Vec<_> =
            self.watchers.values_mut().filter_map(|watcher| watcher.session.take()).collect();
        let ending = std::mem::take(&mut self.ending).into_values();
        for task in sessions.into_iter().map(|session| session.task).chain(ending) {
            // A session that panicked has told so already.
            let _ = task.await;
        }
        if let Some(keeping) = self.keeping.take() {
            keeping.abort();
        }
        let worked = jobs.await.unwrap_or_else(|error| Err(Error::Queue(error.to_string())));
        if let Err(error) = worked {
            tracing::debug!(%error, "the worker ended");
        }
        MonitorStatus { at: Some(Timestamp::now()), ..MonitorStatus::default() }
            .write(&self.request.data_dir)
            .await
    }

    /// Takes over who is watched now. Who is not any more is let go; a session of theirs ends as if the stream had.
    fn take_list(&mut self) {
        let list = self.request.watched.borrow_and_update().clone();
        let gone: Vec<StreamerName> =
            self.watchers.keys().filter(|name| !list.iter().any(|one| one.name == **name)).cloned().collect();
        for name in gone {
            if let Some(watcher) = self.watchers.remove(&name) {
                if let Some(session) = watcher.session {
                    session.over.cancel();
                    self.ending.insert(session.run, session.task);
                }
                self.events.notice(Some(&name), "not watched any more");
            }
        }
        for watched in list {
            match self.watchers.get_mut(&watched.name) {
                // What changed holds from the next session on.
                Some(watcher) => watcher.watched = watched,
                None => {
                    let name = watched.name.clone();
                    let status = StreamerStatus { name: name.to_string(), ..StreamerStatus::default() };
                    let watcher = Watcher {
                        watched,
                        presence: Presence::default(),
                        session: None,
                        last_run: None,
                        nudged: None,
                        status,
                        end_at: None,
                        standing: false,
                        newest: None,
                        remains: None,
                    };
                    self.watchers.insert(name, watcher);
                }
            }
        }
    }

    /// Begins a look at all streamers; one that is under way is followed by another.
    fn look(&mut self) {
        if self.looking.is_some() {
            self.look_again = true;
            return;
        }
        let asked: Vec<(Watched, Option<Digest>, bool)> = self
            .watchers
            .values()
            .map(|watcher| {
                let run = watcher.session.as_ref().map(|session| session.run);
                (watcher.watched.clone(), run, run.is_some() && !watcher.standing)
            })
            .collect();
        let (kick, client) = (self.request.kick.clone(), self.request.client.clone());
        self.looking = Some(Box::pin(async move {
            let watched: Vec<_> = asked.iter().map(|(watched, _, recorded)| (watched, *recorded)).collect();
            let looks = look(kick.as_ref(), &client, &watched).await;
            asked.into_iter().zip(looks).map(|((watched, run, _), look)| (watched.name, run, look)).collect()
        }));
    }

    async fn take_found(&mut self, found: Found) -> Result<(), Error> {
        self.looked = true;
        if std::mem::take(&mut self.look_again) {
            self.request.nudge.notify_one();
        }
        self.ending.retain(|_, task| !task.is_finished());
        while let Some(run) = self.failed.last().copied() {
            let row = self.workshop.catalogue.session(run).await?.filter(|row| !row.ended);
            self.left_open.extend(row.map(LeftOpen::from));
            self.failed.pop();
        }
        let mut sightings = BTreeMap::new();
        for (name, run, look) in found {
            let Some(watcher) = self.watchers.get(&name) else { continue };
            // What was found before a session began or ended says nothing of how things are now.
            let current = watcher.session.as_ref().map(|session| session.run) == run;
            sightings.insert(name.clone(), if current { look.sighting } else { Sighting::Unknown });
            if current {
                self.take_look(&name, look);
            }
        }
        // Who was added meanwhile has not been looked at.
        for name in self.watchers.keys() {
            sightings.entry(name.clone()).or_insert(Sighting::Unknown);
        }
        self.finish_left_open(&sightings).await
    }

    fn take_look(&mut self, name: &StreamerName, look: Look) {
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let apart = misses_apart(self.request.poll);
        let before = watcher.presence.state();
        if watcher.session.is_some() && before == State::Ended {
            // The last broadcast is still being finished.
            return;
        }
        let look = watcher.compared(look);
        watcher.status.title = look.title.or(watcher.status.title.take());
        if look.problem.is_some() && watcher.status.problem != look.problem {
            tracing::warn!(streamer = %name, problem = look.problem.as_deref(), "cannot tell who is live");
        }
        if watcher.session.is_none() || look.problem.is_some() {
            watcher.status.problem = look.problem;
        }
        match watcher.presence.seen(look.sighting, Instant::now(), apart) {
            Change::Stay => {}
            Change::Begin(since) => self.begin(name, since),
            Change::End => self.end(name),
            Change::EndAndBegin(_) => {
                // The next look, which follows at once, begins the new one.
                self.end(name);
                if let Some(watcher) = self.watchers.get_mut(name) {
                    watcher.presence = Presence::default();
                }
                self.request.nudge.notify_one();
            }
        }
        self.tell_state(name, before);
    }

    fn tell_state(&mut self, name: &StreamerName, before: State) {
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let state = watcher.presence.state();
        watcher.status.state = state;
        if state != before {
            tracing::info!(streamer = %name, %state, "state changed");
            self.events.send(MonitorEvent::State { streamer: name.clone(), state });
        }
    }

    fn begin(&mut self, name: &StreamerName, since: Option<Timestamp>) {
        let left = self.left_open.iter().position(|LeftOpen { row, .. }| {
            row.streamer == *name
                && match since {
                    Some(since) => row.broadcast == since.to_string(),
                    None => last_written(&row.folder)
                        .is_some_and(|last| Timestamp::now().duration_since(last) < SAME_BROADCAST),
                }
        });
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let (broadcast, folder) = match left.and_then(|index| self.left_open.get(index)) {
            Some(LeftOpen { row, .. }) => (row.broadcast.clone(), row.folder.clone()),
            None => {
                let broadcast = since.unwrap_or_else(Timestamp::now).to_string();
                let folder =
                    self.request.data_dir.join(RECORDINGS).join(name.as_str()).join(folder_name(&broadcast));
                (broadcast, folder)
            }
        };
        let title = watcher.status.title.clone();
        let run = run_of(&self.request, &watcher.watched, title, &broadcast, folder);
        if self.ending.get(&run.id).is_some_and(|task| !task.is_finished()) {
            // One recorder at a time in a folder: the next look tries again.
            watcher.presence = Presence::default();
            return;
        }
        if let Some(old) = watcher.session.take() {
            old.over.cancel();
            self.ending.insert(old.run, old.task);
        }
        if let Some(index) = left {
            self.left_open.remove(index);
        }
        watcher.last_run = Some(run.id);
        let handle = start(
            &self.request,
            &self.workshop,
            &watcher.watched,
            run,
            broadcast,
            self.news.0.clone(),
            self.stop.clone(),
        );
        watcher.status = StreamerStatus {
            name: name.to_string(),
            title: watcher.status.title.take(),
            ..StreamerStatus::default()
        };
        watcher.session = Some(handle);
    }

    fn end(&mut self, name: &StreamerName) {
        if let Some(session) = self.watchers.get(name).and_then(|watcher| watcher.session.as_ref()) {
            session.over.cancel();
        }
    }

    fn take_news(&mut self, name: &StreamerName, run: Digest, news: News) {
        if let News::Over(Err(error)) = &news {
            tracing::error!(streamer = %name, error, "a session failed");
            self.events.notice(Some(name), format!("recording failed: {error}"));
            self.failed.push(run);
        }
        if matches!(news, News::Over(Ok(()))) {
            // The streamer may be on air again. After a failure that waits for the next regular look.
            self.request.nudge.notify_one();
        }
        // The last words of a session may come when the next has begun, or when nobody watches any more.
        let is_of =
            |watcher: &&mut Watcher| watcher.session.as_ref().is_some_and(|session| session.run == run);
        let Some(watcher) = self.watchers.get_mut(name).filter(is_of) else { return };
        let before = watcher.presence.state();
        match news {
            News::Recorded { end, end_at, bytes } => {
                watcher.standing = false;
                self.recorded_bytes += bytes;
                watcher.presence.segment();
                watcher.end_at = end_at;
                watcher.status.recorded_s = end.as_secs_f64();
                watcher.status.problem = None;
                let length = end - MediaTime::ZERO;
                self.events.send(MonitorEvent::Recorded { streamer: name.clone(), length });
            }
            News::Gap(gap) => {
                watcher.status.gaps += 1;
                watcher.status.gaps_s += gap.span.duration().as_secs_f64();
                self.events.send(MonitorEvent::Gap { streamer: name.clone(), gap });
            }
            News::Stalled(text) => {
                watcher.standing = true;
                watcher.status.problem = Some(text);
            }
            News::Dropped(reason) => {
                watcher.standing = true;
                watcher.presence.dropped();
                watcher.status.problem = Some(reason);
                // Whether it is over is found out at once, not at the next regular look.
                if watcher.nudged.is_none_or(|last| last.elapsed() >= DROPS_APART) {
                    watcher.nudged = Some(Instant::now());
                    self.request.nudge.notify_one();
                }
            }
            News::Problem(problem) => watcher.status.problem = Some(problem),
            News::Chat(state) => watcher.status.chat = Some(state),
            News::Over(result) => {
                watcher.session = None;
                if let Err(error) = result {
                    watcher.status.problem = Some(error);
                    // The next look begins anew if the streamer is still live.
                    watcher.presence = Presence::default();
                }
                watcher.presence.closed();
            }
        }
        self.tell_state(name, before);
    }

    /// Finishes sessions that nobody records and whose broadcasts are over: a look found another one, or looks in a row found
    /// none, or the streamer is not watched any more. A look that failed says nothing.
    async fn finish_left_open(&mut self, sightings: &BTreeMap<StreamerName, Sighting>) -> Result<(), Error> {
        let apart = misses_apart(self.request.poll);
        let mut over = Vec::new();
        for mut left in std::mem::take(&mut self.left_open) {
            let run = left.row.run;
            let is_recorded = |watcher: &Watcher| watcher.session.as_ref().is_some_and(|one| one.run == run);
            if self.watchers.values().any(is_recorded) || self.ending.contains_key(&run) {
                continue;
            }
            match sightings.get(&left.row.streamer) {
                Some(Sighting::Unknown) => {}
                Some(Sighting::Offline) if left.last_miss.is_some_and(|last| last.elapsed() < apart) => {}
                Some(Sighting::Offline) => {
                    left.misses += 1;
                    left.last_miss = Some(Instant::now());
                }
                Some(Sighting::Live { .. }) | None => left.misses = MISSES,
            }
            if left.misses < MISSES {
                self.left_open.push(left);
            } else {
                over.push(left);
            }
        }
        while let Some(left) = over.pop() {
            let run = match self.workshop.catalogue.live_run(left.row.run).await {
                Ok(Some(run)) => run,
                Ok(None) => continue,
                Err(error) => {
                    self.left_open.push(left);
                    self.left_open.append(&mut over);
                    return Err(error);
                }
            };
            let (id, row) = (run.id, left.row);
            let over = CancellationToken::new();
            over.cancel();
            let task = SessionTask {
                workshop: Arc::clone(&self.workshop),
                limits: row.limits,
                broadcast: row.broadcast,
                folder: row.folder,
                client: self.request.client.clone(),
                source: Arc::new(super::sources::Nowhere),
                rule: media_io::hls::RenditionRule::Best,
                options: LiveOptions::default(),
                chat: None,
                news: self.news.0.clone(),
                over,
                stop: self.stop.clone(),
                run,
            };
            self.ending.insert(id, tokio::spawn(task.run()));
        }
        Ok(())
    }

    async fn is_idle(&self) -> bool {
        if !self.looked || self.looking.is_some() {
            return false;
        }
        let waits = self.workshop.catalogue.waiting_jobs().await.map_or(1, |jobs| jobs.len());
        let open = self.workshop.catalogue.open_sessions().await.map_or(1, |open| open.len());
        let ever = self.workshop.catalogue.sessions().await.map_or(0, |all| all.len());
        waits == 0 && open == 0 && ever > 0 && self.watchers.values().all(|watcher| watcher.session.is_none())
    }

    async fn write_status(&mut self) -> Result<(), Error> {
        let jobs = self.workshop.catalogue.waiting_jobs().await?;
        let now = Timestamp::now();
        let mut streamers = Vec::new();
        for watcher in self.watchers.values_mut() {
            let status = &mut watcher.status;
            status.lag_s = watcher
                .session
                .as_ref()
                .and(watcher.end_at)
                .map(|end_at| (now.duration_since(end_at).as_secs_f64() * 10.0).round() / 10.0);
            if let Some(last) = watcher.last_run {
                status.pending_jobs = jobs.iter().filter(|(run, _)| *run == last).count();
                status.clips = self.workshop.catalogue.kept_clips(last).await?;
            }
            streamers.push(status.clone());
        }
        let status = MonitorStatus {
            process: std::process::id(),
            at: Some(now),
            streamers,
            pending_jobs: jobs.len(),
            recorded_bytes: self.recorded_bytes,
            budget_bytes: self.request.disk.bytes,
        };
        status.write(&self.request.data_dir).await
    }

    /// Begins to remove what is too much, if that is not under way.
    fn keep_to_budget(&mut self) {
        if self.keeping.is_none() {
            let (workshop, budget) = (Arc::clone(&self.workshop), self.request.disk);
            let folder = self.request.data_dir.join(RECORDINGS);
            self.keeping = Some(tokio::spawn(async move { disk::keep(&workshop, &budget, &folder).await }));
        }
    }

    fn take_kept(&mut self, (room, bytes): (disk::Room, u64)) {
        self.recorded_bytes = bytes;
        match room {
            disk::Room::Enough => self.warned_of_disk = false,
            disk::Room::Scarce | disk::Room::Over(_) if self.warned_of_disk => {}
            disk::Room::Scarce => {
                self.warned_of_disk = true;
                self.events.notice(
                    None,
                    "recordings have nearly used up monitor.disk_budget_gb; the oldest will go",
                );
            }
            disk::Room::Over(bytes) => {
                self.warned_of_disk = true;
                let text = format!(
                    "recordings are {bytes} bytes over monitor.disk_budget_gb, and jobs still need all of them; raise the budget"
                );
                self.events.notice(None, text);
            }
        }
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

/// The run of a broadcast that is recorded in `folder`.
fn run_of(
    request: &MonitorRequest,
    watched: &Watched,
    title: Option<String>,
    broadcast: &str,
    folder: PathBuf,
) -> Run {
    let mut settings = watched.settings.clone();
    if let Some(title) = title {
        settings.title = title;
    }
    let place = match &watched.source {
        StreamSource::Kick { slug } => format!("kick:{slug}"),
        // Addresses hold tokens that change, so the name stands for it.
        StreamSource::Address(_) => format!("address:{}", watched.name),
    };
    let recording = SourceId(digest_of(&[&place, &broadcast]));
    let output_dir = request.output_dir.join(watched.name.as_str()).join(folder_name(broadcast));
    Run {
        id: digest_of(&[&recording, &watched.name, &output_dir.as_os_str().as_encoded_bytes()]),
        recording,
        path: folder,
        settings,
        output_dir,
        created_at: broadcast.parse().unwrap_or_else(|_| Timestamp::now()),
    }
}

/// Starts to record a broadcast.
fn start(
    request: &MonitorRequest,
    workshop: &Arc<Workshop>,
    watched: &Watched,
    run: Run,
    broadcast: String,
    news: mpsc::Sender<(StreamerName, Digest, News)>,
    stop: CancellationToken,
) -> Handle {
    let (id, over) = (run.id, CancellationToken::new());
    let (name, told) = (watched.name.clone(), news.clone());
    let unavailable = move || {
        // Told again after the next attempt if there is no room for news now.
        let _ = told.try_send((name.clone(), id, News::Chat("unavailable".to_owned())));
    };
    let chat = super::sources::chat(request.kick.as_ref(), watched, &over, &stop, unavailable);
    let task = SessionTask {
        workshop: Arc::clone(workshop),
        limits: watched.limits,
        broadcast,
        folder: run.path.clone(),
        client: request.client.clone(),
        source: super::sources::playlist_source(request.kick.as_ref(), watched),
        rule: watched.rendition,
        options: LiveOptions::default(),
        chat,
        news,
        over: over.clone(),
        stop,
        run,
    };
    Handle { run: id, over, task: tokio::spawn(task.run()) }
}

/// `2026-11-25T19-31-04Z`: without what file systems mind.
fn folder_name(broadcast: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
    broadcast.chars().map(plain).collect()
}

/// When the newest segment of a recording was written.
fn last_written(folder: &Path) -> Option<Timestamp> {
    let entries = fs_err::read_dir(folder.join("segments")).ok()?;
    let times = entries.flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok());
    times.max().and_then(|time| Timestamp::try_from(time).ok())
}

async fn raised(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        tokio::time::sleep(INTERRUPT_INTERVAL).await;
    }
}
