//! Finds the layers, reads them and lays them over one another.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy as _, AppStrategyArgs, choose_app_strategy};
use toml::Value;

use super::address::Address;
use super::kind::{Kind, is_model_path};
use super::secrets::Secrets;
use super::settings::Settings;
use super::table::Fallback;
use super::values::{Given, Values};
use super::{Origin, Problem, dotenv, environment, file};

/// The name of the configuration file, in the working directory or in the configuration folder of the user.
pub(crate) const FILE_NAME: &str = "streamliner.toml";
const DOTENV_NAME: &str = ".env";

/// Where to look, beside the places that are always looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file of `--config`; it must exist.
    pub(crate) file: Option<PathBuf>,
    /// What flags say, in their order.
    pub(crate) flags: Vec<Flag>,
}

/// A key set on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The flag as it is typed, for messages.
    pub(crate) flag: String,
    /// The dotted name of the key.
    pub(crate) key: String,
    /// The value as text, read as one of an environment variable is.
    pub(crate) value: String,
}

/// A configuration without problems.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What holds.
    pub(crate) settings: Settings,
    /// What holds, with where it came from.
    pub(crate) values: Values,
    /// The secrets that are set.
    pub(crate) secrets: Secrets,
    /// The file that was read, if there is one.
    pub(crate) file: Option<PathBuf>,
}

impl Config {
    /// Reads every layer; all the problems of all layers if there are any.
    pub(crate) fn load(sources: &Sources) -> Result<Self, Vec<Problem>> {
        match Self::load_what_is_right(sources) {
            (Some(config), problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(problems),
        }
    }

    /// Reads every layer and leaves out what is wrong, for the one command that goes on then (`doctor`).
    pub(crate) fn load_what_is_right(sources: &Sources) -> (Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut secrets = Secrets::default();
        let mut layers = Vec::new();

        let file = find_file(sources, &mut problems);
        if let Some(path) = &file
            && let Some(text) =
                read_text(path, |line| Origin::File { path: path.clone(), line }, &mut problems)
        {
            let (given, mut found) = file::read(&text, path);
            let folder = path.parent().unwrap_or(Path::new(""));
            layers.extend(given.into_iter().map(|given| located(given, folder)));
            problems.append(&mut found);
        }

        let dotenv_path = Path::new(DOTENV_NAME);
        let mut variables = Vec::new();
        if dotenv_path.is_file()
            && let Some(text) = read_text(
                dotenv_path,
                |line| Origin::DotEnv { path: dotenv_path.to_owned(), line },
                &mut problems,
            )
        {
            let (found, mut wrong) = dotenv::read(&text, dotenv_path);
            variables.push(found);
            problems.append(&mut wrong);
        }
        let (found, mut wrong) = environment::of_process();
        variables.push(found);
        problems.append(&mut wrong);
        for layer in variables {
            let (given, mut wrong) = environment::read(&layer, &mut secrets);
            layers.extend(given.into_iter().map(|given| located(given, Path::new(""))));
            problems.append(&mut wrong);
        }

        for Flag { flag, key, value } in &sources.flags {
            let origin = Origin::Flag { flag: flag.clone() };
            let given = Address::of_dotted(key).and_then(|address| {
                Ok(Given { value: address.key.kind.read(value)?, address, origin: origin.clone() })
            });
            match given {
                Ok(given) => layers.push(located(given, Path::new(""))),
                Err(message) => problems.push(Problem::new(origin, key, message)),
            }
        }

        let values = merge(layers, &mut problems);
        problems.extend(contradictions(&values));
        problems.sort();
        match values.to_table().try_into() {
            Ok(settings) => (Some(Self { settings, values, secrets, file }), problems),
            Err(error) => {
                // The table checks every value first, so this is a slip in `Settings`; a test would find it.
                problems.push(Problem::new(Origin::Default, "", error.to_string()));
                (None, problems)
            }
        }
    }

    /// The configuration as it holds for one streamer: `[streamers.NAME]` laid over the rest.
    pub(crate) fn for_streamer(&self, name: &str) -> Self {
        let values = self.values.for_streamer(name);
        // What was read once is read again, with values of the same kinds.
        let settings = values.to_table().try_into().unwrap_or_else(|_| self.settings.clone());
        Self { settings, values, secrets: self.secrets.clone(), file: self.file.clone() }
    }
}

/// The file that is to be read: that of the flag, else that of the working directory, else that of the user.
fn find_file(sources: &Sources, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    if let Some(path) = &sources.file {
        if path.is_file() {
            return Some(path.clone());
        }
        let message = if path.exists() {
            "is not a file"
        } else {
            "there is no such file; `streamliner config init` writes one"
        };
        problems.push(Problem::new(
            Origin::Flag { flag: "--config".to_owned() },
            path.display().to_string(),
            message,
        ));
        return None;
    }
    let beside = PathBuf::from(FILE_NAME);
    if beside.is_file() {
        return Some(beside);
    }
    user_folders().map(|folders| folders.in_config_dir(FILE_NAME)).filter(|path| path.is_file())
}

fn user_folders() -> Option<impl etcetera::AppStrategy> {
    choose_app_strategy(AppStrategyArgs {
        top_level_domain: "org".to_owned(),
        author: "Streamliner".to_owned(),
        app_name: "streamliner".to_owned(),
    })
    .ok()
}

fn read_text(path: &Path, origin: impl Fn(usize) -> Origin, problems: &mut Vec<Problem>) -> Option<String> {
    let bytes = match fs_err::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(Problem::new(origin(1), "", error.to_string()));
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
            problems.push(Problem::new(origin(line), "", "this is not UTF-8 text"));
            None
        }
    }
}

/// Expands `~` and places a relative path in `folder`.
fn located(mut given: Given, folder: &Path) -> Given {
    if let Value::String(text) = &given.value {
        let is_path = match given.address.key.kind {
            Kind::Path => true,
            Kind::Program => text.contains(['/', '\\']),
            Kind::Model => is_model_path(text),
            _ => false,
        };
        if is_path {
            let home = text.strip_prefix("~/").and_then(|rest| Some(etcetera::home_dir().ok()?.join(rest)));
            let path = home.unwrap_or_else(|| folder.join(text));
            // Both parts were text.
            given.value = Value::String(path.to_string_lossy().into_owned());
        }
    }
    given
}

fn merge(layers: Vec<Given>, problems: &mut Vec<Problem>) -> Values {
    let own_data_dir = layers
        .iter()
        .rev()
        .find(|given| given.address.streamer.is_none() && given.address.key.name == "data_dir");
    let data_dir = match own_data_dir {
        Some(given) => given.value.as_str().map(PathBuf::from),
        None => user_folders().map(|folders| folders.data_dir()),
    };
    if data_dir.is_none() {
        let message = "the home directory is not known; set this key to a folder that can be written";
        problems.push(Problem::new(Origin::Default, "paths.data_dir", message));
    }
    let data_dir = data_dir.unwrap_or_default();
    let text = |path: &Path| Some(Value::String(path.to_string_lossy().into_owned()));
    let mut values = Values::new(|address| match address.key.default {
        Fallback::Value(toml) => parsed(toml),
        Fallback::Unset { .. } => None,
        Fallback::UserData { .. } => text(&data_dir),
        Fallback::InDataDir { folder, .. } => text(&data_dir.join(folder)),
    });
    for given in layers {
        values.set(given);
    }
    values
}

/// A default of the table; a test of the table parses them all.
fn parsed(toml: &str) -> Option<Value> {
    toml::from_str::<toml::Table>(&format!("value = {toml}")).ok()?.remove("value")
}

/// Values that are right alone and wrong together.
fn contradictions(values: &Values) -> Option<Problem> {
    let least = values.entry("detection", "clip_min_s")?;
    let most = values.entry("detection", "clip_max_s")?;
    let (shortest, longest) = (least.value.as_ref()?.as_float()?, most.value.as_ref()?.as_float()?);
    if shortest <= longest {
        return None;
    }
    // The one that was set last is the likelier slip.
    let (entry, message) = if least.origin > most.origin {
        (least, format!("must be at most detection.clip_max_s, which is {longest}, not {shortest}"))
    } else {
        (most, format!("must be at least detection.clip_min_s, which is {shortest}, not {longest}"))
    };
    Some(Problem::new(entry.origin.clone(), entry.address.to_string(), message))
}
