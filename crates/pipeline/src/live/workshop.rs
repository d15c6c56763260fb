//! What the jobs of all live sessions share, and the worker that takes them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use apalis::prelude::{BackendExt as _, BoxDynError, Data, Strategy, WorkerBuilder, WorkerBuilderExt as _};
use apalis_sqlite::{Config, SqliteStorage};
use highlight_detect::Lexicon;
use media_io::Ffmpeg;
use media_io::hls::store::SegmentStore;
use render::{Encoder, EncoderChoice};
use timeline::{Digest, MediaTime, Span};
use tokio::sync::watch;

use super::event::MonitorSink;
use crate::Error;
use crate::blocking::blocking;
use crate::catalogue::{Catalogue, Run, SessionRow};
use crate::footage::{Footage, SharedStore};
use crate::job::{Job, LIVE_QUEUE};
use crate::publishing::Outlets;
use crate::settings::SpeechSettings;
use crate::speech::Speech;

/// How often the queue is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Jobs at once: while one is listened to for words, another is rendered. Both use all cores they can get.
const JOBS_AT_ONCE: usize = 2;

/// Jobs that failed are looked for this often, and each waits as long after its first failure.
const REVIVAL_INTERVAL: Duration = Duration::from_secs(60);
/// The pause of a job doubles with each failure up to this: what keeps it from being done may last for days.
const LONGEST_REVIVAL_PAUSE: Duration = Duration::from_secs(3_600);
/// While somebody else opens the store of a session, it is looked this often whether the session is known.
const TURN_INTERVAL: Duration = Duration::from_millis(100);

/// A session that jobs are worked on for.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) run: Run,
    pub(super) row: SessionRow,
    pub(super) lexicon: Lexicon,
    pub(super) store: SharedStore,
    first_picture: OnceLock<Option<MediaTime>>,
}

impl Session {
    pub(super) const fn new(run: Run, row: SessionRow, lexicon: Lexicon, store: SharedStore) -> Self {
        Self { run, row, lexicon, store, first_picture: OnceLock::new() }
    }

    /// The media time of the recording's first picture, from which its frames are counted: sound may begin before it. `None`
    /// where its first segment is gone. Blocks while it is found out, once.
    pub(super) fn first_picture(&self, ffmpeg: &Ffmpeg, scratch: &Path) -> Option<MediaTime> {
        *self.first_picture.get_or_init(|| {
            let first = self.store.lock().entries().first()?.segment()?.placement.span;
            let excerpt = Footage::Segments(self.store.clone()).excerpt(first, scratch);
            let found = excerpt.and_then(|excerpt| {
                let info = ffmpeg.probe(excerpt.path())?;
                Ok(info.default_video().map(|video| video.start + excerpt.to_run()))
            });
            found.unwrap_or_else(|error| {
                tracing::warn!(%error, "the first picture of a recording cannot be found");
                None
            })
        })
    }

    /// What is recorded so far.
    pub(super) fn recorded(&self) -> Span {
        Span::new(MediaTime::ZERO, self.store.lock().span().end().max(MediaTime::ZERO))
    }
}

/// What the jobs of all live sessions share.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) catalogue: Catalogue,
    pub(super) ffmpeg: Ffmpeg,
    pub(super) events: MonitorSink,
    pub(super) interrupt: Arc<AtomicBool>,
    /// Where files are made that are needed for a while.
    pub(super) scratch: PathBuf,
    /// Where clips are published.
    pub(super) outlets: watch::Receiver<Outlets>,
    sessions: Mutex<HashMap<Digest, Arc<Session>>>,
    turns: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    speech: Mutex<Vec<Speech>>,
    encoders: Mutex<Vec<(EncoderChoice, Encoder)>>,
    /// Whether folders that no session knows were looked for.
    tidied: AtomicBool,
}

/// Nobody leaves these half changed, so one whose holder panicked is still good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workshop {
    pub(super) fn new(
        catalogue: Catalogue,
        ffmpeg: Ffmpeg,
        events: MonitorSink,
        interrupt: Arc<AtomicBool>,
        scratch: PathBuf,
        outlets: watch::Receiver<Outlets>,
    ) -> Self {
        Self {
            catalogue,
            ffmpeg,
            events,
            interrupt,
            scratch,
            outlets,
            sessions: Mutex::default(),
            turns: Mutex::default(),
            speech: Mutex::default(),
            encoders: Mutex::default(),
            tidied: AtomicBool::new(false),
        }
    }

    /// Makes a session known whose store is already open.
    pub(super) fn enter(&self, session: Arc<Session>) {
        locked(&self.sessions).insert(session.run.id, session);
    }

    /// Forgets a session that is closed; not one that was begun anew meanwhile because its broadcast came back.
    pub(super) fn leave(&self, session: &Arc<Session>) {
        let mut sessions = locked(&self.sessions);
        if sessions.get(&session.run.id).is_some_and(|known| Arc::ptr_eq(known, session)) {
            sessions.remove(&session.run.id);
            drop(sessions);
            self.forget_turn(&session.row.folder);
        }
    }

    /// A session whose store is open.
    pub(super) fn known(&self, run: Digest) -> Option<Arc<Session>> {
        locked(&self.sessions).get(&run).cloned()
    }

    /// Whoever records to `folder` waits for this turn before the store there is opened: opening mends what a crash left, which
    /// must not happen twice at once. A store that jobs opened before is theirs to read from, and written to no more.
    pub(super) async fn turn(&self, folder: &Path) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(locked(&self.turns).entry(folder.to_owned()).or_default());
        let turn = turn.lock_owned().await;
        locked(&self.sessions).retain(|_, session| session.row.folder != folder);
        turn
    }

    /// The turn, unless somebody has it.
    pub(super) fn try_turn(&self, folder: &Path) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        let turn = Arc::clone(locked(&self.turns).entry(folder.to_owned()).or_default());
        turn.try_lock_owned().ok()
    }

    /// Forgets the turn of a folder, unless somebody has it or waits for it.
    pub(super) fn forget_turn(&self, folder: &Path) {
        let mut turns = locked(&self.turns);
        if turns.get(folder).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(folder);
        }
    }

    /// True the first time.
    pub(super) fn tidies_first(&self) -> bool {
        !self.tidied.swap(true, Ordering::Relaxed)
    }

    /// The session of a run, opened if it is from before this process.
    pub(super) async fn session(&self, run: Digest) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.known(run) {
            return Ok(session);
        }
        let missing = || Error::Queue(format!("session {run} is not in the catalogue"));
        let row = self.catalogue.session(run).await?.ok_or_else(missing)?;
        let run = self.catalogue.live_run(run).await?.ok_or_else(missing)?;
        let turn = loop {
            let turn = self.try_turn(&row.folder);
            // Whoever has the turn makes the session known, and may keep it for as long as the stream lasts.
            if let Some(session) = self.known(run.id) {
                return Ok(session);
            }
            if let Some(turn) = turn {
                break turn;
            }
            if self.is_interrupted() {
                return Err(Error::Interrupted);
            }
            tokio::time::sleep(TURN_INTERVAL).await;
        };
        let lexicon = run.settings.lexicon.build()?;
        let session = Arc::new(Session::new(run, row.clone(), lexicon, open_store(&row.folder).await?));
        self.enter(Arc::clone(&session));
        drop(turn);
        Ok(session)
    }

    /// Works with the recogniser of `settings`, which is loaded once for all sessions that share a model.
    pub(super) fn with_speech<T>(
        &self,
        settings: Option<&SpeechSettings>,
        work: impl FnOnce(Option<&mut Speech>) -> T,
    ) -> T {
        let Some(settings) = settings else { return work(None) };
        let mut all = locked(&self.speech);
        let index = all.iter().position(|speech| speech.serves(settings)).unwrap_or_else(|| {
            all.push(Speech::new(settings.clone()));
            all.len() - 1
        });
        let speech = &mut all[index];
        speech.set_language(settings);
        work(Some(speech))
    }

    /// The encoder of this choice, found out once.
    pub(super) fn encoder(&self, choice: EncoderChoice) -> Result<Encoder, Error> {
        let mut known = locked(&self.encoders);
        if let Some((_, encoder)) = known.iter().find(|(known, _)| *known == choice) {
            return Ok(*encoder);
        }
        let encoder = Encoder::detect(&self.ffmpeg, choice)?;
        known.push((choice, encoder));
        Ok(encoder)
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Puts jobs that failed back into the queue, now and then, for ever.
    async fn revive(&self) {
        let mut looks = tokio::time::interval(REVIVAL_INTERVAL);
        loop {
            looks.tick().await;
            match self.catalogue.revive_jobs(REVIVAL_INTERVAL, LONGEST_REVIVAL_PAUSE).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, "jobs that failed are tried again"),
                Err(error) => tracing::warn!(%error, "jobs that failed cannot be tried again yet"),
            }
        }
    }

    /// Works on jobs until `stop` ends, and on those that fail again after a growing pause. A job in hand is stopped by the interrupt flag, and taken up again at the next start.
    pub(super) async fn work(
        self: Arc<Self>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let backend = SqliteStorage::<Job>::new(self.catalogue.pool())
            .with_config(Config::default().queue(LIVE_QUEUE).batch_size(JOBS_AT_ONCE))
            .poll_with_strategy(Strategy::new().interval(POLL_INTERVAL));
        let name = format!("monitor-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond());
        let worker = WorkerBuilder::new(name)
            .backend(backend)
            .concurrency(JOBS_AT_ONCE)
            .data(Arc::clone(&self))
            .build(handle);
        let signal = async move {
            stop.await;
            Ok::<(), std::io::Error>(())
        };
        tokio::select! {
            worked = worker.run_until(signal) => worked.map_err(|error| Error::Queue(error.to_string())),
            () = self.revive() => Ok(()),
        }
    }
}

/// Opens the store in `folder`, for who has the turn.
pub(super) async fn open_store(folder: &Path) -> Result<SharedStore, Error> {
    let folder = folder.to_owned();
    let (store, _) = blocking(move || SegmentStore::open(&folder)).await??;
    Ok(SharedStore::new(store))
}

async fn handle(job: Job, workshop: Data<Arc<Workshop>>) -> Result<(), BoxDynError> {
    let workshop = Arc::clone(&workshop);
    tracing::debug!(run = %job.run, step = ?job.step, "job taken");
    workshop.run_step(job).await.map_err(|error| error.to_string().into())
}
