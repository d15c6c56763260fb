//! Who is live.

use kick_client::{ChannelStatus, KickApi, StreamerKey};
use serde_json::json;

use crate::api::{channels, live, offline};
use crate::support::{Answer, Seen, Server, bytes, json as reply, token_answer};

const PATH: &str = "/public/v1/channels";

async fn server(answer: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |seen, n| match seen.path.as_str() {
        "/oauth/token" => token_answer(n),
        PATH => answer(seen, n),
        _ => reply(404, &json!({})),
    })
    .await
}

fn keys(slugs: &[&str]) -> Vec<StreamerKey> {
    slugs.iter().map(|&slug| StreamerKey::by_slug(slug)).collect()
}

async fn poll(api: &KickApi, keys: &[StreamerKey]) -> Vec<(String, String)> {
    let statuses = api.poll(keys).await;
    let word = |status| match status {
        ChannelStatus::Live(live) => format!("live: {}", live.title),
        ChannelStatus::Offline => "offline".to_owned(),
        ChannelStatus::NoSuchChannel => "none".to_owned(),
        ChannelStatus::Unknown(error) => format!("unknown: {}", error.failure()),
    };
    statuses.into_iter().map(|(slug, status)| (slug, word(status))).collect()
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(slug, status)| (slug.to_owned(), status.to_owned())).collect()
}

#[tokio::test]
async fn five_hundred_streamers_are_ten_requests() {
    let server = server(|seen, _| {
        channels(seen, |name| {
            let number: u64 = name.trim_start_matches("streamer-").parse().unwrap();
            Some(if number.is_multiple_of(2) { live(name, number + 1) } else { offline(name, number + 1) })
        })
    })
    .await;
    let keys: Vec<_> = (0..500).map(|n| StreamerKey::by_slug(format!("Streamer-{n}"))).collect();
    let api = server.api();
    let statuses = poll(&api, &keys).await;
    assert!(statuses.iter().zip(&keys).all(|((slug, _), key)| *slug == key.slug));
    assert_eq!(statuses.iter().filter(|(_, status)| status == "live: Hello 🎮").count(), 250);
    assert_eq!(statuses.iter().filter(|(_, status)| status == "offline").count(), 250);
    assert_eq!(server.count(PATH), 10);
    assert!(
        server.seen().iter().filter(|seen| seen.path == PATH).all(|seen| seen.values("slug").len() == 50)
    );
    // From now on the numbers are known.
    api.poll(&keys).await;
    assert_eq!(server.count(PATH), 20);
    assert_eq!(server.seen().last().unwrap().values("broadcaster_user_id").len(), 50);
}

#[tokio::test]
async fn names_match_in_any_case_and_unknown_ones_are_told() {
    let server = server(|seen, _| {
        channels(seen, |slug| match slug {
            "foo" => Some(live("fOO", 7)),
            "odd" => Some(json!({"slug": "odd"})),
            _ => None,
        })
    })
    .await;
    let statuses = poll(&server.api(), &keys(&["FOO", "foo", "gone", "odd", "no slug", ""])).await;
    let unknown = "unknown: the reply is not understood: stream.is_live should be true or false but is absent or something else";
    let words = [
        ("FOO", "live: Hello 🎮"),
        ("foo", "live: Hello 🎮"),
        ("gone", "none"),
        ("odd", unknown),
        ("no slug", "none"),
        ("", "none"),
    ];
    assert_eq!(statuses, expected(&words));
    assert_eq!(server.count(PATH), 1);
    assert_eq!(server.seen().last().unwrap().values("slug"), ["foo", "gone", "odd"]);
    assert!(server.api().poll(&[]).await.is_empty());
}

#[tokio::test]
async fn a_batch_refused_for_one_name_is_taken_apart_once() {
    let server = server(|seen, _| {
        if seen.values("slug").iter().any(|slug| slug == "gone") {
            return reply(400, &json!({"data": {}, "message": "Invalid request"}));
        }
        channels(seen, |name| match name {
            "a" | "1" => Some(live("a", 1)),
            "b" | "2" => Some(offline("b", 2)),
            _ => None,
        })
    })
    .await;
    let (api, keys) = (server.api(), keys(&["a", "gone", "b"]));
    let words = expected(&[("a", "live: Hello 🎮"), ("gone", "none"), ("b", "offline")]);
    assert_eq!(poll(&api, &keys).await, words);
    assert_eq!(server.count(PATH), 4, "the batch, and each name");
    for polls in 1..3 {
        assert_eq!(poll(&api, &keys).await, words);
        assert_eq!(server.count(PATH), 4 + polls, "the numbers, in one request");
    }
    assert_eq!(server.seen().last().unwrap().values("broadcaster_user_id"), ["1", "2"]);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_the_others_alone() {
    let server = server(|seen, _| {
        if seen.values("slug")[0] == "s0" {
            return bytes(500, "");
        }
        channels(seen, |slug| Some(offline(slug, slug[1..].parse().unwrap())))
    })
    .await;
    let keys: Vec<_> = (0..51).map(|n| StreamerKey::by_slug(format!("s{n}"))).collect();
    let statuses = poll(&server.api(), &keys).await;
    assert!(
        statuses[..50].iter().all(|(_, status)| status == "unknown: the server has trouble (status 500)")
    );
    assert_eq!(statuses[50].1, "offline");
}

#[tokio::test]
async fn a_renamed_channel_is_found_by_its_number() {
    let server = server(|seen, _| {
        channels(seen, |name| {
            (name == "7" || name == "old" && seen.values("slug").len() == 1).then(|| live("new", 7))
        })
    })
    .await;
    let key = StreamerKey { slug: "old".into(), broadcaster_user_id: Some(7) };
    assert_eq!(poll(&server.api(), &[key]).await, expected(&[("old", "live: Hello 🎮")]));
    assert_eq!(server.seen().last().unwrap().values("broadcaster_user_id"), ["7"]);
}

#[tokio::test]
async fn a_number_that_is_no_more_is_forgotten() {
    // The first owner of the name goes, and another comes.
    let server = server(|seen, n| match n {
        0 => channels(seen, |slug| Some(offline(slug, 1))),
        1 => channels(seen, |_| None),
        _ => channels(seen, |slug| Some(live(slug, 2))),
    })
    .await;
    let (api, keys) = (server.api(), keys(&["a"]));
    assert_eq!(poll(&api, &keys).await[0].1, "offline");
    assert_eq!(poll(&api, &keys).await[0].1, "none");
    assert_eq!(poll(&api, &keys).await[0].1, "live: Hello 🎮");
    assert_eq!(server.seen().last().unwrap().values("slug"), ["a"]);
}

#[tokio::test]
async fn without_a_token_everybody_is_unknown() {
    let server = Server::start(|_, _| reply(401, &json!({"error": "invalid_client"}))).await;
    let statuses = poll(&server.api(), &keys(&["a"])).await;
    assert!(
        statuses[0].1.starts_with("unknown: the client id or the client secret is refused"),
        "{statuses:?}"
    );
}
