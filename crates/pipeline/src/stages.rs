//! What each step does, and which steps follow from it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use highlight_detect::{Moment, Ranking};
use render::Encoder;
use serde::{Deserialize, Serialize};
use timeline::{ClipId, FrameRate, MediaDuration, MediaTime, Span};

use crate::analysis::{analyse, analyse_store};
use crate::blocking::blocking;
use crate::detect::{Search, looking_for};
use crate::engine::{Engine, Material};
use crate::fingerprint::digest_of;
use crate::footage::Footage;
use crate::inputs::{read_chat, read_transcript};
use crate::job::Step;
use crate::lock::Turn;
use crate::rendering::{Bench, Rendered, clip_rate};
use crate::selection::{Findings, Selector, evidence_spans, groups};
use crate::vod::{Broadcast, Look, VodError};
use crate::{Analysis, Error, Event, Stage, export};

/// What ingesting found out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ingested {
    pub(crate) has_video: bool,
    /// Frame rate that clips will have.
    pub(crate) rate: Option<FrameRate>,
    pub(crate) container_duration: Option<MediaDuration>,
    /// Media time of the first picture, where clips are cut from pieces and it has to be known.
    #[serde(default)]
    pub(crate) first_picture: Option<MediaTime>,
}

/// What listening found out, and in which groups candidates are looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Analysed {
    pub(crate) analysis: Analysis,
    pub(crate) groups: Vec<Vec<usize>>,
}

/// The choice, with the clip of each highlight.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ranked {
    pub(crate) ranking: Ranking,
    pub(crate) clips: Vec<ClipId>,
}

impl Engine {
    /// Does a step, unless it was done before.
    pub(crate) async fn run_step(self: Arc<Self>, step: Step) -> Result<(), Error> {
        let done: Option<serde_json::Value> =
            self.catalogue.result(self.run.id, step.stage(), &step.item()).await?;
        if done.is_some() {
            // It was committed, but the process ended before the queue knew.
            if step == Step::Store {
                self.end(Ok(()));
            }
            return Ok(());
        }
        if self.is_interrupted() {
            return Err(Error::Interrupted);
        }
        self.catalogue.note_start(self.run.id, step).await?;
        match step {
            Step::Ingest => self.ingest().await,
            Step::Analyse => self.analyse().await,
            Step::Transcribe { group } => self.transcribe(group).await,
            Step::Rank => self.rank().await,
            Step::Render { clip } => self.render(clip).await,
            Step::Store => self.store().await,
            // Those of live sessions are in a queue of their own.
            Step::Moment { .. } | Step::Keep { .. } => {
                Err(Error::Queue("a live step is in a run's queue".to_owned()))
            }
        }
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let engine = Arc::clone(self);
        let worked = blocking(move || work(&engine)).await;
        // Ctrl-C on a terminal reaches ffmpeg too, so what came of the work may be less than it should be.
        if self.is_interrupted() {
            return Err(Error::Interrupted);
        }
        worked?
    }

    /// The result of a stage that comes before.
    pub(crate) async fn needed<T: serde::de::DeserializeOwned>(&self, stage: Stage) -> Result<T, Error> {
        let found = self.catalogue.result(self.run.id, stage, "").await?;
        found.ok_or_else(|| Error::Queue(format!("the result of {stage} is missing; run again with --force")))
    }

    async fn ingest(self: Arc<Self>) -> Result<(), Error> {
        let begun = Instant::now();
        let about = match &self.material {
            Material::File(_) => "looking at the recording",
            Material::Download(..) => "fetching the recording",
            Material::Broadcast(_) => "fetching the cheapest rendition",
        };
        self.events.started(Stage::Ingest, 0, about);
        let progress = |share| self.events.progress(Stage::Ingest, 0, share);
        let ingested = match &self.material {
            Material::File(path) => self.look_at(path.clone()).await?,
            Material::Download(file, folder) => {
                file.fetch(folder, &self.interrupt, &progress).await?;
                let ingested = self.look_at(file.path_in(folder)).await?;
                file.check_start(ingested.container_duration)?;
                ingested
            }
            Material::Broadcast(broadcast) => {
                let fetching = broadcast.fetch_low(&self.interrupt, &progress).await?;
                if let Some(notice) = fetching.notice() {
                    self.events.send(Event::Notice(notice));
                }
                self.look_at_broadcast(broadcast).await?
            }
        };
        let mut change = self.catalogue.change(self.run.id).await?;
        change.finish(Step::Ingest, &ingested, begun.elapsed()).await?;
        change.queue(Step::Analyse).await?;
        change.commit().await?;
        self.events.finished(
            Stage::Ingest,
            0,
            if ingested.has_video { "sound and picture" } else { "sound, no picture" },
        );
        Ok(())
    }

    /// What a file holds.
    async fn look_at(self: &Arc<Self>, path: PathBuf) -> Result<Ingested, Error> {
        self.blocking(move |engine| {
            let info = engine.ffmpeg.probe(&path)?;
            if info.audio.is_empty() {
                return Err(media_io::Error::NoAudio { path }.into());
            }
            let has_video = info.default_video().is_some();
            let rate = if has_video { Some(clip_rate(&engine.run.settings, &info)?) } else { None };
            Ok(Ingested { has_video, rate, container_duration: info.duration, first_picture: None })
        })
        .await
    }

    /// What a broadcast holds in its best rendition, by the first piece of it.
    async fn look_at_broadcast(self: &Arc<Self>, broadcast: &Broadcast) -> Result<Ingested, Error> {
        let held = broadcast.store()?.lock().span();
        let first = Span::new(held.start(), held.start());
        let at_start = self.footage_of(broadcast, first).await;
        // Where the beginning is lost, any other piece tells the rate.
        let (footage, span, is_first) = match at_start {
            Err(Error::Vod(VodError::Lost { .. } | VodError::Unplaced { .. })) => {
                let middle = Span::new(held.middle(), held.middle());
                (self.footage_of(broadcast, middle).await?, middle, false)
            }
            footage => (footage?, first, true),
        };
        self.blocking(move |engine| {
            let excerpt = footage.excerpt(span, &engine.folders.spool)?;
            let info = engine.ffmpeg.probe(excerpt.path())?;
            let video = info.default_video();
            let rate = if video.is_some() { Some(clip_rate(&engine.run.settings, &info)?) } else { None };
            let first_picture = video.filter(|_| is_first).map(|video| video.start + excerpt.to_run());
            let container_duration = Some(held.end() - MediaTime::ZERO);
            Ok(Ingested { has_video: video.is_some(), rate, container_duration, first_picture })
        })
        .await
    }

    /// The best footage of a span of a broadcast.
    async fn footage_of(&self, broadcast: &Broadcast, span: Span) -> Result<Footage, Error> {
        if broadcast.is_single().await? {
            return Ok(Footage::Segments(broadcast.store()?));
        }
        let pieces = broadcast.pieces(span, &self.interrupt).await?;
        if broadcast.is_apart().await? {
            let (sound, ffmpeg) = (broadcast.store()?, self.ffmpeg.clone());
            return Ok(Footage::Apart { pieces, sound, ffmpeg });
        }
        Ok(Footage::Pieces(pieces))
    }

    /// The footage of a clip, and the moment with as much of the clip as is held.
    async fn footage(&self, mut moment: Moment) -> Result<(Footage, Moment), Error> {
        let broadcast = match &self.material {
            Material::File(path) => return Ok((Footage::File(path.clone()), moment)),
            Material::Download(file, folder) => return Ok((Footage::File(file.path_in(folder)), moment)),
            Material::Broadcast(broadcast) => broadcast,
        };
        match self.footage_of(broadcast, moment.clip).await {
            Ok(footage) => {
                if let Footage::Pieces(pieces) | Footage::Apart { pieces, .. } = &footage {
                    // Bytes are not joined across a discontinuity.
                    moment.clip = moment.clip.intersection(pieces.held).unwrap_or(moment.clip);
                }
                Ok((footage, moment))
            }
            Err(Error::Vod(error @ (VodError::Lost { .. } | VodError::Unplaced { .. })))
                if broadcast.low_has_picture() =>
            {
                let start = moment.clip.start();
                let text = format!("the clip at {start} is made of the cheapest rendition: {error}");
                self.events.send(Event::Notice(text));
                Ok((Footage::Segments(broadcast.store()?), moment))
            }
            Err(error) => Err(error),
        }
    }

    async fn analyse(self: Arc<Self>) -> Result<(), Error> {
        let begun = Instant::now();
        self.events.started(Stage::Analyse, 0, "listening");
        let mut analysis = self
            .blocking(|engine| {
                let chat = engine
                    .run
                    .settings
                    .chat
                    .as_ref()
                    .map(|file| read_chat(file.path()))
                    .transpose()?
                    .unwrap_or_default();
                let mut progress = |share| engine.events.progress(Stage::Analyse, 0, share);
                let file = match &engine.material {
                    Material::File(path) => path.clone(),
                    Material::Download(file, folder) => file.path_in(folder),
                    Material::Broadcast(broadcast) => {
                        let store = broadcast.store()?;
                        return analyse_store(&store, &chat, &engine.interrupt, &mut progress);
                    }
                };
                analyse(&file, Some(&engine.ffmpeg), &chat, &engine.interrupt, &mut progress)
            })
            .await?;
        if let Some(start) = self.material.start() {
            analysis.begin_at(start);
        }
        if let (Material::Broadcast(broadcast), true) = (&self.material, self.run.settings.sampled_chat) {
            let (candidates, options) = (&mut analysis.candidates, &self.run.settings.rank);
            broadcast.weigh_chat(candidates, options, &self.interrupt, &self.events).await?;
        }
        let budget = self.run.settings.speech.as_ref().and_then(|speech| speech.budget);
        let groups = groups(&analysis.candidates, analysis.span(), &self.run.settings.rank, budget);
        let (found, promising) = (analysis.candidates.len(), groups.iter().map(Vec::len).sum::<usize>());
        let next = if groups.is_empty() { Step::Rank } else { Step::Transcribe { group: 0 } };
        let mut change = self.catalogue.change(self.run.id).await?;
        change.finish(Step::Analyse, &Analysed { analysis, groups }, begun.elapsed()).await?;
        change.queue(next).await?;
        change.commit().await?;
        self.events.finished(
            Stage::Analyse,
            0,
            format!("{found} candidates, {promising} worth a closer look"),
        );
        Ok(())
    }

    async fn transcribe(self: Arc<Self>, group: u32) -> Result<(), Error> {
        let begun = Instant::now();
        let analysed: Analysed = self.needed(Stage::Analyse).await?;
        let ingested: Ingested = self.needed(Stage::Ingest).await?;
        let groups = u32::try_from(analysed.groups.len()).unwrap_or(u32::MAX);
        let members = analysed.groups.get(group as usize).cloned().unwrap_or_default();
        self.events.started(
            Stage::Transcribe,
            group,
            format!("{}, group {} of {groups}", looking_for(self.run.settings.speech.is_some()), group + 1),
        );
        let (analysed, found) = self
            .blocking(move |engine| {
                // Nobody panics while holding it, so the lock cannot be poisoned; and if it were, the model is still whole.
                let mut speech = engine.speech.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let known = engine
                    .run
                    .settings
                    .transcript
                    .as_ref()
                    .map(|file| read_transcript(file.path()))
                    .transpose()?;
                let candidates = &analysed.analysis.candidates;
                let options = &engine.run.settings.rank;
                let mut progress = |share| engine.events.progress(Stage::Transcribe, group, share);
                let file = match &engine.material {
                    Material::File(path) => path.clone(),
                    Material::Download(file, folder) => file.path_in(folder),
                    Material::Broadcast(broadcast) => {
                        let look = Look {
                            store: &broadcast.store()?,
                            ffmpeg: Some(&engine.ffmpeg),
                            options,
                            known: known.as_ref(),
                            interrupt: &engine.interrupt,
                            scratch: &engine.folders.spool,
                        };
                        let found = look.around(candidates, &members, speech.as_mut(), &mut progress)?;
                        return Ok((analysed, found));
                    }
                };
                let mut search = Search {
                    path: &file,
                    ffmpeg: Some(&engine.ffmpeg),
                    speech: speech.as_mut(),
                    interrupt: &engine.interrupt,
                    picture: std::cell::OnceCell::new(),
                };
                let spans = evidence_spans(candidates, &members, analysed.analysis.span(), options);
                let found = search.look(&spans, known.as_ref(), &mut progress);
                Ok((analysed, members.into_iter().zip(found?).collect::<Vec<(usize, Findings)>>()))
            })
            .await?;
        let words: usize =
            found.iter().filter_map(|(_, findings)| findings.words.as_ref().map(Vec::len)).sum();
        let mut known = self.findings(analysed.analysis.candidates.len()).await?;
        for (index, findings) in &found {
            known[*index] = Some(findings.clone());
        }
        let pending = analysed.groups.iter().skip(group as usize + 1).flatten().copied().collect::<Vec<_>>();
        let certain = self.selector(&analysed, &known, ingested).certain(&pending);
        let mut change = self.catalogue.change(self.run.id).await?;
        change.finish(Step::Transcribe { group }, &found, begun.elapsed()).await?;
        if ingested.has_video {
            for moment in &certain {
                change.want_clip(self.run.clip_id(moment), moment, None).await?;
            }
        }
        change
            .queue(if group + 1 < groups { Step::Transcribe { group: group + 1 } } else { Step::Rank })
            .await?;
        change.commit().await?;
        let result =
            if self.run.settings.speech.is_some() { format!("{words} words") } else { String::new() };
        self.events.finished(Stage::Transcribe, group, result);
        Ok(())
    }

    async fn rank(self: Arc<Self>) -> Result<(), Error> {
        let begun = Instant::now();
        self.events.started(Stage::Rank, 0, "weighing");
        let analysed: Analysed = self.needed(Stage::Analyse).await?;
        let ingested: Ingested = self.needed(Stage::Ingest).await?;
        let known = self.findings(analysed.analysis.candidates.len()).await?;
        let ranking = self.selector(&analysed, &known, ingested).ranking();
        let clips: Vec<ClipId> = ranking.highlights.iter().map(|moment| self.run.clip_id(moment)).collect();
        let (chosen, rejected) = (ranking.highlights.len(), ranking.rejected.len());
        let mut change = self.catalogue.change(self.run.id).await?;
        if ingested.has_video {
            for (rank, (moment, clip)) in (1..).zip(ranking.highlights.iter().zip(&clips)) {
                change.want_clip(*clip, moment, Some(rank)).await?;
            }
        }
        change.finish(Step::Rank, &Ranked { ranking, clips }, begun.elapsed()).await?;
        change.store_when_ready().await?;
        change.commit().await?;
        self.events.finished(
            Stage::Rank,
            0,
            format!("{}, {rejected} rejected", counted(chosen, "highlight")),
        );
        Ok(())
    }

    async fn render(self: Arc<Self>, clip: ClipId) -> Result<(), Error> {
        let begun = Instant::now();
        let moment: Moment = self.catalogue.moment(self.run.id, clip).await?.ok_or_else(|| {
            Error::Queue(format!("clip {clip} is not in the catalogue; run again with --force"))
        })?;
        let item = u32::from_be_bytes([
            clip.0.as_bytes()[0],
            clip.0.as_bytes()[1],
            clip.0.as_bytes()[2],
            clip.0.as_bytes()[3],
        ]);
        self.events.started(Stage::Render, item, format!("clip at {}", moment.clip.start()));
        let ingested: Ingested = self.needed(Stage::Ingest).await?;
        let (footage, moment) = self.footage(moment).await?;
        let first_picture = ingested.first_picture;
        let rendered = self
            .blocking(move |engine| engine.render_clip(clip, &footage, &moment, first_picture, item))
            .await?;
        for warning in &rendered.clip.warnings {
            self.events.send(Event::Notice(warning.clone()));
        }
        let mut change = self.catalogue.change(self.run.id).await?;
        change.finish(Step::Render { clip }, &rendered, begun.elapsed()).await?;
        change.store_when_ready().await?;
        change.commit().await?;
        self.events.finished(
            Stage::Render,
            item,
            format!("{} frames by {}", rendered.clip.frames, rendered.clip.encoder),
        );
        Ok(())
    }

    fn render_clip(
        &self,
        clip: ClipId,
        footage: &Footage,
        moment: &Moment,
        first_picture: Option<MediaTime>,
        item: u32,
    ) -> Result<Rendered, Error> {
        let settings = &self.run.settings;
        let encoder = match self.encoder.get() {
            Some(encoder) => *encoder,
            None => {
                let found = Encoder::detect(&self.ffmpeg, settings.render.encoder.choice)?;
                *self.encoder.get_or_init(|| found)
            }
        };
        let bench = Bench {
            ffmpeg: &self.ffmpeg,
            encoder,
            scratch: &self.folders.spool,
            first_picture,
            interrupt: &self.interrupt,
        };
        bench.render(footage, moment, settings, &self.spooled(clip), &mut |share| {
            self.events.progress(Stage::Render, item, share);
        })
    }

    async fn store(self: Arc<Self>) -> Result<(), Error> {
        let begun = Instant::now();
        self.events.started(Stage::Store, 0, format!("into {}", self.run.output_dir.display()));
        // Another run may have the same output folder.
        let folder = digest_of(&[&self.run.output_dir.as_os_str().as_encoded_bytes()]);
        let turn = Turn::wait_for(self.folders.locks.join(format!("output-{folder}.lock"))).await?;
        let outputs = export::export(&self).await?;
        drop(turn);
        let mut change = self.catalogue.change(self.run.id).await?;
        change.finish(Step::Store, &outputs, begun.elapsed()).await?;
        change.finish_run().await?;
        change.commit().await?;
        self.events.finished(Stage::Store, 0, counted(outputs.clips.len(), "clip"));
        self.end(Ok(()));
        Ok(())
    }

    /// The findings so far, by index of the candidate.
    async fn findings(&self, candidates: usize) -> Result<Vec<Option<Findings>>, Error> {
        let mut known = vec![None; candidates];
        for (_, found) in
            self.catalogue.results::<Vec<(usize, Findings)>>(self.run.id, Stage::Transcribe).await?
        {
            for (index, findings) in found {
                known[index] = Some(findings);
            }
        }
        Ok(known)
    }

    fn selector<'a>(
        &'a self,
        analysed: &'a Analysed,
        findings: &'a [Option<Findings>],
        ingested: Ingested,
    ) -> Selector<'a> {
        // Sound often ends a little after the picture; a clip needs both.
        let sound = analysed.analysis.span();
        let container = ingested.container_duration.map(|length| Span::starting_at(sound.start(), length));
        Selector {
            candidates: &analysed.analysis.candidates,
            findings,
            lexicon: &self.lexicon,
            options: &self.run.settings.rank,
            medium: container.and_then(|container| container.intersection(sound)).unwrap_or(sound),
            rate: ingested.rate,
        }
    }
}

/// `1 clip`, `2 clips`.
fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
