//! TikTok's error codes: what each means and what is to be done.

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The access token is no longer accepted: renew it once, ask again once, then log in.
    Token,
    /// The user has not allowed this: log in again and agree to it.
    Consent,
    /// The request is wrong. The same one will always be.
    Invalid,
    /// Asked too often: wait for the next free place of the minute.
    Busy,
    /// TikTok has trouble of its own: ask again later.
    Internal,
    /// Too many drafts wait in the account's inbox.
    PendingShares,
    /// A limit of a day or so is reached: much later it may be different.
    Defer,
    /// No, until the user does something.
    Act,
    /// The account's choices of who may see a post have changed.
    Privacy,
    /// Nothing is known under the id, or it is another account's.
    Stale,
    /// Too late to take it back.
    TooLate,
}

/// A code, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What is to be done.
    pub class: Class,
    /// What it means.
    pub reason: &'static str,
    /// What the user can do.
    pub remedy: &'static str,
}

const LOGIN: &str = "run `streamliner tiktok-login`";
const REPORT: &str = "this is a mistake of this program; report it with the log_id";
const WAIT: &str = "it is tried again by itself";
const APPEAL: &str = "open the TikTok app and see what it says about the account";

/// Every code that TikTok documents for posting.
const CODES: &[(&str, Class, &str, &str)] = &[
    ("access_token_invalid", Class::Token, "TikTok no longer accepts the login", LOGIN),
    (
        "scope_not_authorized",
        Class::Consent,
        "the account has not allowed this",
        "run `streamliner tiktok-login` and agree to everything that is asked for",
    ),
    (
        "scope_permission_missed",
        Class::Consent,
        "the app lacks a permission for this",
        "add the scope to the app in the developer portal, then run `streamliner tiktok-login`",
    ),
    ("invalid_param", Class::Invalid, "TikTok finds the request wrong", REPORT),
    ("invalid_params", Class::Invalid, "TikTok finds the request wrong", REPORT),
    ("rate_limit_exceeded", Class::Busy, "TikTok was asked too often within a minute", WAIT),
    ("internal_error", Class::Internal, "TikTok has trouble of its own", WAIT),
    (
        "spam_risk_too_many_pending_share",
        Class::PendingShares,
        "too many drafts wait in the account's inbox",
        "post or delete drafts in the TikTok app; it is tried again by itself",
    ),
    (
        "spam_risk_too_many_posts",
        Class::Defer,
        "the account has reached TikTok's limit of posts a day, which all apps share",
        WAIT,
    ),
    (
        "reached_active_user_cap",
        Class::Defer,
        "the app has reached TikTok's limit of users a day",
        "wait, or have the app audited by TikTok",
    ),
    ("spam_risk_user_banned_from_posting", Class::Act, "TikTok has banned the account from posting", APPEAL),
    ("spam_risk", Class::Act, "TikTok takes the post for spam", APPEAL),
    ("spam_risk_text", Class::Act, "TikTok takes the text for spam", "change the text of the post"),
    (
        "unaudited_client_can_only_post_to_private_accounts",
        Class::Act,
        "an app without TikTok's audit may post to private accounts only",
        "set the account to private in the TikTok app, or use mode \"inbox\"",
    ),
    (
        "privacy_level_option_mismatch",
        Class::Privacy,
        "the account does not offer the configured privacy",
        "choose one of those that the account offers",
    ),
    (
        "url_ownership_unverified",
        Class::Act,
        "TikTok does not know that the address of the video is yours",
        "verify it under URL properties in the developer portal, or upload the file (MULTIPART)",
    ),
    ("app_version_check_failed", Class::Act, "the account's TikTok app is too old", "update the TikTok app"),
    (
        "invalid_publish_id",
        Class::Stale,
        "TikTok knows nothing under this id",
        "look at the account in the TikTok app",
    ),
    (
        "token_not_authorized_for_specified_publish_id",
        Class::Stale,
        "the upload belongs to another account",
        "choose the account that it was made for",
    ),
    (
        "publish_not_cancellable",
        Class::TooLate,
        "it is too late to cancel the post",
        "delete it in the TikTok app",
    ),
];

impl Meaning {
    /// Of a code that came with an HTTP status. One that is not known is judged by its name and the status.
    #[must_use]
    pub fn of(code: &str, status: u16) -> Self {
        if let Some((_, class, reason, remedy)) = CODES.iter().find(|(known, ..)| *known == code) {
            return Self { class: *class, reason, remedy };
        }
        let (class, reason, remedy) = match status {
            _ if code.starts_with("spam_risk") => {
                (Class::Defer, "TikTok holds the account back for fear of spam", APPEAL)
            }
            401 => (Class::Consent, "TikTok does not let this account do that", LOGIN),
            408 | 500.. => (Class::Internal, "TikTok has trouble of its own", WAIT),
            429 => (Class::Busy, "TikTok was asked too often", WAIT),
            403 => (Class::Act, "TikTok forbids it", "look the code up in TikTok's documentation"),
            _ => (Class::Invalid, "TikTok refuses the request", "look the code up in TikTok's documentation"),
        };
        Self { class, reason, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_known_once() {
        let mut codes: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
        assert_eq!(Meaning::of("spam_risk_text", 403).class, Class::Act);
        assert_eq!(Meaning::of("spam_risk_too_many_posts", 200).class, Class::Defer);
    }

    #[test]
    fn unknown_codes_are_judged_by_class() {
        let class = |code, status| Meaning::of(code, status).class;
        assert_eq!(class("spam_risk_new_kind", 403), Class::Defer);
        assert_eq!(class("brand_new", 403), Class::Act);
        assert_eq!(class("brand_new", 401), Class::Consent);
        assert_eq!(class("brand_new", 429), Class::Busy);
        assert_eq!(class("brand_new", 503), Class::Internal);
        assert_eq!(class("brand_new", 400), Class::Invalid);
        assert_eq!(class("internal", 400), Class::Invalid);
    }
}
