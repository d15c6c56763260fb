//! Secrets: known by the names they always had, read from the environment and `.env` alone, never shown.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::Origin;

/// The names, with what each is for. `config show` tells whether one is set and from where, never its value.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("KICK_CLIENT_ID", "The Kick app"),
    ("KICK_CLIENT_SECRET", "The Kick app"),
    ("TIKTOK_CLIENT_KEY", "The TikTok app"),
    ("TIKTOK_CLIENT_SECRET", "The TikTok app"),
    ("TIKTOK_ACCESS_TOKEN", "A TikTok login"),
    ("TIKTOK_REFRESH_TOKEN", "A TikTok login"),
    ("TIKTOK_OPEN_ID", "A TikTok login"),
    ("AWS_ACCESS_KEY_ID", "Storage on S3 or R2"),
    ("AWS_SECRET_ACCESS_KEY", "Storage on S3 or R2"),
    ("AWS_SESSION_TOKEN", "Storage on S3 or R2"),
    ("AWS_S3_BUCKET_NAME", "Storage on S3 or R2"),
    ("AWS_S3_REGION", "Storage on S3 or R2"),
    ("AWS_S3_ENDPOINT_URL", "Storage on S3 or R2"),
    ("NOTIFY_WEBHOOK_URL", "Notifications by webhook"),
    ("NOTIFY_WEBHOOK_SECRET", "Notifications by webhook"),
    ("DISCORD_WEBHOOK_URL", "Notifications on Discord"),
];

/// The secrets that were found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(BTreeMap<&'static str, (SecretString, Origin)>);

impl Secrets {
    /// Keeps the value if the name is one of [`SECRETS`]; a later one replaces an earlier one, an empty one does not count.
    pub(crate) fn offer(&mut self, name: &str, value: &str, origin: Origin) -> bool {
        let Some((known, _)) = SECRETS.iter().find(|(known, _)| *known == name) else { return false };
        let secret = SecretString::from(value);
        if !secret.expose_secret().is_empty() {
            self.0.insert(known, (secret, origin));
        }
        true
    }

    /// The secret, if it is set.
    pub(crate) fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name).map(|(secret, _)| secret)
    }

    /// Where the secret came from, if it is set.
    pub(crate) fn origin(&self, name: &str) -> Option<&Origin> {
        self.0.get(name).map(|(_, origin)| origin)
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Secrets};

    #[test]
    fn debug_output_hides_the_value() {
        let mut secrets = Secrets::default();
        let origin = Origin::Environment { variable: "KICK_CLIENT_SECRET".to_owned() };
        assert!(secrets.offer("KICK_CLIENT_SECRET", "hunter2", origin.clone()));
        assert_eq!(secrets.origin("KICK_CLIENT_SECRET"), Some(&origin));
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }

    #[test]
    fn other_names_and_empty_values_are_not_kept() {
        let mut secrets = Secrets::default();
        assert!(!secrets.offer("PATH", "x", Origin::Default));
        assert!(secrets.offer("KICK_CLIENT_ID", "", Origin::Default));
        assert_eq!(secrets.origin("KICK_CLIENT_ID"), None);
    }
}
