//! What values a key accepts, and how they are written.

use std::fmt;

use jiff::tz::TimeZone;
use pipeline::CAPTION_VARIABLES;
use pipeline::publishing::Hours;
use toml::Value;
use transcribe::Catalogue;
use url::Url;

use super::suggest::nearest;

/// What a key accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number, both ends included.
    Integer {
        /// Least.
        min: i64,
        /// Greatest.
        max: i64,
    },
    /// A number, both ends included.
    Number {
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
    },
    /// One of a few words; those made of digits are written as numbers.
    Choice(&'static [&'static str]),
    /// A list of some of these words.
    Choices(&'static [&'static str]),
    /// An address to listen on, with its port.
    Socket,
    /// A channel of Kick.
    Slug,
    /// A file or folder. A relative one in a file is meant from the folder of that file.
    Path,
    /// A program: a path, or a bare name to look for in PATH.
    Program,
    /// A model: a name of the catalogue, or a path of a file.
    Model,
    /// A colour, `#RRGGBB`.
    Color,
    /// An address with one of these schemes, which paths are put behind: without a slash at its end.
    Address(&'static [&'static str]),
    /// An address with one of these schemes that somebody else compares to the letter.
    ExactAddress(&'static [&'static str]),
    /// An ISO 639 language code; `auto` too where the flag says so.
    Language {
        /// Whether `auto` is accepted.
        auto: bool,
    },
    /// A list of ISO 639 language codes.
    Languages,
    /// A list of phrases.
    Phrases,
    /// A table from phrases to numbers within these ends.
    Weights {
        /// Least.
        min: f64,
        /// Greatest.
        max: f64,
    },
    /// A minijinja template of the text that goes with a clip.
    Template,
    /// A list of spans of hours.
    Hours,
    /// A time zone, by its name.
    TimeZone,
    /// A list of hashtags, written without their sign.
    Hashtags,
    /// Any text that is not empty.
    Text,
}

impl fmt::Display for Kind {
    /// What is accepted, to follow the words "must be".
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => formatter.write_str("true or false"),
            Self::Integer { min, max } => write!(formatter, "a whole number from {min} to {max}"),
            Self::Number { min, max } => write!(formatter, "a number from {min} to {max}"),
            Self::Choice(options) => {
                let quoted: Vec<String> =
                    options.iter().map(|option| choice_value(option).to_string()).collect();
                write!(formatter, "one of {}", quoted.join(", "))
            }
            Self::Choices(options) => write!(formatter, "a list of {}", options.join(", ")),
            Self::Socket => formatter.write_str("an address and a port, as in \"127.0.0.1:8787\""),
            Self::Slug => formatter.write_str(
                "the last part of a channel's address on Kick: letters, digits, - and _, at most 25",
            ),
            Self::Path => formatter.write_str("a path"),
            Self::Program => formatter.write_str("a path of a program, or its name in PATH"),
            Self::Model => formatter
                .write_str("the name of a model (`streamliner model list`) or a path of a model file"),
            Self::Color => formatter.write_str("a colour as \"#RRGGBB\""),
            Self::Address(schemes) | Self::ExactAddress(schemes) => {
                write!(formatter, "an address that starts with {}://", schemes.join(":// or "))
            }
            Self::Language { auto: true } => {
                formatter.write_str("\"auto\" or a language code of two or three letters")
            }
            Self::Language { auto: false } => formatter.write_str("a language code of two or three letters"),
            Self::Languages => formatter.write_str("a list of language codes of two or three letters"),
            Self::Phrases => formatter.write_str("a list of phrases"),
            Self::Weights { min, max } => {
                write!(formatter, "a table from phrases to weights from {min} to {max}")
            }
            Self::Template => formatter.write_str("a template, in the syntax of Jinja"),
            Self::Hours => formatter.write_str("a list of spans of hours such as \"18:00-23:30\""),
            Self::TimeZone => formatter.write_str("the name of a time zone such as \"Europe/Berlin\""),
            Self::Hashtags => {
                formatter.write_str("a list of hashtags without their sign: letters, digits and _")
            }
            Self::Text => formatter.write_str("a text that is not empty"),
        }
    }
}

impl Kind {
    /// The value in its one canonical form, or what is wrong with it.
    pub(crate) fn check(&self, value: &Value) -> Result<Value, String> {
        let refuse = || Err(format!("must be {self}, not {}", described(value)));
        match (self, value) {
            (Self::Switch, Value::Boolean(_)) => Ok(value.clone()),
            (Self::Integer { min, max }, Value::Integer(number)) if (min..=max).contains(&number) => {
                Ok(value.clone())
            }
            (Self::Number { min, max }, Value::Integer(_) | Value::Float(_)) => match number_of(value) {
                Some(number) if (*min..=*max).contains(&number) => Ok(Value::Float(number)),
                _ => refuse(),
            },
            (Self::Choice(options), Value::String(_) | Value::Integer(_)) => {
                let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                options
                    .iter()
                    .find(|option| **option == written)
                    .map_or_else(refuse, |option| Ok(choice_value(option)))
            }
            (Self::Choices(options), Value::Array(items)) => each(items, |item| match item {
                Value::String(text) if options.contains(&text.as_str()) => Ok(()),
                _ => Err(format!("must be {self}; {} is none", described(item))),
            })
            .map(|()| value.clone()),
            (Self::Socket, Value::String(text)) if text.parse::<std::net::SocketAddr>().is_ok() => {
                Ok(value.clone())
            }
            (Self::Slug, Value::String(text)) if kick_client::is_slug(text) => {
                Ok(Value::String(text.to_lowercase()))
            }
            (Self::Path | Self::Program | Self::Model, Value::String(text))
                if text.is_empty() || text.contains('\0') =>
            {
                refuse()
            }
            (Self::Model, Value::String(model)) => check_model(model).map(|()| value.clone()),
            (Self::Path | Self::Program, Value::String(_)) => Ok(value.clone()),
            (Self::Color, Value::String(text)) if is_color(text) => {
                Ok(Value::String(text.to_ascii_uppercase()))
            }
            (Self::Address(schemes) | Self::ExactAddress(schemes), Value::String(text)) => {
                match Url::parse(text) {
                    Ok(address) if schemes.contains(&address.scheme()) && address.has_host() => {
                        let is_exact = matches!(self, Self::ExactAddress(_));
                        let text = if is_exact { text } else { text.trim_end_matches('/') };
                        Ok(Value::String(text.to_owned()))
                    }
                    Ok(_) => refuse(),
                    Err(error) => Err(format!("must be {self}, not {}: {error}", described(value))),
                }
            }
            (Self::Language { auto }, Value::String(text))
                if is_language(text) || (*auto && text == "auto") =>
            {
                Ok(value.clone())
            }
            (Self::Languages, Value::Array(items)) => each(items, |item| match item {
                Value::String(text) if is_language(text) => Ok(()),
                _ => Err(format!("must be {self}; {} is none", described(item))),
            })
            .map(|()| value.clone()),
            (Self::Phrases, Value::Array(items)) => each(items, |item| match item {
                Value::String(text) if !text.trim().is_empty() => Ok(()),
                _ => Err(format!("must be {self}; {} is none", described(item))),
            })
            .map(|()| value.clone()),
            (Self::Weights { min, max }, Value::Table(table)) => {
                let mut weights = toml::Table::new();
                for (phrase, weight) in table {
                    match number_of(weight) {
                        Some(number) if (*min..=*max).contains(&number) && !phrase.trim().is_empty() => {
                            weights.insert(phrase.clone(), Value::Float(number));
                        }
                        _ => return Err(format!("must be {self}, not {} for {phrase:?}", described(weight))),
                    }
                }
                Ok(Value::Table(weights))
            }
            (Self::Template, Value::String(text)) => check_template(text).map(|()| value.clone()),
            (Self::Hours, Value::Array(items)) => each(items, |item| match item {
                Value::String(text) if text.parse::<Hours>().is_ok() => Ok(()),
                _ => Err(format!("must be {self}; {} is none", described(item))),
            })
            .map(|()| value.clone()),
            (Self::TimeZone, Value::String(text)) if TimeZone::get(text).is_ok() => Ok(value.clone()),
            (Self::Hashtags, Value::Array(items)) => each(items, |item| match item {
                Value::String(text) if is_hashtag(text) => Ok(()),
                _ => Err(format!("must be {self}; {} is none", described(item))),
            })
            .map(|()| value.clone()),
            (Self::Text, Value::String(text)) if !text.trim().is_empty() => {
                Ok(Value::String(text.trim().to_owned()))
            }
            _ => refuse(),
        }
    }

    /// Reads what an environment variable or a flag says: plain text for one value, commas or a TOML list for several,
    /// a TOML inline table for weights.
    pub(crate) fn read(&self, text: &str) -> Result<Value, String> {
        let trimmed = text.trim();
        let value = match self {
            Self::Switch => trimmed.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Boolean),
            Self::Integer { .. } => {
                trimmed.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer)
            }
            Self::Number { .. } => {
                trimmed.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Float)
            }
            Self::Languages | Self::Phrases | Self::Choices(_) | Self::Hours | Self::Hashtags
                if !trimmed.starts_with('[') =>
            {
                Value::Array(
                    trimmed
                        .split(',')
                        .map(str::trim)
                        .filter(|part| !part.is_empty())
                        .map(|part| Value::String(part.to_owned()))
                        .collect(),
                )
            }
            Self::Languages
            | Self::Phrases
            | Self::Choices(_)
            | Self::Hours
            | Self::Hashtags
            | Self::Weights { .. } => inline(trimmed)
                .map_err(|error| format!("must be {self}, written as in TOML: {}", error.message().trim()))?,
            Self::Choice(_)
            | Self::Color
            | Self::Address(_)
            | Self::ExactAddress(_)
            | Self::Socket
            | Self::Slug
            | Self::TimeZone
            | Self::Text
            | Self::Language { .. } => Value::String(trimmed.to_owned()),
            Self::Path | Self::Program | Self::Model | Self::Template => Value::String(text.to_owned()),
        };
        self.check(&value)
    }
}

/// How a choice is written in TOML.
pub(crate) fn choice_value(option: &str) -> Value {
    option.parse().map_or_else(|_| Value::String(option.to_owned()), Value::Integer)
}

/// Whether a model is named by its path and not by its name in the catalogue.
pub(crate) fn is_model_path(model: &str) -> bool {
    model.contains(['/', '\\']) || model.ends_with(".bin")
}

fn each(items: &[Value], check: impl Fn(&Value) -> Result<(), String>) -> Result<(), String> {
    items.iter().try_for_each(check)
}

fn inline(text: &str) -> Result<Value, toml::de::Error> {
    let table: toml::Table = toml::from_str(&format!("value = {text}"))?;
    table
        .into_iter()
        .next()
        .map(|(_, value)| value)
        .ok_or_else(|| <toml::de::Error as serde::de::Error>::missing_field("value"))
}

fn number_of(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "every accepted range ends far below 2^53")]
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn is_color(text: &str) -> bool {
    /// Red, green and blue, two digits each.
    const DIGITS: usize = 6;
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == DIGITS && digits.chars().all(|digit| digit.is_ascii_hexdigit()))
}

fn is_language(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_lowercase())
}

fn check_model(model: &str) -> Result<(), String> {
    let catalogue = Catalogue::published();
    let names = || catalogue.entries().iter().map(|entry| entry.name.as_str());
    if is_model_path(model) || names().any(|name| name == model) {
        return Ok(());
    }
    let advice = nearest(model, names()).map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
    Err(format!("must be {}, not {model:?}{advice}", Kind::Model))
}

/// Letters of any language, digits and underscores: what ends a hashtag ends it here too.
fn is_hashtag(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn check_template(text: &str) -> Result<(), String> {
    let environment = minijinja::Environment::new();
    let template = environment.template_from_str(text).map_err(|error| {
        format!("is not a template that can be read: {}", error.detail().unwrap_or("bad syntax"))
    })?;
    let is_known = |name: &str| {
        CAPTION_VARIABLES.contains(&name) || environment.globals().any(|(global, _)| global == name)
    };
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|name| !is_known(name)).collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some(name) => {
            Err(format!("uses `{name}`, which is unknown; it may use {}", CAPTION_VARIABLES.join(", ")))
        }
    }
}

/// The value with its type, short enough for one line.
fn described(value: &Value) -> String {
    /// Longer values are cut for the message.
    const MAX_CHARS: usize = 60;
    let text = match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Integer(number) => format!("{number}"),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(switch) => format!("{switch}"),
        Value::Datetime(time) => format!("the time {time}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    };
    if text.chars().count() > MAX_CHARS {
        text.chars().take(MAX_CHARS).chain(['…']).collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::Kind;

    const CLIPS: Kind = Kind::Integer { min: 1, max: 100 };
    const SCORE: Kind = Kind::Number { min: 0.0, max: 1.0 };

    #[test]
    fn text_is_read_by_the_kind_of_the_key() {
        assert_eq!(CLIPS.read(" 7 ").unwrap(), Value::Integer(7));
        assert_eq!(SCORE.read("1").unwrap(), Value::Float(1.0));
        assert_eq!(Kind::Switch.read("false").unwrap(), Value::Boolean(false));
        assert_eq!(Kind::Choice(&["auto", "60"]).read("60").unwrap(), Value::Integer(60));
        assert_eq!(
            Kind::Languages.read("en, es").unwrap(),
            Kind::Languages.read("[\"en\", \"es\"]").unwrap()
        );
        let weights = Kind::Weights { min: -5.0, max: 5.0 };
        assert_eq!(weights.read("{ \"no way\" = 2, ad = -1.5 }").unwrap().as_table().unwrap().len(), 2);
    }

    #[test]
    fn what_is_refused_says_what_is_accepted() {
        for (kind, text, says) in [
            (CLIPS, "0", "a whole number from 1 to 100, not 0"),
            (CLIPS, "five", "not the text \"five\""),
            (SCORE, "nan", "a number from 0 to 1, not NaN"),
            (SCORE, "1.01", "not 1.01"),
            (Kind::Switch, "yes", "true or false"),
            (Kind::Choice(&["auto", "60"]), "50", "one of \"auto\", 60"),
            (Kind::Color, "#12345", "#RRGGBB"),
            (Kind::Address(&["https"]), "ftp://example.com", "https://"),
            (Kind::Address(&["https"]), "nonsense", "https://"),
            (Kind::Language { auto: false }, "auto", "language code"),
            (Kind::Languages, "en,english", "\"english\" is none"),
            (Kind::Weights { min: -5.0, max: 5.0 }, "{ wow = 9 }", "not 9 for \"wow\""),
            (Kind::Weights { min: -5.0, max: 5.0 }, "wow", "written as in TOML"),
            (Kind::Choices(&["kick", "command"]), "kick, twitch", "\"twitch\" is none"),
            (Kind::Socket, "8787", "127.0.0.1:8787"),
            (Kind::Slug, "kick.com/someone", "at most 25"),
            (Kind::Template, "{{ title", "template"),
            (Kind::Template, "{{ title }} by {{ author }}", "uses `author`, which is unknown"),
            (Kind::Hours, "18:00-23:00, noon", "\"noon\" is none"),
            (Kind::TimeZone, "Europe/Atlantis", "the name of a time zone"),
            (Kind::Hashtags, "clips, #gaming", "\"#gaming\" is none"),
            (Kind::Text, " ", "not empty"),
            (Kind::Path, "", "a path"),
            (Kind::Model, "bace", "did you mean \"base\"?"),
        ] {
            let message = kind.read(text).unwrap_err();
            assert!(message.contains(says), "{text:?} gave {message:?}");
        }
    }
}
