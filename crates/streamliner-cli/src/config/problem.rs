//! What is wrong with a configuration.

use std::fmt;

use super::Origin;

/// One thing that is wrong, with its place. Never holds a secret: values of unknown keys and of secrets are not quoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Where it stands.
    pub(crate) origin: Origin,
    /// The key as written, dotted; empty when the file itself cannot be read.
    pub(crate) key: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

impl Problem {
    /// A problem of one key.
    pub(crate) fn new(origin: Origin, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { origin, key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Default => {}
            Origin::Environment { variable } if *variable == self.key => {}
            origin => write!(formatter, "{origin}: ")?,
        }
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        formatter.write_str(&self.message)
    }
}
