//! The file that keeps the login of one account.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::access::Scopes;
use super::error::{AuthError, LoginReason};
use super::reply::Grant;
use crate::Environment;

/// A token is renewed at least this long before it ends, so that none ends under way.
const RENEW_BEFORE: Duration = Duration::from_secs(300);
/// It is renewed when this part of its life is left, if that is longer.
const RENEW_PART: u32 = 10;
/// But not before this part of its life has passed: a token that lives for minutes would be renewed at each use.
const KEEP_PART: u32 = 2;

/// Where the login of one account is kept.
#[derive(Clone, Debug)]
pub(super) struct AccountFile {
    path: PathBuf,
}

/// What is in the file. `Debug` masks the tokens.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Kept {
    pub(super) open_id: String,
    pub(super) environment: Environment,
    /// The app that the tokens belong to.
    pub(super) client_key: String,
    /// Who gave them, so that the tokens of a stand-in are never sent to TikTok.
    pub(super) issuer: String,
    pub(super) alias: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) scopes: Scopes,
    #[serde(serialize_with = "exposed")]
    pub(super) access_token: SecretString,
    pub(super) obtained_at: Timestamp,
    /// None if it is not known; then the token is used until it is refused.
    pub(super) access_expires_at: Option<Timestamp>,
    #[serde(serialize_with = "exposed_option")]
    pub(super) refresh_token: Option<SecretString>,
    pub(super) refresh_expires_at: Option<Timestamp>,
    /// Set before the refresh token is sent, taken away when what came of it is kept. If it is still there, the token may be dead.
    pub(super) renewal_began: Option<Timestamp>,
    pub(super) login_needed: Option<LoginReason>,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

fn exposed_option<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

impl Kept {
    /// The name it is known by: the alias, else the display name, else the id.
    pub(super) fn name(&self) -> &str {
        self.alias.as_deref().or(self.display_name.as_deref()).unwrap_or(&self.open_id)
    }

    /// Whether the access token should be replaced by now.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let Some(end) = self.access_expires_at else { return false };
        let life = Duration::try_from(end.duration_since(self.obtained_at)).unwrap_or_default();
        let margin = RENEW_BEFORE.max(life / RENEW_PART).min(life / KEEP_PART);
        end.duration_since(now) < jiff::SignedDuration::try_from(margin).unwrap_or_default()
    }

    /// Whether the access token has ended, as far as is known.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.access_expires_at.is_some_and(|end| end <= now)
    }

    /// Takes over what was granted. What the reply leaves out stays as it was.
    pub(super) fn take(&mut self, grant: &Grant) {
        let end = |life: Option<Duration>| grant.asked_at.saturating_add(life?).ok();
        self.access_token = grant.access_token.clone();
        self.obtained_at = grant.asked_at;
        self.access_expires_at = end(grant.access_life);
        if let Some(token) = &grant.refresh_token {
            self.refresh_token = Some(token.clone());
            self.refresh_expires_at = end(grant.refresh_life);
        }
        if let Some(scopes) = &grant.scopes {
            self.scopes = scopes.clone();
        }
        self.renewal_began = None;
        self.login_needed = None;
    }
}

impl AccountFile {
    /// The file of the account `open_id` in `folder`; none if the id is no file name.
    pub(super) fn of(folder: &Path, environment: Environment, open_id: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let named = !open_id.is_empty() && open_id.len() <= 128 && open_id.chars().all(plain);
        named.then(|| Self { path: folder.join(format!("{environment}-{open_id}.json")) })
    }

    /// All such files in `folder`, in the order of their names.
    pub(super) fn all(folder: &Path, environment: Environment) -> Result<Vec<Self>, AuthError> {
        let failed = || AuthError::file("listed", folder);
        let entries = match fs_err::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let prefix = format!("{environment}-");
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&prefix) && name.ends_with(".json") {
                files.push(Self { path });
            }
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is locked while this one is changed. It stays, as taking it away would take it from under those who wait.
    pub(super) fn lock(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// What is kept; none if there is no file.
    pub(super) fn load(&self) -> Result<Option<Kept>, AuthError> {
        let bytes = match fs_err::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AuthError::file("read", &self.path)(error)),
        };
        self.close_to_others();
        // The parser's message could quote what it read.
        serde_json::from_slice(&bytes).map(Some).map_err(|_| AuthError::Damaged { path: self.path.clone() })
    }

    /// Writes `kept`: a temporary file for its owner alone, synced and renamed, so that there is never half of one. Only under the lock.
    pub(super) fn save(&self, kept: &Kept) -> Result<(), AuthError> {
        self.write(kept).map_err(AuthError::file("written", &self.path))
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs_err::create_dir_all(folder)?;
        let prefix = format!(".{}-", self.path.file_stem().unwrap_or_default().to_string_lossy());
        sweep(folder, &prefix)?;
        // Temporary files are made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, kept)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        sync(folder)
    }

    /// Deletes it. Only under the lock.
    pub(super) fn remove(&self) -> Result<(), AuthError> {
        match fs_err::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(AuthError::file("deleted", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    /// A file that others may read, perhaps since it was copied, is closed to them.
    #[cfg(unix)]
    fn close_to_others(&self) {
        use std::os::unix::fs::PermissionsExt;
        let open = fs_err::metadata(&self.path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        if open {
            tracing::warn!(file = %self.path.display(), "other users could read this login; they no longer can");
            let owner = std::fs::Permissions::from_mode(0o600);
            if let Err(error) = fs_err::set_permissions(&self.path, owner) {
                tracing::warn!(%error, "its permissions cannot be changed");
            }
        }
    }

    #[cfg(not(unix))]
    fn close_to_others(&self) {}
}

/// Takes away the temporary files of those who were killed while they wrote: there are tokens in them.
fn sweep(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(".tmp") {
            fs_err::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(life_s: i64) -> Kept {
        let obtained_at: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        Kept {
            open_id: "-000demo".to_owned(),
            environment: Environment::Sandbox,
            client_key: "key".to_owned(),
            issuer: "https://open.tiktokapis.com".to_owned(),
            alias: None,
            display_name: None,
            scopes: Scopes::parse("video.upload"),
            access_token: "act.hunter2".into(),
            obtained_at,
            access_expires_at: Some(obtained_at + jiff::SignedDuration::from_secs(life_s)),
            refresh_token: Some("rft.hunter2".into()),
            refresh_expires_at: None,
            renewal_began: None,
            login_needed: None,
        }
    }

    #[test]
    fn a_token_is_renewed_when_300_s_or_a_tenth_of_its_life_is_left() {
        for (life_s, left_s) in [(7200, 720), (86400, 8640), (2000, 300), (1000, 300), (400, 200), (10, 5)] {
            let kept = kept(life_s);
            let at = |left| kept.access_expires_at.unwrap() - jiff::SignedDuration::from_secs(left);
            assert!(!kept.is_due(at(left_s)), "{life_s}");
            assert!(kept.is_due(at(left_s - 1)), "{life_s}");
            assert!(!kept.is_over(at(1)) && kept.is_over(at(0)));
        }
        let unknown = Kept { access_expires_at: None, ..kept(0) };
        assert!(!unknown.is_due(Timestamp::MAX) && !unknown.is_over(Timestamp::MAX));
    }

    #[test]
    fn what_is_saved_is_loaded_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let file = AccountFile::of(&folder.path().join("not/yet"), Environment::Sandbox, "-000demo").unwrap();
        assert!(file.load().unwrap().is_none());
        file.save(&kept(7200)).unwrap();
        let loaded = file.load().unwrap().unwrap();
        assert_eq!(loaded.refresh_token.as_ref().unwrap().expose_secret(), "rft.hunter2");
        assert_eq!(loaded.access_expires_at, kept(7200).access_expires_at);
        assert!(!format!("{loaded:?} {file:?}").contains("hunter2"));
        file.remove().unwrap();
        file.remove().unwrap();
        assert!(file.load().unwrap().is_none());
    }

    #[test]
    fn an_id_that_is_no_file_name_is_none() {
        let file = |id: &str| AccountFile::of(Path::new("tokens"), Environment::Production, id);
        assert_eq!(file("-0_0A.z").unwrap().path(), Path::new("tokens/production--0_0A.z.json"));
        let long = "a".repeat(129);
        for id in ["", "../a", "a/b", "a b", "a\0", "ä", &long] {
            assert!(file(id).is_none(), "{id}");
        }
    }

    proptest! {
        #[test]
        fn any_content_is_a_login_or_damaged(content in any::<Vec<u8>>()) {
            let folder = tempfile::tempdir().unwrap();
            let file = AccountFile::of(folder.path(), Environment::Sandbox, "a").unwrap();
            fs_err::write(file.path(), content).unwrap();
            let damaged = matches!(file.load(), Err(AuthError::Damaged { .. }));
            prop_assert!(damaged);
        }
    }
}
