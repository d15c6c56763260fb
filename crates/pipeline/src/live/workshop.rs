//! What the jobs of all live sessions share, and the worker that takes them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apalis::prelude::{BackendExt as _, BoxDynError, Data, Strategy, WorkerBuilder, WorkerBuilderExt as _};
use apalis_sqlite::{Config, SqliteStorage};
use highlight_detect::Lexicon;
use media_io::Ffmpeg;
use media_io::hls::store::SegmentStore;
use render::{Encoder, EncoderChoice};
use timeline::{Digest, MediaDuration, MediaTime, Span};

use super::event::MonitorSink;
use crate::Error;
use crate::catalogue::{Catalogue, Run, SessionRow};
use crate::footage::SharedStore;
use crate::job::{Job, LIVE_QUEUE};
use crate::settings::SpeechSettings;
use crate::speech::Speech;

/// How often the queue is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Jobs at once: while one is listened to for words, another is rendered. Both use all cores they can get.
const JOBS_AT_ONCE: usize = 2;

/// No clip reaches further from its moment.
const REACH: MediaDuration = MediaDuration::from_secs(3_600);

/// A session that jobs are worked on for.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) run: Run,
    pub(super) row: SessionRow,
    pub(super) lexicon: Lexicon,
    pub(super) store: SharedStore,
}

impl Session {
    /// What is recorded so far.
    pub(super) fn recorded(&self) -> Span {
        Span::new(MediaTime::ZERO, self.store.lock().span().end().max(MediaTime::ZERO))
    }

    /// The part of the recording around a moment that a clip of it may lie in: without a gap, or the moment itself where it
    /// is not whole.
    pub(super) fn whole_around(&self, core: Span) -> Span {
        let reach = Span::around(core.middle(), REACH);
        self.store.lock().contiguous(reach).unwrap_or(core)
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
    sessions: Mutex<HashMap<Digest, Arc<Session>>>,
    turns: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    speech: Mutex<Vec<Speech>>,
    encoders: Mutex<Vec<(EncoderChoice, Encoder)>>,
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
    ) -> Self {
        Self {
            catalogue,
            ffmpeg,
            events,
            interrupt,
            scratch,
            sessions: Mutex::default(),
            turns: Mutex::default(),
            speech: Mutex::default(),
            encoders: Mutex::default(),
        }
    }

    /// Makes a session known whose store is already open.
    pub(super) fn enter(&self, session: Arc<Session>) {
        locked(&self.sessions).insert(session.run.id, session);
    }

    /// Forgets a session that is closed.
    pub(super) fn leave(&self, run: Digest) {
        let session = locked(&self.sessions).remove(&run);
        if let Some(session) = session {
            locked(&self.turns).remove(&session.row.folder);
        }
    }

    /// Whoever opens the store in `folder` waits for this turn, and has it until the session is known: opening mends what a crash
    /// left, which must not happen twice at once.
    pub(super) async fn turn(&self, folder: &Path) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = Arc::clone(locked(&self.turns).entry(folder.to_owned()).or_default());
        turn.lock_owned().await
    }

    /// Whether somebody opens the store in `folder` now.
    pub(super) fn is_opening(&self, folder: &Path) -> bool {
        locked(&self.turns).get(folder).is_some_and(|turn| turn.try_lock().is_err())
    }

    /// The session of a run, opened if it is from before this process.
    pub(super) async fn session(&self, run: Digest) -> Result<Arc<Session>, Error> {
        if let Some(session) = locked(&self.sessions).get(&run) {
            return Ok(Arc::clone(session));
        }
        let missing = || Error::Queue(format!("session {run} is not in the catalogue"));
        let row = self.catalogue.session(run).await?.ok_or_else(missing)?;
        let run = self.catalogue.live_run(run).await?.ok_or_else(missing)?;
        let _turn = self.turn(&row.folder).await;
        if let Some(session) = locked(&self.sessions).get(&run.id) {
            return Ok(Arc::clone(session));
        }
        let folder = row.folder.clone();
        let opened = tokio::task::spawn_blocking(move || SegmentStore::open(&folder)).await;
        let (store, _) = opened.map_err(|error| Error::Queue(error.to_string()))??;
        let lexicon = run.settings.lexicon.build()?;
        let session = Arc::new(Session { run, row, lexicon, store: SharedStore::new(store) });
        locked(&self.sessions).insert(session.run.id, Arc::clone(&session));
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

    /// Works on jobs until `stop` ends. A job in hand is stopped by the interrupt flag, and taken up again at the next start.
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
        worker.run_until(signal).await.map_err(|error| Error::Queue(error.to_string()))
    }
}

async fn handle(job: Job, workshop: Data<Arc<Workshop>>) -> Result<(), BoxDynError> {
    let workshop = Arc::clone(&workshop);
    tracing::debug!(run = %job.run, step = ?job.step, "job taken");
    workshop.run_step(job).await.map_err(|error| error.to_string().into())
}
