//! `streamliner detect`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::ValueHint;
use pipeline::vod::detect_vod;
use pipeline::{DetectRequest, Detection, read_chat, read_transcript};

use super::recording::{RecordingOptions, failure, ffmpeg, lexicon, rank_options, speech};
use super::vod;
use crate::args::{Global, OutputFormat};
use crate::exit::{Exit, Failure};
use crate::progress::Progress;
use crate::{interrupt, output};

/// Arguments of `detect`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The recording: a file that ffmpeg can read, or the address of a video on Kick, of an HLS playlist or of a media file. An
    /// address of a page with `?t=` (seconds, or 1h2m3s) is looked through from there on.
    #[arg(value_name = "RECORDING", value_hint = ValueHint::FilePath)]
    input: PathBuf,
    /// How to write it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: OutputFormat,
    #[command(flatten)]
    options: RecordingOptions,
}

/// Looks and prints.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let config = arguments.options.load(global)?;
    let settings = &config.settings;
    let address = vod::address(&arguments.input)?;
    let interrupt = interrupt::watch()?;
    let inputs = |error: pipeline::InputError| failure(error.into());
    let chat =
        arguments.options.chat.as_deref().map(read_chat).transpose().map_err(inputs)?.unwrap_or_default();
    let transcript =
        arguments.options.transcript.as_deref().map(read_transcript).transpose().map_err(inputs)?;
    let speech = if transcript.is_some() { None } else { Some(speech(settings)?) };
    if let (Some(Err(reason)), true, true) =
        (&speech, settings.transcription.enabled, address.is_some() || arguments.input.is_file())
    {
        output::warning(reason, global);
    }
    let request = DetectRequest {
        options: rank_options(settings),
        lexicon: lexicon(settings)?,
        chat,
        start: None,
        sampled_chat: vod::sampled_chat(settings, address.as_ref(), &arguments.options),
        transcript,
        speech: speech.and_then(Result::ok),
    };
    // Much of what there is can be read without.
    let ffmpeg = ffmpeg(settings).ok();
    let progress = Progress::new(global);
    let detection = match &address {
        None => pipeline::detect(&arguments.input, &request, ffmpeg.as_ref(), &interrupt, &progress.sink()),
        Some(address) => {
            let (access, scratch) = (vod::access(settings)?, std::env::temp_dir());
            let (ffmpeg, sink) = (ffmpeg.as_ref(), progress.sink());
            vod::runtime()?
                .block_on(detect_vod(&access, address, &request, ffmpeg, &scratch, &interrupt, &sink))
        }
    };
    progress.clear();
    let detection = detection.map_err(failure)?;
    match arguments.format {
        OutputFormat::Json => output::json(&detection)?,
        OutputFormat::Text => output::data(as_text(&detection))?,
    }
    Ok(Exit::Done)
}

fn as_text(detection: &Detection) -> String {
    let clock = |seconds: f64| timeline::MediaTime::from_secs_f64(seconds).to_string();
    let mut text = String::new();
    // Writing to a String cannot fail.
    if detection.highlights.is_empty() {
        let _ = writeln!(text, "No highlights; {} moments were looked at.", detection.rejected.len());
    }
    for (rank, highlight) in (1..).zip(&detection.highlights) {
        let _ = writeln!(
            text,
            "{rank:>2}. {} to {}  score {:.2}  peak {}",
            clock(highlight.start_s),
            clock(highlight.end_s),
            highlight.score,
            clock(highlight.peak_s)
        );
        for reason in highlight.reasons.iter().filter(|reason| reason.weight.abs() >= 0.05) {
            let _ = writeln!(text, "      {:+.2} {}: {}", reason.weight, reason.signal, reason.detail);
        }
        if !highlight.text.is_empty() {
            let _ = writeln!(text, "      “{}”", highlight.text);
        }
    }
    for rejected in &detection.rejected {
        let moment = &rejected.moment;
        let _ = writeln!(text, "  - {} score {:.2}: {}", clock(moment.peak_s), moment.score, rejected.why);
    }
    text
}
