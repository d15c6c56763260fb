//! Finished broadcasts.

use kick_client::BlockedBy;
use kick_client::vod::{Vod, VodError, VodRef, VodResolver};
use serde_json::{Value, json};

use crate::support::{Answer, Server, challenge, html, json as reply, waf};

const ID: &str = "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";
const URL: &str = "https://cdn.example/media/hls/master.m3u8?sig=hunter2";
const PLAYER: &str = "/web/api/v1/stream/0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b/playback";
const CHANNEL: &str = "/api/v2/channels/foo";
const VIDEO: &str = "/web/api/v1/channels/55/videos/0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";
const LIST: &str = "/web/api/v1/channels/55/videos";
const OLD: &str = "/api/v1/video/0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";

async fn resolve(
    page: &str,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Result<Vod, VodError>, Vec<String>) {
    let server = Server::start(move |seen, _| answer(&seen.path)).await;
    let outcome =
        VodResolver::new(&server.config(), server.http()).resolve(&VodRef::parse(page).unwrap()).await;
    let error = outcome.as_ref().err().map_or_else(String::new, |error| format!("{error} {error:?}"));
    assert!(!error.contains("hunter2"), "{error}");
    (outcome, server.log())
}

fn page() -> String {
    format!("https://kick.com/foo/videos/{ID}")
}

fn gone() -> Answer {
    html(404, "<html>")
}

fn player(vod: &str) -> Answer {
    reply(
        200,
        &json!({"playback_url": {"live": "", "dvr": "", "vod": vod, "thumbnail": ""},
            "video_session": {"video_id": ID, "video_title": "A title", "video_duration": 7200, "video_series": "foo",
                "creator_id": "55", "video_stream_status": "vod"}}),
    )
}

fn channel() -> Answer {
    reply(200, &json!({"id": 55, "slug": "foo", "chatroom": {"id": 66}}))
}

fn item() -> Value {
    json!({"id": ID, "title": "Its title", "start_time": "2026-08-01T10:00:00Z", "end_time": null, "duration": 7201,
        "is_live": false, "language": "en", "status": "public", "category": {"id": 1, "name": "IRL", "slug": "irl"},
        "channel": {"id": 55, "slug": "foo", "username": "Foo"}, "recording_url": URL})
}

fn old(source: &Value) -> Value {
    json!({"id": 1, "uuid": ID, "views": 3, "status": "public", "is_private": false, "source": source,
        "livestream": {"session_title": "Old title", "start_time": "2026-06-01 10:00:00", "duration": 5_000_500,
            "language": "English", "is_live": false, "channel": {"id": 55, "slug": "foo"},
            "categories": [{"name": "IRL"}]}})
}

#[tokio::test]
async fn the_newer_endpoints_tell_all() {
    let (outcome, asked) = resolve(&page(), |path| match path {
        PLAYER => player(URL),
        CHANNEL => channel(),
        VIDEO => reply(200, &json!({"data": item()})),
        _ => gone(),
    })
    .await;
    let vod = outcome.unwrap();
    assert_eq!(vod.url.expose().as_str(), URL);
    insta::assert_debug_snapshot!(vod);
    let expected = [format!("POST {PLAYER}"), format!("GET {CHANNEL}"), format!("GET {VIDEO}")];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn the_address_is_enough() {
    let (outcome, _) = resolve(ID, |path| match path {
        PLAYER => reply(200, &json!({"playback_url": {"vod": URL}})),
        _ => gone(),
    })
    .await;
    let vod = outcome.unwrap();
    assert_eq!((vod.title.as_str(), vod.start_time, vod.slug, vod.chatroom_id), ("", None, None, None));
}

#[tokio::test]
async fn a_list_of_videos_stands_in_for_the_player() {
    let (outcome, asked) = resolve(&page(), |path| match path {
        CHANNEL => channel(),
        LIST => {
            reply(200, &json!({"data": [{"id": "another", "recording_url": "https://x.example"}, 5, item()]}))
        }
        _ => gone(),
    })
    .await;
    let vod = outcome.unwrap();
    assert_eq!((vod.url.expose().as_str(), vod.title.as_str()), (URL, "Its title"));
    assert!(!asked.contains(&format!("GET {OLD}")));
}

#[tokio::test]
async fn the_old_endpoint_is_the_last() {
    let (outcome, _) = resolve(&format!("https://kick.com/video/{ID}?t=9"), |path| match path {
        OLD => reply(200, &old(&json!(URL))),
        _ => gone(),
    })
    .await;
    insta::assert_debug_snapshot!(outcome.unwrap());
}

#[tokio::test]
async fn why_not_is_told() {
    let told = |outcome: Result<Vod, VodError>| outcome.unwrap_err();
    let by_old = |body: Value, status| async move {
        told(resolve(&page(), move |path| if path == OLD { reply(status, &body) } else { gone() }).await.0)
    };
    let gone_everywhere = told(resolve(&page(), |_| gone()).await.0);
    assert!(matches!(gone_everywhere, VodError::NotFound { .. }), "{gone_everywhere:?}");
    assert!(gone_everywhere.to_string().contains(ID));
    assert!(matches!(
        by_old(json!({"status": "subscriber_only", "source": ""}), 403).await,
        VodError::SubscriberOnly
    ));
    assert!(matches!(by_old(json!({"is_private": true, "source": URL}), 200).await, VodError::Private));
    assert!(matches!(
        by_old(json!({"deleted_at": "2026-01-01 00:00:00", "source": URL}), 200).await,
        VodError::Deleted
    ));
    assert!(matches!(by_old(old(&Value::Null), 200).await, VodError::StillProcessing));
    assert!(matches!(by_old(json!({"message": "no"}), 403).await, VodError::Kick(_)));
}

#[tokio::test]
async fn the_players_refusal_is_final() {
    for (kind, details, expected) in [
        ("SUBSCRIPTION_REQUIRED", "", "the video is for subscribers of the channel alone"),
        ("denied", "This video is private", "the video is private"),
        ("video_deleted", "", "the video was deleted"),
        ("geo", "not in your country", "Kick refuses to play the video: geo: not in your country"),
    ] {
        for status in [200, 403] {
            let denial = json!({"data": {"type": kind, "details": details}});
            let (outcome, asked) = resolve(&page(), move |path| match path {
                PLAYER => reply(status, &denial),
                CHANNEL => channel(),
                LIST => reply(200, &json!({"data": [item()]})),
                OLD => reply(200, &old(&json!(URL))),
                _ => gone(),
            })
            .await;
            assert_eq!(outcome.unwrap_err().to_string(), expected);
            assert!(!asked.contains(&format!("GET {OLD}")), "no side door");
        }
    }
}

#[tokio::test]
async fn a_player_without_an_address_means_not_yet() {
    let (outcome, _) = resolve(&page(), |path| if path == PLAYER { player("") } else { gone() }).await;
    assert!(matches!(outcome, Err(VodError::StillProcessing)));
}

#[tokio::test]
async fn blocked_is_told_before_what_else_failed() {
    for (answer, guard) in [(waf(), BlockedBy::Waf), (challenge(), BlockedBy::Cloudflare)] {
        let (outcome, _) =
            resolve(&page(), move |path| if path == PLAYER { answer.clone() } else { gone() }).await;
        assert!(matches!(outcome, Err(VodError::Blocked { by, .. }) if by == guard));
    }
}

#[tokio::test]
async fn a_broadcast_that_goes_on_says_so() {
    let (outcome, _) = resolve(&page(), |path| match path {
        PLAYER => reply(
            200,
            &json!({"playback_url": {"vod": URL}, "video_session": {"video_stream_status": "live"}}),
        ),
        _ => gone(),
    })
    .await;
    assert!(outcome.unwrap().is_live);
}
