//! What an attempt means for the publication and for its account.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use publish::{Delivery, DeliveryState, PublishError};

use super::record::PublicationState;
use super::schedule::Hold;

/// A publication that met trouble is tried again this much later, then after twice as long each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Trouble of a platform or of a network rarely lasts longer than this without a person noticing.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// After trouble with one publication, the account's others wait this long.
const ACCOUNT_PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// A limit without a time is asked about again after this.
const UNKNOWN_LIMIT: SignedDuration = SignedDuration::from_mins(15);
/// A login that is missing or a setup that is wrong is looked at again after this; a person has to act meanwhile.
const PERSON_PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// A post that is still processing is asked about again after this, then after twice as long each time, up to [`LONGEST_PAUSE`].
const FIRST_ASK: SignedDuration = SignedDuration::from_secs(30);

/// How a publication stands after an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: PublicationState,
    pub(super) why: Option<String>,
    pub(super) attempts: u32,
    pub(super) not_before: Option<Timestamp>,
    /// What keeps all publications of the account.
    pub(super) hold: Option<Hold>,
}

/// `first`, doubled with each attempt before this one, but never longer than [`LONGEST_PAUSE`].
fn pause(first: SignedDuration, attempts: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(attempts.min(16)).unwrap_or(i32::MAX);
    first.checked_mul(factor).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

/// The error with its causes, as one line.
pub(super) fn told(error: &PublishError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    text
}

/// What an outcome means, after so many attempts before it.
pub(super) fn verdict(
    outcome: &Result<Delivery, PublishError>,
    attempts: u32,
    video: &Path,
    now: Timestamp,
) -> Verdict {
    let after = |pause: SignedDuration| now.checked_add(pause).unwrap_or(Timestamp::MAX);
    let error = match outcome {
        Ok(delivery) if delivery.state == DeliveryState::Processing => {
            return Verdict {
                state: PublicationState::Processing,
                why: Some("the platform is still working on it".to_owned()),
                attempts: attempts.saturating_add(1),
                not_before: Some(after(pause(FIRST_ASK, attempts))),
                hold: None,
            };
        }
        Ok(_) => {
            return Verdict {
                state: PublicationState::Delivered,
                why: None,
                attempts,
                not_before: None,
                hold: None,
            };
        }
        Err(error) => error,
    };
    let why = told(error);
    let ended = |state| Verdict { state, why: Some(why.clone()), attempts, not_before: None, hold: None };
    let waits = |not_before, hold: Option<Timestamp>| Verdict {
        state: PublicationState::Waiting,
        why: Some(why.clone()),
        attempts: attempts.saturating_add(1),
        not_before,
        hold: hold.map(|until| Hold { why: why.clone(), until: Some(until) }),
    };
    match error {
        PublishError::Unsuitable { .. } => ended(PublicationState::Failed),
        PublishError::File { path, .. } if path == video => ended(PublicationState::Failed),
        PublishError::Refused(_) => ended(PublicationState::Refused),
        PublishError::Unknown { .. } => ended(PublicationState::Unknown),
        PublishError::NotNow { until, .. } => {
            // A limit is of the account, not of this clip: it is as good as untried.
            let until = until.unwrap_or_else(|| after(UNKNOWN_LIMIT));
            Verdict { attempts, ..waits(None, Some(until)) }
        }
        PublishError::Login { .. } | PublishError::Setup { .. } => {
            Verdict { attempts, ..waits(None, Some(after(PERSON_PAUSE))) }
        }
        _ => waits(Some(after(pause(FIRST_PAUSE, attempts))), Some(after(ACCOUNT_PAUSE))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use publish::Refusal;

    use super::*;

    fn judged(error: PublishError, attempts: u32) -> Verdict {
        verdict(&Err(error), attempts, Path::new("/clip.mp4"), Timestamp::UNIX_EPOCH)
    }

    fn minutes(verdict: &Verdict) -> Option<i64> {
        verdict.not_before.map(|at| at.as_second() / 60)
    }

    #[test]
    fn trouble_is_tried_again_after_a_growing_pause() {
        let pauses: Vec<_> = (0..9)
            .map(|attempts| minutes(&judged(PublishError::unavailable("the network is down"), attempts)))
            .collect();
        let expected = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Some);
        assert_eq!(pauses, expected);
        let verdict = judged(PublishError::unavailable("x"), u32::MAX);
        assert_eq!((minutes(&verdict), verdict.attempts), (Some(60), u32::MAX));
    }

    #[test]
    fn a_limit_holds_the_account_until_its_time() {
        let until = Timestamp::from_second(5_000).unwrap();
        let limit =
            PublishError::NotNow { reason: "too many".to_owned(), until: Some(until), reference: None };
        let verdict = judged(limit, 3);
        assert_eq!((verdict.state, verdict.attempts), (PublicationState::Waiting, 3));
        assert_eq!(verdict.hold.and_then(|hold| hold.until), Some(until));
    }

    #[test]
    fn what_a_person_has_to_decide_is_not_tried_again() {
        let refusal = Refusal {
            code: "spam_risk".to_owned(),
            reason: "it looks like spam".to_owned(),
            remedy: "look at the account".to_owned(),
            reference: Some("42".to_owned()),
        };
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let file =
            |path: &str| PublishError::File { what: "read", path: PathBuf::from(path), source: missing() };
        for (error, state) in [
            (PublishError::Refused(Box::new(refusal)), PublicationState::Refused),
            (PublishError::Unknown { why: "gone".to_owned(), receipt: None }, PublicationState::Unknown),
            (file("/clip.mp4"), PublicationState::Failed),
            (file("/elsewhere.mp4"), PublicationState::Waiting),
        ] {
            assert_eq!(judged(error, 0).state, state);
        }
    }
}
