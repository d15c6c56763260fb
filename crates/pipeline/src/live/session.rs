//! One broadcast, from its first segment to its last: fetched, recorded, listened to, and its moments handed on as jobs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use highlight_detect::{Candidate, ChatMessage};
use jiff::Timestamp;
use kick_client::chat::{ChatEvent, ChatState, ChatUpdate};
use kick_client::playback::ResolveError;
use media_io::hls::{
    EndReason, HlsClient, HlsError, JoinAt, LiveEvent, LiveOptions, LiveReader, PlaylistSource, RenditionRule,
};
use timeline::{Digest, Gap, MediaTime, Span, StreamerName};
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;

use super::chat::SessionChat;
use super::event::MonitorEvent;
use super::limits::ClipLimits;
use super::recorder::Recorder;
use super::steps::Weighed;
use super::workshop::{Session, Workshop};
use crate::Error;
use crate::blocking::blocking;
use crate::catalogue::{Run, SessionRow};
use crate::job::Step;
use crate::selection::evidence_span;

/// After the stream gave no more, it is asked for again this soon at first, since a dropped connection is back within seconds, and this late
/// at most, since a stream that comes back lists about a minute; it doubles in between.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// If its address could not be found out, it is asked for no sooner than this: whoever knows it limits how often he is asked.
const RETRY_ADDRESS: Duration = Duration::from_secs(15);

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
    /// The session goes on after a restart: the end of what is recorded, and what is missing in it.
    Resumed { end: MediaTime, gaps: Vec<Gap> },
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
    /// Attempts in a row to get the stream that brought no segment.
    attempts: u32,
    /// Nobody else records to the folder.
    _turn: OwnedMutexGuard<()>,
}

impl SessionTask {
    /// Records until the broadcast is over or the program ends.
    pub(super) async fn run(self) {
        let (news, streamer, run) = (self.news.clone(), self.run.settings.streamer.clone(), self.run.id);
        // On a task of its own, so that even one that panics is told of and begun anew.
        let recorded = tokio::spawn(async move {
            let stop = self.stop.clone();
            let folder = self.folder.clone();
            let turn = tokio::select! {
                turn = self.workshop.turn(&folder) => turn,
                () = stop.cancelled() => return Ok(()),
            };
            let (running, chat) = Running::begin(self, turn).await?;
            Box::pin(running.record(chat)).await
        });
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
    /// Opens the session, whose turn this is; also gives what was written in chat before.
    async fn begin(task: SessionTask, turn: OwnedMutexGuard<()>) -> Result<(Self, Vec<ChatMessage>), Error> {
        let folder = task.folder.clone();
        let opened = blocking(move || {
            fs_err::create_dir_all(&folder).map_err(Error::file("made", &folder))?;
            let recorder = Recorder::open(&folder)?;
            Ok::<_, Error>((SessionChat::open(&folder), recorder))
        });
        let ((chat, known), recorder) = opened.await??;
        let mut running = Self {
            task,
            recorder: Some(recorder),
            chat,
            session: None,
            waiting: VecDeque::new(),
            attempts: 0,
            _turn: turn,
        };
        if running.recorder().end() > MediaTime::ZERO {
            running.enter().await?;
            let (end, gaps) = (running.recorder().end(), running.recorder().gaps());
            running.tell(News::Resumed { end, gaps }).await;
        }
        Ok((running, known))
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
        let session = Arc::new(Session::new(task.run.clone(), row, lexicon, store));
        task.workshop.enter(Arc::clone(&session));
        self.session = Some(session);
        Ok(())
    }

    /// Listens again to the end of what was recorded before a restart. False if the program ends.
    async fn catch_up(&mut self, chat: Vec<ChatMessage>) -> Result<bool, Error> {
        let stop = self.task.stop.clone();
        let replayed = self.blocking(move |recorder| recorder.replay(&chat, || stop.is_cancelled())).await;
        let found = match replayed {
            Err(Error::Interrupted) => return Ok(false),
            replayed => replayed?,
        };
        if !found.is_empty() {
            // A moment may be found a little beside where it was found before; it is still the same.
            let known = self.task.workshop.catalogue.candidates(self.task.run.id).await?;
            let is_new = |one: &Candidate| !known.iter().any(|known| known.core.overlaps(one.core));
            self.waiting.extend(found.into_iter().filter(is_new));
        }
        Ok(true)
    }

    async fn record(mut self, chat: Vec<ChatMessage>) -> Result<(), Error> {
        // The stream does not wait until what is there is listened to.
        let mut feed: Option<Feed> = None;
        if !self.task.over.is_cancelled() {
            let join = self.recorder().rejoin();
            feed = Some(Feed::start(&self.task, join, CATCHING_UP_AHEAD));
        }
        if !self.catch_up(chat).await? {
            return Ok(());
        }
        self.hand_on_or_tell().await;
        loop {
            if feed.is_none() {
                let join = self.recorder().rejoin();
                feed = Some(Feed::start(&self.task, join, EVENTS_AHEAD));
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
                Next::Stop => return Box::pin(self.leave()).await,
                Next::Over => return Box::pin(self.finish()).await,
                Next::Chat(update) => self.chat(update).await,
                Next::Stream(Some(Ok(LiveEvent::Ended(reason)))) => {
                    self.tell(News::Dropped(ended(&reason))).await;
                    feed = None;
                    let asked_for = match &reason {
                        EndReason::Lost(error) => asked_for(error),
                        _ => Duration::ZERO,
                    };
                    self.pause(asked_for).await;
                }
                Next::Stream(Some(Err(error))) => {
                    self.tell(News::Dropped(error.to_string())).await;
                    feed = None;
                    self.pause(asked_for(&error)).await;
                }
                Next::Stream(None) => {
                    feed = None;
                    self.pause(Duration::ZERO).await;
                }
                Next::Stream(Some(Ok(event))) => self.stream(event).await?,
            }
        }
    }

    /// Waits before the stream is asked for again, longer from attempt to attempt, and no less than was asked for.
    async fn pause(&mut self, asked_for: Duration) {
        let pause = retry_pause(self.attempts).max(asked_for);
        self.attempts = self.attempts.saturating_add(1);
        tokio::select! {
            () = self.task.stop.cancelled() => {}
            () = self.task.over.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    async fn stream(&mut self, event: LiveEvent) -> Result<(), Error> {
        match event {
            LiveEvent::Segment(segment) => {
                self.attempts = 0;
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
        let worked = blocking(move || {
            let result = work(&mut recorder);
            (recorder, result)
        });
        let (recorder, result) = worked.await?;
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
        let recorded_to = self.recorder.as_ref().map_or(MediaTime::MAX, Recorder::end);
        let unbounded = Span::new(MediaTime::ZERO, MediaTime::MAX);
        let ready =
            |candidate: &Candidate| all || evidence_span(candidate, unbounded, options).end() <= recorded_to;
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
                let (session, core) = (Arc::clone(&session), candidate.core);
                let medium = blocking(move || session.store.whole_around(core)).await?;
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

    /// The program ends.
    async fn leave(mut self) -> Result<(), Error> {
        let recorder = self.recorder.take().expect("it is given back after every use");
        blocking(move || recorder.leave()).await?
    }

    /// The broadcast is over: what is still open is settled, and the rest is left to the jobs.
    async fn finish(mut self) -> Result<(), Error> {
        let recorder = self.recorder.take().expect("it is given back after every use");
        let rest = blocking(move || recorder.finish()).await??;
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

/// How long to wait after so many attempts before the last one; up to a quarter longer by chance, so that many streams do not ask in step.
fn retry_pause(attempts: u32) -> Duration {
    let (first, longest) = RETRY;
    first.saturating_mul(2_u32.saturating_pow(attempts)).min(longest).mul_f64(rand::random_range(1.0..1.25))
}

/// How long to wait at least after `error`: longer than after others if the address could not be found out, and for as long as the
/// answer to that asked for, if it did.
fn asked_for(error: &HlsError) -> Duration {
    let HlsError::Source(source) = error else { return Duration::ZERO };
    let told = source.downcast_ref::<ResolveError>().and_then(retry_after);
    RETRY_ADDRESS.max(told.unwrap_or_default())
}

/// The longest wait that an answer of Kick asked for.
fn retry_after(error: &ResolveError) -> Option<Duration> {
    match error {
        ResolveError::Kick(error) => error.retry_after(),
        ResolveError::All { tries } => tries.iter().filter_map(|(_, error)| retry_after(error)).max(),
        _ => None,
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
/// As many while the recording from before a restart is listened to again: half a minute or more of stream, some 50 MB.
const CATCHING_UP_AHEAD: usize = 24;

impl Feed {
    fn start(task: &SessionTask, join: JoinAt, ahead: usize) -> Self {
        let (sender, events) = mpsc::channel(ahead);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        for (attempts, seconds) in [(0, 2.0), (1, 4.0), (4, 32.0), (5, 60.0), (u32::MAX, 60.0)] {
            let pause = retry_pause(attempts).as_secs_f64();
            assert!((seconds..seconds * 1.25).contains(&pause), "{pause} s after {attempts} attempts");
        }
    }

    #[test]
    fn an_address_that_is_not_found_is_not_asked_for_at_once() {
        let unknown = ResolveError::All { tries: vec![("api".to_owned(), ResolveError::NoSuchChannel)] };
        assert_eq!(asked_for(&HlsError::Source(Box::new(unknown))), RETRY_ADDRESS);
        assert_eq!(asked_for(&HlsError::Stopped), Duration::ZERO);
    }
}
