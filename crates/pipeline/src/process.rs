//! Processing a recording from beginning to end, or on from where it stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use media_io::Ffmpeg;
use render::{Encoder, EncoderChoice};
use storage::{ClipStore, Layout, Retention};
use timeline::{Digest, SourceId};

use crate::catalogue::{Catalogue, Run};
use crate::contract::HighlightEntry;
use crate::engine::{Engine, Folders, Material, Tools};
use crate::export::{self, CLIPS, LIST, Outputs, REPORT};
use crate::fingerprint::{digest_of, source_id};
use crate::job::queue_of;
use crate::lock::{RunLock, Turn};
use crate::publishing::{Outlet, Queue, intake};
use crate::vod::{
    FinishedRun, MediaFile, Opened, VodAccess, VodInput, folder_of, interrupted, kept, lock_of, move_file,
    request_id, sweep,
};
use crate::{Error, Event, EventSink, RunSettings, Stage};

/// Tells keeping the whole from storing clips, among the parts of storing.
const WHOLE: u32 = 1;
/// Where clips wait to be stored, in the data folder.
const SPOOL: &str = "spool";
/// The database, in the data folder.
pub(crate) const DATABASE: &str = "streamliner.db";

/// Where a recording comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A finished broadcast or a media file, by its address.
    Vod {
        /// The address.
        input: VodInput,
        /// How it is found and fetched.
        access: Box<VodAccess>,
        /// Whether all of it is put into the output folder in full quality, too.
        keep_full: bool,
    },
}

/// What to process and where to.
#[derive(Clone, Debug)]
pub struct ProcessRequest {
    /// The recording.
    pub source: Source,
    /// How.
    pub settings: RunSettings,
    /// Where the database and work in progress are kept.
    pub data_dir: PathBuf,
    /// Where clips, list and report go.
    pub output_dir: PathBuf,
    /// Which clips of earlier runs are removed from the output folder afterwards.
    pub retention: Retention,
    /// How long what was fetched of a broadcast is kept for a run that did not finish; for ever if that is not told.
    pub keep_unfinished: Option<Duration>,
    /// Whether to start over although it was done, or begun, before.
    pub force: bool,
    /// Where the clips are published: each is put into the queue of publications, once.
    pub outlets: Vec<Outlet>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is in the output folder.
    Done,
    /// Everything was in the output folder already; nothing was done.
    AlreadyDone,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Processed {
    /// How it ended.
    pub outcome: Outcome,
    /// How many highlights there are.
    pub highlights: usize,
    /// The clips, best first.
    pub clips: Vec<PathBuf>,
    /// The list of what was found.
    pub list: PathBuf,
    /// The page to look at.
    pub report: PathBuf,
}

impl Processed {
    fn new(outcome: Outcome, outputs: &Outputs, output_dir: &Path) -> Self {
        Self {
            outcome,
            highlights: outputs.highlights,
            clips: outputs.clips.iter().map(|clip| output_dir.join(clip)).collect(),
            list: output_dir.join(LIST),
            report: output_dir.join(REPORT),
        }
    }

    /// Whether it is all there still, but for clips that retention may have removed.
    fn is_there(&self, retention: &Retention) -> bool {
        let kept = retention.max_age.is_none() && retention.max_total_bytes.is_none();
        let clips = self.clips.iter().filter(|_| kept);
        clips.chain([&self.list, &self.report]).all(|path| path.is_file())
    }
}

/// Processes a recording, or goes on with it where an earlier call stopped. A second call after success does nothing.
///
/// # Errors
/// [`Error::Busy`] while another process works on the same; [`Error::Interrupted`] when `interrupt` was set: what is
/// finished is kept, and the same call goes on from there; [`Error::NothingToShow`] where there is no picture, after all else
/// was made; and whatever the stages meet.
pub async fn process(
    request: &ProcessRequest,
    ffmpeg: &Ffmpeg,
    interrupt: Arc<AtomicBool>,
    events: EventSink,
) -> Result<Processed, Error> {
    let settings = &request.settings;
    settings.rank.validate()?;
    settings.render.validate()?;
    let lexicon = settings.lexicon.build()?;
    // A mistake in the template is better found now than after an hour of work.
    export::caption(settings, 1, &HighlightEntry::default())?;
    let known = Known::of(request).await?;
    if let Some(known) = known.as_ref().filter(|known| known.is_lasting) {
        return known.answer(request);
    }
    let found = match (Found::find(&request.source, ffmpeg, &interrupt).await, known) {
        (Err(error), Some(known)) if !error.is_interrupted() => {
            let text = format!("whether it has changed since is not known: {error}");
            events.send(Event::Notice(text));
            return known.answer(request);
        }
        (found, _) => found?,
    };
    let output_dir = made(&request.output_dir)?;
    ClipStore::local(&output_dir.join(CLIPS), Layout::Flat)?.check_writable().await?;
    let data_dir = made(&request.data_dir)?;

    let recording = found.recording;
    // By the settings as they were given: what a broadcast is called is not always told.
    let id = digest_of(&[&recording, settings, &output_dir.as_os_str().as_encoded_bytes()]);
    let locks = made(&data_dir.join("locks"))?;
    let _lock = RunLock::take(&locks.join(format!("{id}.lock")))?;
    let vod = folder_of(&data_dir, recording);
    let _vod_lock = match &request.source {
        Source::Vod { .. } => Some(RunLock::take(&lock_of(&locks, recording))?),
        Source::File(_) => None,
    };
    if let Some(age) = request.keep_unfinished {
        sweep(&data_dir, &locks, age);
    }
    let shown = found.shown;
    let title = if settings.title.is_empty() { found.title } else { settings.title.clone() };
    let is_complete = found.material.is_complete();
    let material = found.material.into_material(&vod);
    let catalogue = opened(&data_dir, &locks).await?;
    let spool = data_dir.join(SPOOL).join(id.to_string());

    if settings.render.encoder.choice != EncoderChoice::Auto {
        // An encoder that was asked for and does not work is better told now than after listening for an hour.
        Encoder::detect(ffmpeg, settings.render.encoder.choice)?;
    }
    let mut state = catalogue.run_state(id).await?;
    if let Some((_, true)) = state {
        let outputs: Outputs = catalogue.result(id, Stage::Store, "").await?.unwrap_or_default();
        let processed = Processed::new(Outcome::AlreadyDone, &outputs, &output_dir);
        if !request.force && processed.is_there(&request.retention) {
            // Left behind if the process was killed between its last commit and its end.
            clear(&spool)?;
            keep_full(&request.source, &material, ffmpeg, &output_dir, &interrupt, &events).await?;
            clear(&vod)?;
            publish(&catalogue, id, &outputs, &output_dir, request).await?;
            return if outputs.has_video { Ok(processed) } else { Err(nothing_to_show(&shown, &output_dir)) };
        }
        if !request.force {
            events.send(Event::Notice(
                "the output of an earlier run is not there any more; making it again".to_owned(),
            ));
        }
        catalogue.forget(id).await?;
        state = None;
    } else if request.force && state.is_some() {
        catalogue.forget(id).await?;
        clear(&vod)?;
        state = None;
    }
    let run = Run {
        id,
        recording,
        path: shown.clone(),
        settings: RunSettings { title, ..settings.clone() },
        output_dir: output_dir.clone(),
        created_at: state.map_or_else(Timestamp::now, |(created, _)| created),
    };
    match state {
        None => {
            clear(&spool)?;
            catalogue.begin_run(&run).await?;
        }
        Some(_) => {
            catalogue.take_over(&queue_of(id)).await?;
            resume(&catalogue, id, &spool, &events).await?;
        }
    }
    if let (Source::Vod { input, .. }, true) = (&request.source, is_complete) {
        catalogue.note_address(request_id(input, settings, &output_dir), id).await?;
    }
    made(&spool)?;
    let engine = Arc::new(Engine::new(
        catalogue.clone(),
        run,
        material,
        Tools { ffmpeg: ffmpeg.clone(), lexicon },
        events,
        interrupt,
        Folders { spool, locks },
    ));
    Arc::clone(&engine).work().await?;
    // Only now: until it is committed, storing may have to be done again from these files.
    clear(&engine.folders.spool)?;
    keep_full(&request.source, &engine.material, ffmpeg, &output_dir, &engine.interrupt, &engine.events)
        .await?;
    clear(&vod)?;
    let outputs: Outputs = catalogue.result(id, Stage::Store, "").await?.unwrap_or_default();
    publish(&catalogue, id, &outputs, &output_dir, request).await?;
    // Clips that are still to be sent stay, too.
    let mut made = Queue::needed_clips(&catalogue).await?;
    made.extend(outputs.ids.iter().copied());
    ClipStore::local(&output_dir.join(CLIPS), Layout::Flat)?
        .apply_retention(&request.retention, Timestamp::now(), &made)
        .await?;
    catalogue.close().await;
    if !outputs.has_video {
        return Err(nothing_to_show(&shown, &output_dir));
    }
    Ok(Processed::new(Outcome::Done, &outputs, &output_dir))
}

/// Puts the clips into the queue of publications. What was put there before is known by its content.
async fn publish(
    catalogue: &Catalogue,
    run: Digest,
    outputs: &Outputs,
    output_dir: &Path,
    request: &ProcessRequest,
) -> Result<(), Error> {
    intake(catalogue, run, &outputs.posts, output_dir, &request.settings.streamer, &request.outlets).await
}

/// The database of a data folder.
async fn opened(data_dir: &Path, locks: &Path) -> Result<Catalogue, Error> {
    // Two processes that make the database at once would stand in each other's way.
    let _turn = Turn::wait_for(locks.join("database.lock")).await?;
    Catalogue::open(&data_dir.join(DATABASE)).await
}

/// What was made of an address before, where it is there still and is all that is asked for.
struct Known {
    processed: Processed,
    has_video: bool,
    /// Whether the address can only ever lead to what was there then.
    is_lasting: bool,
    shown: PathBuf,
}

impl Known {
    async fn of(request: &ProcessRequest) -> Result<Option<Self>, Error> {
        let Source::Vod { input, keep_full, .. } = &request.source else { return Ok(None) };
        let (data_dir, output_dir) = (absolute(&request.data_dir)?, absolute(&request.output_dir)?);
        if request.force || !data_dir.join(DATABASE).is_file() {
            return Ok(None);
        }
        if *keep_full && kept(&output_dir, &input.stem()).is_none() {
            return Ok(None);
        }
        let locks = made(&data_dir.join("locks"))?;
        let catalogue = opened(&data_dir, &locks).await?;
        let known = Self::in_catalogue(&catalogue, request, input, &locks, &output_dir).await;
        catalogue.close().await;
        known
    }

    async fn in_catalogue(
        catalogue: &Catalogue,
        request: &ProcessRequest,
        input: &VodInput,
        locks: &Path,
        output_dir: &Path,
    ) -> Result<Option<Self>, Error> {
        let id = request_id(input, &request.settings, output_dir);
        let Some(FinishedRun { run, recording, outputs }) = FinishedRun::find(catalogue, id).await? else {
            return Ok(None);
        };
        let processed = Processed::new(Outcome::AlreadyDone, &outputs, output_dir);
        if !processed.is_there(&request.retention) {
            return Ok(None);
        }
        publish(catalogue, run, &outputs, output_dir, request).await?;
        let data_dir = absolute(&request.data_dir)?;
        // Left behind if the process was killed between its last commit and its end.
        if let Ok(_lock) = RunLock::take(&lock_of(locks, recording)) {
            clear(&data_dir.join(SPOOL).join(run.to_string()))?;
            clear(&folder_of(&data_dir, recording))?;
        }
        let shown = PathBuf::from(input.shown());
        Ok(Some(Self { processed, has_video: outputs.has_video, is_lasting: input.is_lasting(), shown }))
    }

    fn answer(&self, request: &ProcessRequest) -> Result<Processed, Error> {
        if self.has_video {
            Ok(self.processed.clone())
        } else {
            Err(nothing_to_show(&self.shown, &request.output_dir))
        }
    }
}

/// A recording that was looked for and is there.
struct Found {
    recording: SourceId,
    /// Its path, or its address without anything secret.
    shown: PathBuf,
    title: String,
    material: FoundMaterial,
}

enum FoundMaterial {
    File(PathBuf),
    Download(Box<MediaFile>),
    Broadcast(Box<Opened>),
}

impl FoundMaterial {
    /// Whether there will be no more of it.
    fn is_complete(&self) -> bool {
        match self {
            Self::File(_) | Self::Download(_) => true,
            Self::Broadcast(opened) => opened.is_complete(),
        }
    }

    fn into_material(self, folder: &Path) -> Material {
        match self {
            Self::File(path) => Material::File(path),
            Self::Download(file) => Material::Download(file, folder.to_owned()),
            Self::Broadcast(opened) => Material::Broadcast(Box::new(opened.in_folder(folder))),
        }
    }
}

impl Found {
    /// What is no recording is told at once, before anything is written.
    async fn find(source: &Source, ffmpeg: &Ffmpeg, interrupt: &AtomicBool) -> Result<Self, Error> {
        match source {
            Source::File(path) => {
                let path = absolute(path)?;
                if ffmpeg.probe(&path)?.audio.is_empty() {
                    return Err(media_io::Error::NoAudio { path }.into());
                }
                Ok(Self {
                    recording: source_id(&path)?,
                    title: String::new(),
                    shown: path.clone(),
                    material: FoundMaterial::File(path),
                })
            }
            Source::Vod { input, access, .. } => unless(interrupt, Self::find_vod(input, access)).await?,
        }
    }

    async fn find_vod(input: &VodInput, access: &VodAccess) -> Result<Self, Error> {
        let place = access.locate(input).await?;
        let (recording, title, material) = if place.is_playlist {
            let opened = Opened::open(access, input, place).await?;
            (
                opened.recording(),
                opened.title().map(str::to_owned),
                FoundMaterial::Broadcast(Box::new(opened)),
            )
        } else {
            let file = MediaFile::open(access, input, place).await?;
            (file.recording(), file.title().map(str::to_owned), FoundMaterial::Download(Box::new(file)))
        };
        let title = title.unwrap_or_else(|| input.stem());
        Ok(Self { recording, shown: PathBuf::from(input.shown()), title, material })
    }
}

/// What `work` gives, unless `interrupt` is set before.
pub(crate) async fn unless<T>(interrupt: &AtomicBool, work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::select! {
        biased;
        error = interrupted(interrupt) => Err(error),
        done = work => Ok(done),
    }
}

/// Puts all of a broadcast into the output folder in full quality, if that is asked for and it is not there.
async fn keep_full(
    source: &Source,
    material: &Material,
    ffmpeg: &Ffmpeg,
    output_dir: &Path,
    interrupt: &Arc<AtomicBool>,
    events: &EventSink,
) -> Result<(), Error> {
    let Source::Vod { input, keep_full: true, .. } = source else { return Ok(()) };
    let stem = input.stem();
    if kept(output_dir, &stem).is_some() {
        return Ok(());
    }
    events.started(Stage::Store, WHOLE, "all of it in full quality");
    let progress = |share| events.progress(Stage::Store, WHOLE, share);
    let path = match material {
        Material::File(path) => path.clone(),
        Material::Download(file, folder) => {
            file.fetch(folder, interrupt, &progress).await?;
            let (whole, target) = (file.path_in(folder), output_dir.join(&stem));
            let target = whole
                .extension()
                .map_or_else(|| target.clone(), |ending| target.with_added_extension(ending));
            move_file(&whole, &target)?;
            target
        }
        Material::Broadcast(broadcast) => {
            let (path, lost) = broadcast.keep_full(ffmpeg, output_dir, &stem, interrupt, &progress).await?;
            if lost > 0 {
                events.send(Event::Notice(format!("{lost} segments could not be had and are missing in it")));
            }
            path
        }
    };
    events.finished(Stage::Store, WHOLE, path.display().to_string());
    Ok(())
}

fn nothing_to_show(source: &Path, output_dir: &Path) -> Error {
    Error::NothingToShow { source_path: source.to_owned(), output: output_dir.to_owned() }
}

/// Says what is kept of an earlier process and removes the files that it left unfinished.
async fn resume(catalogue: &Catalogue, run: Digest, spool: &Path, events: &EventSink) -> Result<(), Error> {
    let finished = catalogue.finished(run).await?;
    for (stage, parts, _) in &finished {
        let stages =
            [Stage::Ingest, Stage::Analyse, Stage::Transcribe, Stage::Rank, Stage::Render, Stage::Store];
        if let Some(stage) = stages.into_iter().find(|known| known.name() == stage) {
            events.send(Event::Resumed { stage, parts: *parts });
        }
    }
    let rendered = catalogue.results::<serde_json::Value>(run, Stage::Render).await?;
    let Ok(entries) = fs_err::read_dir(spool) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        let whole =
            path.file_stem().is_some_and(|stem| rendered.iter().any(|(clip, _)| stem == clip.as_str()));
        if !whole {
            let removed =
                if path.is_dir() { fs_err::remove_dir_all(&path) } else { fs_err::remove_file(&path) };
            removed.map_err(Error::file("removed", &path))?;
        }
    }
    Ok(())
}

/// Removes the folder with all that is in it, if it is there.
fn clear(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs_err::remove_dir_all(folder).map_err(Error::file("removed", folder))
    } else {
        Ok(())
    }
}

/// Makes the folder and gives its absolute path.
pub(crate) fn made(folder: &Path) -> Result<PathBuf, Error> {
    fs_err::create_dir_all(folder).map_err(Error::file("made", folder))?;
    absolute(folder)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    match fs_err::canonicalize(path) {
        Ok(absolute) => Ok(absolute),
        // Whoever reads it next says what is wrong with it.
        Err(_) => std::path::absolute(path).map_err(Error::file("found", path)),
    }
}
