//! The last stage: clips, list and report go where the user wants them.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};
use storage::{ClipRecord, ClipStore, FileKind, FileSource, Layout, NewClip};
use timeline::{ClipId, MediaTime, StreamerName};

use crate::catalogue::Run;
use crate::contract::{ClipEntry, Detection, HighlightEntry, rounded};
use crate::engine::Engine;
use crate::publishing::ClipPost;
use crate::rendering::Rendered;
use crate::report_data::report_data;
use crate::settings::RunSettings;
use crate::stages::{Analysed, Ingested, Ranked};
use crate::{Error, Stage, report};

/// The folder of the clips, in the output folder.
pub(crate) const CLIPS: &str = "clips";
/// The list of what was found.
pub(crate) const LIST: &str = "highlights.json";
/// The page to look at.
pub(crate) const REPORT: &str = "report.html";
/// The detail of a stored clip that says which recording it is of.
const RECORDING: &str = "recording";

/// How names of files begin and end that are not whole yet.
pub(crate) const UNFINISHED: (&str, &str) = (".streamliner-", ".part");

/// Removes what a process that was killed left unfinished in the output folder.
fn sweep(output_dir: &Path) -> Result<(), Error> {
    let entries = fs_err::read_dir(output_dir).map_err(Error::file("read", output_dir))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
            fs_err::remove_file(&path).map_err(Error::file("removed", &path))?;
        }
    }
    Ok(())
}

/// What lies in the output folder now, relative to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outputs {
    /// The clips, best first.
    pub(crate) clips: Vec<String>,
    /// Which clips these are.
    pub(crate) ids: Vec<ClipId>,
    /// The clips as they may be published.
    #[serde(default)]
    pub(crate) posts: Vec<ClipPost>,
    /// How many highlights were found.
    pub(crate) highlights: usize,
    /// Whether there was a picture to cut.
    pub(crate) has_video: bool,
}

/// `demo-01-0h12m33s`: whose, which, from where.
fn name_of(settings: &RunSettings, rank: usize, start: MediaTime) -> String {
    let seconds = start.to_units_floor(1).max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{}-{rank:02}-{hours}h{minutes:02}m{seconds:02}s", settings.streamer)
}

/// What the template of the posting text may use.
pub const CAPTION_VARIABLES: &[&str] =
    &["streamer", "title", "category", "text", "words", "hashtags", "score", "rank", "start"];

/// The text to post with a clip.
pub(crate) fn caption(settings: &RunSettings, rank: usize, entry: &HighlightEntry) -> Result<String, Error> {
    let words: Vec<String> = entry.words.iter().map(|word| word.text.clone()).collect();
    filled(
        &settings.description_template,
        context! {
            streamer => settings.streamer.as_str(),
            title => settings.title.as_str(),
            category => settings.category.as_str(),
            hashtags => signed(&settings.hashtags),
            text => entry.text.as_str(),
            score => entry.score,
            rank => rank,
            start => MediaTime::from_secs_f64(entry.start_s).to_string(),
            words => words,
        },
    )
}

/// The text to post with a video that was not made here: of what its template may use, streamer, title and hashtags are known.
///
/// # Errors
/// [`Error::Template`] if it uses what there is not.
pub fn plain_caption(
    template: &str,
    streamer: &StreamerName,
    title: &str,
    hashtags: &[String],
) -> Result<String, Error> {
    let words: [String; 0] = [];
    filled(
        template,
        context! {
            streamer => streamer.as_str(),
            title => title,
            category => "",
            hashtags => signed(hashtags),
            text => "",
            score => 0.0,
            rank => 1,
            start => MediaTime::ZERO.to_string(),
            words => words,
        },
    )
}

/// Hashtags with their sign, in one line.
fn signed(hashtags: &[String]) -> String {
    hashtags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ")
}

fn filled(template: &str, facts: minijinja::Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let text = environment.render_str(template, facts).map_err(|source| Error::Template { source })?;
    Ok(text.trim().to_owned())
}

/// Writes `contents` to `path` so that it is there as a whole or not at all.
pub(crate) fn write_whole(path: &Path, contents: &str) -> Result<(), Error> {
    let failed = || Error::file("written", path);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED.0)
        .suffix(UNFINISHED.1)
        .tempfile_in(folder)
        .map_err(failed())?;
    file.write_all(contents.as_bytes()).map_err(failed())?;
    file.as_file().sync_all().map_err(failed())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Temporary files are private; what comes out is for everyone whom the folder lets in.
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(failed())?;
    }
    file.persist(path).map_err(|error| failed()(error.error))?;
    Ok(())
}

/// Puts everything into the output folder. Doing it again changes nothing.
pub(crate) async fn export(engine: &Engine) -> Result<Outputs, Error> {
    let run = &engine.run;
    let analysed: Analysed = engine.needed(Stage::Analyse).await?;
    let ingested: Ingested = engine.needed(Stage::Ingest).await?;
    let ranked: Ranked = engine.needed(Stage::Rank).await?;
    let rendered = engine.catalogue.results::<Rendered>(run.id, Stage::Render).await?;
    let mut detection = Detection::new(analysed.analysis.duration, &ranked.ranking);
    let store = ClipStore::local(&run.output_dir.join(CLIPS), Layout::Flat)?;
    store.sweep(jiff::Timestamp::now()).await?;
    sweep(&run.output_dir)?;
    let taken = taken_names(&store, run).await?;
    let (mut clips, mut posts, mut made_names, mut captions) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (rank, (entry, id)) in (1..).zip(detection.highlights.iter_mut().zip(&ranked.clips)) {
        let text = caption(&run.settings, rank, entry)?;
        let made = rendered.iter().find(|(item, _)| *item == id.to_string()).map(|(_, rendered)| rendered);
        if let Some(made) = made {
            let mut name = name_of(&run.settings, rank, MediaTime::from_secs_f64(entry.start_s));
            if taken.contains(&name) {
                name.push_str(&format!("-{:.6}", run.recording.to_string()));
            }
            entry.start_s = rounded(made.clip.span.start().as_secs_f64());
            entry.end_s = rounded(made.clip.span.end().as_secs_f64());
            entry.clip = Some(clip_entry(&name, made));
            store.put(&new_clip(engine, *id, &name, entry, &text)).await?;
            let file = format!("{CLIPS}/{name}.mp4");
            posts.push(ClipPost::new(file.clone(), *id, &text, entry));
            clips.push(file);
            made_names.push(name);
        }
        captions.push(text);
    }
    remove_stale(&store, run, &made_names).await?;
    let list = serde_json::to_string_pretty(&detection)
        .map_err(|source| Error::Stored { what: "the list", source })?;
    write_whole(&run.output_dir.join(LIST), &(list + "\n"))?;
    let timings = engine.catalogue.finished(run.id).await?;
    let page = report::render(&report_data(run, &analysed, &detection, &captions, &timings))?;
    write_whole(&run.output_dir.join(REPORT), &page)?;
    Ok(Outputs {
        clips,
        posts,
        ids: ranked.clips,
        highlights: detection.highlights.len(),
        has_video: ingested.has_video,
    })
}

/// What the list says of a finished clip.
pub(crate) fn clip_entry(name: &str, made: &Rendered) -> ClipEntry {
    ClipEntry {
        file: format!("{CLIPS}/{name}.mp4"),
        thumbnail: Some(format!("{CLIPS}/{name}.png")),
        first_frame: made.first_frame,
        last_frame: made.last_frame,
        frames: made.clip.frames,
        fps: made.clip.rate.as_f64(),
        loudness_lufs: made.clip.loudness_after.map(|loudness| loudness.integrated_lufs),
        encoder: made.clip.encoder.to_string(),
        size_bytes: made.clip.size_bytes,
    }
}

fn new_clip(engine: &Engine, id: ClipId, name: &str, entry: &HighlightEntry, caption: &str) -> NewClip {
    let spooled = engine.spooled(id);
    let clip = NewClip::new(id, engine.run.settings.streamer.clone(), name, engine.run.created_at)
        .with_file(FileKind::Video, FileSource::Path(spooled.with_extension("mp4")))
        .with_file(FileKind::Thumbnail, FileSource::Path(spooled.with_extension("png")))
        .with_file(FileKind::Caption, FileSource::Bytes(format!("{caption}\n").into_bytes().into()));
    with_details(clip, &engine.run, entry)
}

/// The clip with what is known of it, for the file beside it.
pub(crate) fn with_details(clip: NewClip, run: &Run, entry: &HighlightEntry) -> NewClip {
    let clip = clip.with_detail(RECORDING, run.recording.to_string());
    let details = serde_json::to_value(entry).unwrap_or_default();
    let details = details.as_object().cloned().unwrap_or_default();
    details.into_iter().fold(clip, |clip, (field, value)| clip.with_detail(field, value))
}

/// Whether a clip was made of the recording of this run.
fn is_of(run: &Run, record: &ClipRecord) -> bool {
    record.details.get(RECORDING).and_then(|value| value.as_str()) == Some(run.recording.to_string().as_str())
}

/// The names that clips of other recordings have in the folder.
async fn taken_names(store: &ClipStore, run: &Run) -> Result<HashSet<String>, Error> {
    let records = store.list(None).await?;
    Ok(records.into_iter().filter(|record| !is_of(run, record)).map(|record| record.name).collect())
}

/// Removes what an earlier run over the same recording left and this one did not make.
async fn remove_stale(store: &ClipStore, run: &Run, made: &[String]) -> Result<(), Error> {
    for record in store.list(Some(&run.settings.streamer)).await? {
        if is_of(run, &record) && !made.contains(&record.name) {
            store.delete(&record).await?;
        }
    }
    Ok(())
}
