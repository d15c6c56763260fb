//! Renewing a login, in such a way that no crash and no lost reply is taken for anything else.
//!
//! A refresh token dies when it is used, so whoever uses one must keep what comes of it:
//!
//! 1. the lock of the account is taken, and its file is read again: someone else may have renewed it;
//! 2. the file is marked: from here on the token in it may be dead. If not even that can be written, nothing is sent;
//! 3. the token is sent;
//! 4. the new pair is written, which takes the mark away, and only then used.
//!
//! After a crash between 3 and 4 the old token is tried again. If the request never arrived, that works; if it did, TikTok refuses, and
//! the mark tells why.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::access::AccessToken;
use super::endpoint::{TokenEndpoint, Unanswered};
use super::error::{AuthError, LoginReason};
use super::file::{AccountFile, Kept};
use super::lock::Turn;
use super::refusal::RefusalKind;
use super::reply::Grant;

/// What is being done, in errors.
const DOING: &str = "the renewal of the login";
/// How often the endpoint is asked when it has trouble or cannot be reached.
const TRIES: u32 = 3;
/// The wait before the second try; it doubles, and up to half is added at random.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How often a new pair is tried to be written before it is kept in memory.
const WRITES: u32 = 3;
/// The wait between these tries.
const WRITE_AGAIN: Duration = Duration::from_millis(200);

/// Renews the login of one account.
#[derive(Clone, Debug)]
pub(super) struct Refresher {
    endpoint: TokenEndpoint,
    first_wait: Duration,
    /// One renewal of this account in this process; in it, a pair that could not be written yet.
    unwritten: Arc<Mutex<Option<Unwritten>>>,
}

/// A new pair, and the refresh token that it took the place of.
#[derive(Debug)]
struct Unwritten {
    kept: Kept,
    spent: SecretString,
}

/// What came of asking.
enum Asked {
    Granted(Box<Grant>),
    /// In the meantime someone else has written another login.
    Overtaken(Box<Kept>),
    Failed {
        why: Unanswered,
        /// Whether a request may have arrived whose reply did not.
        lost: bool,
    },
}

/// What is to be done with what is kept.
enum Verdict {
    Use,
    Renew,
    LogIn(LoginReason),
}

impl Refresher {
    pub(super) fn new(endpoint: TokenEndpoint) -> Self {
        Self { endpoint, first_wait: FIRST_WAIT, unwritten: Arc::default() }
    }

    /// The same, with another wait before the second try.
    pub(super) fn waiting(self, first_wait: Duration) -> Self {
        Self { first_wait, ..self }
    }

    pub(super) const fn endpoint(&self) -> &TokenEndpoint {
        &self.endpoint
    }

    /// What is kept in `file`, renewed if it is due or if its token is `rejected`.
    pub(super) async fn token(
        &self,
        file: &AccountFile,
        rejected: Option<&AccessToken>,
    ) -> Result<Kept, AuthError> {
        let kept = load(file)?;
        match self.judge(&kept, rejected) {
            Verdict::Use => return Ok(kept),
            Verdict::LogIn(reason) if reason == LoginReason::OtherApp || kept.is_over(Timestamp::now()) => {
                return Err(needed(&kept, reason));
            }
            Verdict::Renew | Verdict::LogIn(_) => {}
        }
        let (this, file, rejected) = (self.clone(), file.clone(), rejected.cloned());
        // In a task of its own: if whoever asked goes away, what comes back is kept all the same.
        let renewal = tokio::spawn(async move { this.renew(&file, rejected.as_ref()).await });
        renewal.await.unwrap_or_else(|ended| {
            Err(AuthError::Unavailable {
                doing: DOING,
                host: self.endpoint.issuer(),
                what: ended.to_string(),
                source: None,
            })
        })
    }

    fn judge(&self, kept: &Kept, rejected: Option<&AccessToken>) -> Verdict {
        if kept.client_key != self.endpoint.client_key() || kept.issuer != self.endpoint.issuer() {
            return Verdict::LogIn(LoginReason::OtherApp);
        }
        let now = Timestamp::now();
        let refused = is_rejected(kept, rejected);
        if !refused && !kept.is_due(now) {
            return Verdict::Use;
        }
        let reason = match (kept.login_needed, &kept.refresh_token) {
            (Some(reason), _) => reason,
            (None, None) => LoginReason::NoRefreshToken,
            (None, Some(_)) => return Verdict::Renew,
        };
        // What is left of it is used up.
        if refused || kept.is_over(now) { Verdict::LogIn(reason) } else { Verdict::Use }
    }

    async fn renew(&self, file: &AccountFile, rejected: Option<&AccessToken>) -> Result<Kept, AuthError> {
        let mut unwritten = self.unwritten.lock().await;
        let _turn = Turn::wait_for(&file.lock()).await?;
        let mut kept = load(file)?;
        if let Some(earlier) = unwritten.as_ref() {
            // Unless someone has logged in since.
            if is_same(kept.refresh_token.as_ref(), &earlier.spent) {
                save(file, &earlier.kept).await?;
                kept = earlier.kept.clone();
            }
            *unwritten = None;
        }
        match self.judge(&kept, rejected) {
            Verdict::Use => return Ok(kept),
            Verdict::LogIn(reason) => {
                if reason != LoginReason::OtherApp {
                    // What was refused once need not be tried by others.
                    kept.login_needed = Some(reason);
                    kept.access_expires_at = Some(Timestamp::now());
                    save(file, &kept).await?;
                }
                return Err(needed(&kept, reason));
            }
            Verdict::Renew => {}
        }
        // An earlier renewal did not come to its end.
        let doubtful = kept.renewal_began.is_some();
        kept.renewal_began.get_or_insert_with(Timestamp::now);
        save(file, &kept).await?;
        let Some(spent) = kept.refresh_token.clone() else {
            return Err(needed(&kept, LoginReason::NoRefreshToken));
        };
        match self.ask(file, &spent).await? {
            Asked::Granted(grant) => {
                kept.take(&grant);
                if let Err(error) = write(file, &kept).await {
                    tracing::error!(%error, "the new TikTok login is kept in memory until it can be written");
                    *unwritten = Some(Unwritten { kept, spent });
                    return Err(error);
                }
                Ok(kept)
            }
            Asked::Overtaken(kept) => Ok(*kept),
            Asked::Failed { why: Unanswered::Refused(refusal), lost }
                if refusal.kind == RefusalKind::Grant =>
            {
                let reason = match kept.refresh_expires_at {
                    _ if doubtful || lost => LoginReason::LostReply,
                    Some(end) if end <= Timestamp::now() => LoginReason::Expired,
                    _ => LoginReason::Rejected,
                };
                kept.login_needed = Some(reason);
                kept.renewal_began = None;
                if is_rejected(&kept, rejected) {
                    kept.access_expires_at = Some(Timestamp::now());
                }
                save(file, &kept).await?;
                Self::make_do(kept, rejected, |kept| needed(kept, reason))
            }
            Asked::Failed { why, lost } => {
                if !lost && !doubtful {
                    kept.renewal_began = None;
                    save(file, &kept).await?;
                }
                Self::make_do(kept, rejected, |_| self.endpoint.failed(DOING, why))
            }
        }
    }

    /// Sends the token `spent` until there is an answer or trying is over.
    async fn ask(&self, file: &AccountFile, spent: &SecretString) -> Result<Asked, AuthError> {
        let mut lost = false;
        let mut wait = self.first_wait;
        for tries_left in (0..TRIES).rev() {
            let why = match self.endpoint.refresh(spent).await {
                Ok(grant) => return Ok(Asked::Granted(Box::new(grant))),
                Err(why) => why,
            };
            lost |= matches!(why, Unanswered::Lost { .. });
            let passing = match &why {
                Unanswered::NotSent(_) | Unanswered::Lost { .. } => true,
                Unanswered::Refused(refusal) => refusal.kind == RefusalKind::Temporary,
            };
            if !passing || tries_left == 0 {
                return Ok(Asked::Failed { why, lost });
            }
            tokio::time::sleep(wait.mul_f64(rand::random_range(1.0..1.5))).await;
            wait *= 2;
            // Someone who does not know the lock may have been faster.
            let there = load(file)?;
            if !is_same(there.refresh_token.as_ref(), spent) {
                return Ok(Asked::Overtaken(Box::new(there)));
            }
        }
        Err(AuthError::Malformed { doing: DOING, what: "nothing was asked" })
    }

    /// A token that is due but not over is still good if there is no other.
    fn make_do(
        kept: Kept,
        rejected: Option<&AccessToken>,
        error: impl FnOnce(&Kept) -> AuthError,
    ) -> Result<Kept, AuthError> {
        let error = error(&kept);
        if is_rejected(&kept, rejected) || kept.is_over(Timestamp::now()) {
            return Err(error);
        }
        tracing::warn!(%error, "the TikTok login could not be renewed; its token is used until it ends");
        Ok(kept)
    }
}

fn is_rejected(kept: &Kept, rejected: Option<&AccessToken>) -> bool {
    rejected.is_some_and(|rejected| rejected.expose() == kept.access_token.expose_secret())
}

fn is_same(token: Option<&SecretString>, other: &SecretString) -> bool {
    token.is_some_and(|token| token.expose_secret() == other.expose_secret())
}

fn needed(kept: &Kept, reason: LoginReason) -> AuthError {
    AuthError::LoginNeeded { account: kept.name().to_owned(), reason }
}

/// What is kept in `file`; that nothing is, means that someone logged out.
fn load(file: &AccountFile) -> Result<Kept, AuthError> {
    file.load()?.ok_or_else(|| AuthError::LoginNeeded {
        account: file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        reason: LoginReason::LoggedOut,
    })
}

/// Writes, off the runtime's threads, since it waits for the disk. Once begun it goes on to its end.
async fn save(file: &AccountFile, kept: &Kept) -> Result<(), AuthError> {
    let (file, kept) = (file.clone(), kept.clone());
    match tokio::task::spawn_blocking(move || file.save(&kept)).await {
        Ok(saved) => saved,
        Err(_) => Err(AuthError::Malformed { doing: DOING, what: "writing it was broken off" }),
    }
}

/// Writes a new pair, trying again if the disk will not have it: the old one is dead.
async fn write(file: &AccountFile, kept: &Kept) -> Result<(), AuthError> {
    for _ in 1..WRITES {
        if save(file, kept).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(WRITE_AGAIN).await;
    }
    save(file, kept).await
}
