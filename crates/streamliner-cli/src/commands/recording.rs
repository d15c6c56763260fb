//! What `process` and `detect` have in common: from the configuration to the settings of the pipeline.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::ValueHint;
use highlight_detect::RankOptions;
use highlight_detect::lexicon::{Overlay, PatternDefinition, Place};
use jiff::SignedDuration;
use media_io::{Ffmpeg, FfmpegOptions};
use pipeline::{InputFile, LexiconSettings, RunSettings, SpeechSettings};
use render::{
    CaptionSettings, EncoderChoice, EncoderSettings, LogoSettings, LoudnessSettings, RenderSettings,
    StyleName, X264Preset,
};
use storage::Retention;
use timeline::{FrameRate, MediaDuration, StreamerName};
use transcribe::ModelStore;

use crate::args::Global;
use crate::config::{Config, EncoderName, Flag, FramesPerSecond, Layout, Settings, is_model_path};
use crate::exit::{Exit, Failure};

/// The category that phrases of the configuration count in: it is capped with those of the lexicon, so that no list of
/// phrases decides alone.
const CATEGORY: &str = "hype";

/// Options that stand for keys of the configuration.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordingOptions {
    /// At most this many clips, the best first.
    #[arg(long, value_name = "COUNT")]
    max_clips: Option<String>,
    /// The least score of a clip, 0 to 1.
    #[arg(long, value_name = "SCORE")]
    min_score: Option<String>,
    /// The speech model: a name of `streamliner model list`, or a path.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// The language spoken, as an ISO 639-1 code, or auto.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// Chat of the stream: a JSON object a line, {"t_s": seconds, "user": "...", "text": "..."}.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) chat: Option<PathBuf>,
    /// What is said, if that is known: {"segments": [{"start_s", "end_s", "text", "words"}]}.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "no_transcribe")]
    pub(crate) transcript: Option<PathBuf>,
    /// Do not recognise speech: no captions, no keywords, but much faster.
    #[arg(long)]
    no_transcribe: bool,
}

impl RecordingOptions {
    /// The configuration with these options on top.
    pub(crate) fn load(&self, global: &Global) -> Result<Config, Failure> {
        let mut sources = global.sources();
        let options = [
            ("--max-clips", "detection.max_clips", self.max_clips.clone()),
            ("--min-score", "detection.min_score", self.min_score.clone()),
            ("--model", "transcription.model", self.model.clone()),
            ("--language", "transcription.language", self.language.clone()),
            ("--no-transcribe", "transcription.enabled", self.no_transcribe.then(|| "false".to_owned())),
        ];
        sources.flags.extend(options.into_iter().filter_map(|(flag, key, value)| {
            Some(Flag { flag: flag.to_owned(), key: key.to_owned(), value: value? })
        }));
        Config::load(&sources).map_err(|problems| Failure::of_configuration(&problems))
    }
}

/// The ffmpeg of the configuration.
pub(crate) fn ffmpeg(settings: &Settings) -> Result<Ffmpeg, media_io::Error> {
    Ffmpeg::locate(&FfmpegOptions {
        ffmpeg: settings.tools.ffmpeg.clone(),
        ffprobe: settings.tools.ffprobe.clone(),
    })
}

/// How moments are chosen.
pub(crate) fn rank_options(settings: &Settings) -> RankOptions {
    let detection = &settings.detection;
    RankOptions {
        max_highlights: detection.max_clips,
        min_score: detection.min_score as f32,
        clip_min: detection.clip_min,
        clip_max: detection.clip_max,
        setup: detection.setup,
        settle: detection.settle,
        min_gap: detection.min_gap,
    }
}

/// Which words are exciting.
pub(crate) fn lexicon(settings: &Settings) -> Result<LexiconSettings, Failure> {
    let detection = &settings.detection;
    let replacement =
        detection.lexicon.as_ref().map(fs_err::read_to_string).transpose().map_err(Failure::cannot)?;
    let added = detection.keywords.iter().map(|(phrase, weight)| PatternDefinition {
        text: phrase.clone(),
        name: None,
        category: CATEGORY.to_owned(),
        language: None,
        background: Some(0.0),
        weight: Some(*weight),
        place: Place::Any,
        regex: false,
    });
    let overlay =
        Overlay { remove: detection.remove_keywords.clone(), add: added.collect(), ..Overlay::default() };
    Ok(LexiconSettings { replacement, overlays: vec![overlay], languages: detection.languages.clone() })
}

/// Everything that decides what comes out of a recording or a stream.
pub(crate) fn run_settings(
    settings: &Settings,
    streamer: &StreamerName,
    title: String,
    speech: Result<SpeechSettings, String>,
    chat: Option<InputFile>,
    transcript: Option<InputFile>,
) -> Result<RunSettings, Failure> {
    Ok(RunSettings {
        streamer: streamer.clone(),
        title,
        rank: rank_options(settings),
        lexicon: lexicon(settings)?,
        no_speech_reason: speech.as_ref().err().filter(|reason| !reason.is_empty()).cloned(),
        chat,
        sampled_chat: false,
        transcript,
        speech: speech.ok(),
        render: render_settings(settings)?,
        rate: frame_rate(settings),
        category: String::new(),
        description_template: settings.publishing.description_template.clone(),
        hashtags: settings.publishing.hashtags.clone(),
    })
}

/// How speech is recognised, or why it is not: a sentence with the remedy.
pub(crate) fn speech(settings: &Settings) -> Result<Result<SpeechSettings, String>, Failure> {
    let transcription = &settings.transcription;
    if !transcription.enabled {
        return Ok(Err(
            "Speech was not recognised, as asked for: captions and keywords are missing.".to_owned()
        ));
    }
    let model = model_file(settings)?;
    if !model.is_file() {
        if is_model_path(&transcription.model) {
            return Err(Failure::cannot(anyhow!("there is no speech model at {}", model.display()))
                .hint("correct the path, name one of `streamliner model list`, or use --no-transcribe"));
        }
        return Ok(Err(format!(
            "No speech model is installed, so captions and keywords are missing: run `streamliner model download {}` once.",
            transcription.model
        )));
    }
    let model = fs_err::canonicalize(&model).map_err(Failure::failed)?;
    Ok(Ok(SpeechSettings {
        model,
        language: (transcription.language != "auto").then(|| transcription.language.clone()),
        threads: NonZeroUsize::new(transcription.threads),
        gpu: transcription.gpu,
        budget: (transcription.budget > MediaDuration::ZERO).then_some(transcription.budget),
    }))
}

fn model_file(settings: &Settings) -> Result<PathBuf, Failure> {
    let model = &settings.transcription.model;
    if is_model_path(model) {
        return Ok(PathBuf::from(model));
    }
    ModelStore::new(settings.paths.models_dir.clone())
        .path(model)
        .map_err(|error| Failure::cannot(error).hint("`streamliner model list` tells the names"))
}

/// How clips look.
pub(crate) fn render_settings(settings: &Settings) -> Result<RenderSettings, Failure> {
    let render = &settings.render;
    let moved = render.zoom != 1.0 || render.offset_x != 0.0 || render.offset_y != 0.0;
    let blurred = render::Layout::BlurredBackground {
        zoom: render.zoom,
        offset_x: render.offset_x,
        offset_y: render.offset_y,
    };
    let highlight_colour =
        render.highlight_color.as_ref().map(|colour| colour.parse()).transpose().map_err(Failure::cannot)?;
    let logo = render.logo.as_deref().map(absolute).transpose()?;
    Ok(RenderSettings {
        layout: match render.layout {
            // A zoom or an offset only means something for a picture that does not fill the frame.
            Layout::Auto if !moved => render::Layout::Auto,
            Layout::Auto | Layout::Blurred => blurred,
            Layout::Cover => render::Layout::Cover,
        },
        captions: CaptionSettings {
            enabled: render.captions,
            style: named::<StyleName>(&render.style)?,
            font_size: render.font_size,
            highlight_colour,
            ..CaptionSettings::default()
        },
        logo: logo.map(|path| LogoSettings { width: render.logo_width, ..LogoSettings::new(path) }),
        encoder: EncoderSettings {
            choice: encoder_choice(settings),
            preset: named::<X264Preset>(&render.preset)?,
            quality: render.quality.into(),
        },
        loudness: LoudnessSettings { integrated_lufs: render.loudness_lufs, ..LoudnessSettings::default() },
    })
}

/// Which encoder to use.
pub(crate) const fn encoder_choice(settings: &Settings) -> EncoderChoice {
    match settings.render.encoder {
        EncoderName::Auto => EncoderChoice::Auto,
        EncoderName::Libx264 => EncoderChoice::X264,
        EncoderName::Nvenc => EncoderChoice::Nvenc,
        EncoderName::Vaapi => EncoderChoice::Vaapi,
        EncoderName::VideoToolbox => EncoderChoice::VideoToolbox,
        EncoderName::Qsv => EncoderChoice::Qsv,
    }
}

/// Frames a second of clips.
pub(crate) fn frame_rate(settings: &Settings) -> Option<FrameRate> {
    match settings.render.fps {
        FramesPerSecond::Fixed(rate) => FrameRate::new(rate, 1),
        FramesPerSecond::Auto(_) => None,
    }
}

/// A value that the configuration's table has checked to be one of the names.
fn named<T: serde::de::DeserializeOwned>(name: &str) -> Result<T, Failure> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).map_err(Failure::cannot)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(Failure::cannot)
}

/// Which clips of earlier runs are removed; zero is no limit.
pub(crate) fn retention(settings: &Settings) -> Retention {
    const HOURS_A_DAY: i64 = 24;
    const BYTES_A_GB: f64 = 1e9;
    let limits = &settings.retention;
    Retention {
        max_age: (limits.max_age_days > 0)
            .then(|| SignedDuration::from_hours(i64::from(limits.max_age_days) * HOURS_A_DAY)),
        max_total_bytes: (limits.max_size_gb > 0.0).then_some((limits.max_size_gb * BYTES_A_GB) as u64),
    }
}

/// How a pipeline error ends the program, with the remedy where one is known.
pub(crate) fn failure(error: pipeline::Error) -> Failure {
    use media_io::Error as Media;
    match error {
        error if error.is_interrupted() => Failure::interrupted(pipeline::Error::Interrupted),
        pipeline::Error::Media(
            error @ (Media::NotFound { .. } | Media::Directory { .. } | Media::FfmpegMissing { .. } | Media::FfmpegTooOld { .. } | Media::FfmpegUnusable { .. } | Media::NeedsFfmpeg { .. }),
        ) => Failure::cannot(error),
        pipeline::Error::Vod(error) => {
            let (remedy, refusal) = (error.remedy(), error.is_refusal());
            let failure = if refusal { Failure::cannot(error) } else { Failure::failed(error) };
            match remedy {
                Some(remedy) => failure.hint(remedy),
                None => failure,
            }
        }
        error @ (pipeline::Error::Busy { .. }
        | pipeline::Error::Lexicon(_)
        | pipeline::Error::Options(_)
        | pipeline::Error::Template { .. }
        | pipeline::Error::Input(_)
        | pipeline::Error::Render(render::Error::Setting { .. })) => Failure::cannot(error),
        pipeline::Error::Speech(error @ (transcribe::Error::ModelMissing { .. } | transcribe::Error::ModelDamaged { .. })) => {
            Failure { exit: Exit::Failed, ..Failure::cannot(error) }
                .hint("`streamliner model download NAME` fetches a model, `streamliner model list` tells the names; or use --no-transcribe")
        }
        error => Failure::failed(error),
    }
}
