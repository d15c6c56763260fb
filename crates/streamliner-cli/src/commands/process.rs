//! `streamliner process`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use clap::ValueHint;
use media_io::Ffmpeg;
use pipeline::publishing::{Destination, Publication, Until};
use pipeline::{
    InputError, InputFile, Outcome, ProcessRequest, Processed, RunSettings, Source, read_chat,
    read_transcript,
};
use serde::Serialize;
use timeline::StreamerName;

use super::publishing::{PATIENCE, Publishing, courier, queue, stopped_by, told_before};
use super::queue::tell_waiting;
use super::recording::{RecordingOptions, failure, ffmpeg, retention, run_settings, speech};
use super::vod::{self, keep_unfinished, sampled_chat};
use crate::args::{Global, OutputFormat};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::publish_progress::PublishProgress;
use crate::{interrupt, output};

/// Arguments of `process`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The recording: a file that ffmpeg can read, or the address of a video on Kick, of an HLS playlist or of a media file. An
    /// address of a page with `?t=` (seconds, or 1h2m3s) is looked through from there on.
    #[arg(value_name = "RECORDING", value_hint = ValueHint::FilePath)]
    input: PathBuf,
    /// Whose stream it is.
    #[arg(long, value_name = "NAME")]
    streamer: StreamerName,
    /// What the stream is called, for the posting text; as the host calls it, or else the file's name, unless given.
    #[arg(long)]
    title: Option<String>,
    /// What the stream is filed under, for the posting text.
    #[arg(long, default_value = "")]
    category: String,
    /// Make the clips but publish nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where clips, highlights.json and report.html go; a folder for this recording in `paths.output_dir` unless given.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    output_dir: Option<PathBuf>,
    /// Of an address, put all of the recording (from `?t=` on) in full quality into the output folder, too.
    #[arg(long)]
    keep_full: bool,
    /// Start over, although it was done or begun before.
    #[arg(long)]
    force: bool,
    /// How to write what was made.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    options: RecordingOptions,
}

/// What `process --format json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    outcome: &'static str,
    highlights: usize,
    clips: &'a [PathBuf],
    list: &'a PathBuf,
    report: &'a PathBuf,
}

/// Makes the clips.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = arguments.options.load(global)?.for_streamer(arguments.streamer.as_str());
    let settings = &config.settings;
    let address = vod::address(&arguments.input)?;
    if arguments.keep_full && address.is_none() {
        return Err(Failure::cannot(anyhow!("--keep-full is for addresses: the file is here already")));
    }
    let interrupt = interrupt::watch()?;
    let ffmpeg = ffmpeg(settings).map_err(|error| failure(error.into()))?;
    // Read once now, so that a mistake in them is told before the work.
    let chat = input_file(arguments.options.chat.as_deref(), |path| read_chat(path).map(drop))?;
    let transcript =
        input_file(arguments.options.transcript.as_deref(), |path| read_transcript(path).map(drop))?;
    let speech = if transcript.is_some() { Err(String::new()) } else { speech(settings)? };
    // A recording that is not there is the first thing to tell.
    if let (Err(reason), true, true) = (
        &speech,
        settings.transcription.enabled && transcript.is_none(),
        address.is_some() || arguments.input.is_file(),
    ) {
        output::warning(reason, global);
    }
    let stem = match &address {
        Some(address) => address.stem(),
        None => {
            arguments.input.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        }
    };
    let title = match (&arguments.title, &address) {
        (Some(title), _) => title.clone(),
        (None, Some(_)) => String::new(),
        (None, None) => stem.clone(),
    };
    let sampled_chat = sampled_chat(settings, address.as_ref(), &arguments.options);
    let source = match address {
        Some(input) => {
            Source::Vod { input, access: Box::new(vod::access(settings)?), keep_full: arguments.keep_full }
        }
        None => Source::File(arguments.input.clone()),
    };
    // That nobody is logged in is better told now than after an hour of work.
    let runtime = vod::runtime()?;
    let publishing = if arguments.dry_run {
        Publishing::default()
    } else {
        runtime.block_on(Publishing::of_one(&config))?
    };
    let run_settings = RunSettings {
        category: arguments.category.clone(),
        sampled_chat,
        ..run_settings(settings, &arguments.streamer, title, speech, chat, transcript)?
    };
    let request = ProcessRequest {
        source,
        settings: run_settings,
        outlets: publishing.outlets.common,
        data_dir: settings.paths.data_dir.clone(),
        // Each recording has a folder of its own, unless the user names one.
        output_dir: arguments.output_dir.clone().unwrap_or_else(|| settings.paths.output_dir.join(&stem)),
        retention: retention(settings),
        keep_unfinished: keep_unfinished(settings),
        force: arguments.force,
    };
    let progress = Progress::new(global);
    let processed =
        runtime.block_on(pipeline::process(&request, &ffmpeg, Arc::clone(&interrupt), progress.sink()));
    progress.clear();
    let processed = processed.map_err(failure)?;
    let published = if publishing.destinations.is_empty() {
        Ok(Exit::Done)
    } else {
        runtime.block_on(publish(&config, publishing.destinations, &processed, ffmpeg, interrupt, global))
    };
    // The clips are made, whatever became of them then.
    report(&processed, arguments.format, global)?;
    published
}

/// Sends what may go now. What may not stays in the queue; a clip of this recording that a platform would not have is a failure.
async fn publish(
    config: &Config,
    destinations: Vec<Destination>,
    processed: &Processed,
    ffmpeg: Ffmpeg,
    interrupt: Arc<AtomicBool>,
    global: &Global,
) -> Result<Exit, Failure> {
    let queue = queue(&config.settings).await?;
    let progress = PublishProgress::new(global);
    let stop = stopped_by(interrupt);
    let sent = courier(queue.clone(), ffmpeg, progress.sink())
        .drain(destinations, &stop, Until::NothingFor(PATIENCE))
        .await;
    progress.clear();
    let all = queue.list().await.map_err(failure)?;
    queue.close().await;
    sent.map_err(failure)?;
    if stop.is_cancelled() {
        return Err(Failure::interrupted(anyhow!("interrupted; `streamliner queue run` goes on")));
    }
    tell_waiting(&all, global);
    let is_ours = |one: &&Publication| processed.clips.contains(&one.video) && one.state.is_failure();
    let failed: Vec<anyhow::Error> =
        all.iter().filter(is_ours).map(|one| anyhow!(told_before(one))).collect();
    if failed.is_empty() {
        return Ok(Exit::Done);
    }
    Err(Failure {
        exit: Exit::Failed,
        errors: failed,
        hint: Some("`streamliner queue retry` tries again what you mended".to_owned()),
    })
}

fn input_file(
    path: Option<&Path>,
    check: impl FnOnce(&Path) -> Result<(), InputError>,
) -> Result<Option<InputFile>, Failure> {
    let Some(path) = path else { return Ok(None) };
    check(path).map_err(|error| failure(error.into()))?;
    InputFile::new(path).map(Some).map_err(failure)
}

fn report(processed: &Processed, format: OutputFormat, global: &Global) -> Result<Exit, Failure> {
    let already = processed.outcome == Outcome::AlreadyDone;
    match format {
        OutputFormat::Json => output::json(&Printed {
            outcome: if already { "already_done" } else { "done" },
            highlights: processed.highlights,
            clips: &processed.clips,
            list: &processed.list,
            report: &processed.report,
        })?,
        OutputFormat::Text => {
            if !global.quiet {
                output::notice(match (already, processed.highlights) {
                    (true, _) => {
                        "done before with these settings; nothing to do (--force starts over)".to_owned()
                    }
                    (false, 0) => {
                        "no moment reached the threshold; the report tells what came closest".to_owned()
                    }
                    (false, 1) => "1 clip".to_owned(),
                    (false, count) => format!("{count} clips"),
                });
            }
            let paths = processed.clips.iter().chain([&processed.list, &processed.report]);
            output::data(paths.map(|path| format!("{}\n", path.display())).collect::<String>())?;
        }
    }
    Ok(Exit::Done)
}
