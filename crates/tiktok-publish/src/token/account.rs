//! One account that is logged in, as those who upload see it.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::access::{AccessToken, Scopes};
use super::error::{AuthError, LoginReason};
use super::file::{AccountFile, Kept};
use super::lock::Turn;
use super::refresh::Refresher;
use crate::Environment;

/// A login this close to its end is warned of: time enough for someone to come by.
const LOGIN_ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// An account that is logged in. Cheap to clone; all clones, and all processes on the same folder, share one login.
///
/// `Display` names it for people. Nothing is cached: the file in the store is what holds, so a renewal or a new login by another
/// process is seen at once.
#[derive(Clone)]
pub struct Account {
    shared: Arc<Shared>,
}

struct Shared {
    file: AccountFile,
    open_id: String,
    environment: Environment,
    refresher: Refresher,
    seen: std::sync::Mutex<Seen>,
}

/// What the file said last, for whoever cannot wait for it.
struct Seen {
    name: String,
    scopes: Scopes,
    /// Whether the end of the login was warned of.
    warned: bool,
}

impl Seen {
    fn of(kept: &Kept, warned: bool) -> Self {
        Self { name: kept.name().to_owned(), scopes: kept.scopes.clone(), warned }
    }
}

/// Whether the login as a whole ends within [`LOGIN_ENDS_SOON`].
fn ends_soon(kept: &Kept) -> bool {
    let soon = Timestamp::now().saturating_add(LOGIN_ENDS_SOON).unwrap_or(Timestamp::MAX);
    kept.refresh_expires_at.is_some_and(|end| end < soon)
}

/// How a login stands, without secrets: for people and for `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountStatus {
    /// The name it is known by here: the alias, else the display name, else the id.
    pub name: String,
    /// The name given at login, if one was.
    pub alias: Option<String>,
    /// TikTok's name of the account, if it is known.
    pub display_name: Option<String>,
    /// TikTok's id of the account, which is another one for each app.
    pub open_id: String,
    /// Which of the app's worlds it belongs to.
    pub environment: Environment,
    /// What the user allowed.
    pub scopes: Scopes,
    /// When the access token ends, if that is known; it is renewed by itself.
    pub access_expires_at: Option<Timestamp>,
    /// When the login as a whole ends, if that is known. Each renewal puts it off.
    pub login_expires_at: Option<Timestamp>,
    /// Whether `login_expires_at` is less than 14 days off.
    pub login_ends_soon: bool,
    /// Why it has to be logged in again, if it has to.
    pub login_needed: Option<LoginReason>,
}

impl Account {
    pub(super) fn new(file: AccountFile, kept: &Kept, refresher: Refresher) -> Self {
        Self {
            shared: Arc::new(Shared {
                file,
                open_id: kept.open_id.clone(),
                environment: kept.environment,
                refresher,
                seen: std::sync::Mutex::new(Seen::of(kept, false)),
            }),
        }
    }

    /// A token that is good for some minutes at least, renewed first if need be.
    ///
    /// Renewal goes on to its end even if this future is dropped, since the old token dies with it.
    ///
    /// # Errors
    /// [`AuthError::LoginNeeded`], or why there is no token now.
    pub async fn access_token(&self) -> Result<AccessToken, AuthError> {
        self.token(None).await
    }

    /// Another token after the interface answered 401 `access_token_invalid` to `rejected`: the one that someone else has fetched since,
    /// or a new one. Ask once for each request; if that is refused too, renewing does not help.
    ///
    /// # Errors
    /// As [`Account::access_token`].
    pub async fn refresh_after_401(&self, rejected: &AccessToken) -> Result<AccessToken, AuthError> {
        self.token(Some(rejected)).await
    }

    async fn token(&self, rejected: Option<&AccessToken>) -> Result<AccessToken, AuthError> {
        let kept = self.shared.refresher.token(&self.shared.file, rejected).await?;
        self.look(&kept);
        Ok(AccessToken::new(kept.access_token))
    }

    /// How the login stands.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn status(&self) -> Result<AccountStatus, AuthError> {
        let kept = self.kept()?;
        self.look(&kept);
        let endpoint = self.shared.refresher.endpoint();
        let foreign = kept.client_key != endpoint.client_key() || kept.issuer != endpoint.issuer();
        Ok(AccountStatus {
            name: kept.name().to_owned(),
            login_ends_soon: ends_soon(&kept),
            login_needed: if foreign { Some(LoginReason::OtherApp) } else { kept.login_needed },
            alias: kept.alias,
            display_name: kept.display_name,
            open_id: kept.open_id,
            environment: kept.environment,
            scopes: kept.scopes,
            access_expires_at: kept.access_expires_at,
            login_expires_at: kept.refresh_expires_at,
        })
    }

    /// Keeps TikTok's name of the account, by which it can then be chosen.
    ///
    /// # Errors
    /// If its file cannot be read or written.
    pub async fn set_display_name(&self, display_name: &str) -> Result<(), AuthError> {
        let _turn = Turn::wait_for(&self.shared.file.lock()).await?;
        let mut kept = self.kept()?;
        kept.display_name = Some(display_name.trim().to_owned()).filter(|name| !name.is_empty());
        self.shared.file.save(&kept)?;
        self.look(&kept);
        Ok(())
    }

    /// Takes back what TikTok gave, and forgets the login. A login that TikTok no longer knows is only forgotten.
    ///
    /// # Errors
    /// [`AuthError::Unavailable`] if TikTok cannot be told; then the login stays. Or if its file cannot be deleted.
    pub async fn log_out(&self) -> Result<(), AuthError> {
        match self.access_token().await {
            Ok(token) => match self.shared.refresher.endpoint().revoke(token.expose()).await {
                Err(AuthError::Refused { refusal, .. }) => {
                    tracing::warn!(%refusal, "TikTok would not take the login back; it is forgotten here all the same");
                }
                told => told?,
            },
            Err(AuthError::LoginNeeded { .. } | AuthError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        let _turn = Turn::wait_for(&self.shared.file.lock()).await?;
        self.shared.file.remove()
    }

    fn kept(&self) -> Result<Kept, AuthError> {
        self.shared
            .file
            .load()?
            .ok_or_else(|| AuthError::LoginNeeded { account: self.name(), reason: LoginReason::LoggedOut })
    }

    /// Remembers what is told without waiting, and warns, once, of a login that will end.
    fn look(&self, kept: &Kept) {
        let mut seen = self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let warn = ends_soon(kept) && !seen.warned;
        *seen = Seen::of(kept, seen.warned || warn);
        drop(seen);
        if warn && let Some(end) = kept.refresh_expires_at {
            let account = kept.name();
            tracing::warn!(
                "the login of the TikTok account {account} ends at {end} unless it is renewed by then"
            );
        }
    }

    /// TikTok's id of the account.
    #[must_use]
    pub fn open_id(&self) -> &str {
        &self.shared.open_id
    }

    /// Which of the app's worlds it belongs to.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.shared.environment
    }

    /// What the user allowed, as far as was seen last.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).scopes.clone()
    }

    /// The name it is known by here: the alias, else the display name, else the id.
    #[must_use]
    pub fn name(&self) -> String {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).name.clone()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("open_id", &self.open_id()).finish_non_exhaustive()
    }
}
