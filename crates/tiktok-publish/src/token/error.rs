//! What can go wrong with logins and tokens.

use std::fmt;
use std::path::{Path, PathBuf};

use publish::PublishError;
use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

/// The command that logs in, as errors name it.
const LOGIN: &str = "streamliner tiktok-login";

/// There is no token, or no login. Holds no secret, in no field.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Someone has to log in (again).
    #[error("the TikTok account {account} has to be logged in again: {reason}; run `{LOGIN}`")]
    LoginNeeded {
        /// Which account: the name that it is known by here.
        account: String,
        /// Why.
        reason: LoginReason,
    },
    /// No account is logged in to this environment.
    #[error("no TikTok account is logged in ({environment}); run `{LOGIN}`")]
    NoAccount {
        /// Which of the app's worlds was looked at.
        environment: crate::Environment,
    },
    /// None of the accounts that are logged in has this name.
    #[error("no TikTok account is called \"{wanted}\"; logged in: {}", known.join(", "))]
    UnknownAccount {
        /// What was asked for.
        wanted: String,
        /// The accounts there are.
        known: Vec<String>,
    },
    /// Several accounts are meant.
    #[error("several TikTok accounts could be meant: {}; name one of them", known.join(", "))]
    AmbiguousAccount {
        /// The accounts that could be meant.
        known: Vec<String>,
    },
    /// The alias belongs to another account.
    #[error("the TikTok account {open_id} is already called \"{alias}\"; choose another alias")]
    AliasTaken {
        /// The name that was wanted.
        alias: String,
        /// TikTok's id of the account that has it.
        open_id: String,
    },
    /// TikTok would not send a browser back to this address.
    #[error("the redirect address {uri} will not do: {why}")]
    Redirect {
        /// The address.
        uri: String,
        /// What is wrong with it, and what would be right.
        why: &'static str,
    },
    /// TikTok said no.
    #[error("{doing} was refused by TikTok: {refusal}")]
    Refused {
        /// What was asked for.
        doing: &'static str,
        /// What TikTok said.
        refusal: Refusal,
    },
    /// Nobody agreed in time.
    #[error("nobody agreed within {} s; start the login again", .seconds)]
    TimedOut {
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// What came back from the browser is not the answer to this login.
    #[error("{why}")]
    Callback {
        /// What is wrong with it, and what would be right.
        why: &'static str,
    },
    /// No listener could be opened for the browser to come back to.
    #[error(
        "nothing can listen on 127.0.0.1:{port}; free the port, or paste the address that the browser ends at"
    )]
    Listen {
        /// The port that was wanted; 0 for any.
        port: u16,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The token endpoint or the way to it does not work. Trying later may help.
    #[error("{doing} at {host}: {what}")]
    Unavailable {
        /// What was asked for.
        doing: &'static str,
        /// Scheme, host and port that were asked.
        host: String,
        /// What happened.
        what: String,
        /// The cause, its address taken out.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The reply does not have the form that is known here.
    #[error("the reply to {doing} is not understood: {what}")]
    Malformed {
        /// What was asked for.
        doing: &'static str,
        /// What is missing or wrong; never what was there.
        what: &'static str,
    },
    /// A file of the token store cannot be read or written.
    #[error("the TikTok login in {} cannot be {what}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file of the token store is no login.
    #[error("{} is damaged; delete it and run `{LOGIN}`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// HTTP cannot be set up on this machine.
    #[error("HTTP cannot be set up")]
    Http(#[source] reqwest::Error),
}

impl AuthError {
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }

    /// Whether the same may simply be tried again later, without a person doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl From<AuthError> for PublishError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::LoginNeeded { .. } | AuthError::NoAccount { .. } => {
                Self::Login { reason: error.to_string() }
            }
            AuthError::Unavailable { .. } | AuthError::Malformed { .. } => {
                Self::Unavailable { what: "TikTok gave no token".to_owned(), source: Some(Box::new(error)) }
            }
            AuthError::File { what, path, source } => Self::File { what, path, source },
            other => Self::Setup { reason: other.to_string() },
        }
    }
}

/// Why an account has to be logged in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoginReason {
    /// `invalid_grant`, with nothing known that would explain it.
    Rejected,
    /// The reply to a renewal never arrived, and the old token died with it.
    LostReply,
    /// The login is older than TikTok lets logins become.
    Expired,
    /// There never was a token to renew with, and the one for requests is no longer accepted.
    NoRefreshToken,
    /// It was logged out on this machine.
    LoggedOut,
    /// The tokens are those of another app, or of another server.
    OtherApp,
}

impl fmt::Display for LoginReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rejected => {
                "TikTok no longer accepts the login (invalid_grant), perhaps since access was taken back in the app or \
                 another program renewed it; apps in TikTok's sandbox have been seen to get this at each renewal"
            }
            Self::LostReply => {
                "TikTok's reply to the last renewal never arrived, and the old token died with it"
            }
            Self::Expired => "the login has reached its greatest age",
            Self::NoRefreshToken => {
                "the access token is no longer accepted and there is no refresh token to get another one"
            }
            Self::LoggedOut => "it was logged out on this machine",
            Self::OtherApp => "its tokens belong to another app or another server than those configured",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::refusal::RefusalKind;

    #[test]
    fn every_error_reads_as_a_sentence() {
        let refusal = |code: &str, description: &str| Refusal {
            kind: RefusalKind::of(code),
            code: code.to_owned(),
            description: description.to_owned(),
            log_id: Some("2026112800".to_owned()),
        };
        let mut lines: Vec<String> = [
            LoginReason::Rejected,
            LoginReason::LostReply,
            LoginReason::Expired,
            LoginReason::NoRefreshToken,
            LoginReason::LoggedOut,
            LoginReason::OtherApp,
        ]
        .map(|reason| AuthError::LoginNeeded { account: "clips".to_owned(), reason }.to_string())
        .into();
        let codes = ["invalid_grant", "invalid_client", "access_denied", "invalid_scope", "invalid_request"];
        for code in codes.into_iter().chain(["server_error", "something_new"]) {
            let error = AuthError::Refused { doing: "the login", refusal: refusal(code, "its own words") };
            lines.push(error.to_string());
        }
        let known = vec!["clips".to_owned(), "other".to_owned()];
        let errors = [
            AuthError::NoAccount { environment: crate::Environment::Sandbox },
            AuthError::UnknownAccount { wanted: "mine".to_owned(), known: known.clone() },
            AuthError::AmbiguousAccount { known },
            AuthError::AliasTaken { alias: "clips".to_owned(), open_id: "-000a".to_owned() },
            AuthError::Redirect {
                uri: "http://example.org/".to_owned(),
                why: "it is no address of this machine",
            },
            AuthError::TimedOut { seconds: 300 },
            AuthError::Malformed { doing: "the renewal", what: "there is no access_token in it" },
            AuthError::Damaged { path: "tokens/sandbox-a.json".into() },
        ];
        lines.extend(errors.iter().map(ToString::to_string));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_they_mean_for_publishing() {
        let reason = LoginReason::Rejected;
        let login = AuthError::LoginNeeded { account: "clips".to_owned(), reason };
        assert!(matches!(PublishError::from(login), PublishError::Login { .. }));
        let none = AuthError::NoAccount { environment: crate::Environment::Production };
        assert!(matches!(PublishError::from(none), PublishError::Login { .. }));
        let down = AuthError::Unavailable {
            doing: "the renewal",
            host: "https://open.tiktokapis.com".to_owned(),
            what: "there is no connection".to_owned(),
            source: None,
        };
        assert!(down.is_transient());
        assert!(PublishError::from(down).is_retryable());
        let unknown = AuthError::UnknownAccount { wanted: String::new(), known: Vec::new() };
        assert!(matches!(PublishError::from(unknown), PublishError::Setup { .. }));
    }
}
