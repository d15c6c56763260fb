//! What TikTok does by itself: it fetches videos and sends events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use serde_json::{Value, json};
use testkit::tiktok::{Endpoint, FakeTikTok, Processing};

use crate::support::{CANCEL, INBOX, ask, small_draft, start, status};

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

#[test]
fn the_signature_is_tiktoks() {
    let content = json!({ "publish_id": "v_inbox_file~v2.1", "publish_type": "INBOX_SHARE" }).to_string();
    let body = format!(
        "{{\"client_key\":\"ck\",\"event\":\"post.publish.complete\",\"create_time\":1633174587,\"user_openid\":\"oid\",\
         \"content\":{}}}",
        json!(content)
    );
    assert_eq!(
        FakeTikTok::signature("secret", 1_633_174_587, &body),
        "t=1633174587,s=a8d59a180082fcabca9f6da2307998b0418ae56cdc4e01216f8114bf000514a6"
    );
}

#[tokio::test]
async fn videos_are_pulled_from_verified_addresses_alone() {
    let router = Router::new()
        .route("/clips/good.mp4", get(|| async { "a video" }))
        .route("/clips/moved.mp4", get(|| async { Redirect::temporary("/clips/good.mp4") }))
        .route("/clips/slow.mp4", get(std::future::pending::<()>));
    let base = serve(router).await;
    let builder =
        FakeTikTok::builder().verified_prefix(&format!("{base}/clips/")).processing(Processing::Asks(0));
    let (tiktok, tokens) = start(builder.verified_prefix("http://clips.example/")).await;
    let token = &tokens.access_token;
    let pull = async |url: &str| {
        let body = json!({ "source_info": { "source": "PULL_FROM_URL", "video_url": url } });
        let (_, code, body) = ask(&tiktok, token, INBOX, &body).await;
        (code, body["data"]["publish_id"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(pull(&format!("{base}/other/good.mp4")).await.0, "url_ownership_unverified");
    assert_eq!(pull("http://clips.example/x.mp4").await.0, "invalid_params");
    let (_, good) = pull(&format!("{base}/clips/good.mp4")).await;
    assert!(good.starts_with("v_inbox_url~"));
    tiktok.until(|record| record.drafts().count() == 1).await;
    let data = status(&tiktok, token, &good).await;
    assert_eq!((&data["status"], &data["downloaded_bytes"]), (&"SEND_TO_USER_INBOX".into(), &7.into()));
    let failed = |id: String, why: &'static str| {
        let tiktok = tiktok.clone();
        async move {
            let failed = tiktok.until(|record| {
                record.publication(&id).is_some_and(|made| made.fail_reason.as_deref() == Some(why))
            });
            tokio::time::timeout(Duration::from_secs(20), failed).await.expect("a failure");
        }
    };
    for path in ["moved", "missing"] {
        let (_, id) = pull(&format!("{base}/clips/{path}.mp4")).await;
        failed(id, "video_pull_failed").await;
    }
    let (_, slow) = pull(&format!("{base}/clips/slow.mp4")).await;
    assert_eq!(status(&tiktok, token, &slow).await["status"], "PROCESSING_DOWNLOAD");
    assert_eq!(ask(&tiktok, token, CANCEL, &json!({ "publish_id": slow })).await.1, "ok");
    failed(slow, "publish_cancelled").await;
}

#[tokio::test]
async fn events_are_signed_and_sent_until_they_are_taken() {
    let heard = Arc::new(Mutex::new(Vec::<(String, Value)>::new()));
    let hears = Arc::clone(&heard);
    let router = Router::new().route(
        "/hook",
        post(async move |headers: HeaderMap, body: String| {
            let header = headers["tiktok-signature"].to_str().unwrap().to_owned();
            let at = header.split(['=', ',']).nth(1).and_then(|at| at.parse().ok()).unwrap();
            assert_eq!(header, FakeTikTok::signature(FakeTikTok::CLIENT_SECRET, at, &body));
            let event: Value = serde_json::from_str(&body).unwrap();
            let content = serde_json::from_str(event["content"].as_str().unwrap()).unwrap();
            let mut heard = hears.lock().unwrap();
            heard.push((event["event"].as_str().unwrap().to_owned(), content));
            if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        }),
    );
    let builder = FakeTikTok::builder().processing(Processing::Asks(0)).time_scale(10_000.0);
    let (tiktok, tokens) = start(builder).await;
    tiktok.send_webhooks_to(&format!("{}/hook", serve(router).await));
    let taken = async |event: &'static str| {
        let taken = tiktok.until(|record| {
            record.webhooks.iter().any(|sent| sent.event == event && sent.status == Some(200))
        });
        tokio::time::timeout(Duration::from_secs(20), taken).await.expect(event);
    };
    let id = small_draft(&tiktok, &tokens.access_token).await;
    taken("post.publish.inbox_delivered").await;
    tiktok.make_private("demo", false);
    tiktok.finish_draft(&id);
    taken("post.publish.complete").await;
    taken("post.publish.publicly_available").await;
    tiktok.remove_post(&id);
    taken("post.publish.no_longer_publicaly_available").await;
    tiktok.doom_next(Some("internal"));
    small_draft(&tiktok, &tokens.access_token).await;
    taken("post.publish.failed").await;
    tiktok.remove_authorization("demo", 1);
    taken("authorization.removed").await;

    let heard = heard.lock().unwrap();
    assert_eq!(heard[0], heard[1]);
    assert_eq!((&heard[0].1["publish_id"], &heard[0].1["publish_type"]), (&id.into(), &"INBOX_SHARE".into()));
    let failed = heard.iter().find(|(event, _)| event == "post.publish.failed").unwrap();
    assert_eq!(failed.1["reason"], "internal");
    assert_eq!(tiktok.requests(Endpoint::Upload), 2);
}
