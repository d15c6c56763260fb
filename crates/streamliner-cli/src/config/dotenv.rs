//! Reads `.env` without touching the environment of the process.

use std::path::Path;

use super::{Origin, Problem};

/// One variable of the file.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// Its value, quotes and escapes resolved.
    pub(crate) value: String,
    /// Where it stands.
    pub(crate) origin: Origin,
}

/// Reads all variables that can be read; what cannot be is in the problems, which never quote a line, because it may
/// hold a secret.
pub(crate) fn read(text: &str, path: &Path) -> (Vec<Variable>, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines { lines: text.lines().collect(), next: 0 };
    let origin = |line| Origin::DotEnv { path: path.to_owned(), line };
    let mut variables = Vec::new();
    let mut problems = Vec::new();
    for item in dotenvy::from_read_iter(text.as_bytes()) {
        match item {
            Ok((name, value)) => {
                let line = lines.find(|line| assigns(line, &name));
                variables.push(Variable { origin: origin(line), name, value });
            }
            Err(dotenvy::Error::LineParse(statement, _)) => {
                // What the parser gives is the statement, or only the part of it that it stumbled over.
                let first = statement.lines().next().unwrap_or_default().trim();
                let line = lines.find(|line| !first.is_empty() && line.contains(first));
                problems.push(Problem::new(
                    origin(line),
                    "",
                    "this line is not NAME=VALUE; put quotes around a value with spaces, quotes or $",
                ));
            }
            Err(error) => {
                problems.push(Problem::new(origin(1), "", error.to_string()));
                break;
            }
        }
    }
    (variables, problems)
}

/// The lines of the file, walked beside the parser, which does not tell where it is.
struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl Lines<'_> {
    /// The number of the next line that matches, counted from 1; that of the last one found if none does.
    fn find(&mut self, matches: impl Fn(&str) -> bool) -> usize {
        if let Some(offset) = self.lines.iter().skip(self.next).position(|line| matches(line)) {
            self.next += offset + 1;
        }
        self.next.max(1)
    }
}

fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    #[test]
    fn variables_are_read_with_their_lines() {
        let text = "# comment\nA=1\n\nexport B = 'two words'\nC=\"first\nsecond\"\nA=3\n";
        let (variables, problems) = read(text, Path::new(".env"));
        assert_eq!(problems, []);
        let found: Vec<_> = variables
            .iter()
            .map(|found| (found.name.as_str(), found.value.as_str(), found.origin.to_string()))
            .collect();
        let place = |line: usize| format!(".env:{line}");
        assert_eq!(
            found,
            [
                ("A", "1", place(2)),
                ("B", "two words", place(4)),
                ("C", "first\nsecond", place(5)),
                ("A", "3", place(7))
            ]
        );
    }

    #[test]
    fn a_broken_line_is_told_by_number_and_not_by_content() {
        let (variables, problems) = read("A=1\nKICK_CLIENT_SECRET=hunter2 hunter3\nB=2\n", Path::new(".env"));
        assert_eq!(variables.len(), 2);
        assert!(problems[0].to_string().starts_with(".env:2: "), "{problems:?}");
        assert!(!format!("{problems:?}").contains("hunter"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,200}") {
            read(&text, Path::new(".env"));
        }
    }
}
