//! One broadcast, from its first segment to its last: fetched, recorded, listened to, and its moments handed on as jobs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use highlight_detect::Candidate;
use jiff::Timestamp;
use kick_client::chat::{ChatEvent, ChatState, ChatUpdate};
use media_io::hls::{
    EndReason, HlsClient, HlsError, JoinAt, LiveEvent, LiveOptions, LiveReader, PlaylistSource, RenditionRule,
};
use timeline::{Digest, Gap, MediaTime, Span, StreamerName};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::chat::SessionChat;
use super::event::MonitorEvent;
use super::limits::ClipLimits;
use super::recorder::Recorder;
use super::steps::Weighed;
use super::workshop::{Session, Workshop};
use crate::Error;
use crate::catalogue::{Run, SessionRow};
use crate::job::Step;
use crate::selection::evidence_span;

/// After the stream gave no more, it is asked for again this soon: a dropped connection is back within seconds.
const RETRY: Duration = Duration::from_secs(2);

/// What a session tells its supervisor.
#[derive(Debug)]
pub(super) enum News {
    /// A segment is recorded.
    Recorded {
        /// The end of the recording, on its timeline and by the wall clock.
        end: MediaTime,
        end_at: Option<Timestamp>,
        bytes: u64,
    },
    /// Something is missing.
    Gap(Gap),
    /// The stream gives no more for now, and why.
    Dropped(String),
    /// The stream brings nothing new, and for how long.
    Stalled(String),
    /// Something is wrong.
    Problem(String),
    /// How chat is.
    Chat(String),
    /// The session has ended, well or not.
    Over(Result<(), String>),
}

/// Where a session is to be recorded from and to.
#[derive(Debug)]
pub(super) struct SessionTask {
    pub(super) workshop: Arc<Workshop>,
    pub(super) run: Run,
    pub(super) limits: ClipLimits,
    /// How the platform tells this broadcast from the next.
    pub(super) broadcast: String,
    pub(super) folder: PathBuf,
    pub(super) client: HlsClient,
    pub(super) source: Arc<dyn PlaylistSource>,
    pub(super) rule: RenditionRule,
    pub(super) options: LiveOptions,
    /// What is written in chat, where there is one.
    pub(super) chat: Option<mpsc::Receiver<ChatUpdate>>,
    pub(super) news: mpsc::Sender<(StreamerName, Digest, News)>,
    /// Set when the broadcast is over: what is there is finished.
    pub(super) over: CancellationToken,
    /// Set when the program ends: what is there is left for the next start.
    pub(super) stop: CancellationToken,
}

/// A session that is being recorded.
struct Running {
    task: SessionTask,
    /// `None` while a blocking thread has it.
    recorder: Option<Recorder>,
    chat: SessionChat,
    /// Made when the first segment tells when media time zero was.
    session: Option<Arc<Session>>,
    /// Candidates whose surroundings are not recorded yet.
    waiting: VecDeque<Candidate>,
}

impl SessionTask {
    /// Records until the broadcast is over or the program ends.
    pub(super) async fn run(self) {
        let (news, streamer, run) = (self.news.clone(), self.run.settings.streamer.clone(), self.run.id);
        // On a task of its own, so that even one that panics is told of and begun anew.
        let recorded = tokio::spawn(async move { Box::pin(Running::begin(self).await?.record()).await });
        let result = recorded.await.unwrap_or_else(|error| Err(Error::Queue(error.to_string())));
        let over = News::Over(result.map_err(|error| error.to_string()));
        // Nobody listens any more when the program ends.
        let _ = news.send((streamer, run, over)).await;
    }
}

/// What is to be done next.
enum Next {
    Stream(Option<Result<LiveEvent, HlsError>>),
    Chat(Option<ChatUpdate>),
    Over,
    Stop,
}

impl Running {
    async fn begin(task: SessionTask) -> Result<Self, Error> {
        let folder = task.folder.clone();
        // Until the jobs know of this store, none of them may open one of its own.
        let _turn = task.workshop.turn(&folder).await;
        let opened = tokio::task::spawn_blocking(move || {
            fs_err::create_dir_all(&folder).map_err(Error::file("made", &folder))?;
            let (chat, known) = SessionChat::open(&folder)?;
            let (recorder, candidates) = Recorder::open(&folder, &known)?;
            Ok::<_, Error>((chat, recorder, candidates))
        });
        let (chat, recorder, candidates) =
            opened.await.map_err(|error| Error::Queue(error.to_string()))??;
        let mut running =
            Self { task, recorder: Some(recorder), chat, session: None, waiting: candidates.into() };
        if running.recorder().end() > MediaTime::ZERO {
            running.enter().await?;
        }
        Ok(running)
    }

    /// The recorder, which is here whenever no blocking thread works with it.
    fn recorder(&mut self) -> &mut Recorder {
        self.recorder.as_mut().expect("it is given back after every use")
    }

    fn streamer(&self) -> &StreamerName {
        &self.task.run.settings.streamer
    }

    async fn tell(&self, news: News) {
        // The supervisor outlives its sessions but for the last moments of the program.
        let _ = self.task.news.send((self.streamer().clone(), self.task.run.id, news)).await;
    }

    /// Makes the session known to the database and to the jobs.
    async fn enter(&mut self) -> Result<(), Error> {
        let zero_at = match self.recorder().anchor() {
            Some(anchor) => anchor.wall_time(MediaTime::ZERO),
            None => Timestamp::now(),
        };
        let store = self.recorder().store();
        let task = &self.task;
        let catalogue = &task.workshop.catalogue;
        catalogue.begin_session(&task.run, &task.broadcast, &task.folder, zero_at, &task.limits).await?;
        let missing = || Error::Queue("the session is not in the catalogue".to_owned());
        let row: SessionRow = catalogue.session(task.run.id).await?.ok_or_else(missing)?;
        let lexicon = task.run.settings.lexicon.build()?;
        let session = Arc::new(Session { run: task.run.clone(), row, lexicon, store });
        task.workshop.enter(Arc::clone(&session));
        self.session = Some(session);
        Ok(())
    }

    async fn record(mut self) -> Result<(), Error> {
        self.hand_on_or_tell().await;
        let mut feed: Option<Feed> = None;
        loop {
            if feed.is_none() {
                let join = self.recorder().rejoin();
                feed = Some(Feed::start(&self.task, join));
            }
            let Some(feeding) = &mut feed else { continue };
            let next = tokio::select! {
                biased;
                () = self.task.stop.cancelled() => Next::Stop,
                () = self.task.over.cancelled() => Next::Over,
                event = feeding.events.recv() => Next::Stream(event),
                update = receive(&mut self.task.chat) => Next::Chat(update),
            };
            match next {
                Next::Stop => return Ok(()),
                Next::Over => return self.finish().await,
                Next::Chat(update) => self.chat(update).await,
                Next::Stream(Some(Ok(LiveEvent::Ended(reason)))) => {
                    self.tell(News::Dropped(ended(&reason))).await;
                    feed = None;
                    self.pause().await;
                }
                Next::Stream(Some(Err(error))) => {
                    self.tell(News::Dropped(error.to_string())).await;
                    feed = None;
                    self.pause().await;
                }
                Next::Stream(None) => {
                    feed = None;
                    self.pause().await;
                }
                Next::Stream(Some(Ok(event))) => self.stream(event).await?,
            }
        }
    }

    /// Waits a little before the stream is asked for again.
    async fn pause(&mut self) {
        tokio::select! {
            () = self.task.stop.cancelled() => {}
            () = self.task.over.cancelled() => {}
            () = tokio::time::sleep(RETRY) => {}
        }
    }

    async fn stream(&mut self, event: LiveEvent) -> Result<(), Error> {
        match event {
            LiveEvent::Segment(segment) => {
                let bytes = segment.bytes.len() as u64;
                let arrived = Timestamp::now();
                let taken = self.blocking(move |recorder| recorder.segment(segment, arrived)).await;
                let taken = match taken {
                    Ok(taken) => taken,
                    Err(error) => {
                        // A full disk or a damaged segment costs that segment; the next may fare better.
                        tracing::warn!(streamer = %self.streamer(), %error, "a segment could not be recorded");
                        self.tell(News::Problem(error.to_string())).await;
                        return Ok(());
                    }
                };
                if self.session.is_none() {
                    self.enter().await?;
                }
                for gap in taken.gaps {
                    self.tell(News::Gap(gap)).await;
                }
                if let Some(unheard) = self.recorder().unheard().map(str::to_owned) {
                    self.tell(News::Problem(unheard)).await;
                }
                let end = self.recorder().end();
                let end_at = self.recorder().anchor().map(|anchor| anchor.wall_time(end));
                self.tell(News::Recorded { end, end_at, bytes }).await;
                self.waiting.extend(taken.candidates);
                self.hand_on_or_tell().await;
                Ok(())
            }
            LiveEvent::Lost(lost) => {
                tracing::warn!(streamer = %self.streamer(), sequence = lost.sequence, reason = %lost.reason, "a segment is lost");
                self.recorder().lost(lost.duration);
                Ok(())
            }
            LiveEvent::Skipped(skipped) => {
                tracing::warn!(streamer = %self.streamer(), ?skipped, "segments left the playlist before they were seen");
                self.recorder().lost(skipped.duration);
                Ok(())
            }
            LiveEvent::Stalled { since } => {
                let text = format!("the stream stands still for {} s", since.elapsed().as_secs());
                self.tell(News::Stalled(text)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn chat(&mut self, update: Option<ChatUpdate>) {
        match update {
            None => self.task.chat = None,
            Some(ChatUpdate::Event { event: ChatEvent::Message(message), .. }) => {
                let Some(anchor) = self.recorder().anchor() else { return };
                if let Some(message) = self.chat.keep(anchor, &message) {
                    self.recorder().chat(&message);
                }
            }
            Some(ChatUpdate::State(state)) => {
                let text = match state {
                    ChatState::Connected { .. } => "connected",
                    ChatState::Reconnecting { .. } => "reconnecting",
                    _ => "unavailable",
                };
                self.tell(News::Chat(text.to_owned())).await;
            }
            Some(_) => {}
        }
    }

    /// Does blocking work with the recorder.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Recorder) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut recorder = self.recorder.take().expect("it is given back after every use");
        let worked = tokio::task::spawn_blocking(move || {
            let result = work(&mut recorder);
            (recorder, result)
        });
        let (recorder, result) = worked.await.map_err(|error| Error::Queue(error.to_string()))?;
        self.recorder = Some(recorder);
        result
    }

    /// Hands on what is ready. A database that cannot be written to, on a full disk for example, costs nothing but time: the
    /// candidates wait for the next segment.
    async fn hand_on_or_tell(&mut self) {
        if let Err(error) = self.hand_on(false).await {
            tracing::warn!(streamer = %self.streamer(), %error, "candidates cannot be handed on yet");
            self.tell(News::Problem(error.to_string())).await;
        }
    }

    /// Hands on the candidates whose surroundings are recorded; all of them if there will be no more.
    async fn hand_on(&mut self, all: bool) -> Result<(), Error> {
        let Some(session) = self.session.clone() else { return Ok(()) };
        let options = &self.task.run.settings.rank;
        let recorded = session.recorded();
        let unbounded = Span::new(MediaTime::ZERO, MediaTime::MAX);
        let ready = |candidate: &Candidate| {
            all || evidence_span(candidate, unbounded, options).end() <= recorded.end()
        };
        let (ready, waiting): (Vec<_>, Vec<_>) = self.waiting.iter().cloned().partition(ready);
        if ready.is_empty() {
            return Ok(());
        }
        let workshop = &self.task.workshop;
        let mut change = workshop.catalogue.change(self.task.run.id).await?;
        let mut added = Vec::new();
        for candidate in ready {
            if !change.add_candidate(&candidate).await? {
                continue;
            }
            let step = Step::Moment { core_start: candidate.core.start() };
            if candidate.potential_score() >= options.min_score {
                change.queue_live(step).await?;
            } else {
                let medium = session.whole_around(candidate.core);
                change.finish(step, &Weighed::hopeless(medium), Duration::ZERO).await?;
            }
            added.push(candidate);
        }
        change.commit().await?;
        self.waiting = waiting.into();
        for candidate in added {
            workshop.events.send(MonitorEvent::Candidate {
                streamer: self.streamer().clone(),
                peak: candidate.peak,
                score: candidate.score(),
            });
        }
        Ok(())
    }

    /// The broadcast is over: what is still open is settled, and the rest is left to the jobs.
    async fn finish(mut self) -> Result<(), Error> {
        let recorder = self.recorder.take().expect("it is given back after every use");
        let finished = tokio::task::spawn_blocking(move || recorder.finish()).await;
        let rest = finished.map_err(|error| Error::Queue(error.to_string()))??;
        self.waiting.extend(rest);
        if self.session.is_none() {
            // Nothing was ever recorded.
            return Ok(());
        }
        self.hand_on(true).await?;
        let mut change = self.task.workshop.catalogue.change(self.task.run.id).await?;
        change.end_session().await?;
        change.commit().await
    }
}

/// Why a stream gives no more, in words.
fn ended(reason: &EndReason) -> String {
    match reason {
        EndReason::EndList => "the stream has ended".to_owned(),
        EndReason::Gone => "the channel is offline".to_owned(),
        EndReason::Lost(error) => error.to_string(),
        EndReason::Budget { bytes_per_hour } => {
            format!("the stream costs more than {bytes_per_hour} bytes an hour")
        }
        _ => "the stream gives no more".to_owned(),
    }
}

/// Events of a stream, which is read on a task of its own so that nothing in flight is lost when something else comes first.
struct Feed {
    events: mpsc::Receiver<Result<LiveEvent, HlsError>>,
    reading: tokio::task::AbortHandle,
}

/// Events that wait for the recorder at most; each may hold a segment.
const EVENTS_AHEAD: usize = 2;

impl Feed {
    fn start(task: &SessionTask, join: JoinAt) -> Self {
        let (sender, events) = mpsc::channel(EVENTS_AHEAD);
        let source = Arc::clone(&task.source);
        let options = LiveOptions { join, ..task.options.clone() };
        let mut reader = LiveReader::new(task.client.clone(), source, task.rule, options);
        let reading = tokio::spawn(async move {
            loop {
                let event = reader.next().await;
                let last = matches!(event, Ok(LiveEvent::Ended(_)) | Err(_));
                if sender.send(event).await.is_err() || last {
                    return;
                }
            }
        });
        Self { events, reading: reading.abort_handle() }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// The next of chat; never, where there is none.
async fn receive(chat: &mut Option<mpsc::Receiver<ChatUpdate>>) -> Option<ChatUpdate> {
    match chat {
        Some(chat) => chat.recv().await,
        None => std::future::pending().await,
    }
}
