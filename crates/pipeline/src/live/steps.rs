//! The jobs of a live session: look closely at a candidate, render its clip, put it in its place, close the session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use highlight_detect::{Candidate, Moment, RankOptions, judge};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use timeline::{ClipId, MediaTime, Span};

use super::closing;
use super::event::MonitorEvent;
use super::workshop::{Session, Workshop};
use crate::blocking::blocking;
use crate::catalogue::SessionRow;
use crate::detect::Search;
use crate::footage::Footage;
use crate::job::{Job, Step};
use crate::publishing::offers;
use crate::rendering::{Bench, Rendered, clip_rate};
use crate::selection::{Findings, evidence_span};
use crate::{Error, Stage};

/// A step that fails is tried this often before its moment is given up; ffmpeg and disks have moods.
const ATTEMPTS: u32 = 3;
/// Between attempts.
const PAUSE: Duration = Duration::from_secs(2);
/// Clips are counted against the limits of a day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A candidate after a close look.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Weighed {
    pub(super) findings: Findings,
    /// The part of the recording that its clip may lie in: around it, without a gap.
    pub(super) medium: Span,
    /// Why it becomes no clip, where the score is not the reason.
    pub(super) against: Option<String>,
    /// The clip that it becomes.
    pub(super) clip: Option<ClipId>,
}

impl Weighed {
    /// Of a candidate that cannot become a highlight whatever is found.
    pub(super) fn hopeless(medium: Span) -> Self {
        Self { findings: Findings::default(), medium, against: None, clip: None }
    }
}

/// What became of a clip.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The name that its files share; `None` where it could not be made.
    pub(super) name: Option<String>,
    /// Why it could not.
    pub(super) failure: Option<String>,
}

/// The wall-clock time of a media time.
pub(super) fn wall_clock(row: &SessionRow, at: MediaTime) -> Timestamp {
    let since = SignedDuration::try_from((at - MediaTime::ZERO).to_std()).unwrap_or_default();
    row.zero_at.checked_add(since).unwrap_or(row.zero_at)
}

/// The moment of a candidate, by what was found.
pub(super) fn moment(session: &Session, candidate: &Candidate, weighed: &Weighed) -> Moment {
    let options = &session.run.settings.rank;
    judge(candidate, &weighed.findings.evidence(&session.lexicon), weighed.medium, options)
}

/// Whether two moments are one, or so close that the second is no clip of its own.
fn too_close(one: &Moment, other: &Moment, options: &RankOptions) -> bool {
    one.clip.overlaps(other.clip) || one.core.distance(other.core) < options.min_gap
}

impl Workshop {
    /// Does a step, unless it was done before. A step that keeps failing is closed with the reason, so that nothing waits
    /// for it for ever; but one that wants for room on a disk or for a folder fails, and is taken up again later.
    pub(super) async fn run_step(self: Arc<Self>, job: Job) -> Result<(), Error> {
        let session = self.session(job.run).await?;
        let mut attempt = 1;
        loop {
            // An attempt may have failed after its result was there.
            let done: Option<serde_json::Value> =
                self.catalogue.result(job.run, job.step.stage(), &job.step.item()).await?;
            if done.is_some() {
                return Ok(());
            }
            if self.is_interrupted() {
                return Err(Error::Interrupted);
            }
            if attempt == 1 {
                self.catalogue.note_start(job.run, job.step).await?;
            }
            let error = match self.step(&session, job.step).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_interrupted() => return Err(error),
                Err(error) => error,
            };
            tracing::warn!(step = ?job.step, %error, attempt, "a step failed");
            if attempt == ATTEMPTS {
                return self.give_up(&session, job.step, error).await;
            }
            attempt += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn step(self: &Arc<Self>, session: &Arc<Session>, step: Step) -> Result<(), Error> {
        match step {
            Step::Moment { core_start } => self.look_closely(session, core_start).await,
            Step::Render { clip } => self.render(session, clip).await,
            Step::Keep { clip } => self.keep(session, clip).await,
            Step::Store => match self.catalogue.session(session.run.id).await? {
                // The broadcast came back before this was done; it is asked for again at the end.
                Some(row) if !row.ended => Ok(()),
                _ => closing::close(self, session).await,
            },
            Step::Ingest | Step::Analyse | Step::Transcribe { .. } | Step::Rank => {
                Err(Error::Queue("a step of a recording is in the queue of live sessions".to_owned()))
            }
        }
    }

    async fn give_up(&self, session: &Session, step: Step, error: Error) -> Result<(), Error> {
        let text = error.to_string();
        // A clip that is rendered waits for its place.
        let is_rendered = matches!(step, Step::Keep { clip }
            if session.row.folder.join(SPOOL).join(format!("{clip}.mp4")).exists());
        if is_rendered || is_lack_of_room(&error) {
            self.events
                .notice(Some(&session.run.settings.streamer), format!("a clip is tried again later: {text}"));
            return Err(error);
        }
        self.events.notice(Some(&session.run.settings.streamer), format!("a moment was given up: {text}"));
        let mut change = self.catalogue.change(session.run.id).await?;
        match step {
            Step::Moment { core_start } => {
                let around = Span::new(core_start, core_start);
                let weighed = Weighed { against: Some(text), ..Weighed::hopeless(around) };
                change.finish(step, &weighed, Duration::ZERO).await?;
            }
            Step::Render { clip } | Step::Keep { clip } => {
                let kept = Kept { name: None, failure: Some(text) };
                change.finish(Step::Keep { clip }, &kept, Duration::ZERO).await?;
            }
            _ => return Err(Error::Queue(text)),
        }
        change.close_when_ready().await?;
        change.commit().await
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let workshop = Arc::clone(self);
        let worked = blocking(move || work(&workshop)).await;
        // Ctrl-C on a terminal reaches ffmpeg too, so what came of the work may be less than it should be.
        if self.is_interrupted() {
            return Err(Error::Interrupted);
        }
        worked?
    }

    async fn look_closely(
        self: &Arc<Self>,
        session: &Arc<Session>,
        core_start: MediaTime,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let run = session.run.id;
        let found = self.catalogue.candidate(run, core_start).await?;
        let candidate = found.ok_or_else(|| Error::Queue(format!("no candidate at {core_start}")))?;
        let (shared, looked_for) = (Arc::clone(session), candidate.clone());
        let (mut weighed, rate) = self.blocking(move |workshop| workshop.find(&shared, &looked_for)).await?;
        let mut moment = moment(session, &candidate, &weighed);
        if let Some(rate) = rate {
            moment.clip = rate.snap(moment.clip).clamped(weighed.medium);
        }
        let at = wall_clock(&session.row, moment.core.start());
        let mut change = self.catalogue.change(run).await?;
        let options = &session.run.settings.rank;
        if moment.score >= options.min_score {
            // Through the change: another connection might never be free while this one holds the lock.
            let wanted: Vec<(ClipId, Moment)> = change.wanted().await?;
            let others = change.clip_times(&session.run.settings.streamer, at - DAY).await?;
            let near = wanted.iter().find(|(_, other)| too_close(&moment, other, options));
            weighed.against = match (rate, near, session.row.limits.against(at, &others)) {
                (None, ..) => Some("the stream has no picture".to_owned()),
                (_, Some((_, other)), _) => Some(format!("it is part of the moment at {}", other.peak)),
                (.., Some(limit)) => Some(limit.why().to_owned()),
                _ => None,
            };
            if weighed.against.is_none() {
                let clip = session.run.clip_id(&moment);
                weighed.clip = Some(clip);
                change.want_live_clip(clip, &moment, at).await?;
            }
        }
        change.finish(Step::Moment { core_start }, &weighed, begun.elapsed()).await?;
        change.close_when_ready().await?;
        change.commit().await
    }

    /// Looks for words and cuts around a candidate, and tells the frame rate that its clip gets.
    fn find(
        &self,
        session: &Session,
        candidate: &Candidate,
    ) -> Result<(Weighed, Option<timeline::FrameRate>), Error> {
        let settings = &session.run.settings;
        let medium = session.store.whole_around(candidate.core);
        let span = evidence_span(candidate, medium, &settings.rank);
        let excerpt = Footage::Segments(session.store.clone()).excerpt(span, &self.scratch)?;
        let info = self.ffmpeg.probe(excerpt.path())?;
        let has_picture = info.default_video().is_some();
        let rate = if has_picture { Some(clip_rate(settings, &info)?) } else { None };
        let findings = self.with_speech(settings.speech.as_ref(), |speech| {
            let mut search = Search {
                path: excerpt.path(),
                ffmpeg: Some(&self.ffmpeg),
                speech,
                interrupt: &self.interrupt,
                picture: std::cell::OnceCell::from(has_picture.then(|| info.clone())),
            };
            search.look_in(&excerpt, span)
        })?;
        Ok((Weighed { findings, medium, against: None, clip: None }, rate))
    }

    async fn render(self: &Arc<Self>, session: &Arc<Session>, clip: ClipId) -> Result<(), Error> {
        let begun = Instant::now();
        let moment: Moment = self
            .catalogue
            .moment(session.run.id, clip)
            .await?
            .ok_or_else(|| Error::Queue(format!("clip {clip} is not in the catalogue")))?;
        let shared = Arc::clone(session);
        let rendered = self
            .blocking(move |workshop| {
                let settings = &shared.run.settings;
                let spool = spool(&shared)?;
                let bench = Bench {
                    ffmpeg: &workshop.ffmpeg,
                    encoder: workshop.encoder(settings.render.encoder.choice)?,
                    scratch: &workshop.scratch,
                    first_picture: shared.first_picture(&workshop.ffmpeg, &workshop.scratch),
                    interrupt: &workshop.interrupt,
                };
                let footage = Footage::Segments(shared.store.clone());
                bench.render(&footage, &moment, settings, &spool.join(clip.to_string()), &mut |_| {})
            })
            .await?;
        for warning in &rendered.clip.warnings {
            self.events.notice(Some(&session.run.settings.streamer), warning.clone());
        }
        let mut change = self.catalogue.change(session.run.id).await?;
        change.finish(Step::Render { clip }, &rendered, begun.elapsed()).await?;
        change.queue_live(Step::Keep { clip }).await?;
        change.commit().await
    }

    async fn keep(self: &Arc<Self>, session: &Arc<Session>, clip: ClipId) -> Result<(), Error> {
        let begun = Instant::now();
        let run = session.run.id;
        let missing = || Error::Queue(format!("clip {clip} is not rendered"));
        let rendered: Rendered =
            self.catalogue.result(run, Stage::Render, &clip.to_string()).await?.ok_or_else(missing)?;
        let moment: Moment = self.catalogue.moment(run, clip).await?.ok_or_else(missing)?;
        let (name, post) = closing::put_clip(session, clip, &moment, &rendered).await?;
        let path = session.run.output_dir.join(&post.file);
        let streamer = session.run.settings.streamer.clone();
        let outlets = self.outlets.borrow().of(&streamer).to_vec();
        let offers = offers(&post, &session.run.output_dir, &streamer, &outlets, Timestamp::now()).await?;
        let kept = Kept { name: Some(name), failure: None };
        let mut change = self.catalogue.change(run).await?;
        change.finish(Step::Keep { clip }, &kept, begun.elapsed()).await?;
        // With the stage, so that no crash comes between a clip and its publication.
        for offer in &offers {
            change.publish(offer).await?;
        }
        change.close_when_ready().await?;
        change.commit().await?;
        self.events.send(MonitorEvent::Clip { streamer, path, score: moment.score });
        // Only now: until it is committed, it may have to be put there again from these files.
        let spooled = spool(session)?.join(clip.to_string());
        for ending in ["mp4", "png"] {
            let file = spooled.with_extension(ending);
            match fs_err::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    // It is removed with its folder when the session is closed.
                    tracing::warn!(%error, "a clip that is in its place is also left in the spool");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether somebody has to free some of a disk first.
fn is_lack_of_room(error: &Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    match error {
        Error::Media(error) | Error::Render(render::Error::Media(error)) => {
            matches!(error, media_io::Error::NoSpace { .. })
        }
        Error::Storage(error) => matches!(**error, storage::StorageError::NoSpace(_)),
        Error::File { source, .. } => matches!(source.kind(), StorageFull | QuotaExceeded),
        _ => false,
    }
}

/// The folder, in that of a session, where its clips wait to be put in their place.
pub(super) const SPOOL: &str = "spool";

/// Where clips of a session wait to be put in their place.
pub(super) fn spool(session: &Session) -> Result<std::path::PathBuf, Error> {
    let folder = session.row.folder.join(SPOOL);
    fs_err::create_dir_all(&folder).map_err(Error::file("made", &folder))?;
    Ok(folder)
}
