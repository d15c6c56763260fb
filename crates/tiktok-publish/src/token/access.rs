//! The token that requests carry, and what it allows.

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// What requests to the interface carry as `Authorization: Bearer`. `Debug` shows a mask.
#[derive(Clone)]
pub struct AccessToken(SecretString);

impl AccessToken {
    pub(super) const fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The token itself, for the header of a request. Never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for AccessToken {}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(***)")
    }
}

/// What a user has allowed, which may be less than was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Name and picture of the account.
    pub const USER_INFO_BASIC: &str = "user.info.basic";
    /// Videos into the account's inbox, as drafts.
    pub const VIDEO_UPLOAD: &str = "video.upload";
    /// Videos posted directly. A sandbox app without it cannot even ask for it.
    pub const VIDEO_PUBLISH: &str = "video.publish";

    /// Reads a list as TikTok writes it, `a,b`. Space around names is taken off.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split([',', ' ']).filter(|name| !name.is_empty()).collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn allow(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those of these that are not among `granted`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }
}

impl<S: Into<String>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Scopes {
    /// As TikTok writes them, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_and_written_as_tiktok_does() {
        let scopes = Scopes::parse("video.upload, user.info.basic,,video.upload");
        assert_eq!(scopes.to_string(), "user.info.basic,video.upload");
        assert!(scopes.allow(Scopes::VIDEO_UPLOAD) && !scopes.allow(Scopes::VIDEO_PUBLISH));
        assert!(Scopes::parse("").is_empty());
        let wanted = Scopes::parse("video.publish,video.upload");
        assert_eq!(wanted.missing_from(&scopes).to_string(), "video.publish");
    }

    #[test]
    fn a_token_is_masked() {
        assert_eq!(format!("{:?}", AccessToken::new("hunter2".into())), "AccessToken(***)");
    }
}
