//! `streamliner config`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, ValueHint};
use serde::Serialize;

use crate::args::{Global, OutputFormat};
use crate::config::{Config, Entry, FILE_NAME, Origin, SECRETS, Sources, reference_page, starter_file};
use crate::exit::{Exit, Failure};
use crate::output;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a file with every key, commented out and at its default.
    Init {
        /// Where to write it.
        #[arg(default_value = FILE_NAME, value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Replace a file that is there.
        #[arg(long)]
        force: bool,
    },
    /// Tell what holds for every key, and where it came from.
    Show {
        /// As it holds for this streamer.
        #[arg(long, value_name = "NAME")]
        streamer: Option<String>,
        /// How to write it.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: OutputFormat,
    },
    /// Tell all that is wrong with the configuration.
    Check {
        /// The file to check, in place of the one that would be used.
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print docs/configuration.md.
    #[command(hide = true)]
    Docs,
}

/// Does it.
pub(crate) fn run(command: &Command, global: &Global) -> Result<Exit, Failure> {
    match command {
        Command::Init { file, force } => init(file, *force, global),
        Command::Show { streamer, format } => show(&global.sources(), streamer.as_deref(), *format),
        Command::Check { file } => {
            let sources = global.sources();
            check(&Sources { file: file.clone().or(sources.file), flags: sources.flags })
        }
        Command::Docs => output::data(reference_page()).map(|()| Exit::Done),
    }
}

fn init(file: &Path, force: bool, global: &Global) -> Result<Exit, Failure> {
    if file.is_dir() {
        return Err(Failure::cannot(anyhow!("{} is a folder", file.display())).hint("name the file to write"));
    }
    let folder = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let write = || -> anyhow::Result<tempfile::NamedTempFile> {
        let mut staged = tempfile::NamedTempFile::new_in(folder)?;
        staged.write_all(starter_file().as_bytes())?;
        staged.as_file().sync_all()?;
        Ok(staged)
    };
    let staged =
        write().with_context(|| format!("cannot write {}", file.display())).map_err(Failure::failed)?;
    let kept = if force { staged.persist(file) } else { staged.persist_noclobber(file) };
    match kept {
        Ok(_) => {
            if !global.quiet {
                output::notice(format_args!("wrote {}", file.display()));
            }
            Ok(Exit::Done)
        }
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Failure::cannot(anyhow!("{} is there already", file.display()))
                .hint("replace it with --force"))
        }
        Err(error) => Err(Failure::failed(
            anyhow::Error::new(error.error).context(format!("cannot write {}", file.display())),
        )),
    }
}

fn check(sources: &Sources) -> Result<Exit, Failure> {
    let config = Config::load(sources).map_err(|problems| Failure::of_configuration(&problems))?;
    match config.file {
        Some(file) => output::data(format_args!("{}: ok\n", file.display()))?,
        None => output::data("ok, without a file\n")?,
    }
    Ok(Exit::Done)
}

fn show(sources: &Sources, streamer: Option<&str>, format: OutputFormat) -> Result<Exit, Failure> {
    let mut config = Config::load(sources).map_err(|problems| Failure::of_configuration(&problems))?;
    if let Some(streamer) = streamer {
        config = config.for_streamer(streamer);
    }
    match format {
        OutputFormat::Text => output::data(as_text(&config))?,
        OutputFormat::Json => output::json(&as_json(&config))?,
    }
    Ok(Exit::Done)
}

fn as_text(config: &Config) -> String {
    let value =
        |entry: &Entry| entry.value.as_ref().map_or_else(|| "(not set)".to_owned(), ToString::to_string);
    let mut rows: Vec<(String, String)> = config
        .values
        .entries()
        .iter()
        .map(|entry| (format!("{} = {}", entry.address, value(entry)), entry.origin.to_string()))
        .collect();
    rows.extend(SECRETS.iter().map(|(name, _)| match config.secrets.origin(name) {
        Some(origin) => (format!("{name}: set"), origin.to_string()),
        None => (format!("{name}: not set"), String::new()),
    }));
    let width = rows
        .iter()
        .map(|(left, _)| left.chars().count())
        .filter(|width| *width <= LONGEST_ALIGNED)
        .max()
        .unwrap_or(0);
    rows.iter().fold(String::new(), |mut text, (left, origin)| {
        // Writing to a String cannot fail.
        let _ = if origin.is_empty() {
            writeln!(text, "{left}")
        } else {
            writeln!(text, "{left:<width$}  # {origin}")
        };
        text
    })
}

/// Longer lines do not move the column of the origins, in characters.
const LONGEST_ALIGNED: usize = 72;

/// `config show --format json`.
#[derive(Serialize)]
struct Shown<'a> {
    file: Option<&'a Path>,
    values: Vec<ShownValue<'a>>,
    secrets: Vec<ShownSecret<'a>>,
}

#[derive(Serialize)]
struct ShownValue<'a> {
    key: String,
    value: Option<&'a toml::Value>,
    origin: &'a Origin,
}

#[derive(Serialize)]
struct ShownSecret<'a> {
    name: &'a str,
    set: bool,
    origin: Option<&'a Origin>,
}

fn as_json<'a>(config: &'a Config) -> Shown<'a> {
    let value = |entry: &'a Entry| ShownValue {
        key: entry.address.to_string(),
        value: entry.value.as_ref(),
        origin: &entry.origin,
    };
    let secret = |(name, _): &(&'a str, &str)| {
        let origin = config.secrets.origin(name);
        ShownSecret { name, set: origin.is_some(), origin }
    };
    Shown {
        file: config.file.as_deref(),
        values: config.values.entries().iter().map(value).collect(),
        secrets: SECRETS.iter().map(secret).collect(),
    }
}
