//! The starter file of `config init` and the page docs/configuration.md, both written from the table.

use std::fmt::Write as _;

use super::address::Address;
use super::environment::variable_name;
use super::secrets::SECRETS;
use super::table::{Fallback, KEYS, Key, SECTIONS, STREAMER_KEYS, STREAMERS, Section};

/// A configuration file with every key, each commented out and at its default.
pub(crate) fn starter_file() -> String {
    let mut text = String::from(
        "# Configuration of streamliner.\n\
         # Every key stands here at its default; take away the # in front of one to change it.\n\
         # Then come, each winning over what stands before: .env, STREAMLINER__SECTION__KEY, --set and other flags.\n\
         # Secrets do not stand here: set KICK_CLIENT_SECRET and the like in the environment or in .env.\n\
         # `streamliner config check` finds mistakes, `streamliner config show` tells what holds and why.\n",
    );
    for section in SECTIONS {
        let header = if section.name == STREAMERS {
            format!("#[{STREAMERS}.NAME]")
        } else {
            format!("[{}]", section.name)
        };
        push(&mut text, format_args!("\n# {}\n{header}\n", section.about));
        for key in keys_of(section) {
            push(&mut text, format_args!("# {} Accepts {}.\n", key.about, key.kind));
            if let Fallback::Unset { meaning, .. } = key.default {
                push(&mut text, format_args!("# Unset: {meaning}. For example:\n"));
            }
            push(&mut text, format_args!("#{} = {}\n", key.name, example(key)));
        }
    }
    text
}

/// The page docs/configuration.md.
pub(crate) fn reference_page() -> String {
    let mut text = String::from(
        "<!-- Written by `streamliner config docs`; a test compares. Change crates/streamliner-cli/src/config/table.rs instead. -->\n\n\
         # Configuration\n\n\
         Later wins: the defaults below, `streamliner.toml` (of `--config`, else of the working directory, else of the\n\
         configuration folder of the user, `~/.config/streamliner/` on Linux), `.env` in the working directory, environment\n\
         variables, flags. `--set SECTION.KEY=VALUE` sets any key for one run.\n\n\
         Unknown keys, wrong types and values out of range stop the start, with the file and line. `streamliner config init`\n\
         writes a file with every key, `streamliner config check` tells all that is wrong with one, `streamliner config show`\n\
         tells what holds and where it came from.\n\n\
         * The variable of a key is `STREAMLINER__SECTION__KEY` in capitals, as in `STREAMLINER__RENDER__FPS=30`, and\n  \
         `STREAMLINER__STREAMERS__NAME__KEY` for a streamer. An empty variable counts as none.\n\
         * In a variable or flag, a list is written with commas (`en,es`) or as in TOML, a table as in TOML\n  \
         (`{ \"no way\" = 2.0 }`).\n\
         * A relative path in `streamliner.toml` is meant from the folder of that file, elsewhere from the working directory.\n  \
         `~/` is the home directory.\n\
         * A list or table replaces that of an earlier layer; only `[streamers.NAME]` adds to the lists of `[detection]`.\n",
    );
    for section in SECTIONS {
        let name = if section.name == STREAMERS { "streamers.NAME" } else { section.name };
        push(&mut text, format_args!("\n## `[{name}]`\n\n{}\n\n", section.about));
        text.push_str("| key | accepts | default | what it does |\n|---|---|---|---|\n");
        for key in keys_of(section) {
            push(
                &mut text,
                format_args!(
                    "| `{}` | {} | {} | {} |\n",
                    key.name,
                    cell(&key.kind.to_string()),
                    cell(&default(key)),
                    cell(key.about)
                ),
            );
        }
    }
    text.push_str(
        "\n## Secrets\n\n\
         Read from the environment and from `.env` only, never from `streamliner.toml`, and never shown.\n\
         No command asks for one that it does not use.\n\n\
         | variable | for |\n|---|---|\n",
    );
    for (name, about) in SECRETS {
        push(&mut text, format_args!("| `{name}` | {about} |\n"));
    }
    if let Some(key) = KEYS.first() {
        let variable = variable_name(&Address { streamer: None, key });
        push(
            &mut text,
            format_args!("\nAn example of a variable: `{variable}` sets `{}.{}`.\n", key.section, key.name),
        );
    }
    text
}

fn keys_of(section: &Section) -> Vec<&'static Key> {
    if section.name == STREAMERS {
        return STREAMER_KEYS.iter().collect();
    }
    KEYS.iter().filter(|key| key.section == section.name).collect()
}

fn example(key: &Key) -> &'static str {
    let (Fallback::Value(toml)
    | Fallback::Unset { example: toml, .. }
    | Fallback::UserData { example: toml }
    | Fallback::InDataDir { example: toml, .. }) = key.default;
    toml
}

fn default(key: &Key) -> String {
    match key.default {
        Fallback::Value(toml) => format!("`{toml}`"),
        Fallback::Unset { meaning, .. } => meaning.to_owned(),
        Fallback::UserData { example } => format!("the data folder of the user, `{example}` on Linux"),
        Fallback::InDataDir { folder, .. } => format!("`{folder}` in `paths.data_dir`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}
