//! Whatever a server answers, there is a value or an error of a known kind, and never a panic.

use std::sync::{Arc, Mutex};

use kick_client::playback::{KickPlayback, PlaybackResolver};
use kick_client::vod::{VodRef, VodResolver};
use kick_client::{KickApi, KickHttp, LivestreamFilter, StreamerKey};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{Server, bytes, limits};

/// Names that the replies of some endpoint have, so that what is made up reaches deep.
const NAMES: &[&str] = &[
    "data",
    "message",
    "access_token",
    "expires_in",
    "token_type",
    "slug",
    "broadcaster_user_id",
    "stream",
    "is_live",
    "start_time",
    "category",
    "name",
    "id",
    "playback_url",
    "live",
    "vod",
    "livestream",
    "vod_id",
    "video_session",
    "creator_id",
    "video_duration",
    "video_series",
    "type",
    "details",
    "source",
    "duration",
    "channel",
    "chatroom",
    "categories",
    "pagination",
    "next_cursor",
    "status",
    "is_private",
    "error",
    "public_key",
    "recording_url",
];
const TEXTS: &[&str] = &[
    "",
    "foo",
    "x",
    "live",
    "https://h.example/a?token=a.b.c",
    "0001-01-01T00:00:00Z",
    "-1",
    "BEGIN PUBLIC KEY",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|pairs| pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => any::<Vec<u8>>(),
        3 => any_json().prop_map(|value| value.to_string().into_bytes()),
        3 => any_json().prop_map(|value| json!({"data": [value]}).to_string().into_bytes()),
        // Deeper than any parser's stack should go.
        1 => (1_usize..5000).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]
}

#[test]
fn any_body_is_a_value_or_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = Arc::new(Mutex::new((200, Vec::new())));
    let (server, honest) = runtime.block_on(async {
        let answer = Arc::clone(&answer);
        let server = Server::start(move |_, _| {
            let (status, body) = answer.lock().unwrap().clone();
            bytes(status, body).with("content-type", "application/json")
        })
        .await;
        (server, Server::start(|_, n| crate::support::token_answer(n)).await)
    });
    let mut once = limits();
    once.retry.tries = 1;
    let http = KickHttp::with_limits(&server.config(), once).unwrap();
    let api = KickApi::new(&server.config(), http.clone(), honest.tokens());
    let playback = KickPlayback::new(&server.config(), http.clone());
    let vod = VodResolver::new(&server.config(), http.clone());
    let reference = VodRef::parse("kick.com/foo/videos/0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b").unwrap();

    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(96) });
    let statuses = prop::sample::select(vec![200_u16, 200, 200, 400, 401, 403, 404, 429, 500]);
    let outcome = runner.run(&(statuses, any_body()), |(status, body)| {
        *answer.lock().unwrap() = (status, body);
        runtime.block_on(async {
            let tokens =
                kick_client::AppTokens::new(&server.config(), http.clone(), crate::support::credentials());
            let _ = tokens.token().await;
            let _ = (api.public_key().await, api.channels_by_slug(&["foo"]).await, api.users(&[1]).await);
            let _ =
                (api.livestreams(&LivestreamFilter::default()).await, api.livestreams_by_user(&[1]).await);
            let statuses = api.poll(&[StreamerKey::by_slug("foo"), StreamerKey::by_slug("bar")]).await;
            prop_assert_eq!(statuses.len(), 2);
            let _ = (playback.resolve("foo").await, vod.resolve(&reference).await);
            Ok(())
        })
    });
    outcome.unwrap();
}
