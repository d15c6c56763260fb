//! Every error that TikTok documents, at every place where it comes.

use std::time::Duration;

use publish::PublishError;
use testkit::tiktok::{Endpoint, Fault};
use tiktok_publish::{Clock as _, DirectPost, Privacy, PublishMode, PublishSettings};

use crate::support::{World, publish, ready};

/// Longer than the first wait after any limit.
const DEFERRED: Duration = Duration::from_secs(3700);

/// What a user is told, by kind.
fn kind(error: &PublishError) -> &'static str {
    match error {
        PublishError::Unsuitable { .. } => "unsuitable",
        PublishError::Refused(_) => "refused",
        PublishError::NotNow { .. } => "not now",
        PublishError::Login { .. } => "login",
        PublishError::Unavailable { .. } => "unavailable",
        PublishError::Unknown { .. } => "unknown",
        _ => "other",
    }
}

/// Announces a clip to a TikTok that always answers `code`. Tells the kind of error and how often it was asked.
async fn announced(endpoint: Endpoint, code: &'static str) -> (&'static str, u32) {
    let world = World::start().await;
    world.tiktok.fail_next(endpoint, None, Fault::Refuse(code));
    let mode = PublishMode::Direct(DirectPost::new(Privacy::SelfOnly));
    let settings = PublishSettings { mode, ..PublishSettings::default() };
    let publisher = if endpoint == Endpoint::InboxInit { world.drafts() } else { world.publisher(settings) };
    let error = publish(&publisher, &world.small(1)).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(code) || matches!(error, PublishError::Login { .. }), "{code}: {shown}");
    let asked = world.tiktok.requests(endpoint);
    world.tiktok.behave(endpoint);
    // Whatever it was, it can be tried again, and then there is one.
    world.pass(DEFERRED);
    ready(&publisher, &world.clock).await;
    publish(&publisher, &world.small(1)).await.unwrap();
    assert_eq!(world.copies(&world.small(1)), 1, "{code}");
    (kind(&error), asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refused_announcement_has_its_remedy() {
    for (code, expected) in [
        ("access_token_invalid", ("login", 2)),
        ("scope_not_authorized", ("login", 1)),
        ("scope_permission_missed", ("login", 1)),
        ("invalid_param", ("refused", 1)),
        ("invalid_params", ("refused", 1)),
        ("rate_limit_exceeded", ("not now", 3)),
        ("internal_error", ("unavailable", 3)),
        ("spam_risk_too_many_pending_share", ("not now", 1)),
        ("spam_risk_too_many_posts", ("not now", 1)),
        ("reached_active_user_cap", ("not now", 1)),
        ("spam_risk_user_banned_from_posting", ("refused", 1)),
        ("spam_risk", ("refused", 1)),
        ("spam_risk_text", ("refused", 1)),
        ("spam_risk_of_a_new_kind", ("not now", 1)),
        ("unaudited_client_can_only_post_to_private_accounts", ("refused", 1)),
        ("privacy_level_option_mismatch", ("refused", 1)),
        ("url_ownership_unverified", ("refused", 1)),
        ("app_version_check_failed", ("refused", 1)),
        ("something_new", ("refused", 1)),
    ] {
        assert_eq!(announced(Endpoint::InboxInit, code).await, expected, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_choices_tell_of_limits_first() {
    for (code, expected) in [
        ("spam_risk_too_many_posts", ("not now", 1)),
        ("spam_risk_user_banned_from_posting", ("refused", 1)),
        ("reached_active_user_cap", ("not now", 1)),
        ("internal_error", ("unavailable", 5)),
        ("rate_limit_exceeded", ("not now", 3)),
        ("scope_not_authorized", ("login", 1)),
    ] {
        assert_eq!(announced(Endpoint::CreatorInfo, code).await, expected, "{code}");
    }
    assert_eq!(announced(Endpoint::DirectInit, "spam_risk_text").await, ("refused", 1));
    assert_eq!(announced(Endpoint::DirectInit, "privacy_level_option_mismatch").await, ("refused", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_renewed_once() {
    let world = World::start().await;
    world.tiktok.void_access_tokens();
    publish(&world.drafts(), &world.small(1)).await.unwrap();
    assert_eq!(world.tiktok.requests(Endpoint::Refresh), 1);
    // In the middle of it, too.
    world.tiktok.fail_next(Endpoint::Status, Some(1), Fault::Refuse("access_token_invalid"));
    publish(&world.drafts(), &world.small(2)).await.unwrap();
    assert_eq!(world.tiktok.requests(Endpoint::Refresh), 2);
}

/// Has TikTok take a clip and throw it away for a reason. Tells the kind of error and how many videos were announced.
async fn thrown_away(reason: &str) -> (String, usize) {
    let world = World::start().await;
    // What may be tried again is, once.
    for _ in 0..if reason == "internal" { 2 } else { 1 } {
        world.tiktok.doom_next(Some(reason));
    }
    let error = publish(&world.drafts(), &world.small(1)).await.unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(reason), "{reason}: {shown}");
    let announced = world.tiktok.record().publications.len();
    // It can be sent again, since the user has none.
    let publisher = world.drafts();
    world.pass(DEFERRED);
    publish(&publisher, &world.small(1)).await.unwrap();
    assert_eq!(world.copies(&world.small(1)), 1);
    (kind(&error).to_owned(), announced)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_has_its_remedy() {
    for (reason, expected, announced) in [
        ("file_format_check_failed", "unsuitable", 1),
        ("duration_check_failed", "unsuitable", 1),
        ("frame_rate_check_failed", "unsuitable", 1),
        ("picture_size_check_failed", "unsuitable", 1),
        ("internal", "unavailable", 2),
        ("publish_cancelled", "refused", 1),
        ("auth_removed", "login", 1),
        ("spam_risk_too_many_posts", "not now", 1),
        ("spam_risk_user_banned_from_posting", "refused", 1),
        ("spam_risk_text", "refused", 1),
        ("spam_risk", "refused", 1),
        ("a_new_reason", "refused", 1),
    ] {
        assert_eq!(thrown_away(reason).await, (expected.to_owned(), announced), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_tiktoks_own_is_tried_once_more_by_itself() {
    let world = World::start().await;
    world.tiktok.doom_next(Some("internal"));
    let post = world.small(1);
    publish(&world.drafts(), &post).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_is_late_to_answer_is_asked_again() {
    let world = World::start().await;
    world.tiktok.fail_next(Endpoint::Status, Some(3), Fault::Status(500));
    publish(&world.drafts(), &world.small(1)).await.unwrap();
    world.tiktok.fail_next(Endpoint::Status, Some(2), Fault::TornJson);
    publish(&world.drafts(), &world.small(2)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_keeps_everyone_waiting_twice_as_long_each_time() {
    let world = World::start().await;
    let minutes = async |publisher: &tiktok_publish::TikTokPublisher| {
        let error = publish(publisher, &world.small(1)).await.unwrap_err();
        let PublishError::NotNow { until: Some(until), reference: Some(log_id), reason } = error else {
            panic!("{error}");
        };
        assert!(reason.contains(&log_id), "{reason}");
        let wait = until.duration_since(world.clock.now());
        // A slow machine may take a moment to tell.
        (wait.as_secs_f64() / 600.0).round() as i64 * 10
    };
    world.tiktok.fail_next(Endpoint::InboxInit, Some(2), Fault::Refuse("spam_risk_too_many_pending_share"));
    let first = minutes(&world.drafts()).await;
    // Another process is held back without asking.
    let held = publish(&world.drafts(), &world.small(2)).await.unwrap_err();
    assert_eq!((kind(&held), world.tiktok.requests(Endpoint::InboxInit)), ("not now", 1));
    world.pass(Duration::from_secs(1801));
    let second = minutes(&world.drafts()).await;
    assert_eq!((first, second), (30, 60));
    world.pass(Duration::from_secs(3601));
    publish(&world.drafts(), &world.small(1)).await.unwrap();
    // It went through, so the next wait is short again.
    world.tiktok.fail_next(Endpoint::InboxInit, Some(1), Fault::Refuse("spam_risk_too_many_pending_share"));
    let publisher = world.drafts();
    ready(&publisher, &world.clock).await;
    let error = publish(&publisher, &world.small(3)).await.unwrap_err();
    assert_eq!(kind(&error), "not now");
    let snapshot = publisher.ledger().snapshot().await.unwrap();
    let block = snapshot.block.unwrap();
    assert!((1500..=1800).contains(&block.seconds_left) && block.consecutive == 1, "{block:?}");
}
