//! Limits, redirects and retries, seen through the one endpoint that needs no token.

use std::time::Duration;

use kick_client::{BlockedBy, Failure, HttpLimits, KickApi, KickError, KickHttp};
use serde_json::json;

use crate::support::{self, Answer, Server, bytes, challenge, html, json as reply, limits, waf};

const PATH: &str = "/public/v1/public-key";

fn key() -> Answer {
    reply(200, &json!({"data": {"public_key": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"}}))
}

async fn ask(server: &Server) -> Result<String, KickError> {
    server.api().public_key().await
}

#[tokio::test]
async fn passing_trouble_is_waited_out() {
    let server = Server::start(|_, n| match n {
        0 => reply(500, &json!({"data": null, "message": "internal server error"})),
        1 => bytes(429, "").with("retry-after", "0"),
        _ => key(),
    })
    .await;
    assert!(ask(&server).await.unwrap().contains("MIIB"));
    assert_eq!(server.count(PATH), 3);
    assert!(server.seen()[0].header("user-agent").starts_with("streamliner/"));
    assert_eq!(server.seen()[0].header("authorization"), "");
}

#[tokio::test]
async fn what_will_not_pass_is_asked_once() {
    for (answer, expected) in [
        (reply(400, &json!({"message": "Invalid request"})), "refused with status 400 (Invalid request)"),
        (reply(403, &json!({"message": "Forbidden"})), "forbidden (Forbidden)"),
        (html(404, "<html>"), "not found"),
        (html(200, "<html>"), "the body should be a JSON object of a known form but is an HTML page"),
        (bytes(200, "{\"data\":"), "is damaged JSON"),
        (bytes(200, ""), "is empty"),
        (reply(200, &json!({"data": {"public_key": 5}})), "data.public_key should be a public key as PEM"),
        (bytes(429, "").with("retry-after", "3600"), "too many requests, to be asked again in 3600 s"),
        (bytes(302, ""), "refused with status 302"),
    ] {
        let server = Server::start(move |_, _| answer.clone()).await;
        let error = ask(&server).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.starts_with("public key at http://127.0.0.1:"), "{error}");
        assert_eq!(server.count(PATH), 1, "{error}");
    }
}

#[tokio::test]
async fn a_guard_is_told_apart_and_not_pestered() {
    for (answer, guard) in [(waf(), BlockedBy::Waf), (challenge(), BlockedBy::Cloudflare)] {
        let server = Server::start(move |_, _| answer.clone()).await;
        let error = ask(&server).await.unwrap_err();
        assert!(matches!(error.failure(), Failure::Blocked { by } if *by == guard), "{error}");
        assert_eq!(server.count(PATH), 1);
    }
}

#[tokio::test]
async fn a_zip_bomb_is_cut_short_and_a_damaged_one_refused() {
    let bomb = include_bytes!("zeros.gz");
    let server =
        Server::start(move |_, _| bytes(200, bomb.as_slice()).with("content-encoding", "gzip")).await;
    let error = ask(&server).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::TooLarge { limit: 65_536 }), "{error}");
    assert_eq!(server.count(PATH), 1);

    let mut damaged = support::gzip_stored(br#"{"data":{"public_key":"BEGIN PUBLIC KEY"}}"#);
    damaged.truncate(30);
    let server =
        Server::start(move |_, _| bytes(200, damaged.clone()).with("content-encoding", "gzip")).await;
    let error = ask(&server).await.unwrap_err();
    assert!(error.to_string().ends_with("no answer: its packed body is damaged"), "{error}");
}

#[tokio::test]
async fn a_packed_reply_within_the_limit_is_read() {
    // `{"data":{"public_key":"BEGIN PUBLIC KEY"}}` as gzip with one stored block.
    let text = br#"{"data":{"public_key":"BEGIN PUBLIC KEY"}}"#;
    let packed = support::gzip_stored(text);
    let server = Server::start(move |_, _| bytes(200, packed.clone()).with("content-encoding", "gzip")).await;
    assert_eq!(ask(&server).await.unwrap(), "BEGIN PUBLIC KEY");
    assert!(server.seen()[0].header("accept-encoding").contains("gzip"));
}

#[tokio::test]
async fn redirects_are_followed_within_bounds() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        PATH => bytes(302, "").with("location", "/moved"),
        _ => key(),
    })
    .await;
    assert!(ask(&server).await.is_ok());
    assert_eq!(server.log(), ["GET /public/v1/public-key", "GET /moved"]);

    let server = Server::start(|_, _| bytes(302, "").with("location", PATH)).await;
    let error = ask(&server).await.unwrap_err();
    assert!(error.to_string().ends_with("redirected more than 5 times, which is not followed"), "{error}");
    assert_eq!(server.count(PATH), 6);

    let server =
        Server::start(|_, _| bytes(301, "").with("location", "ftp://h.example/?token=hunter2")).await;
    let error = ask(&server).await.unwrap_err().to_string();
    assert!(
        error.ends_with("redirected to ftp://h.example, from http to ftp, which is not followed"),
        "{error}"
    );
    assert_eq!(server.count(PATH), 1);
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_token_along() {
    let other = Server::start(|_, _| reply(200, &json!({"data": []}))).await;
    let elsewhere = other.base.join("elsewhere").unwrap().to_string();
    let server = Server::start(move |seen, n| match seen.path.as_str() {
        "/oauth/token" => support::token_answer(n),
        _ => bytes(307, "").with("location", elsewhere.clone()),
    })
    .await;
    assert_eq!(server.api().users(&[1]).await.unwrap(), []);
    assert!(server.seen()[1].header("authorization").starts_with("Bearer "));
    assert_eq!(other.seen()[0].header("authorization"), "");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_answer_is_given_up() {
    let server = Server::start(|_, _| key()).await;
    let mut config = server.config();
    // A port that was free a moment ago.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    config.api_base = format!("http://{free}/?key=hunter2").parse().unwrap();
    let error = KickApi::new(&config, server.http(), server.tokens()).public_key().await.unwrap_err();
    assert_eq!(error.to_string(), format!("public key at http://{free}: no answer: there is no connection"));
    assert!(error.is_transient());
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");

    // It accepts and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    config.api_base = format!("http://{}/", silent.local_addr().unwrap()).parse().unwrap();
    let mut short = HttpLimits { exchange_timeout: Duration::from_millis(50), ..limits() };
    short.retry.tries = 1;
    let http = KickHttp::with_limits(&config, short).unwrap();
    let error = KickApi::new(&config, http, server.tokens()).public_key().await.unwrap_err();
    assert!(error.to_string().ends_with("no answer: it did not come in time"), "{error}");
}

#[test]
fn a_user_agent_that_is_no_header_is_refused() {
    let config = kick_client::KickConfig { user_agent: "two\nlines".to_owned(), ..Default::default() };
    let error = KickHttp::new(&config).unwrap_err();
    assert!(error.to_string().contains("user_agent should be one line"), "{error}");
}
