//! The stand-in for Kick keeps Kick's rules.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use testkit::kick::{Broadcast, ChatLine, Endpoint, FakeKick, Misbehaviour, UnknownSlug, Vod, VodStatus};
use testkit::origin::{Origin, Pace, Preparation};
use testkit::{Sound, TestMedia};
use tokio_tungstenite::tungstenite::Message;

async fn kick() -> FakeKick {
    FakeKick::start().await.expect("ports")
}

fn credentials() -> [(&'static str, &'static str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", FakeKick::CLIENT_ID),
        ("client_secret", FakeKick::CLIENT_SECRET),
    ]
}

async fn token(kick: &FakeKick) -> String {
    let url = format!("{}/oauth/token", kick.bases().auth_base);
    let answer = reqwest::Client::new().post(url).form(&credentials()).send().await.expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(5_184_000)));
    body["access_token"].as_str().expect("a token").to_owned()
}

async fn api(kick: &FakeKick, path: &str, token: &str) -> (u16, Value) {
    let url = format!("{}/public/{path}", kick.bases().api_base);
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn site(url: String) -> (u16, Value) {
    let client = reqwest::Client::builder().user_agent("Mozilla/5.0").build().expect("a client");
    let answer = client.get(url).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn tokens_are_given_for_a_form_with_the_right_secret() {
    let kick = kick().await;
    assert_eq!(token(&kick).await.len(), 48);
    let url = format!("{}/oauth/token", kick.bases().auth_base);
    let client = reqwest::Client::new();
    let wrong = [credentials()[0], credentials()[1], ("client_secret", "wrong")];
    let answer = client.post(&url).form(&wrong).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_client");
    let answer = client.post(&url).json(&json!({ "grant_type": "client_credentials" })).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let answer = client.post(&url).basic_auth("a", Some("b")).form(&credentials()).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    // The site's host does not give tokens.
    let wrong_host = format!("{}/oauth/token", kick.bases().site_base);
    let answer = client.post(wrong_host).form(&credentials()).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert_eq!((kick.requests(Endpoint::Token), kick.requests(Endpoint::WrongHost)), (4, 1));
}

#[tokio::test]
async fn channels_come_in_batches_by_one_kind_of_name() {
    let kick = kick().await;
    let ids = kick.add_streamer("alpha");
    kick.add_streamer("beta");
    let token = token(&kick).await;
    assert_eq!(
        api(&kick, "v1/channels?slug=alpha", "nonsense").await,
        (401, json!({"data": {}, "message": "Unauthorized"}))
    );
    kick.go_live("alpha", Broadcast::at("http://127.0.0.1:9/x.m3u8").title("hello"));

    let (status, body) = api(&kick, "v1/channels?slug=ALPHA&slug=beta&slug=nobody", &token).await;
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 2));
    assert_eq!(
        (&body["data"][0]["stream"]["is_live"], &body["data"][0]["stream_title"]),
        (&json!(true), &json!("hello"))
    );
    assert_eq!(body["data"][1]["stream"]["start_time"], "0001-01-01T00:00:00Z");
    let by_id = format!("v1/channels?broadcaster_user_id={}", ids.broadcaster_user_id);
    assert_eq!(api(&kick, &by_id, &token).await.1["data"][0]["slug"], "alpha");

    let many: String = (0..51).map(|number| format!("&slug=s{number}")).collect();
    for (query, why) in [
        (String::new(), "nothing named"),
        (format!("slug=alpha&broadcaster_user_id={}", ids.broadcaster_user_id), "both kinds"),
        ("slug=abcdefghijklmnopqrstuvwxyz".into(), "26 characters"),
        (many.clone(), "51 slugs"),
    ] {
        assert_eq!(api(&kick, &format!("v1/channels?{query}"), &token).await.0, 400, "{why}");
    }
    assert_eq!(api(&kick, &format!("v1/channels?{}", many.replace("&slug=s50", "")), &token).await.0, 200);
    kick.unknown_slugs(UnknownSlug::Rejected);
    assert_eq!(api(&kick, "v1/channels?slug=alpha&slug=nobody", &token).await.0, 400);

    let live = format!("v1/users/livestreams?user_id={}&user_id=1000002", ids.broadcaster_user_id);
    assert_eq!(api(&kick, &live, &token).await.1["data"].as_array().unwrap().len(), 1);
    kick.revoke_tokens();
    assert_eq!(api(&kick, "v1/channels?slug=alpha", &token).await.0, 401);
}

#[tokio::test]
async fn livestreams_come_oldest_first_in_pages() {
    let kick = kick().await;
    for name in ["one", "two", "three"] {
        kick.add_streamer(name);
        kick.go_live(name, Broadcast::at("http://127.0.0.1:9/x.m3u8"));
    }
    let token = token(&kick).await;
    let (_, first) = api(&kick, "v2/livestreams?limit=2", &token).await;
    assert_eq!(
        (&first["data"][0]["channel"]["slug"], &first["pagination"]["next_cursor"]),
        (&json!("one"), &json!("2"))
    );
    let (_, rest) = api(&kick, "v2/livestreams?limit=2&cursor=2", &token).await;
    assert_eq!(
        (&rest["data"][0]["channel"]["slug"], &rest["pagination"]["next_cursor"]),
        (&json!("three"), &json!(""))
    );
}

#[tokio::test]
async fn the_site_plays_the_live_and_blocks_on_demand() {
    let kick = kick().await;
    kick.add_streamer("demo");
    let base = kick.bases().site_base.clone();
    let live = format!("{base}/api/v2/channels/demo/livestream");
    assert_eq!(site(live.clone()).await, (200, json!({ "data": null })));
    assert_eq!(site(format!("{base}/api/v2/channels/demo")).await.1["livestream"], Value::Null);
    assert_eq!(site(format!("{base}/api/v2/channels/nobody")).await.0, 404);
    kick.go_live("demo", Broadcast::at("http://127.0.0.1:9/x.m3u8"));
    assert_eq!(site(live.clone()).await.1["data"]["playback_url"], "http://127.0.0.1:9/x.m3u8");
    let channel = site(format!("{base}/api/v2/channels/Demo")).await.1;
    assert_eq!(channel["chatroom"]["id"], 500_001);

    let play = format!(
        "{}/api/v1/stream/{}/playback",
        kick.bases().web_base,
        channel["livestream"]["vod_id"].as_str().unwrap()
    );
    let client = reqwest::Client::builder().user_agent("Mozilla/5.0").build().unwrap();
    let asked = json!({ "video_player": { "player": {} }, "video_session": {}, "user_session": {} });
    let answer: Value = client.post(&play).json(&asked).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["playback_url"]["live"], "http://127.0.0.1:9/x.m3u8");
    assert_eq!(client.post(&play).send().await.unwrap().status(), 400);

    kick.misbehave(Endpoint::SiteLivestream, Misbehaviour::Waf, Some(1));
    assert_eq!(site(live.clone()).await.1["error"], "Request blocked by security policy.");
    assert_eq!(site(live.clone()).await.0, 200);
    kick.misbehave(Endpoint::SiteLivestream, Misbehaviour::Cloudflare, None);
    let answer = client.get(&live).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cf-mitigated"]),
        (403, &"challenge".parse().unwrap())
    );
    kick.behave(Endpoint::SiteLivestream);
    kick.misbehave(Endpoint::SiteLivestream, Misbehaviour::RateLimited { retry_after: Some(7) }, Some(1));
    let answer = client.get(&live).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    kick.limit(Endpoint::SiteLivestream, 1, Duration::from_secs(3600));
    assert_eq!((site(live.clone()).await.0, site(live.clone()).await.0), (200, 429));
    // Without a browser's name there is a challenge.
    assert_eq!(reqwest::get(format!("{base}/api/v2/channels/demo")).await.unwrap().status(), 403);
}

#[tokio::test]
async fn chat_comes_by_pusher_and_stays_as_history() {
    let kick = kick().await;
    let ids = kick.add_streamer("demo");
    let (mut socket, _) = tokio_tungstenite::connect_async(&kick.bases().pusher_url).await.unwrap();
    let mut next = async || -> Value {
        let frame = socket.next().await.unwrap().unwrap().into_text().unwrap();
        serde_json::from_str(&frame).unwrap()
    };
    assert_eq!(next().await["event"], "pusher:connection_established");
    let channel = format!("chatrooms.{}.v2", ids.chatroom_id);
    let join = json!({ "event": "pusher:subscribe", "data": { "auth": "", "channel": channel } });
    socket.send(Message::text(join.to_string())).await.unwrap();
    let mut next = async || -> Value {
        let frame = socket.next().await.unwrap().unwrap().into_text().unwrap();
        serde_json::from_str(&frame).unwrap()
    };
    assert_eq!(next().await["event"], "pusher_internal:subscription_succeeded");
    kick.say("demo", "Ann", "what a shot");
    let frame = next().await;
    assert_eq!(
        (&frame["event"], &frame["channel"]),
        (&json!("App\\Events\\ChatMessageEvent"), &json!(channel))
    );
    let message: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
    assert_eq!((&message["content"], &message["sender"]["username"]), (&json!("what a shot"), &json!("Ann")));
    kick.ping_chat();
    assert_eq!(next().await["event"], "pusher:ping");
    kick.break_chat();
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));

    let lines: Vec<ChatLine> = [(1.0, "early"), (7.5, "late")]
        .iter()
        .map(|(at, text)| serde_json::from_value(json!({ "t_s": at, "user": "Bo", "text": text })).unwrap())
        .collect();
    kick.add_history("demo", "2026-09-24T18:00:00Z".parse().unwrap(), &lines);
    let history = format!("{}/api/v1/chat/{}/history?start_time=", kick.bases().web_base, ids.channel_id);
    let (_, window) = site(format!("{history}2026-09-24T18:00:05Z")).await;
    assert_eq!(window["data"]["messages"].as_array().unwrap().len(), 1);
    assert_eq!(window["data"]["messages"][0]["content"], "late");
    assert_eq!(site(format!("{history}2026-09-24T18:00:05.000Z")).await.0, 400);
}

#[tokio::test]
async fn chat_is_said_when_its_moment_is_on_the_air_and_the_recording_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    TestMedia::new(120).size(256, 64).sound(Sound::Beeps).write(&source).unwrap();
    let media = Preparation::of(&source).segment_s(1.0).cache(folder.path()).prepare().unwrap();
    let began = "2026-09-24T18:00:00Z".parse().unwrap();
    let origin = Origin::live(std::sync::Arc::clone(&media))
        .pace(Pace::Manual)
        .lead(1)
        .began(began)
        .start()
        .await
        .unwrap();
    let kick = kick().await;
    let ids = kick.add_streamer("demo");
    kick.go_live("demo", Broadcast::of(&origin));
    let line: ChatLine = serde_json::from_value(json!({ "t_s": 2.5, "user": "Bo", "text": "wow" })).unwrap();
    let playing = kick.play_chat("demo", vec![line], &origin);
    let history = format!(
        "{}/api/v1/chat/{}/history?start_time=2026-09-24T18:00:00Z",
        kick.bases().web_base,
        ids.channel_id
    );
    origin.advance(1);
    tokio::task::yield_now().await;
    assert_eq!(site(history.clone()).await.1["data"]["messages"], json!([]), "two seconds are made");
    origin.advance(1);
    playing.await.unwrap();
    assert_eq!(site(history).await.1["data"]["messages"][0]["created_at"], "2026-09-24T18:00:02+00:00");

    let finished = Origin::vod(media).began(began).start().await.unwrap();
    let vod = kick.add_vod("demo", Vod::of(&finished));
    let site_base = &kick.bases().site_base;
    assert_eq!(site(format!("{site_base}/api/v1/video/{}", vod.uuid)).await.1["source"], finished.url());
    assert_eq!(
        site(format!("{site_base}/api/v1/video/{}", vod.vod_id)).await.0,
        404,
        "it knows old ids alone"
    );
    let web = format!("{}/api/v1/channels/{}/videos", kick.bases().web_base, ids.channel_id);
    let item = site(format!("{web}/{}", vod.vod_id)).await.1;
    assert_eq!(
        (&item["data"]["duration"], &item["data"]["start_time"]),
        (&json!(4), &json!("2026-09-24T18:00:00Z"))
    );
    let hidden = kick.add_vod("demo", Vod::of(&finished).status(VodStatus::SubscriberOnly));
    let (status, body) = site(format!("{site_base}/api/v1/video/{}", hidden.uuid)).await;
    assert_eq!((status, &body["status"], &body["source"]), (403, &json!("subscriber_only"), &json!("")));
}

#[tokio::test]
async fn webhooks_are_signed_with_the_key_that_the_api_gives() {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let kick = kick().await;
    kick.add_streamer("demo");
    let event = kick.status_event("demo");
    assert_eq!(serde_json::from_str::<Value>(&event.body).unwrap()["is_live"], false);
    let pem = site(format!("{}/public/v1/public-key", kick.bases().api_base)).await.1;
    let pem = pem["data"]["public_key"].as_str().unwrap();
    let der = STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let header = |name: &str| event.headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
    let signed = format!(
        "{}.{}.{}",
        header("Kick-Event-Message-Id"),
        header("Kick-Event-Message-Timestamp"),
        event.body
    );
    let signature = STANDARD.decode(header("Kick-Event-Signature")).unwrap();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
    key.verify(signed.as_bytes(), &signature).expect("the signature is right");
    assert!(key.verify(b"something else", &signature).is_err());
}
