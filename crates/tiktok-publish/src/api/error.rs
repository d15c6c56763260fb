//! A question that TikTok did not answer.

use std::fmt;

use publish::Refusal;

use super::code::{Class, Meaning};
use crate::AuthError;

/// A request that gave no usable answer: which, and why not. Names no address, no token and no body.
#[derive(Debug)]
pub struct ApiError {
    call: &'static str,
    failure: ApiFailure,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiFailure {
    /// TikTok said no, in its own form.
    #[error("{}", refused(.code, .message, .log_id.as_deref()))]
    Refused {
        /// TikTok's code.
        code: String,
        /// The HTTP status; 200 is possible.
        status: u16,
        /// TikTok's own words, perhaps empty.
        message: String,
        /// TikTok's id of the reply.
        log_id: Option<String>,
    },
    /// A status without TikTok's form: a proxy, or trouble.
    #[error("status {status} without an answer")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A reply that is not understood.
    #[error("the reply is not understood: {what}")]
    Malformed {
        /// What is wrong with it.
        what: String,
    },
    /// No connection, no reply in time, or it broke off.
    #[error("{what}")]
    Network {
        /// What happened.
        what: &'static str,
        /// Whether the request may have reached TikTok.
        may_have_arrived: bool,
        /// The cause, its address taken out.
        #[source]
        source: reqwest::Error,
    },
    /// There is no token to ask with.
    #[error(transparent)]
    Auth(AuthError),
}

fn refused(code: &str, message: &str, log_id: Option<&str>) -> String {
    let words = if message.is_empty() { String::new() } else { format!(" ({message})") };
    let log_id = log_id.map(|id| format!(", log_id {id}")).unwrap_or_default();
    format!("{code}{words}{log_id}")
}

impl ApiError {
    pub(crate) const fn new(call: &'static str, failure: ApiFailure) -> Self {
        Self { call, failure }
    }

    /// What was asked for, in words.
    #[must_use]
    pub const fn call(&self) -> &'static str {
        self.call
    }

    /// Why there is no answer.
    #[must_use]
    pub const fn failure(&self) -> &ApiFailure {
        &self.failure
    }

    /// The same, without what was asked for.
    pub(crate) fn into_failure(self) -> ApiFailure {
        self.failure
    }

    /// TikTok's code, if it said no in its own form.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        if let ApiFailure::Refused { code, .. } = &self.failure { Some(code) } else { None }
    }

    /// TikTok's id of the reply, if there is one.
    #[must_use]
    pub fn log_id(&self) -> Option<&str> {
        if let ApiFailure::Refused { log_id, .. } = &self.failure { log_id.as_deref() } else { None }
    }

    /// What TikTok's refusal means, if it is one.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        match &self.failure {
            ApiFailure::Refused { code, status, .. } => Some(Meaning::of(code, *status)),
            _ => None,
        }
    }

    /// What is to be done about it, if TikTok said no.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.meaning().map(|meaning| meaning.class)
    }

    /// Whether TikTok was asked too often.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.class() == Some(Class::Busy) || matches!(self.failure, ApiFailure::Status { status: 429 })
    }

    /// Whether the same question may be answered if it is simply asked again a little later.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        match &self.failure {
            ApiFailure::Refused { .. } => self.class() == Some(Class::Internal),
            ApiFailure::Status { status } => matches!(status, 408 | 500..),
            ApiFailure::Malformed { .. } | ApiFailure::Network { .. } => true,
            ApiFailure::Auth(error) => error.is_transient(),
        }
    }

    /// Whether TikTok may have done what it was asked for all the same.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        match &self.failure {
            ApiFailure::Refused { .. } => self.class() == Some(Class::Internal),
            ApiFailure::Status { status } => matches!(status, 200..300 | 408 | 500..),
            ApiFailure::Malformed { .. } => true,
            ApiFailure::Network { may_have_arrived, .. } => *may_have_arrived,
            ApiFailure::Auth(_) => false,
        }
    }

    /// The refusal as users are told of it.
    pub(crate) fn refusal(&self) -> Refusal {
        let meaning = self.meaning().unwrap_or_else(|| Meaning::of("", 400));
        let reason = match &self.failure {
            ApiFailure::Refused { message, .. } if !message.is_empty() => {
                format!("{}, \"{message}\"", meaning.reason)
            }
            ApiFailure::Refused { .. } => meaning.reason.to_owned(),
            other => format!("{} ({other})", meaning.reason),
        };
        Refusal {
            code: self.code().unwrap_or("no code").to_owned(),
            reason,
            remedy: meaning.remedy.to_owned(),
            reference: self.log_id().map(str::to_owned),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TikTok gave no answer to {}: {}", self.call, self.failure)
    }
}

impl std::error::Error for ApiError {
    /// The failure is part of the message, so what follows it is its cause.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure.source()
    }
}
