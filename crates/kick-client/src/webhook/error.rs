//! Why a request is not taken for a webhook of Kick.

use std::error::Error;
use std::sync::Arc;

use jiff::SignedDuration;

/// Why a request is not accepted.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// A header that every delivery has is not there.
    #[error("the header {name} is missing, so this is no delivery of Kick")]
    MissingHeader {
        /// Which.
        name: &'static str,
    },
    /// A header does not have the form that it should have.
    #[error("the header {name} should be {expected}")]
    MalformedHeader {
        /// Which.
        name: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// Kick did not write this, or it was changed on the way.
    #[error("the signature does not fit the body and Kick's public key")]
    WrongSignature,
    /// It is genuine, but from another time: late, or repeated by somebody.
    #[error(
        "it was sent {} s {} by our clock, and at most {} s are accepted; if this goes on, check the clock",
        .age.as_secs().abs(),
        if .age.is_negative() { "in the future" } else { "ago" },
        super::REPLAY_WINDOW.as_secs()
    )]
    OutsideReplayWindow {
        /// How long ago it was sent; negative if in the future.
        age: SignedDuration,
    },
    /// It is genuine, but not in the form that is known here.
    #[error("the body is not understood: {field} should be {expected}")]
    Malformed {
        /// Which field, or `the body`.
        field: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// There is no key to check it with.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl WebhookError {
    /// The HTTP status to answer with. One of 5xx makes Kick deliver it again.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Self::WrongSignature | Self::OutsideReplayWindow { .. } => 401,
            Self::MissingHeader { .. } | Self::MalformedHeader { .. } | Self::Malformed { .. } => 400,
            Self::Key(_) => 503,
        }
    }
}

/// Why there is no key to check signatures with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not in PEM form.
    #[error(
        "the public key should stand between -----BEGIN PUBLIC KEY----- and -----END PUBLIC KEY----- in Base64"
    )]
    NotPem,
    /// It is no RSA key.
    #[error("the public key should be an RSA key of 2048 to 8192 bits in SubjectPublicKeyInfo form")]
    NotRsa,
    /// It could not be fetched.
    #[error("Kick's public key cannot be fetched")]
    Fetch {
        /// Why not.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}
