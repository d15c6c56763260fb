//! What `doctor` looks at.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use media_io::{Ffmpeg, FfmpegOptions};
use render::Encoder;
use transcribe::{ModelStatus, ModelStore};

use super::super::recording::encoder_choice;
use super::Check;
use crate::config::{Config, Settings, Sources, is_model_path};
use crate::exit::Failure;

/// An hour of 1080p from Kick (about 8 Mbit/s) and its clips fit in this, in bytes.
const SPACE_FOR_WORK: u64 = 5_000_000_000;
/// Below this not even one clip with its temporary files is sure to fit, in bytes.
const SPACE_FOR_A_CLIP: u64 = 300_000_000;
const FULL_FFMPEG: &str = "install a full ffmpeg: apt install ffmpeg, or brew install ffmpeg";

/// Looks at everything. What is wrong in the configuration is left out, so that the rest can still be looked at.
pub(super) fn all(sources: &Sources, interrupt: &AtomicBool) -> Result<Vec<Check>, Failure> {
    let (config, problems) = Config::load_what_is_right(sources);
    let mut checks: Vec<Check> = problems
        .iter()
        .map(|problem| {
            Check::fail("configuration", problem.to_string(), "correct it, then: streamliner config check")
        })
        .collect();
    let Some(config) = config else { return Ok(checks) };
    if checks.is_empty() {
        let file = config
            .file
            .as_ref()
            .map_or_else(|| "no file, defaults".to_owned(), |file| file.display().to_string());
        checks.push(Check::ok("configuration", file));
    }
    let settings = &config.settings;
    checks.extend(ffmpeg(settings));
    checks.push(Check::ok("fonts", "bundled; only Chinese, Japanese and Korean use a font of the machine"));
    checks.push(model(settings, interrupt)?);
    checks.push(folder("data folder", &settings.paths.data_dir, "paths.data_dir"));
    checks.push(folder("output folder", &settings.paths.output_dir, "paths.output_dir"));
    Ok(checks)
}

fn ffmpeg(settings: &Settings) -> Vec<Check> {
    let options =
        FfmpegOptions { ffmpeg: settings.tools.ffmpeg.clone(), ffprobe: settings.tools.ffprobe.clone() };
    let ffmpeg = match Ffmpeg::locate(&options) {
        Ok(ffmpeg) => ffmpeg,
        Err(error) => {
            let message = format!("{:#}", anyhow::Error::new(error));
            return vec![Check::fail(
                "ffmpeg",
                message,
                format!("{FULL_FFMPEG}; or set tools.ffmpeg and tools.ffprobe"),
            )];
        }
    };
    let found = format!(
        "{} ({}, {})",
        ffmpeg.version(),
        ffmpeg.ffmpeg_path().display(),
        ffmpeg.ffprobe_path().display()
    );
    let mut checks = vec![Check::ok("ffmpeg", found)];
    checks.push(has(&ffmpeg, "captions", "-filters", &["subtitles"], "the filter"));
    checks.push(has(&ffmpeg, "encoders", "-encoders", &["libx264", "aac"], "the encoder"));
    checks.push(encoder(settings, &ffmpeg));
    checks
}

/// Which H.264 encoder clips will be made with, by trying it.
fn encoder(settings: &Settings, ffmpeg: &Ffmpeg) -> Check {
    const NAME: &str = "video encoder";
    match Encoder::detect(ffmpeg, encoder_choice(settings)) {
        Ok(found) => Check::ok(NAME, format!("{found}, tried and working")),
        Err(error) => {
            let remedy = "set render.encoder to \"auto\", or mend the driver of the graphics card";
            Check::fail(NAME, format!("{:#}", anyhow::Error::new(error)), remedy)
        }
    }
}

/// Whether a list of ffmpeg (its second column is the name) has all the names.
fn has(ffmpeg: &Ffmpeg, check: &'static str, list: &str, names: &[&str], kind: &str) -> Check {
    let text = match ffmpeg.capture(vec![OsString::from(list)]) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return Check::fail(check, format!("{:#}", anyhow::Error::new(error)), FULL_FFMPEG),
    };
    let listed = |name: &&&str| text.lines().any(|line| line.split_whitespace().nth(1) == Some(**name));
    match names.iter().find(|name| !listed(name)) {
        None => Check::ok(check, names.join(", ")),
        Some(name) => Check::fail(check, format!("this ffmpeg is built without {kind} {name}"), FULL_FFMPEG),
    }
}

fn model(settings: &Settings, interrupt: &AtomicBool) -> Result<Check, Failure> {
    const NAME: &str = "speech model";
    let transcription = &settings.transcription;
    let model = transcription.model.as_str();
    if !transcription.enabled {
        return Ok(Check::ok(NAME, "not needed: transcription.enabled is false"));
    }
    if is_model_path(model) {
        return Ok(if Path::new(model).is_file() {
            Check::ok(NAME, format!("{model} (a file of your own, its checksum is not known)"))
        } else {
            Check::fail(
                NAME,
                format!("{model} is not there"),
                "correct transcription.model, or name one of `streamliner model list`",
            )
        });
    }
    let store = ModelStore::new(settings.paths.models_dir.clone());
    let remedy = format!("streamliner model download {model}");
    Ok(match store.verify(model, interrupt) {
        Ok(ModelStatus::Verified) => Check::ok(NAME, format!("{model}, its checksum is right")),
        Ok(ModelStatus::Missing) => Check::warn(
            NAME,
            format!("{model} is not there; without it there are no captions and no keywords"),
            remedy,
        ),
        Ok(ModelStatus::Damaged) => Check::fail(NAME, format!("{model} is damaged"), remedy),
        Err(error @ transcribe::Error::Interrupted) => return Err(Failure::interrupted(error)),
        Err(error) => Check::fail(
            NAME,
            format!("{:#}", anyhow::Error::new(error)),
            "`streamliner model list` tells the names",
        ),
    })
}

/// Whether the folder, or the nearest one above that exists, can be written, and what is free there.
fn folder(name: &'static str, path: &Path, key: &str) -> Check {
    let place = nearest_existing(path);
    let other = format!("make it writable, or set {key} to another folder");
    if !place.is_dir() {
        return Check::fail(name, format!("{} is not a folder", place.display()), other);
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(&place) {
        return Check::fail(name, format!("{} cannot be written: {error}", place.display()), other);
    }
    let space = match fs4::available_space(&place) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Check::warn(
                name,
                format!("{}: the free space is not known: {error}", path.display()),
                other,
            );
        }
    };
    let detail = format!("{}, {} free", path.display(), indicatif::DecimalBytes(space));
    let more = format!("free some, or set {key} to a folder on another disk");
    match space {
        0..SPACE_FOR_A_CLIP => Check::fail(name, detail, more),
        SPACE_FOR_A_CLIP..SPACE_FOR_WORK => Check::warn(name, detail, more),
        SPACE_FOR_WORK.. => Check::ok(name, detail),
    }
}

fn nearest_existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&absolute).to_owned()
}
