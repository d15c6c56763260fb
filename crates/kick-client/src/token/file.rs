//! The file that keeps a token across restarts.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use super::AppToken;

/// Where a token is kept, and for which app it has to be.
#[derive(Clone)]
pub(super) struct TokenFile {
    path: PathBuf,
    client_id: String,
    issuer: String,
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// What is in the file.
#[derive(Deserialize, Serialize)]
struct Kept {
    client_id: String,
    /// Who gave it, so that the token of a stand-in is never sent to Kick.
    issuer: String,
    access_token: String,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl TokenFile {
    pub(super) fn new(path: PathBuf, client_id: &str, token_url: &Url) -> Self {
        Self { path, client_id: client_id.to_owned(), issuer: token_url.origin().ascii_serialization() }
    }

    /// The kept token, if it is of this app and has not expired at `now`. Anything else is passed over with a warning.
    pub(super) fn load(&self, now: Timestamp) -> Option<AppToken> {
        let unusable = |why: &str| {
            tracing::warn!(file = %self.path.display(), "the kept app token is not used, a new one is fetched: {why}");
        };
        let bytes = match fs_err::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                unusable(&error.to_string());
                return None;
            }
        };
        // The parser's message could quote what it read.
        let Ok(kept) = serde_json::from_slice::<Kept>(&bytes) else {
            unusable("the file is damaged");
            return None;
        };
        if kept.client_id != self.client_id || kept.issuer != self.issuer {
            unusable("it was given to another app, or by another server");
            return None;
        }
        if kept.expires_at <= now {
            unusable("it has expired");
            return None;
        }
        Some(AppToken {
            secret: kept.access_token.into(),
            renew_at: kept.renew_at.min(kept.expires_at),
            expires_at: kept.expires_at,
        })
    }

    /// Writes `token`: a temporary file for its owner alone, synced and renamed, so that there is never half of one.
    pub(super) fn save(&self, token: &AppToken) -> io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs_err::create_dir_all(folder)?;
        let kept = Kept {
            client_id: self.client_id.clone(),
            issuer: self.issuer.clone(),
            access_token: token.secret.expose_secret().to_owned(),
            renew_at: token.renew_at,
            expires_at: token.expires_at,
        };
        // Temporary files are made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &kept)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        #[cfg(unix)]
        fs_err::File::open(folder)?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn file(path: PathBuf, client_id: &str) -> TokenFile {
        TokenFile::new(path, client_id, &Url::parse("https://id.kick.com/oauth/token").unwrap())
    }

    fn token(now: Timestamp) -> AppToken {
        AppToken::new("hunter2".into(), now, Duration::from_secs(1000))
    }

    #[test]
    fn what_is_saved_is_loaded_until_it_expires() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(dir.path().join("not/yet/token.json"), "app");
        let now = Timestamp::now();
        assert!(file.load(now).is_none());
        file.save(&token(now)).unwrap();
        file.save(&token(now)).unwrap();
        let loaded = file.load(now).unwrap();
        assert_eq!(loaded.secret.expose_secret(), "hunter2");
        assert_eq!(loaded.renew_at, now + Duration::from_secs(900));
        assert!(file.load(now + Duration::from_secs(1000)).is_none());
        assert_eq!(fs_err::read_dir(dir.path().join("not/yet")).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs_err::metadata(&file.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_token_of_another_app_or_server_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.json");
        let now = Timestamp::now();
        file(path.clone(), "app").save(&token(now)).unwrap();
        assert!(file(path.clone(), "other").load(now).is_none());
        let elsewhere =
            TokenFile::new(path.clone(), "app", &Url::parse("http://127.0.0.1:9/oauth/token").unwrap());
        assert!(elsewhere.load(now).is_none());
        assert!(file(path, "app").load(now).is_some());
        assert!(file(dir.path().to_owned(), "app").load(now).is_none(), "a folder is no token");
    }

    proptest! {
        #[test]
        fn any_content_is_a_token_or_passed_over(content in any::<Vec<u8>>()) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("token.json");
            fs_err::write(&path, content).unwrap();
            prop_assert!(file(path, "app").load(Timestamp::now()).is_none());
        }
    }
}
