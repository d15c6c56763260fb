//! Reads `streamliner.toml`.

use std::ops::Range;
use std::path::Path;

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Value};

use super::address::{Address, is_bare, is_section, lone_name, unknown_section};
use super::secrets::SECRETS;
use super::table::STREAMERS;
use super::values::Given;
use super::{Origin, Problem};

/// Reads all that can be read of the text; what cannot be is in the problems.
pub(crate) fn read(text: &str, path: &Path) -> (Vec<Given>, Vec<Problem>) {
    let mut reader = Reader { text, path, given: Vec::new(), problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        reader.refuse(&span, "", &format!("this is not TOML: {}", error.message().replace('\n', ", ")));
    }
    // A syntax error can make the parser see keys that are not there, so the keys are judged in sound files only.
    if reader.problems.is_empty() {
        reader.sections(table.get_ref());
    }
    (reader.given, reader.problems)
}

/// What is read, and what of.
struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    given: Vec<Given>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn sections(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let section = name.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(keys) if section == STREAMERS => self.streamers(keys),
                DeValue::Table(keys) if is_section(section) => {
                    self.keys(keys, section, |name| Address::of_key(section, name));
                }
                DeValue::Table(_) => self.refuse(&name.span(), section, &unknown_section(section)),
                _ if is_section(section) || section == STREAMERS => {
                    self.refuse(
                        &name.span(),
                        section,
                        &format!("must be a section, [{section}], not a value"),
                    );
                }
                _ => self.refuse(&name.span(), section, &lone_name(section)),
            }
        }
    }

    fn streamers(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let streamer = name.get_ref().as_ref();
            let dotted = format!("{STREAMERS}.{}", quoted(streamer));
            if let DeValue::Table(keys) = value.get_ref() {
                if keys.is_empty() {
                    self.name_alone(streamer, &dotted, &name.span());
                }
                self.keys(keys, &dotted, |name| Address::of_streamer(streamer, name));
            } else {
                let message = format!("must be a section, [{dotted}], not a value");
                self.refuse(&name.span(), &dotted, &message);
            }
        }
    }

    /// A section without keys says that there is such a streamer, to be watched.
    fn name_alone(&mut self, streamer: &str, dotted: &str, span: &Range<usize>) {
        match Address::of_streamer(streamer, "watch") {
            Ok(address) => {
                self.given.push(Given { value: Value::Boolean(true), address, origin: self.origin(span) });
            }
            Err(message) => self.refuse(span, dotted, &message),
        }
    }

    fn keys(
        &mut self,
        table: &DeTable<'_>,
        section: &str,
        address: impl Fn(&str) -> Result<Address, String>,
    ) {
        for (name, value) in table {
            let checked = address(name.get_ref()).and_then(|address| {
                let value = plain(value)?;
                Ok(Given {
                    value: address.key.kind.check(&value)?,
                    address,
                    origin: self.origin(&name.span()),
                })
            });
            match checked {
                Ok(given) => self.given.push(given),
                Err(message) => {
                    let message = secret_advice(section, name.get_ref()).unwrap_or(message);
                    self.refuse(&name.span(), &format!("{section}.{}", quoted(name.get_ref())), &message);
                }
            }
        }
    }

    fn refuse(&mut self, span: &Range<usize>, key: &str, message: &str) {
        self.problems.push(Problem::new(self.origin(span), key, message));
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File { path: self.path.to_owned(), line }
    }
}

/// Somebody who writes a secret into the file should learn where it belongs.
fn secret_advice(section: &str, name: &str) -> Option<String> {
    let name = name.to_uppercase();
    let with_section = format!("{}_{name}", section.to_uppercase());
    let (secret, _) = SECRETS.iter().find(|(secret, _)| *secret == name || *secret == with_section)?;
    Some(format!("secrets do not stand in this file; set {secret} in the environment or in .env"))
}

fn plain(value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    let deserializer = ValueDeserializer::from(value.clone());
    Value::deserialize(deserializer).map_err(|error| error.message().trim().replace('\n', ", "))
}

fn quoted(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { format!("{name:?}") }
}

#[cfg(test)]
mod tests {

    use std::path::Path;

    use super::read;

    fn problems(text: &str) -> Vec<String> {
        read(text, Path::new("f.toml")).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_problem_is_told_with_its_line() {
        let text = "[detection]\nmax_clip = 3\nmin_score = 2\n\n[rendr]\nfps = 30\n[streamers.\"a b\"]\nstyle = \"bold\"\n";
        assert_eq!(
            problems(text),
            [
                "f.toml:2: detection.max_clip: unknown key; did you mean `max_clips`?",
                "f.toml:3: detection.min_score: must be a number from 0 to 1, not 2",
                "f.toml:5: rendr: unknown section; did you mean [render]?",
                "f.toml:8: streamers.\"a b\".style: \"a b\" cannot be a streamer's name: use 1 to 64 letters, digits, '-', '_' \
                 or '.', not starting with '.' or '-'",
            ]
        );
    }

    #[test]
    fn text_that_is_not_toml_is_refused_with_its_line() {
        let found = problems("[detection]\nmax_clips = = 3\n");
        assert!(found[0].starts_with("f.toml:2: this is not TOML: "), "{found:?}");
        assert!(problems("[detection]\nmax_clips = 3\nmax_clips = 4\n")[0].contains("f.toml:3"));
        assert!(problems("[detection]\nmax_clips = 99999999999999999999\n")[0].contains("f.toml:2"));
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_showing_it() {
        let found = problems("[kick]\nclient_secret = \"hunter2\"\n");
        assert!(found[0].contains("set KICK_CLIENT_SECRET in the environment"), "{found:?}");
        assert!(!found[0].contains("hunter2"));
    }

    #[test]
    fn values_at_the_wrong_level_are_refused() {
        assert!(problems("max_clips = 3")[0].contains("belongs to [detection]"));
        assert!(problems("detection = 3")[0].contains("must be a section"));
        assert!(problems("[streamers]\nana = 3")[0].contains("[streamers.ana]"));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_read() {
        let (given, problems) = read("\u{feff}[detection]\r\nmax_clips = 3\r\n", Path::new("f.toml"));
        assert_eq!(problems, []);
        assert_eq!(given[0].origin.to_string(), "f.toml:2");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,200}") {
            read(&text, Path::new("f.toml"));
        }

        #[test]
        fn text_that_looks_like_toml_is_read_without_panic(
            lines in proptest::collection::vec(r#"(\[[a-z."]{0,12}\]|(detection|streamers|max_clips|keywords|fps)(\.[a-z]{1,8})? ?= ?(["'\[{]?[0-9a-z,.= "'-]{0,12}["'\]}]?))"#, 0..12)
        ) {
            read(&lines.join("\n"), Path::new("f.toml"));
        }
    }

    #[test]
    fn a_section_without_keys_names_a_streamer() {
        let (given, problems) = read("[streamers.ana]\n", Path::new("a.toml"));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(given[0].address.to_string(), "streamers.ana.watch");
    }
}
