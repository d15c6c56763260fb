//! Channels, live streams, users.

use kick_client::{Failure, Livestream, LivestreamFilter};
use serde_json::{Value, json};

use crate::support::{Answer, Seen, Server, json as reply, token_answer};

/// What the official API does with channels: names of one kind, up to 50, of up to 25 characters.
pub(crate) fn channels(seen: &Seen, channel: impl Fn(&str) -> Option<Value>) -> Answer {
    let (slugs, ids) = (seen.values("slug"), seen.values("broadcaster_user_id"));
    let names = if slugs.is_empty() { &ids } else { &slugs };
    let mixed = !slugs.is_empty() && !ids.is_empty();
    if mixed || names.is_empty() || names.len() > 50 || names.iter().any(|name| name.len() > 25) {
        return reply(400, &json!({"data": {}, "message": "Invalid request"}));
    }
    if !seen.header("authorization").starts_with("Bearer ") {
        return reply(401, &json!({"data": {}, "message": "Unauthorized"}));
    }
    let data: Vec<Value> = names.iter().filter_map(|name| channel(name)).collect();
    reply(200, &json!({"data": data, "message": "OK"}))
}

pub(crate) fn live(slug: &str, id: u64) -> Value {
    json!({
        "active_subscribers_count": 0, "banner_picture": "https://x.example/b.webp", "broadcaster_user_id": id,
        "category": {"id": 15, "name": "Just Chatting", "thumbnail": "https://x.example/c.webp"},
        "channel_description": "", "slug": slug,
        "stream": {"custom_tags": ["a"], "is_live": true, "is_mature": false, "key": "", "language": "en",
            "start_time": "2026-09-24T18:00:05Z", "thumbnail": "", "url": "", "viewer_count": 812},
        "stream_title": "Hello 🎮"
    })
}

pub(crate) fn offline(slug: &str, id: u64) -> Value {
    json!({
        "broadcaster_user_id": id, "category": {"id": 0, "name": "", "thumbnail": ""}, "slug": slug,
        "stream": {"custom_tags": null, "is_live": false, "is_mature": false, "key": "", "language": "",
            "start_time": "0001-01-01T00:00:00Z", "thumbnail": "", "url": "", "viewer_count": 0},
        "stream_title": ""
    })
}

#[tokio::test]
async fn channels_are_read_live_offline_and_with_holes() {
    let server = Server::start(|seen, n| match seen.path.as_str() {
        "/oauth/token" => token_answer(n),
        _ => channels(seen, |slug| match slug {
            "foo" => Some(live("Foo", 7)),
            "bar" => Some(offline("bar", 8)),
            "odd" => Some(json!({"slug": "odd", "broadcaster_user_id": "9", "stream": null, "category": [],
                "stream_title": {"a": 1}, "new_field": [1]})),
            "broken" => Some(json!("what")),
            _ => None,
        }),
    })
    .await;
    let channels = server.api().channels_by_slug(&["FOO", "bar", "odd", "broken", "absent"]).await.unwrap();
    insta::assert_debug_snapshot!(channels);
    let expected: Vec<String> = ["foo", "bar", "odd", "broken", "absent"].map(String::from).to_vec();
    assert_eq!(server.seen()[1].values("slug"), expected);
}

#[tokio::test]
async fn batches_hold_fifty() {
    let server = Server::start(|seen, n| match seen.path.as_str() {
        "/oauth/token" => token_answer(n),
        "/public/v1/users" => {
            let ids = seen.values("id");
            assert!(ids.len() <= 50);
            let data: Vec<Value> = ids.iter().map(|id| json!({"user_id": id, "name": "n"})).collect();
            reply(200, &json!({"data": data}))
        }
        _ => channels(seen, |id| Some(offline("x", id.parse().unwrap()))),
    })
    .await;
    let ids: Vec<u64> = (1..=120).collect();
    let api = server.api();
    let found = api.channels_by_id(&ids).await.unwrap();
    assert!(found.iter().map(|channel| channel.broadcaster_user_id.unwrap()).eq(1..=120));
    assert_eq!(server.count("/public/v1/channels"), 3);
    let found = api.users(&ids).await.unwrap();
    assert!(found.iter().map(|user| user.id.unwrap()).eq(1..=120));
    assert_eq!(server.count("/public/v1/users"), 3);
    assert_eq!(api.users(&[]).await.unwrap(), []);
    assert_eq!(server.count("/public/v1/users"), 3, "an empty request would be about the token's own user");
}

fn v2(id: u64) -> Value {
    json!({
        "id": "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b",
        "broadcaster_user": {"id": id, "username": "Foo", "profile_picture": ""},
        "channel": {"slug": "foo"}, "category": {"id": 15, "name": "Just Chatting", "thumbnail": ""},
        "title": "Hello", "started_at": "2026-09-25T05:00:05+11:00", "language_code": "en", "has_mature_content": true,
        "tags": ["a", 5], "thumbnail": "", "viewer_count": "31"
    })
}

#[tokio::test]
async fn live_streams_come_in_pages() {
    let server = Server::start(|seen, n| {
        match (seen.path.as_str(), seen.values("cursor").first().map(String::as_str)) {
            ("/oauth/token", _) => token_answer(n),
            ("/public/v2/livestreams", None) => reply(
                200,
                &json!({"data": [v2(1), 5], "message": "OK", "pagination": {"next_cursor": "c=2&"}}),
            ),
            ("/public/v2/livestreams", Some("c=2&")) => {
                reply(200, &json!({"data": [], "pagination": {"next_cursor": ""}}))
            }
            _ => reply(404, &json!({})),
        }
    })
    .await;
    let mut filter = LivestreamFilter {
        category_ids: vec![1, 2],
        languages: vec!["en".into(), "pt-BR".into()],
        limit: Some(1000),
        cursor: None,
    };
    let api = server.api();
    let page = api.livestreams(&filter).await.unwrap();
    insta::assert_debug_snapshot!(page);
    let seen = &server.seen()[1];
    assert_eq!(seen.values("category_id"), ["1", "2"]);
    assert_eq!(seen.values("language_code"), ["en", "pt-BR"]);
    assert_eq!(seen.values("limit"), ["1000"]);
    filter.cursor = page.next_cursor;
    let last = api.livestreams(&filter).await.unwrap();
    assert_eq!((last.livestreams.len(), last.next_cursor), (0, None));
}

fn slugs(streams: &[Livestream]) -> Vec<(&str, Option<u64>)> {
    streams.iter().map(|stream| (stream.slug.as_str(), stream.broadcaster_user_id)).collect()
}

#[tokio::test]
async fn live_streams_by_user_fall_back_to_channels_for_good() {
    for refusal in [401, 403] {
        let server = Server::start(move |seen, n| match seen.path.as_str() {
            "/oauth/token" => token_answer(n),
            "/public/v1/users/livestreams" => reply(refusal, &json!({"data": {}, "message": "no"})),
            _ => channels(seen, |id| match id {
                "7" => Some(live("foo", 7)),
                id => Some(offline("bar", id.parse().unwrap())),
            }),
        })
        .await;
        let api = server.api();
        for _ in 0..2 {
            assert_eq!(slugs(&api.livestreams_by_user(&[7, 8]).await.unwrap()), [("foo", Some(7))]);
        }
        let asked = server.count("/public/v1/users/livestreams");
        assert_eq!(asked, if refusal == 401 { 2 } else { 1 });
        assert_eq!(server.count("/public/v1/channels"), 2);
    }
}

#[tokio::test]
async fn live_streams_by_user_take_a_hundred_at_once() {
    let server = Server::start(move |seen, n| match seen.path.as_str() {
        "/oauth/token" => token_answer(n),
        _ => {
            assert!(seen.values("user_id").len() <= 100);
            reply(200, &json!({"data": [v2(seen.values("user_id")[0].parse().unwrap())]}))
        }
    })
    .await;
    let ids: Vec<u64> = (1..=150).collect();
    let streams = server.api().livestreams_by_user(&ids).await.unwrap();
    assert_eq!(slugs(&streams), [("foo", Some(1)), ("foo", Some(101))]);
    assert_eq!(server.count("/public/v1/users/livestreams"), 2);
}

#[tokio::test]
async fn a_reply_without_a_list_is_an_error_that_says_so() {
    let server = Server::start(|seen, n| match seen.path.as_str() {
        "/oauth/token" => token_answer(n),
        _ => reply(200, &json!({"data": "hunter2", "message": "OK"})),
    })
    .await;
    let error = server.api().users(&[1]).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Malformed { .. }));
    assert!(error.to_string().ends_with("data should be a list but is a string"), "{error}");
}
