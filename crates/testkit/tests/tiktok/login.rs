//! Consent and tokens.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use testkit::tiktok::{Account, ClientKind, Decision, Endpoint, FakeTikTok, Fault};
use url::Url;

use crate::support::client;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3";
const REDIRECT: &str = "http://127.0.0.1:49152/callback/";

/// The page's address, with some parameters replaced; an empty value leaves one out.
fn page(tiktok: &FakeTikTok, changes: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&format!("{}/v2/auth/authorize/", tiktok.bases().auth_base)).unwrap();
    for (name, value) in [
        ("client_key", FakeTikTok::CLIENT_KEY),
        ("response_type", "code"),
        ("scope", "user.info.basic,video.upload"),
        ("redirect_uri", REDIRECT),
        ("state", "st&te=1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ] {
        let change = changes.iter().find(|(changed, _)| *changed == name);
        let value = change.map_or(value, |(_, value)| *value);
        if !value.is_empty() {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url.to_string()
}

fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).expect("a URL").query_pairs().into_owned().collect()
}

async fn token(tiktok: &FakeTikTok, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("client_key", FakeTikTok::CLIENT_KEY), ("client_secret", FakeTikTok::CLIENT_SECRET)];
    form.extend(fields);
    let url = format!("{}/v2/oauth/token/", tiktok.base_url());
    let answer = client().post(url).form(&form).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn exchange(tiktok: &FakeTikTok, code: &str, redirect: &str, verifier: &str) -> (u16, Value) {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", verifier),
    ];
    token(tiktok, &fields).await
}

async fn refresh(tiktok: &FakeTikTok, old: &str) -> (u16, Value) {
    token(tiktok, &[("grant_type", "refresh_token"), ("refresh_token", old)]).await
}

#[tokio::test]
async fn a_code_is_exchanged_once_by_who_asked_for_it() {
    let tiktok = FakeTikTok::builder().start().await.unwrap();
    let redirect = tiktok.agree(&page(&tiktok, &[])).unwrap();
    assert!(
        redirect.starts_with(REDIRECT) && redirect.contains("%2A") && redirect.contains("%21"),
        "{redirect}"
    );
    let answer = query(&redirect);
    assert_eq!((&*answer["state"], &*answer["scopes"]), ("st&te=1", "user.info.basic,video.upload"));
    let code = &answer["code"];
    assert!(code.contains('*') && code.contains('!'));

    let encoded = code.replace('*', "%2A").replace('!', "%21");
    for (code, redirect, verifier, error) in [
        (&*encoded, REDIRECT, VERIFIER, "invalid_grant"),
        (code, "http://127.0.0.1:49153/callback/", VERIFIER, "invalid_request"),
        (code, REDIRECT, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "invalid_request"),
    ] {
        let (status, body) = exchange(&tiktok, code, redirect, verifier).await;
        assert_eq!((status, body["error"].as_str().unwrap()), (400, error), "{body}");
        assert!(body["log_id"].is_string() && body["error_description"].is_string());
    }
    let (status, body) = exchange(&tiktok, code, REDIRECT, VERIFIER).await;
    assert_eq!(
        (status, &body["expires_in"], &body["refresh_expires_in"]),
        (200, &7200.into(), &15_552_000.into())
    );
    assert_eq!(
        (&body["scope"], &body["token_type"]),
        (&"user.info.basic,video.upload".into(), &"Bearer".into())
    );
    assert_eq!(body["open_id"], Account::private("demo").open_id());
    assert_eq!(exchange(&tiktok, code, REDIRECT, VERIFIER).await.1["error"], "invalid_grant");

    let wrong = [("client_secret", "wrong"), ("grant_type", "refresh_token")];
    assert_eq!(token(&tiktok, &wrong).await.1["error"], "invalid_client");
    assert_eq!(token(&tiktok, &[("grant_type", "password")]).await.1["error"], "unsupported_grant_type");
    let url = format!("{}/v2/oauth/token/", tiktok.base_url());
    let answer = client().post(url).json(&serde_json::json!({ "code": code })).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "invalid_request");
}

#[tokio::test]
async fn the_page_shows_an_error_for_what_is_wrong() {
    let tiktok = FakeTikTok::builder().scopes(&["user.info.basic", "video.upload"]).start().await.unwrap();
    for (name, value) in [
        ("client_key", "other"),
        ("response_type", "token"),
        ("scope", "user.info.basic,video.publish"),
        ("scope", "user.info.basic video.upload"),
        ("redirect_uri", "http://127.0.0.1/callback/"),
        ("redirect_uri", "http://127.0.0.1:49152/callback"),
        ("redirect_uri", "http://127.0.0.1:49152/callback/?from=here"),
        ("redirect_uri", "http://192.168.0.1:49152/callback/"),
        ("state", ""),
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
    ] {
        let wrong = tiktok.agree(&page(&tiktok, &[(name, value)])).unwrap_err();
        assert_eq!(wrong.parameter, name, "{value}");
    }
    let elsewhere = page(&tiktok, &[]).replace("/v2/", "/");
    assert_eq!(tiktok.agree(&elsewhere).unwrap_err().parameter, "url");
    // base64url passes the page and fails at the exchange.
    let standard = [("code_challenge", "E9Melhoa2OwvFrEMTJguCM-wrong-dialect-of-PKCE")];
    let code = query(&tiktok.agree(&page(&tiktok, &standard)).unwrap())["code"].clone();
    let (_, body) = exchange(&tiktok, &code, REDIRECT, VERIFIER).await;
    assert_eq!(body["error_description"], "Code verifier or code challenge is invalid.");
}

#[tokio::test]
async fn users_may_refuse_or_grant_less_and_browsers_are_redirected() {
    let builder = FakeTikTok::builder().account(Account::private("demo")).account(Account::public("lena"));
    let tiktok = builder.start().await.unwrap();
    let refused = query(&tiktok.refuse(&page(&tiktok, &[])).unwrap());
    assert_eq!((&*refused["error"], &*refused["state"]), ("access_denied", "st&te=1"));
    tiktok.sit_down("lena");
    tiktok.decide(Decision::Grant(vec!["video.upload".into()]));
    let answer = client().get(page(&tiktok, &[])).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let granted = query(answer.headers()["location"].to_str().unwrap());
    assert_eq!(granted["scopes"], "video.upload");
    let (_, body) = exchange(&tiktok, &granted["code"], REDIRECT, VERIFIER).await;
    assert_eq!(
        (&body["scope"], &body["open_id"]),
        (&"video.upload".into(), &Account::public("lena").open_id().into())
    );
    assert_eq!(client().get(page(&tiktok, &[("state", "")])).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_web_client_needs_https_and_no_verifier() {
    let at_home = FakeTikTok::builder().client(ClientKind::Web, &["http://127.0.0.1:*/callback/"]);
    assert!(at_home.start().await.is_err());
    assert!(
        FakeTikTok::builder().client(ClientKind::Desktop, &["http://127.0.0.1/x/"]).start().await.is_err()
    );
    let site = "https://clips.example/callback/";
    let tiktok = FakeTikTok::builder().client(ClientKind::Web, &[site]).start().await.unwrap();
    let url = page(&tiktok, &[("redirect_uri", site), ("code_challenge", ""), ("code_challenge_method", "")]);
    let code = query(&tiktok.agree(&url).unwrap())["code"].clone();
    assert_eq!(exchange(&tiktok, &code, site, "").await.0, 200);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_lost_reply_loses_the_login() {
    let builder = FakeTikTok::builder().token_errors_with_200().access_life(Duration::from_secs(100));
    let tiktok = builder.start().await.unwrap();
    let first = tiktok.log_in("demo", &["user.info.basic"]);
    let info = async |token: &str| {
        let url = format!("{}/v2/user/info/?fields=open_id,display_name", tiktok.base_url());
        let answer = client().get(url).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(info(&first.access_token).await.1["data"]["user"]["open_id"], first.open_id);
    tiktok.advance(Duration::from_secs(100));
    let (status, body) = info(&first.access_token).await;
    assert_eq!((status, &body["error"]["code"]), (401, &"access_token_invalid".into()));

    let (status, second) = refresh(&tiktok, &first.refresh_token).await;
    assert_eq!((status, &second["expires_in"]), (200, &100.into()));
    assert_eq!(info(second["access_token"].as_str().unwrap()).await.0, 200);
    // An error, although the status says otherwise.
    let (status, body) = refresh(&tiktok, &first.refresh_token).await;
    assert_eq!((status, &body["error"]), (200, &"invalid_grant".into()));

    tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::LostReply);
    let old = second["refresh_token"].as_str().unwrap();
    let url = format!("{}/v2/oauth/token/", tiktok.base_url());
    let form = [
        ("client_key", FakeTikTok::CLIENT_KEY),
        ("client_secret", FakeTikTok::CLIENT_SECRET),
        ("grant_type", "refresh_token"),
        ("refresh_token", old),
    ];
    assert!(client().post(url).form(&form).send().await.is_err());
    assert_eq!(refresh(&tiktok, old).await.1["error"], "invalid_grant");
    assert_eq!(tiktok.requests(Endpoint::Refresh), 4);
    let secrets = tiktok.secrets();
    assert!(secrets.contains(&first.access_token) && secrets.len() == 1 + 3 * 2);
    assert!(!format!("{first:?}").contains(&first.refresh_token));
}

#[tokio::test]
async fn revoking_ends_all_tokens_of_the_user() {
    let tiktok = FakeTikTok::builder().start().await.unwrap();
    let tokens = tiktok.log_in("demo", &["user.info.basic"]);
    let revoke = async |token: &str| {
        let form = [
            ("client_key", FakeTikTok::CLIENT_KEY),
            ("client_secret", FakeTikTok::CLIENT_SECRET),
            ("token", token),
        ];
        let url = format!("{}/v2/oauth/revoke/", tiktok.base_url());
        let answer = client().post(url).form(&form).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(revoke("nonsense").await.1["error"], "invalid_request");
    assert_eq!(revoke(&tokens.access_token).await, (200, serde_json::json!({})));
    assert_eq!(refresh(&tiktok, &tokens.refresh_token).await.1["error"], "invalid_grant");
}
