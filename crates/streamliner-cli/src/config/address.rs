//! Which key is meant.

use std::fmt;

use super::suggest::nearest;
use super::table::{KEYS, Key, SECTIONS, STREAMER_KEYS, STREAMERS};

/// A key of the table, for everyone or for one streamer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Address {
    /// The streamer of `[streamers.NAME]`, in lower case, because Kick's names have no case.
    pub(crate) streamer: Option<String>,
    /// The key.
    pub(crate) key: &'static Key,
}

impl Address {
    /// The key `name` of `[section]`, or what is wrong with that.
    pub(crate) fn of_key(section: &str, name: &str) -> Result<Self, String> {
        if let Some(key) = KEYS.iter().find(|key| key.section == section && key.name == name) {
            return Ok(Self { streamer: None, key });
        }
        if !is_section(section) {
            return Err(unknown_section(section));
        }
        let siblings = KEYS.iter().filter(|key| key.section == section).map(|key| key.name);
        if let Some(near) = nearest(name, siblings.clone()) {
            return Err(format!("unknown key; did you mean `{near}`?"));
        }
        if let Some(key) = KEYS.iter().find(|key| key.name == name) {
            return Err(format!("unknown key here; `{name}` belongs to [{}]", key.section));
        }
        Err(format!("unknown key; [{section}] knows {}", siblings.collect::<Vec<_>>().join(", ")))
    }

    /// The key `name` of `[streamers.STREAMER]`, or what is wrong with that.
    pub(crate) fn of_streamer(streamer: &str, name: &str) -> Result<Self, String> {
        let streamer = streamer.to_lowercase();
        streamer.parse::<timeline::StreamerName>().map_err(|error| error.to_string())?;
        if let Some(key) = STREAMER_KEYS.iter().find(|key| key.name == name) {
            return Ok(Self { streamer: Some(streamer), key });
        }
        let known = STREAMER_KEYS.iter().map(|key| key.name);
        Err(match nearest(name, known.clone()) {
            Some(near) => format!("unknown key; did you mean `{near}`?"),
            None => format!("unknown key; a streamer can have {}", known.collect::<Vec<_>>().join(", ")),
        })
    }

    /// From its dotted name (`render.fps`, `streamers.NAME.style`), or what is wrong with that.
    pub(crate) fn of_dotted(dotted: &str) -> Result<Self, String> {
        let Some((section, rest)) = dotted.split_once('.') else {
            return Err(lone_name(dotted));
        };
        if section == STREAMERS {
            // A streamer's name may hold dots itself; the names of keys do not.
            return match rest.rsplit_once('.') {
                Some((streamer, name)) => Self::of_streamer(streamer.trim_matches('"'), name),
                None => Err(format!("name a key of the streamer, as in streamers.{rest}.max_clips")),
            };
        }
        Self::of_key(section, rest)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.streamer {
            None => write!(formatter, "{}.{}", self.key.section, self.key.name),
            Some(streamer) if is_bare(streamer) => {
                write!(formatter, "{STREAMERS}.{streamer}.{}", self.key.name)
            }
            Some(streamer) => write!(formatter, "{STREAMERS}.\"{streamer}\".{}", self.key.name),
        }
    }
}

/// What to say about a name without a section.
pub(crate) fn lone_name(name: &str) -> String {
    match KEYS.iter().find(|key| key.name == name) {
        Some(key) => format!("a key stands in a section; `{name}` belongs to [{}]", key.section),
        None => unknown_section(name),
    }
}

/// What to say about a section that does not exist.
pub(crate) fn unknown_section(name: &str) -> String {
    let known = SECTIONS.iter().map(|section| section.name);
    match nearest(name, known.clone()) {
        Some(near) => format!("unknown section; did you mean [{near}]?"),
        None => format!("unknown section; known are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// Whether `[name]` holds keys of its own; `[streamers]` does not.
pub(crate) fn is_section(name: &str) -> bool {
    name != STREAMERS && SECTIONS.iter().any(|section| section.name == name)
}

/// Whether TOML takes the text as a key without quotes.
pub(crate) fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn dotted_names_lead_to_keys_and_back() {
        for dotted in ["render.fps", "streamers.ana.max_clips", "streamers.\"a.b\".style"] {
            assert_eq!(Address::of_dotted(dotted).unwrap().to_string(), dotted);
        }
        assert_eq!(Address::of_dotted("streamers.ANA.style").unwrap().to_string(), "streamers.ana.style");
    }

    #[test]
    fn a_wrong_name_says_which_is_right() {
        assert!(Address::of_dotted("render.fsp").unwrap_err().contains("`fps`"));
        assert!(Address::of_dotted("detection.fps").unwrap_err().contains("belongs to [render]"));
        assert!(Address::of_dotted("max_clips").unwrap_err().contains("belongs to [detection]"));
        assert!(Address::of_dotted("detecton.max_clips").unwrap_err().contains("[detection]"));
        assert!(Address::of_dotted("streamers.ana").unwrap_err().contains("streamers.ana.max_clips"));
        assert!(Address::of_dotted("streamers.-x.style").unwrap_err().contains("streamer's name"));
    }
}
