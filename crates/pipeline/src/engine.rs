//! The worker: takes jobs from the queue of a run and answers for how they end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use apalis::prelude::Strategy;
use apalis::prelude::{BackendExt as _, BoxDynError, Data, WorkerBuilder, WorkerBuilderExt as _};
use apalis_sqlite::{Config, SqliteStorage};
use highlight_detect::Lexicon;
use media_io::Ffmpeg;
use render::Encoder;
use timeline::{ClipId, MediaDuration};
use tokio::sync::watch;

use crate::catalogue::{Catalogue, Run};
use crate::job::{Job, queue_of};
use crate::speech::Speech;
use crate::vod::{Broadcast, MediaFile};
use crate::{Error, EventSink};

/// How often the queue is looked at. A job follows another within this time.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Jobs at once: while one is listened to for words, another is rendered. Both use all cores they can get, so more would
/// only slow each other down.
const JOBS_AT_ONCE: usize = 2;
/// How often the interrupt flag is looked at between jobs.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);

/// What a run is about.
#[derive(Debug)]
pub(crate) enum Material {
    /// A file.
    File(PathBuf),
    /// A media file on a host, which is fetched into this folder and then a file.
    Download(Box<MediaFile>, PathBuf),
    /// A broadcast in segments.
    Broadcast(Box<Broadcast>),
}

impl Material {
    /// From where on it is looked through, if not from its beginning.
    pub(crate) fn start(&self) -> Option<MediaDuration> {
        match self {
            Self::File(_) => None,
            Self::Download(file, _) => file.start(),
            Self::Broadcast(broadcast) => broadcast.start(),
        }
    }
}

/// Where a run keeps what is its own, in the data folder.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// Where rendered clips wait to be stored.
    pub(crate) spool: PathBuf,
    /// Where locks are.
    pub(crate) locks: PathBuf,
}

/// With what the stages work.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: Ffmpeg,
    pub(crate) lexicon: Lexicon,
}

/// Everything that the stages of one run share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) catalogue: Catalogue,
    pub(crate) run: Run,
    pub(crate) material: Material,
    pub(crate) ffmpeg: Ffmpeg,
    pub(crate) lexicon: Lexicon,
    pub(crate) speech: Mutex<Option<Speech>>,
    pub(crate) encoder: OnceLock<Encoder>,
    pub(crate) events: EventSink,
    pub(crate) interrupt: Arc<AtomicBool>,
    pub(crate) folders: Folders,
    outcome: watch::Sender<Option<Result<(), Error>>>,
}

impl Engine {
    pub(crate) fn new(
        catalogue: Catalogue,
        run: Run,
        material: Material,
        tools: Tools,
        events: EventSink,
        interrupt: Arc<AtomicBool>,
        folders: Folders,
    ) -> Self {
        let speech = Mutex::new(run.settings.speech.clone().map(Speech::new));
        Self {
            catalogue,
            run,
            material,
            ffmpeg: tools.ffmpeg,
            lexicon: tools.lexicon,
            speech,
            encoder: OnceLock::new(),
            events,
            interrupt,
            folders,
            outcome: watch::Sender::new(None),
        }
    }

    /// Where a clip is rendered to, without the ending.
    pub(crate) fn spooled(&self, clip: ClipId) -> PathBuf {
        self.folders.spool.join(clip.to_string())
    }

    /// Ends the run, well or not; the first end counts.
    pub(crate) fn end(&self, result: Result<(), Error>) {
        self.outcome.send_if_modified(|outcome| {
            let first = outcome.is_none();
            if first {
                *outcome = Some(result);
            }
            first
        });
    }

    /// Works until the run has ended or is interrupted.
    pub(crate) async fn work(self: Arc<Self>) -> Result<(), Error> {
        let queue = queue_of(self.run.id);
        let backend = SqliteStorage::<Job>::new(self.catalogue.pool())
            .with_config(Config::default().queue(&queue).batch_size(JOBS_AT_ONCE))
            .poll_with_strategy(Strategy::new().interval(POLL_INTERVAL));
        let worker = WorkerBuilder::new(worker_name())
            .backend(backend)
            .concurrency(JOBS_AT_ONCE)
            .data(Arc::clone(&self))
            .build(handle);
        let ended = Arc::clone(&self);
        let signal = async move {
            let mut outcome = ended.outcome.subscribe();
            let finished = async {
                // The sender lives as long as the engine, so this ends with an outcome.
                let _ = outcome.wait_for(Option::is_some).await;
            };
            tokio::select! {
                () = finished => {}
                () = ended.interrupted() => {}
            }
            Ok::<(), std::io::Error>(())
        };
        let worked = worker.run_until(signal).await;
        match self.outcome.send_replace(None) {
            Some(result) => result,
            None if self.is_interrupted() => Err(Error::Interrupted),
            None => Err(Error::Queue(
                worked.map_or_else(|error| error.to_string(), |()| "no job was left".to_owned()),
            )),
        }
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    async fn interrupted(&self) {
        while !self.is_interrupted() {
            tokio::time::sleep(INTERRUPT_INTERVAL).await;
        }
    }
}

/// A name that no worker had before: in a container every process may have the same number.
fn worker_name() -> String {
    format!("process-{}-{}", std::process::id(), jiff::Timestamp::now().as_nanosecond())
}

async fn handle(job: Job, engine: Data<Arc<Engine>>) -> Result<(), BoxDynError> {
    let engine = Arc::clone(&engine);
    tracing::debug!(step = ?job.step, "job taken");
    let result = Arc::clone(&engine).run_step(job.step).await;
    if let Err(error) = result {
        let text = error.to_string();
        engine.end(Err(error));
        return Err(text.into());
    }
    Ok(())
}
