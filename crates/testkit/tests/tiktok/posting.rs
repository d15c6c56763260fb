//! Direct posts: what they must say, and who may make them.

use serde_json::{Value, json};
use testkit::tiktok::{Account, FakeTikTok, Mode, PostIds, Processing};

use crate::support::{
    CANCEL, CREATOR_INFO, DIRECT, INBOX, SCOPES, ask, bytes, draft, file, send, small_draft, start, status,
    whole,
};

fn post(changes: &Value) -> Value {
    let mut info = json!({
        "title": "no deaths #arena", "privacy_level": "SELF_ONLY", "disable_duet": true, "disable_comment": true,
        "disable_stitch": true, "brand_content_toggle": false, "brand_organic_toggle": false, "is_aigc": false,
    });
    for (name, value) in changes.as_object().expect("an object") {
        info[name] = value.clone();
    }
    json!({ "post_info": info, "source_info": file(1000, 1000, 1) })
}

#[tokio::test]
async fn a_post_is_published_and_its_id_is_spelt_in_many_ways() {
    for (form, expected) in [
        (PostIds::Numbers, json!({ "publicaly_available_post_id": [0] })),
        (PostIds::Strings, json!({ "publicaly_available_post_id": ["0"] })),
        (PostIds::Bare, json!({ "publicaly_available_post_id": 0 })),
        (PostIds::SpeltRight, json!({ "publicly_available_post_id": [0] })),
    ] {
        let builder = FakeTikTok::builder().account(Account::public("demo")).audited().post_ids(form);
        let (tiktok, tokens) = start(builder.processing(Processing::Asks(0))).await;
        let public = post(&json!({ "privacy_level": "PUBLIC_TO_EVERYONE" }));
        let (_, code, body) = ask(&tiktok, &tokens.access_token, DIRECT, &public).await;
        assert_eq!(code, "ok", "{body}");
        let id = body["data"]["publish_id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("v_pub_file~"));
        send(body["data"]["upload_url"].as_str().unwrap(), bytes(1000), 0, 1000).await;
        let data = status(&tiktok, &tokens.access_token, &id).await;
        assert_eq!(data["status"], "PUBLISH_COMPLETE");
        let (key, shape) = expected.as_object().unwrap().iter().next().unwrap();
        let text = data[key].to_string();
        let digits = text.trim_matches(|character: char| !character.is_ascii_digit());
        assert_eq!(digits.len(), 19);
        assert_eq!(text.replace(digits, "0"), shape.to_string());
        let record = tiktok.record();
        assert_eq!(record.posts().next().unwrap().post_info.as_ref(), public.get("post_info"));
    }
}

#[tokio::test]
async fn what_a_post_says_is_checked() {
    let (tiktok, tokens) = start(FakeTikTok::builder().time_scale(1e6)).await;
    let smile = "\u{1F600}";
    for (changes, code) in [
        (json!({ "privacy_level": null }), "invalid_params"),
        (json!({ "privacy_level": "EVERYONE" }), "invalid_params"),
        (json!({ "title": smile.repeat(1101) }), "invalid_params"),
        (json!({ "title": 5 }), "invalid_params"),
        (json!({ "brand_content_toggle": null }), "invalid_params"),
        (json!({ "brand_organic_toggle": "no" }), "invalid_params"),
        (json!({ "brand_content_toggle": true }), "invalid_params"),
        (json!({ "disable_duet": "yes" }), "invalid_params"),
        (json!({ "video_cover_timestamp_ms": -1 }), "invalid_params"),
        (json!({ "hashtags": [] }), "invalid_params"),
        (
            json!({ "privacy_level": "MUTUAL_FOLLOW_FRIENDS" }),
            "unaudited_client_can_only_post_to_private_accounts",
        ),
        (json!({ "title": smile.repeat(1100), "video_cover_timestamp_ms": 1000 }), "ok"),
    ] {
        let (status, said, body) = ask(&tiktok, &tokens.access_token, DIRECT, &post(&changes)).await;
        let expected = match code {
            "ok" => 200,
            "invalid_params" => 400,
            _ => 403,
        };
        assert_eq!((status, said.as_str()), (expected, code), "{changes}: {body}");
    }
    let (_, code, _) = ask(&tiktok, &tokens.access_token, DIRECT, &whole(1000)).await;
    assert_eq!(code, "invalid_params");
    // A caption that is sent to the inbox would be lost.
    let (_, code, _) = ask(&tiktok, &tokens.access_token, INBOX, &post(&json!({}))).await;
    assert_eq!(code, "invalid_params");
    // SELF_ONLY alone is not enough.
    tiktok.make_private("demo", false);
    let (_, code, _) = ask(&tiktok, &tokens.access_token, DIRECT, &post(&json!({}))).await;
    assert_eq!(code, "unaudited_client_can_only_post_to_private_accounts");
}

#[tokio::test]
async fn the_level_is_one_that_the_creator_has() {
    let (tiktok, tokens) = start(FakeTikTok::builder().audited().account(Account::private("demo"))).await;
    let (status, _, body) = ask(&tiktok, &tokens.access_token, CREATOR_INFO, &json!({})).await;
    let levels = json!(["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]);
    assert_eq!((status, &body["data"]["privacy_level_options"]), (200, &levels));
    assert_eq!(body["data"]["max_video_post_duration_sec"], 600);
    let public = post(&json!({ "privacy_level": "PUBLIC_TO_EVERYONE" }));
    let (status, code, _) = ask(&tiktok, &tokens.access_token, DIRECT, &public).await;
    assert_eq!((status, code.as_str()), (403, "privacy_level_option_mismatch"));
}

#[tokio::test]
async fn caps_are_told_by_creator_info_with_200_and_by_inits_with_403() {
    let names = ["demo", "lena", "otto"];
    let builder =
        names.iter().fold(FakeTikTok::builder(), |builder, name| builder.account(Account::private(name)));
    let (tiktok, demo) = start(builder.daily_posts(2).active_users(2)).await;
    let (lena, otto) = (tiktok.log_in("lena", &SCOPES), tiktok.log_in("otto", &SCOPES));
    for tokens in [&demo, &demo, &lena] {
        assert_eq!(ask(&tiktok, &tokens.access_token, DIRECT, &post(&json!({}))).await.1, "ok");
    }
    tiktok.trouble("lena", Some("spam_risk_user_banned_from_posting"));
    for (tokens, code) in [
        (&demo, "spam_risk_too_many_posts"),
        (&otto, "reached_active_user_cap"),
        (&lena, "spam_risk_user_banned_from_posting"),
    ] {
        let info = ask(&tiktok, &tokens.access_token, CREATOR_INFO, &json!({})).await;
        assert_eq!((info.0, info.1.as_str()), (200, code));
        let init = ask(&tiktok, &tokens.access_token, DIRECT, &post(&json!({}))).await;
        assert_eq!((init.0, init.1.as_str()), (403, code));
    }
    assert_eq!(
        ask(&tiktok, &lena.access_token, INBOX, &whole(10)).await.1,
        "spam_risk_user_banned_from_posting"
    );
    tiktok.trouble("lena", None);
    tiktok.advance(std::time::Duration::from_secs(86_400));
    let otto = tiktok.log_in("otto", &SCOPES);
    assert_eq!(ask(&tiktok, &otto.access_token, DIRECT, &post(&json!({}))).await.1, "ok");
    assert_eq!(tiktok.record().refused("reached_active_user_cap"), 2);
}

#[tokio::test]
async fn what_fails_says_why_and_others_may_not_look() {
    let builder = FakeTikTok::builder().account(Account::private("demo")).account(Account::private("lena"));
    let (tiktok, tokens) = start(builder).await;
    tiktok.doom_next(Some("frame_rate_check_failed"));
    let failed = small_draft(&tiktok, &tokens.access_token).await;
    let good = small_draft(&tiktok, &tokens.access_token).await;
    for _ in 0..2 {
        status(&tiktok, &tokens.access_token, &failed).await;
        status(&tiktok, &tokens.access_token, &good).await;
    }
    let data = status(&tiktok, &tokens.access_token, &failed).await;
    assert_eq!(
        (&data["status"], &data["fail_reason"]),
        (&"FAILED".into(), &"frame_rate_check_failed".into())
    );
    assert_eq!(status(&tiktok, &tokens.access_token, &good).await["status"], "SEND_TO_USER_INBOX");
    assert_eq!(tiktok.record().drafts().map(|draft| draft.mode).collect::<Vec<_>>(), [Mode::Inbox]);

    let lena = tiktok.log_in("lena", &SCOPES);
    let asked = json!({ "publish_id": good });
    let (code, path) = ("token_not_authorized_for_specified_publish_id", "status/fetch/");
    assert_eq!(ask(&tiktok, &lena.access_token, path, &asked).await.1, code);
    let nobodys = json!({ "publish_id": "v_inbox_file~v2.1" });
    assert_eq!(ask(&tiktok, &lena.access_token, path, &nobodys).await.1, "invalid_publish_id");
    assert_eq!(ask(&tiktok, &lena.access_token, path, &json!({})).await.1, "invalid_params");
    let answer = ask(&tiktok, &tokens.access_token, CANCEL, &asked).await;
    assert_eq!((answer.0, answer.1.as_str()), (400, "publish_not_cancellable"));
    let (_, url) = draft(&tiktok, &tokens.access_token, &file(10, 10, 1)).await;
    assert!(!url.is_empty());
}
