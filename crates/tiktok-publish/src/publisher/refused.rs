//! What an error of TikTok's means for a publication.

use publish::PublishError;

use super::TikTokPublisher;
use crate::api::{ApiError, ApiFailure, Class};
use crate::clock::later;
use crate::ledger::Cause;

/// When to come again after TikTok was asked too often: it counts a minute.
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

impl TikTokPublisher {
    /// The error for the caller. A limit that was met is noted for all processes; what cannot be noted is told instead.
    pub(super) async fn refused(&self, error: ApiError) -> PublishError {
        match self.note(&error).await {
            Ok(Some(not_now)) => not_now,
            Ok(None) => meaning(error, self),
            Err(unwritten) => unwritten,
        }
    }

    /// Notes a limit that was met, and any refusal's id.
    async fn note(&self, error: &ApiError) -> Result<Option<PublishError>, PublishError> {
        let Some(class) = error.class() else { return Ok(None) };
        let cause = match class {
            Class::PendingShares => Cause::PendingShares,
            Class::Defer => Cause::Day,
            _ => {
                if let Some(log_id) = error.log_id() {
                    self.ledger.note_log_id(log_id).await?;
                }
                return Ok(None);
            }
        };
        self.hold_back(cause, error.code().unwrap_or_default(), error.log_id()).await.map(Some)
    }

    /// Notes that TikTok asks to hold back, and says so.
    pub(super) async fn hold_back(
        &self,
        cause: Cause,
        code: &str,
        log_id: Option<&str>,
    ) -> Result<PublishError, PublishError> {
        let until = self.ledger.note_block(cause, code, log_id).await?;
        let meaning = crate::api::Meaning::of(code, 403);
        let log_id = log_id.map(str::to_owned);
        let shown = log_id.as_deref().map(|id| format!(", log_id {id}")).unwrap_or_default();
        let reason = format!("{} ({code}{shown}); {}", meaning.reason, meaning.remedy);
        Ok(PublishError::NotNow { reason, until: Some(until), reference: log_id })
    }
}

/// What an error means that is no limit.
fn meaning(error: ApiError, publisher: &TikTokPublisher) -> PublishError {
    let reference = error.log_id().map(str::to_owned);
    if error.is_busy() {
        return PublishError::NotNow {
            reason: format!("TikTok was asked too often within a minute: {error}"),
            until: Some(later(publisher.clock.now(), MINUTE)),
            reference,
        };
    }
    match error.class() {
        Some(Class::Token | Class::Consent) => {
            PublishError::Login { reason: format!("{}: {}", publisher.name, error.refusal()) }
        }
        Some(Class::Internal) => PublishError::unavailable(format!("TikTok has trouble of its own: {error}")),
        Some(_) => PublishError::Refused(Box::new(error.refusal())),
        None if matches!(error.failure(), ApiFailure::Auth(_)) => match error.into_failure() {
            ApiFailure::Auth(error) => error.into(),
            other => PublishError::unavailable(other.to_string()),
        },
        None => PublishError::Unavailable {
            what: format!("TikTok gave no answer to {}", error.call()),
            source: Some(Box::new(error)),
        },
    }
}
