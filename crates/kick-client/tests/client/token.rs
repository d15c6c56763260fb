//! The app token.

use std::time::Duration;

use kick_client::{AppTokens, Failure};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::support::{SECRET, Server, TOKEN, bytes, credentials, html, json as reply, token_answer, waf};

const PATH: &str = "/oauth/token";

fn shown(token: &SecretString) -> &str {
    token.expose_secret()
}

#[tokio::test]
async fn the_request_is_the_documented_one() {
    let server = Server::start(|_, n| token_answer(n)).await;
    assert_eq!(shown(&server.tokens().token().await.unwrap()), "hunter2-token-0");
    let seen = server.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", PATH));
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(seen.header("authorization"), "", "Kick wants them in the body");
    let mut fields: Vec<_> = url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
    fields.sort();
    let expected = [("client_id", "app-1"), ("client_secret", SECRET), ("grant_type", "client_credentials")];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn many_callers_share_one_request_and_its_outcome() {
    let server = Server::start(|_, n| token_answer(n)).await;
    let tokens = server.tokens();
    let got = futures::future::join_all((0..50).map(|_| tokens.token())).await;
    assert!(got.iter().all(|token| shown(token.as_ref().unwrap()) == "hunter2-token-0"));
    tokens.token().await.unwrap();
    assert_eq!(server.count(PATH), 1);

    let server = Server::start(|_, _| reply(401, &json!({"error": "invalid_client"}))).await;
    let tokens = server.tokens();
    let got = futures::future::join_all((0..50).map(|_| tokens.token())).await;
    assert!(
        got.iter().all(|token| matches!(token.as_ref().unwrap_err().failure(), Failure::Credentials { .. }))
    );
    assert_eq!(server.count(PATH), 1);
    // Whoever comes later asks anew.
    tokens.token().await.unwrap_err();
    assert_eq!(server.count(PATH), 2);
}

#[tokio::test]
async fn a_life_may_be_a_number_or_digits_or_untold() {
    let life = |expires_in: Value| reply(200, &json!({"access_token": "t", "expires_in": expires_in}));
    for expires_in in [json!(5_184_000), json!("5184000"), Value::Null, json!(""), json!(u64::MAX), json!(-1)]
    {
        let server = Server::start(move |_, _| life(expires_in.clone())).await;
        let tokens = server.tokens();
        tokens.token().await.unwrap();
        tokens.token().await.unwrap();
        assert_eq!(server.count(PATH), 1);
    }
}

#[tokio::test]
async fn refusals_say_what_to_do_and_never_the_secret() {
    let echo = json!({"error": "invalid_client", "error_description": format!("bad secret {SECRET}")});
    for (answer, expected) in [
        (reply(401, &echo), "is refused (invalid_client: bad secret ***); compare them with"),
        (reply(400, &json!({"error": "Invalid request"})), "is refused (Invalid request)"),
        (bytes(401, ""), "the client secret is refused; compare them"),
        (waf(), "blocked by Kick's security policy"),
        (html(200, "<html>hunter2"), "access_token should be a string in a JSON object"),
        (reply(200, &json!({"access_token": 5, "x": SECRET})), "access_token should be a string"),
        (reply(200, &json!({})), "access_token should be a string"),
        (reply(200, &json!({"access_token": ""})), "access_token should be a string"),
        (html(500, "hunter2"), "the server has trouble (status 500)"),
    ] {
        let server = Server::start(move |_, _| answer.clone()).await;
        let error = server.tokens().token().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_restart_needs_no_new_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/kick-token.json");
    let server = Server::start(|_, n| token_answer(n)).await;
    for _ in 0..3 {
        assert_eq!(shown(&server.tokens().kept_in(&path).token().await.unwrap()), "hunter2-token-0");
    }
    assert_eq!(server.count(PATH), 1);

    // What is damaged is replaced.
    fs_err::write(&path, "{").unwrap();
    for _ in 0..2 {
        assert_eq!(shown(&server.tokens().kept_in(&path).token().await.unwrap()), "hunter2-token-1");
    }
    // Another app does not get it.
    let other = kick_client::AppCredentials::new("app-2", SECRET.into());
    let tokens = AppTokens::new(&server.config(), server.http(), other).kept_in(&path);
    assert_eq!(shown(&tokens.token().await.unwrap()), "hunter2-token-2");
}

#[tokio::test]
async fn a_token_that_is_due_is_used_on_if_there_is_no_other_yet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token.json");
    for (answer, good) in [(bytes(500, ""), true), (reply(401, &json!({"error": "invalid_client"})), false)] {
        let server = Server::start(move |_, _| answer.clone()).await;
        let now = jiff::Timestamp::now();
        let kept = json!({"client_id": "app-1", "issuer": server.base.origin().ascii_serialization(),
            "access_token": "kept", "renew_at": now, "expires_at": now + Duration::from_secs(600)});
        fs_err::write(&path, kept.to_string()).unwrap();
        let token = server.tokens().kept_in(&path).token().await;
        assert_eq!(token.is_ok_and(|token| shown(&token) == "kept"), good);
        assert_eq!(server.count(PATH), if good { 3 } else { 1 });
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_not_worth_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|_, n| token_answer(n)).await;
    // The path is that of a folder.
    let tokens = server.tokens().kept_in(dir.path());
    assert!(tokens.token().await.is_ok());
    assert!(tokens.token().await.is_ok());
    assert_eq!(server.count(PATH), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_however_many_notice() {
    let server = Server::start(|seen, n| match seen.path.as_str() {
        PATH => token_answer(n),
        _ if seen.header("authorization") == "Bearer hunter2-token-0" => {
            reply(401, &json!({"data": {}, "message": "Unauthorized"}))
        }
        _ => reply(200, &json!({"data": [{"user_id": 1, "name": "a"}]})),
    })
    .await;
    let api = server.api();
    let users = futures::future::join_all((0..10).map(|_| api.users(&[1]))).await;
    assert!(users.iter().all(|users| users.as_ref().unwrap()[0].name == "a"));
    assert_eq!(server.count(PATH), 2);
    assert_eq!(server.count("/public/v1/users"), 20);
}

#[tokio::test]
async fn a_new_token_that_is_refused_too_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|seen, n| match seen.path.as_str() {
        PATH => token_answer(n),
        _ => reply(401, &json!({"message": "Unauthorized"})),
    })
    .await;
    let tokens = server.tokens().kept_in(dir.path().join("token.json"));
    let api = kick_client::KickApi::new(&server.config(), server.http(), tokens);
    let error = api.users(&[1]).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Unauthorized), "{error}");
    assert_eq!((server.count(PATH), server.count("/public/v1/users")), (2, 2));
}

#[tokio::test]
async fn nothing_prints_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(|_, n| token_answer(n)).await;
    let tokens = server.tokens().kept_in(dir.path().join("t.json"));
    let token = tokens.token().await.unwrap();
    let shown = format!(
        "{tokens:?} {token:?} {:?} {:?} {:?} {:?}",
        credentials(),
        server.api(),
        server.http(),
        server.config()
    );
    assert!(!shown.contains("hunter2") && !shown.contains(TOKEN), "{shown}");
    insta::assert_snapshot!(format!("{:?} {:?}", server.tokens(), credentials()));
}
