//! The configuration: defaults, then `streamliner.toml`, then `.env`, then `STREAMLINER__SECTION__KEY`, then flags.
//!
//! [`table`] is the one place that knows the keys. Reading, checking, `config init`, `config show` and
//! docs/configuration.md all come from it, so they cannot disagree.
//!
//! The layers are merged here and not by the `config` or `figment` crates: neither keeps the line of a value in a
//! file, both stop at the first problem, and `config` folds the case of keys. What is left is small: `toml` gives the
//! spans, `dotenvy` reads `.env`, serde types the result.

mod address;
mod document;
mod dotenv;
mod environment;
mod file;
mod kind;
mod load;
mod origin;
mod problem;
mod secrets;
mod settings;
mod suggest;
mod table;
mod values;

pub(crate) use document::{reference_page, starter_file};
pub(crate) use kind::is_model_path;
pub(crate) use load::{Config, FILE_NAME, Flag, Sources};
pub(crate) use origin::Origin;
pub(crate) use problem::Problem;
pub(crate) use secrets::SECRETS;
pub(crate) use settings::{
    EncoderName, FramesPerSecond, Layout, NoticeName, Quality, Rank, Resolver, Settings, StorageKind,
    TargetName, TikTokEnvironment, TikTokMode,
};
pub(crate) use values::Entry;
