//! What goes wrong on demand.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::tiktok::{Endpoint, FakeTikTok, Fault, Processing};

use crate::support::{
    CHUNK, INBOX, STATUS, ask, bytes, chunk, client, draft, file, send, start, status, whole,
};

#[tokio::test]
async fn chunks_are_refused_cut_and_lost() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    let total = 2 * CHUNK;
    let (id, url) = draft(&tiktok, &tokens.access_token, &file(total, CHUNK, 2)).await;
    let part = |number: u64| bytes(total)[(number * CHUNK) as usize..][..CHUNK as usize].to_vec();
    tiktok.fail(Endpoint::Upload, 0..1, Fault::Status(503));
    tiktok.fail(Endpoint::Upload, 1..2, Fault::CutBody { after: 1_000_000 });
    tiktok.fail(Endpoint::Upload, 2..3, Fault::NoReply);
    // The reply to the chunk after the first that comes through, which is the last, is lost.
    tiktok.fail(Endpoint::Upload, 4..5, Fault::LostReply);
    assert_eq!(send(&url, part(0), 0, total).await.0, 503);
    for _ in 0..2 {
        assert!(chunk(&url, part(0), 0, total).send().await.is_err());
        assert_eq!(status(&tiktok, &tokens.access_token, &id).await["uploaded_bytes"], 0);
    }
    assert_eq!(send(&url, part(0), 0, total).await.0, 206);
    assert!(chunk(&url, part(1), CHUNK, total).send().await.is_err());
    assert_eq!(status(&tiktok, &tokens.access_token, &id).await["uploaded_bytes"], total);
    let record = tiktok.record();
    assert_eq!(record.drafts().count(), 1);
    let statuses: Vec<_> = record.to(Endpoint::Upload).map(|request| request.status).collect();
    assert_eq!(statuses, [Some(503), None, None, Some(206), None]);
    assert_eq!(send(&url, part(1), CHUNK, total).await, (416, format!("bytes 0-{total}/{total}")));
}

#[tokio::test]
async fn replies_to_inits_are_lost_after_the_deed() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    let init = || {
        let url = format!("{}/v2/post/publish/{INBOX}", tiktok.base_url());
        client().post(url).bearer_auth(&tokens.access_token).json(&whole(10)).send()
    };
    for (fault, begun) in [
        (Fault::NoReply, 0),
        (Fault::LostReply, 1),
        (Fault::DoneBut(502), 2),
        (Fault::Status(500), 2),
        (Fault::Redirect("http://127.0.0.1:9/".into()), 2),
        (Fault::TornJson, 3),
    ] {
        tiktok.fail_next(Endpoint::InboxInit, Some(1), fault.clone());
        let answer = init().await;
        match &fault {
            Fault::NoReply | Fault::LostReply => assert!(answer.is_err()),
            Fault::DoneBut(expected) | Fault::Status(expected) => {
                assert_eq!(answer.unwrap().status(), *expected);
            }
            Fault::Redirect(to) => assert_eq!(answer.unwrap().headers()["location"], **to),
            _ => assert!(answer.unwrap().json::<serde_json::Value>().await.is_err()),
        }
        assert_eq!(tiktok.record().publications.len(), begun, "{fault:?}");
    }
    assert_eq!(tiktok.record().arrived().count(), 0);
    tiktok.fail_next(Endpoint::InboxInit, None, Fault::Status(500));
    assert_eq!(init().await.unwrap().status(), 500);
    assert_eq!(init().await.unwrap().status(), 500);
    tiktok.behave(Endpoint::InboxInit);
    assert_eq!(init().await.unwrap().status(), 200);
}

#[tokio::test]
async fn every_error_can_be_had() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    for (code, expected) in [
        ("access_token_invalid", 401),
        ("scope_not_authorized", 401),
        ("scope_permission_missed", 400),
        ("invalid_param", 400),
        ("invalid_params", 400),
        ("rate_limit_exceeded", 429),
        ("internal_error", 500),
        ("spam_risk_too_many_pending_share", 403),
        ("spam_risk_too_many_posts", 403),
        ("reached_active_user_cap", 403),
        ("spam_risk_user_banned_from_posting", 403),
        ("spam_risk", 403),
        ("spam_risk_text", 403),
        ("unaudited_client_can_only_post_to_private_accounts", 403),
        ("privacy_level_option_mismatch", 403),
        ("url_ownership_unverified", 403),
        ("app_version_check_failed", 400),
        ("invalid_publish_id", 400),
        ("token_not_authorized_for_specified_publish_id", 400),
        ("publish_not_cancellable", 400),
    ] {
        tiktok.fail_next(Endpoint::Status, Some(1), Fault::Refuse(code));
        let (status, said, _) = ask(&tiktok, &tokens.access_token, STATUS, &json!({})).await;
        assert_eq!((status, said.as_str()), (expected, code));
        assert_eq!(tiktok.record().refused(code), 1);
    }
}

#[tokio::test]
async fn slow_ones_are_slow_and_hanging_ones_hang() {
    let (tiktok, tokens) = start(FakeTikTok::builder().processing(Processing::Asks(0))).await;
    let (_, url) = draft(&tiktok, &tokens.access_token, &file(1_000_000, 1_000_000, 1)).await;
    tiktok.fail_next(Endpoint::Upload, Some(1), Fault::Hang);
    let hanging = chunk(&url, bytes(1_000_000), 0, 1_000_000).timeout(Duration::from_millis(50)).send().await;
    assert!(hanging.unwrap_err().is_timeout());
    let began = Instant::now();
    tiktok.fail_next(Endpoint::Upload, Some(1), Fault::SlowBody { bytes_per_s: 5_000_000 });
    assert_eq!(send(&url, bytes(1_000_000), 0, 1_000_000).await.0, 201);
    assert!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());
    let began = Instant::now();
    tiktok.fail_next(Endpoint::Status, Some(1), Fault::Slow(Duration::from_millis(100)));
    ask(&tiktok, &tokens.access_token, STATUS, &json!({})).await;
    tiktok.fail_next(Endpoint::Status, Some(1), Fault::SlowBody { bytes_per_s: 1000 });
    ask(&tiktok, &tokens.access_token, STATUS, &json!({})).await;
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
}
