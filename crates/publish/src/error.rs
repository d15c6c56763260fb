//! What can go wrong, by what it means for whoever wanted to publish.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::delivery::Receipt;

/// A post was not made, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The file or its text breaks a limit of the platform: another file is needed.
    #[error("{}: {limit}", path.display())]
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// The limit that is broken, and what would be right.
        limit: String,
    },
    /// The platform said no, and will again until a person does something.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Not now: a limit of the platform or of this account's schedule. The same post may go through later.
    #[error("not now: {reason}{}", until.map(|until| format!("; possible from {until} on")).unwrap_or_default())]
    NotNow {
        /// Which limit.
        reason: String,
        /// From when on, if that is known.
        until: Option<Timestamp>,
        /// What the platform calls the refusal, for a question to its support.
        reference: Option<String>,
    },
    /// The account has to be logged in (again).
    #[error("{reason}")]
    Login {
        /// Why, and the command that does it.
        reason: String,
    },
    /// The platform or the way to it does not work, and nothing was published. Trying later is safe.
    #[error("{what}")]
    Unavailable {
        /// What did not work.
        what: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The post may have been made. Only a look at the account can tell; it is not sent again by itself.
    #[error(
        "it is not known whether the clip was posted: {why}; look at the account before sending it again"
    )]
    Unknown {
        /// What is known of the attempt.
        why: String,
        /// The platform's id of it, if one was given.
        receipt: Option<Receipt>,
    },
    /// What was done could not be written down, so nothing further was done.
    #[error("the journal of the publication cannot be written")]
    Journal(#[from] JournalError),
    /// A file cannot be read or written.
    #[error("{} cannot be {what}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The publisher cannot work as it is configured or as its own files are.
    #[error("{reason}")]
    Setup {
        /// What is wrong, and what would be right.
        reason: String,
    },
}

impl PublishError {
    /// Whether the same post may simply be tried again later, without a person doing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::NotNow { .. } | Self::Unavailable { .. })
    }

    /// What did not work, without a cause.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable { what: what.into(), source: None }
    }
}

/// A refusal in the platform's words and in ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The platform's code, such as `scope_not_authorized`.
    pub code: String,
    /// What it means.
    pub reason: String,
    /// What the user can do.
    pub remedy: String,
    /// What the platform calls the reply (TikTok's `log_id`), for a question to its support.
    pub reference: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}", self.reason, self.code)?;
        if let Some(reference) = &self.reference {
            write!(formatter, ", log_id {reference}")?;
        }
        write!(formatter, "); {}", self.remedy)
    }
}

/// A mark could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct JournalError {
    /// What could not be done.
    pub what: String,
    /// Why.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
