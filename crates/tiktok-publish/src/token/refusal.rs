//! TikTok's no, as the token endpoint and the authorize page say it.

use std::fmt;

/// A refusal as the token endpoint and the authorize page write it: flat, and perhaps with status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it means for the caller.
    pub kind: RefusalKind,
    /// TikTok's code, such as `invalid_client`.
    pub code: String,
    /// TikTok's own words, perhaps empty.
    pub description: String,
    /// TikTok's id of the reply, for a question to its support.
    pub log_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        if !self.description.is_empty() {
            write!(f, " ({})", self.description)?;
        }
        if let Some(log_id) = &self.log_id {
            write!(f, ", log_id {log_id}")?;
        }
        write!(f, "; {}", self.kind.remedy())
    }
}

/// What a refusal means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// `invalid_grant`: the code or the refresh token is used up, expired or taken back.
    Grant,
    /// `invalid_client`, `unauthorized_client`: the app's key or secret is wrong, or the app may not do this.
    App,
    /// `access_denied`: the user said no.
    Denied,
    /// `invalid_scope`: the app was not given a scope that it asks for.
    Scope,
    /// `invalid_request` and the like: the request itself, most often its redirect address.
    Request,
    /// TikTok has trouble of its own, or was asked too often.
    Temporary,
    /// A code that is not known here.
    Other,
}

impl RefusalKind {
    /// By the code, as OAuth and TikTok write it.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "invalid_grant" => Self::Grant,
            "invalid_client" | "unauthorized_client" | "invalid_client_key" | "invalid_client_secret" => {
                Self::App
            }
            "access_denied" => Self::Denied,
            "invalid_scope" | "scope_not_authorized" | "scope_permission_missed" => Self::Scope,
            "invalid_request"
            | "unsupported_grant_type"
            | "unsupported_response_type"
            | "invalid_param"
            | "invalid_params"
            | "redirect_uri" => Self::Request,
            "server_error" | "temporarily_unavailable" | "internal_error" | "rate_limit_exceeded" => {
                Self::Temporary
            }
            _ => Self::Other,
        }
    }

    /// What the user can do.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Grant => "log in again; a code works once and for a short time only",
            Self::App => {
                "compare TIKTOK_CLIENT_KEY and TIKTOK_CLIENT_SECRET with the developer portal; sandbox and production have their own"
            }
            Self::Denied => "start the login again and agree, or another account has to",
            Self::Scope => "add the scope to the app in the developer portal, or ask for fewer scopes",
            Self::Request => {
                "check that the redirect address is registered with the app, as http://127.0.0.1:*/callback/ for a desktop app"
            }
            Self::Temporary => "try again later",
            Self::Other => "look the code up in TikTok's documentation of OAuth errors",
        }
    }
}
