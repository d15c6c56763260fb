//! `streamliner model`.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::anyhow;
use clap::Subcommand;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;
use transcribe::{DownloadProgress, Error, ModelStatus, ModelStore};

use crate::args::{Global, OutputFormat};
use crate::config::{Config, Settings, is_model_path};
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// What to do with speech models.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the models that there are, and which of them are here.
    List {
        /// How to write it.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: OutputFormat,
    },
    /// Download a model; one that was cut off goes on where it stopped.
    Download {
        /// Which one; without a name, that of the configuration.
        name: Option<String>,
        /// Where to download from, in place of the configured address.
        #[arg(long, value_name = "URL", hide = true)]
        base_url: Option<String>,
    },
    /// Compare models with their published checksums.
    Verify {
        /// Which one; without a name, all that are here.
        name: Option<String>,
    },
    /// Print where a model lies.
    Path {
        /// Which one; without a name, that of the configuration.
        name: Option<String>,
    },
}

/// Does it.
pub(crate) fn run(command: &Command, global: &Global) -> Result<Exit, Failure> {
    let config = Config::load(&global.sources()).map_err(|problems| Failure::of_configuration(&problems))?;
    let settings = &config.settings;
    let store = ModelStore::new(settings.paths.models_dir.clone());
    match command {
        Command::List { format } => list(&store, *format),
        Command::Download { name, base_url } => {
            let name = chosen(name.as_deref(), settings)?;
            let base_url = base_url.as_deref().unwrap_or(&settings.transcription.download_base);
            download(&store, name, base_url, global.quiet)
        }
        Command::Verify { name } => verify(&store, name.as_deref()),
        Command::Path { name } => path(&store, chosen(name.as_deref(), settings)?),
    }
}

/// The model that was named, else that of the configuration.
fn chosen<'a>(name: Option<&'a str>, settings: &'a Settings) -> Result<&'a str, Failure> {
    let configured = settings.transcription.model.as_str();
    match name {
        Some(name) => Ok(name),
        None if is_model_path(configured) => Err(Failure::cannot(anyhow!(
            "transcription.model is a file, {configured}, and no name of the list"
        ))
        .hint("name a model of `streamliner model list`")),
        None => Ok(configured),
    }
}

/// A model as `model list --format json` has it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    size_mib: u64,
    multilingual: bool,
    installed: bool,
}

fn list(store: &ModelStore, format: OutputFormat) -> Result<Exit, Failure> {
    let installed = store.installed();
    let models: Vec<Listed<'_>> = store
        .catalogue()
        .entries()
        .iter()
        .map(|entry| Listed {
            name: &entry.name,
            size_mib: entry.mebibytes,
            multilingual: entry.is_multilingual(),
            installed: installed.contains(&entry),
        })
        .collect();
    match format {
        OutputFormat::Json => output::json(&models)?,
        OutputFormat::Text => {
            let mut text = format!("{:<22}{:>9}  {:<13}{}\n", "NAME", "SIZE", "LANGUAGES", "HERE");
            for Listed { name, size_mib, multilingual, installed } in models {
                let languages = if multilingual { "many" } else { "English" };
                let here = if installed { "yes" } else { "no" };
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{name:<22}{size_mib:>5} MiB  {languages:<13}{here}");
            }
            output::data(text)?;
        }
    }
    Ok(Exit::Done)
}

fn download(store: &ModelStore, name: &str, base_url: &str, quiet: bool) -> Result<Exit, Failure> {
    let interrupt = interrupt::watch()?;
    let mut shown = Shown::new(name, quiet);
    let path = store
        .download(name, base_url, &interrupt, &mut |progress| shown.update(progress))
        .map_err(|error| failure(error, name))?;
    shown.finish();
    output::data(format_args!("{}\n", path.display()))?;
    Ok(Exit::Done)
}

fn verify(store: &ModelStore, name: Option<&str>) -> Result<Exit, Failure> {
    let interrupt = interrupt::watch()?;
    let names: Vec<&str> = match name {
        Some(name) => vec![name],
        None => store.installed().iter().map(|entry| entry.name.as_str()).collect(),
    };
    if names.is_empty() {
        output::notice(format_args!(
            "no model in {}; `streamliner model download` fetches one",
            store.directory().display()
        ));
    }
    let mut bad = Vec::new();
    for name in names {
        let (word, is_bad) = described(check(store, name, &interrupt)?);
        output::data(format_args!("{name}: {word}\n"))?;
        if is_bad {
            bad.push(name);
        }
    }
    match bad.as_slice() {
        [] => Ok(Exit::Done),
        [first, ..] => Err(Failure::failed(anyhow!("not whole: {}", bad.join(", ")))
            .hint(format_args!("streamliner model download {first}"))),
    }
}

fn described(status: ModelStatus) -> (&'static str, bool) {
    match status {
        ModelStatus::Verified => ("ok", false),
        ModelStatus::Damaged => ("damaged: not the published file", true),
        ModelStatus::Missing => ("missing", true),
    }
}

fn check(store: &ModelStore, name: &str, interrupt: &AtomicBool) -> Result<ModelStatus, Failure> {
    store.verify(name, interrupt).map_err(|error| failure(error, name))
}

fn path(store: &ModelStore, name: &str) -> Result<Exit, Failure> {
    let path = store.path(name).map_err(|error| failure(error, name))?;
    if !path.is_file() {
        return Err(Failure::cannot(anyhow!("{} is not there", path.display()))
            .hint(format_args!("streamliner model download {name}")));
    }
    output::data(format_args!("{}\n", absolute(&path).display()))?;
    Ok(Exit::Done)
}

fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn failure(error: Error, name: &str) -> Failure {
    match error {
        Error::Interrupted => {
            Failure::interrupted(error).hint("the same command goes on where this one stopped")
        }
        Error::UnknownModel { .. } => Failure::cannot(error).hint("`streamliner model list` tells the names"),
        Error::DownloadBroken { .. } => {
            Failure::failed(error).hint(format_args!("try again: streamliner model download {name}"))
        }
        error => Failure::failed(error),
    }
}

/// The progress of a download: a bar on a terminal, a line for each tenth elsewhere.
struct Shown {
    bar: ProgressBar,
    name: String,
    quiet: bool,
    tenth: u64,
}

impl Shown {
    fn new(name: &str, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::no_length() };
        // The template is fixed; a test of the binary would show a wrong one.
        if let Ok(style) = ProgressStyle::with_template(
            "{prefix} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
        ) {
            bar.set_style(style);
        }
        bar.set_prefix(name.to_owned());
        Self { bar, name: name.to_owned(), quiet, tenth: 0 }
    }

    fn update(&mut self, DownloadProgress { received, total }: DownloadProgress) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_position(received);
        let tenth = total.filter(|total| *total > 0).map_or(0, |total| received.saturating_mul(10) / total);
        if self.bar.is_hidden() && !self.quiet && tenth > self.tenth {
            self.tenth = tenth;
            output::notice(format_args!("{}: {}0 %, {}", self.name, tenth, HumanBytes(received)));
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
