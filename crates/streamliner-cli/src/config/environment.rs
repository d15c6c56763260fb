//! Reads `STREAMLINER__SECTION__KEY` and the names of the original program, from the environment and from `.env`.

use super::address::Address;
use super::dotenv::Variable;
use super::secrets::Secrets;
use super::table::LEGACY_VARIABLES;
use super::values::Given;
use super::{Origin, Problem};

/// What our variables start with; the words after it are joined by [`SEPARATOR`].
pub(crate) const PREFIX: &str = "STREAMLINER__";
const SEPARATOR: &str = "__";

/// Takes what is ours out of one layer of variables. An empty value counts as none.
pub(crate) fn read(variables: &[Variable], secrets: &mut Secrets) -> (Vec<Given>, Vec<Problem>) {
    let mut given = Vec::new();
    let mut legacy = Vec::new();
    let mut problems = Vec::new();
    for Variable { name, value, origin } in variables {
        if secrets.offer(name, value, origin.clone()) || value.is_empty() {
            continue;
        }
        let (address, layer) = if let Some(rest) = name.strip_prefix(PREFIX) {
            (address_of(rest), &mut given)
        } else if let Some((_, dotted)) = LEGACY_VARIABLES.iter().find(|(legacy, _)| legacy == name) {
            (Address::of_dotted(dotted), &mut legacy)
        } else {
            continue;
        };
        match address.and_then(|address| {
            Ok(Given { value: address.key.kind.read(value)?, address, origin: origin.clone() })
        }) {
            Ok(found) => layer.push(found),
            Err(message) => problems.push(Problem::new(origin.clone(), name, message)),
        }
    }
    // In one layer our own name for a key wins over the old one.
    legacy.append(&mut given);
    (legacy, problems)
}

/// The name of the variable that sets a key.
pub(crate) fn variable_name(address: &Address) -> String {
    let section = address.streamer.as_ref().map_or_else(
        || address.key.section.to_uppercase(),
        |streamer| {
            format!("{}{SEPARATOR}{}", super::table::STREAMERS.to_uppercase(), streamer.to_uppercase())
        },
    );
    format!("{PREFIX}{section}{SEPARATOR}{}", address.key.name.to_uppercase())
}

fn address_of(rest: &str) -> Result<Address, String> {
    let rest = rest.to_lowercase();
    let words: Vec<&str> = rest.split(SEPARATOR).collect();
    let found = match words.as_slice() {
        [section, name] => Address::of_key(section, name),
        [section, streamer @ .., name] if *section == super::table::STREAMERS && !streamer.is_empty() => {
            Address::of_streamer(&streamer.join(SEPARATOR), name)
        }
        _ => return Err(format!("must have the form {PREFIX}SECTION{SEPARATOR}KEY")),
    };
    // The names are suggested as they stand in the file; here they are wanted as a variable.
    found.map_err(|message| match message.split_once("did you mean `") {
        Some((_, near)) => {
            let near = near.trim_end_matches("`?").to_uppercase();
            let before = words[..words.len() - 1].join(SEPARATOR).to_uppercase();
            format!("unknown key; did you mean {PREFIX}{before}{SEPARATOR}{near}?")
        }
        None => message,
    })
}

/// The environment of the process as variables, those that are not text left out unless they are ours.
pub(crate) fn of_process() -> (Vec<Variable>, Vec<Problem>) {
    let mut variables = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        let origin = Origin::Environment { variable: name.clone() };
        match value.into_string() {
            Ok(value) => variables.push(Variable { name, value, origin }),
            Err(_) if name.starts_with(PREFIX) => {
                problems.push(Problem::new(origin, name, "its value is not UTF-8"));
            }
            Err(_) => {}
        }
    }
    // The environment has no order of its own; problems and tests want one.
    variables.sort_by(|left, right| left.name.cmp(&right.name));
    (variables, problems)
}

#[cfg(test)]
mod tests {
    use super::super::table::KEYS;
    use super::{Address, Origin, Secrets, Variable, address_of, read, variable_name};

    fn variable(name: &str, value: &str) -> Variable {
        Variable {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: Origin::Environment { variable: name.to_owned() },
        }
    }

    #[test]
    fn every_key_has_a_variable_that_leads_back_to_it() {
        for key in KEYS {
            let address = Address { streamer: None, key };
            let name = variable_name(&address);
            assert_eq!(address_of(name.strip_prefix("STREAMLINER__").unwrap()), Ok(address));
        }
        let of_streamer = Address::of_dotted("streamers.x__y.max_clips").unwrap();
        assert_eq!(address_of("STREAMERS__X__Y__MAX_CLIPS"), Ok(of_streamer));
    }

    #[test]
    fn our_name_wins_over_the_old_one_in_the_same_layer() {
        let variables = [
            variable("STREAMLINER__TIKTOK__ENVIRONMENT", "production"),
            variable("TIKTOK_ENVIRONMENT", "sandbox"),
        ];
        let (given, problems) = read(&variables, &mut Secrets::default());
        assert_eq!(problems, []);
        assert_eq!(given.last().unwrap().value.as_str(), Some("production"));
    }

    #[test]
    fn a_mistyped_variable_is_refused_with_the_right_one() {
        let (_, problems) = read(&[variable("STREAMLINER__RENDER__FSP", "30")], &mut Secrets::default());
        assert_eq!(
            problems[0].to_string(),
            "STREAMLINER__RENDER__FSP: unknown key; did you mean STREAMLINER__RENDER__FPS?"
        );
        let (_, problems) = read(&[variable("STREAMLINER__FPS", "30")], &mut Secrets::default());
        assert!(problems[0].to_string().contains("STREAMLINER__SECTION__KEY"), "{problems:?}");
    }

    #[test]
    fn an_empty_variable_counts_as_none_and_others_are_not_ours() {
        let variables = [variable("STREAMLINER__RENDER__FPS", ""), variable("HOME", "/home/ana")];
        let (given, problems) = read(&variables, &mut Secrets::default());
        assert!(given.is_empty() && problems.is_empty());
    }
}
