//! Posts that TikTok took and then could not use.

use publish::{Post, PublishError, Refusal};

use super::TikTokPublisher;
use crate::api::PublishStatus;
use crate::ledger::Cause;

/// What is to be done about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// Another file is needed.
    File,
    /// The same again, anew.
    Anew,
    /// The account has to be logged in again.
    Login,
    /// Much later.
    Later,
    /// The user has to do something.
    Act(&'static str),
}

const APPEAL: Remedy = Remedy::Act("open the TikTok app and see what it says about the account");

/// Every reason that TikTok documents.
const REASONS: &[(&str, &str, Remedy)] = &[
    (
        "file_format_check_failed",
        "TikTok does not take its format: MP4, MOV or WebM with H.264, H.265, VP8 or VP9",
        Remedy::File,
    ),
    ("duration_check_failed", "TikTok finds it too long or too short for this account", Remedy::File),
    ("frame_rate_check_failed", "TikTok takes 23 to 60 pictures a second, all equally long", Remedy::File),
    ("picture_size_check_failed", "TikTok takes sides of 360 to 4096 pixels", Remedy::File),
    ("internal", "TikTok had trouble of its own with it", Remedy::Anew),
    (
        "video_pull_failed",
        "TikTok could not fetch the video",
        Remedy::Act(
            "check that its address is reachable from outside without redirects, then try again, or upload the file (MULTIPART)",
        ),
    ),
    (
        "photo_pull_failed",
        "TikTok could not fetch the picture",
        Remedy::Act("check that its address is reachable from outside, then try again"),
    ),
    ("publish_cancelled", "the post was cancelled", Remedy::Act("send it again if you want it")),
    (
        "auth_removed",
        "the account has withdrawn its permission while TikTok worked on the post",
        Remedy::Login,
    ),
    ("spam_risk_too_many_posts", "the account has reached TikTok's limit of posts a day", Remedy::Later),
    ("spam_risk_user_banned_from_posting", "TikTok has banned the account from posting", APPEAL),
    ("spam_risk_text", "TikTok takes the text for spam", Remedy::Act("change the text of the post")),
    ("spam_risk", "TikTok takes the post for spam", APPEAL),
];

fn reason_of(code: &str) -> (&'static str, Remedy) {
    REASONS.iter().find(|(known, ..)| *known == code).map_or(
        ("TikTok could not use it", Remedy::Act("look the code up in TikTok's documentation")),
        |(_, words, remedy)| (*words, *remedy),
    )
}

/// Whether TikTok says that the same may be tried again.
pub(super) fn is_worth_another_try(status: &PublishStatus) -> bool {
    status.fail_reason.as_deref().is_some_and(|code| reason_of(code).1 == Remedy::Anew)
}

impl TikTokPublisher {
    /// The error for the caller.
    pub(super) async fn failed(&self, post: Option<&Post>, status: &PublishStatus) -> PublishError {
        let code = status.fail_reason.clone().unwrap_or_else(|| "FAILED".to_owned());
        let (words, remedy) = reason_of(&code);
        let refused = |remedy: &str| {
            PublishError::Refused(Box::new(Refusal {
                code: code.clone(),
                reason: words.to_owned(),
                remedy: remedy.to_owned(),
                reference: None,
            }))
        };
        match (remedy, post) {
            (Remedy::File, Some(post)) => {
                PublishError::Unsuitable { path: post.video.clone(), limit: format!("{words} ({code})") }
            }
            (Remedy::File, None) => refused("make another file"),
            (Remedy::Anew, _) => PublishError::unavailable(format!("{words} ({code})")),
            (Remedy::Login, _) => {
                PublishError::Login { reason: format!("{words} ({code}); run `streamliner tiktok-login`") }
            }
            (Remedy::Later, _) => self.hold_back(Cause::Day, &code, None).await.unwrap_or_else(|error| error),
            (Remedy::Act(remedy), _) => refused(remedy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_known_once() {
        let mut codes: Vec<&str> = REASONS.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), REASONS.len());
        assert_eq!(reason_of("internal").1, Remedy::Anew);
        assert_eq!(
            reason_of("internal_something").1,
            Remedy::Act("look the code up in TikTok's documentation")
        );
    }
}
