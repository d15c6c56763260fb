//! Who may ask, how often, and how many drafts may wait.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::tiktok::{Endpoint, FakeTikTok, Processing};

use crate::support::{
    CREATOR_INFO, DIRECT, INBOX, STATUS, ask, bytes, client, draft, file, send, small_draft, start, status,
    whole,
};

#[tokio::test]
async fn tokens_and_scopes_are_looked_at_first() {
    let (tiktok, _) = start(FakeTikTok::builder()).await;
    let (status, code, body) = ask(&tiktok, "nonsense", INBOX, &json!({})).await;
    assert_eq!((status, code.as_str()), (401, "access_token_invalid"));
    assert!(body["error"]["logid"].is_string());
    let poor = tiktok.log_in("demo", &["user.info.basic"]).access_token;
    for path in [CREATOR_INFO, DIRECT, INBOX, STATUS] {
        let (status, code, _) = ask(&tiktok, &poor, path, &json!({})).await;
        assert_eq!((status, code.as_str()), (401, "scope_not_authorized"), "{path}");
    }
    let uploader = tiktok.log_in("demo", &["video.upload"]).access_token;
    assert_eq!(ask(&tiktok, &uploader, STATUS, &json!({})).await.1, "invalid_params");
    let (_, code, body) = ask(&tiktok, &uploader, CREATOR_INFO, &json!({})).await;
    assert_eq!(code, "scope_not_authorized");
    assert!(body["error"]["log_id"].is_string());
    tiktok.void_access_tokens();
    assert_eq!(ask(&tiktok, &uploader, STATUS, &json!({})).await.1, "access_token_invalid");
}

#[tokio::test]
async fn only_json_and_only_what_there_is() {
    let (tiktok, tokens) = start(FakeTikTok::builder()).await;
    let url = |path: &str| format!("{}/v2/post/publish/{path}", tiktok.base_url());
    let form = client().post(url(INBOX)).bearer_auth(&tokens.access_token).form(&[("a", "b")]);
    let answer: Value = form.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"]["code"], "invalid_params");
    for answer in [
        client().post(format!("{}/v2/share/video/upload/", tiktok.base_url())).send().await.unwrap(),
        client().get(url(INBOX)).send().await.unwrap(),
        client().post(format!("{}/v2/oauth/token/", tiktok.bases().auth_base)).send().await.unwrap(),
    ] {
        assert_eq!(answer.status(), 404);
    }
    assert_eq!(tiktok.requests(Endpoint::Unknown), 3);
}

#[tokio::test]
async fn six_inits_a_minute_in_a_window_that_slides() {
    let (tiktok, tokens) = start(FakeTikTok::builder().pending_shares(100)).await;
    let init = async |token: &str| ask(&tiktok, token, INBOX, &whole(10)).await;
    for _ in 0..3 {
        assert_eq!(init(&tokens.access_token).await.0, 200);
    }
    tiktok.advance(Duration::from_secs(30));
    for _ in 0..3 {
        assert_eq!(init(&tokens.access_token).await.0, 200);
    }
    let (status, code, _) = init(&tokens.access_token).await;
    assert_eq!((status, code.as_str()), (429, "rate_limit_exceeded"));
    // Another token has a window of its own.
    assert_eq!(init(&tiktok.log_in("demo", &["video.upload"]).access_token).await.0, 200);
    tiktok.advance(Duration::from_secs(31));
    for expected in [200, 200, 200, 429] {
        assert_eq!(init(&tokens.access_token).await.0, expected);
    }
    for number in 0..21 {
        let (status, ..) = ask(&tiktok, &tokens.access_token, CREATOR_INFO, &json!({})).await;
        assert_eq!(status, if number < 20 { 200 } else { 429 });
    }
    assert_eq!(tiktok.record().refused("rate_limit_exceeded"), 3);
}

#[tokio::test]
async fn the_clock_can_run_faster() {
    let (tiktok, tokens) = start(FakeTikTok::builder().time_scale(600.0).pending_shares(100)).await;
    for _ in 0..7 {
        ask(&tiktok, &tokens.access_token, INBOX, &whole(10)).await;
    }
    // A minute is a tenth of a second: the window empties by itself.
    tokio::time::timeout(Duration::from_secs(20), async {
        while ask(&tiktok, &tokens.access_token, INBOX, &whole(10)).await.0 != 200 {}
    })
    .await
    .expect("room in the window");
}

#[tokio::test]
async fn five_drafts_may_wait() {
    let builder = FakeTikTok::builder().processing(Processing::Asks(0)).pending_shares(3);
    let (tiktok, tokens) = start(builder).await;
    let token = &tokens.access_token;
    let first = small_draft(&tiktok, token).await;
    small_draft(&tiktok, token).await;
    // One that is not sent waits too, until its address ends.
    let (_, url) = draft(&tiktok, token, &file(10, 10, 1)).await;
    let init = async || ask(&tiktok, token, INBOX, &whole(10)).await;
    let (status_code, code, _) = init().await;
    assert_eq!((status_code, code.as_str()), (403, "spam_risk_too_many_pending_share"));
    tiktok.finish_draft(&first);
    assert_eq!(init().await.1, "ok");
    assert_eq!(init().await.1, "spam_risk_too_many_pending_share");
    tiktok.advance(Duration::from_secs(3600));
    assert_eq!(send(&url, bytes(10), 0, 10).await.0, 403);
    assert_eq!(
        status(&tiktok, &tiktok.log_in("demo", &["video.upload"]).access_token, &first).await["fail_reason"],
        ""
    );

    let empty = FakeTikTok::builder().pending_shares(1).empty_inits_pend(false);
    let (lenient, tokens) = start(empty).await;
    for _ in 0..2 {
        assert_eq!(ask(&lenient, &tokens.access_token, INBOX, &whole(10)).await.1, "ok");
    }
    small_draft(&lenient, &tokens.access_token).await;
    let code = "spam_risk_too_many_pending_share";
    assert_eq!(ask(&lenient, &tokens.access_token, INBOX, &whole(10)).await.1, code);
    lenient.advance(Duration::from_secs(86_400));
    let token = lenient.log_in("demo", &["video.upload"]).access_token;
    assert_eq!(ask(&lenient, &token, INBOX, &whole(10)).await.1, "ok");
}

#[tokio::test]
async fn drafts_over_the_cap_may_be_lost_without_a_word() {
    let builder = FakeTikTok::builder().pending_shares(1).drafts_over_the_cap_are_lost();
    let (tiktok, tokens) = start(builder.processing(Processing::Asks(0))).await;
    small_draft(&tiktok, &tokens.access_token).await;
    let id = small_draft(&tiktok, &tokens.access_token).await;
    assert_eq!(status(&tiktok, &tokens.access_token, &id).await["status"], "SEND_TO_USER_INBOX");
    let record = tiktok.record();
    assert_eq!((record.drafts().count(), record.publications[1].lost), (1, true));
}

#[tokio::test]
async fn videos_are_worked_on_for_a_time() {
    let builder = FakeTikTok::builder().processing(Processing::For(Duration::from_secs(3600)));
    let (tiktok, tokens) = start(builder.access_life(Duration::from_secs(10_000))).await;
    let id = small_draft(&tiktok, &tokens.access_token).await;
    assert_eq!(status(&tiktok, &tokens.access_token, &id).await["status"], "PROCESSING_UPLOAD");
    tiktok.advance(Duration::from_secs(3600));
    assert_eq!(status(&tiktok, &tokens.access_token, &id).await["status"], "SEND_TO_USER_INBOX");

    // A minute of TikTok's, a fiftieth of a second: nobody has to ask for it to end.
    let builder =
        FakeTikTok::builder().processing(Processing::For(Duration::from_secs(60))).time_scale(3000.0);
    let (tiktok, tokens) = start(builder).await;
    small_draft(&tiktok, &tokens.access_token).await;
    let inbox = tiktok.until(|record| record.drafts().any(|draft| draft.status == "SEND_TO_USER_INBOX"));
    tokio::time::timeout(Duration::from_secs(20), inbox).await.expect("the draft in the inbox");

    let (tiktok, tokens) = start(FakeTikTok::builder().processing(Processing::Forever)).await;
    let id = small_draft(&tiktok, &tokens.access_token).await;
    for _ in 0..5 {
        assert_eq!(status(&tiktok, &tokens.access_token, &id).await["status"], "PROCESSING_UPLOAD");
    }
    tiktok.finish_processing(&id);
    assert_eq!(status(&tiktok, &tokens.access_token, &id).await["status"], "SEND_TO_USER_INBOX");
}
