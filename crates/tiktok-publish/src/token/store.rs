//! All accounts that are logged in, a file each.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::access::Scopes;
use super::account::Account;
use super::endpoint::TokenEndpoint;
use super::error::AuthError;
use super::file::{AccountFile, Kept};
use super::lock::Turn;
use super::refresh::Refresher;
use super::reply::Grant;

/// The accounts that are logged in to one environment: files in one folder, which several processes may share.
///
/// A file is called `ENVIRONMENT-OPENID.json`; only its owner can read it, and it is written whole or not at all.
#[derive(Clone)]
pub struct TokenStore {
    folder: PathBuf,
    endpoint: TokenEndpoint,
    first_wait: Option<Duration>,
}

impl fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenStore").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// A login that was made elsewhere and comes through `TIKTOK_ACCESS_TOKEN`, `TIKTOK_REFRESH_TOKEN` and `TIKTOK_OPEN_ID`.
#[derive(Clone)]
pub struct LegacyTokens {
    /// The token for requests. Its end is not known, so it is used until it is refused; without it, the first use renews.
    pub access_token: Option<SecretString>,
    /// The token to renew with; without it the login ends with the other one.
    pub refresh_token: Option<SecretString>,
    /// TikTok's id of the account.
    pub open_id: String,
    /// What the user allowed, as far as is known.
    pub scopes: Scopes,
}

impl fmt::Debug for LegacyTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyTokens").field("open_id", &self.open_id).finish_non_exhaustive()
    }
}

impl TokenStore {
    /// The accounts in `folder`, which is made when the first logs in. Their tokens come from `endpoint`, whose environment they are of.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, endpoint: TokenEndpoint) -> Self {
        Self { folder: folder.into(), endpoint, first_wait: None }
    }

    /// The same, waiting this long before TikTok is asked a second time for a renewal, rather than 1 s. It doubles at the third.
    #[must_use]
    pub fn retrying_after(self, first_wait: Duration) -> Self {
        Self { first_wait: Some(first_wait), ..self }
    }

    /// Who gives the tokens.
    #[must_use]
    pub const fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    /// All accounts. A file that cannot be read is passed over with a warning, so that it does not keep the others from their work.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>, AuthError> {
        Ok(self.all()?.into_iter().map(|(file, kept)| self.account(file, &kept)).collect())
    }

    /// The account that is called `wanted`: by its alias, its display name or its id; large and small letters are the same if that leaves
    /// one. Without a name, the only one there is.
    ///
    /// # Errors
    /// [`AuthError::NoAccount`], [`AuthError::UnknownAccount`] or [`AuthError::AmbiguousAccount`]; or if the folder cannot be read.
    pub fn choose(&self, wanted: Option<&str>) -> Result<Account, AuthError> {
        let all = self.all()?;
        let known = || all.iter().map(|(_, kept)| kept.name().to_owned()).collect::<Vec<_>>();
        if all.is_empty() {
            return Err(AuthError::NoAccount { environment: self.endpoint.config().environment });
        }
        let Some(wanted) = wanted.map(str::trim) else {
            return match all.as_slice() {
                [(file, kept)] => Ok(self.account(file.clone(), kept)),
                _ => Err(AuthError::AmbiguousAccount { known: known() }),
            };
        };
        // The closest way of being meant decides.
        let ways: [fn(&Kept, &str) -> bool; 4] = [
            |kept, name| kept.open_id == name,
            |kept, name| kept.alias.as_deref() == Some(name),
            |kept, name| kept.display_name.as_deref() == Some(name),
            |kept, name| [&kept.alias, &kept.display_name].into_iter().flatten().any(|own| alike(own, name)),
        ];
        for way in ways {
            let mut meant = all.iter().filter(|(_, kept)| way(kept, wanted));
            match (meant.next(), meant.next()) {
                (Some((file, kept)), None) => return Ok(self.account(file.clone(), kept)),
                (Some(_), Some(_)) => {
                    let meant = all.iter().filter(|(_, kept)| way(kept, wanted));
                    let known =
                        meant.map(|(_, kept)| format!("{} ({})", kept.name(), kept.open_id)).collect();
                    return Err(AuthError::AmbiguousAccount { known });
                }
                (None, _) => {}
            }
        }
        Err(AuthError::UnknownAccount { wanted: wanted.to_owned(), known: known() })
    }

    /// Keeps what a login gave. `alias` is a name of your own for the account; without one an earlier one stays.
    ///
    /// # Errors
    /// [`AuthError::AliasTaken`], or if the file cannot be written: then there is no login.
    pub async fn keep(&self, grant: &Grant, alias: Option<&str>) -> Result<Account, AuthError> {
        let alias = alias.map(str::trim).filter(|alias| !alias.is_empty());
        let file = self.file(grant.open_id())?;
        let _turn = Turn::wait_for(&file.lock()).await?;
        if let Some(alias) = alias {
            let other = self.all()?.into_iter().find(|(_, kept)| {
                kept.open_id != grant.open_id() && kept.alias.as_deref().is_some_and(|own| alike(own, alias))
            });
            if let Some((_, other)) = other {
                return Err(AuthError::AliasTaken { alias: alias.to_owned(), open_id: other.open_id });
            }
        }
        // Of an earlier login only the names are of use, so one that is damaged does not matter.
        let earlier = file.load().ok().flatten();
        let mut kept = self.empty(grant.open_id(), grant.access_token.clone());
        kept.take(grant);
        kept.display_name = earlier.as_ref().and_then(|kept| kept.display_name.clone());
        kept.alias = alias.map(str::to_owned).or_else(|| earlier.and_then(|kept| kept.alias));
        file.save(&kept)?;
        Ok(self.account(file, &kept))
    }

    /// Takes over a login that was made elsewhere, once: if the account is known already, what is kept here is newer and stays.
    ///
    /// # Errors
    /// If the id is none, or the file cannot be written.
    pub async fn import(&self, tokens: &LegacyTokens) -> Result<Account, AuthError> {
        let file = self.file(tokens.open_id.trim())?;
        let _turn = Turn::wait_for(&file.lock()).await?;
        if let Some(kept) = file.load()? {
            return Ok(self.account(file, &kept));
        }
        let access_token = tokens.access_token.as_ref().map(trimmed);
        let over = access_token.is_none().then(Timestamp::now);
        let mut kept = self.empty(tokens.open_id.trim(), access_token.unwrap_or_default());
        kept.access_expires_at = over;
        kept.refresh_token = tokens.refresh_token.as_ref().map(trimmed);
        kept.scopes = tokens.scopes.clone();
        file.save(&kept)?;
        tracing::info!(
            "the TikTok login of the environment variables is kept in {} from now on",
            file.path().display()
        );
        Ok(self.account(file, &kept))
    }

    fn file(&self, open_id: &str) -> Result<AccountFile, AuthError> {
        AccountFile::of(&self.folder, self.endpoint.config().environment, open_id)
            .ok_or(AuthError::Malformed { doing: "the login", what: "its open_id is none" })
    }

    fn all(&self) -> Result<Vec<(AccountFile, Kept)>, AuthError> {
        let files = AccountFile::all(&self.folder, self.endpoint.config().environment)?;
        let read = files.into_iter().filter_map(|file| match file.load() {
            Ok(kept) => kept.map(|kept| (file, kept)),
            Err(error) => {
                tracing::warn!(%error, "a TikTok login is passed over");
                None
            }
        });
        Ok(read.collect())
    }

    fn account(&self, file: AccountFile, kept: &Kept) -> Account {
        let refresher = Refresher::new(self.endpoint.clone());
        let refresher = match self.first_wait {
            Some(wait) => refresher.waiting(wait),
            None => refresher,
        };
        Account::new(file, kept, refresher)
    }

    fn empty(&self, open_id: &str, access_token: SecretString) -> Kept {
        Kept {
            open_id: open_id.to_owned(),
            environment: self.endpoint.config().environment,
            client_key: self.endpoint.client_key().to_owned(),
            issuer: self.endpoint.issuer(),
            alias: None,
            display_name: None,
            scopes: Scopes::default(),
            access_token,
            obtained_at: Timestamp::now(),
            access_expires_at: None,
            refresh_token: None,
            refresh_expires_at: None,
            renewal_began: None,
            login_needed: None,
        }
    }
}

fn alike(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn trimmed(secret: &SecretString) -> SecretString {
    secret.expose_secret().trim().to_owned().into()
}
