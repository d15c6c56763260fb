//! From a channel to its live playlist.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kick_client::playback::{
    CommandOutput, CommandResolver, CommandRunner, CommandTemplate, FixedUrl, KickPlayback, Playback,
    PlaybackResolver, ResolveError, Resolvers,
};
use kick_client::{BlockedBy, SecretUrl};
use serde_json::{Value, json};

use crate::support::{Answer, Server, challenge, html, json as reply, waf};

// The claims are {"aws:channel-arn":"arn:x","exp":1790000000}.
const SIGNED: &str = "https://cdn.example/c.m3u8?token=e30.eyJhd3M6Y2hhbm5lbC1hcm4iOiJhcm46eCIsImV4cCI6MTc5MDAwMDAwMH0.hunter2";
const A: &str = "/api/v2/channels/foo/livestream";
const B: &str = "/api/v2/channels/foo";
const INFO: &str = "/api/v2/channels/foo/info";
const C: &str = "/web/api/v1/stream/vod-1/playback";

fn no_channel() -> Answer {
    reply(404, &json!({"message": "No query results for model [App\\Models\\Channel]."}))
}

async fn resolve(
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Result<Playback, ResolveError>, Vec<String>, Server) {
    let server = Server::start(move |seen, _| answer(&seen.path)).await;
    let outcome = KickPlayback::new(&server.config(), server.http()).resolve("Foo").await;
    let asked = server.log();
    (outcome, asked, server)
}

fn channel(livestream: &Value, playback_url: &Value) -> Answer {
    reply(200, &json!({"id": 5, "slug": "foo", "playback_url": playback_url, "livestream": livestream}))
}

#[tokio::test]
async fn the_first_form_suffices_and_is_asked_like_a_browser() {
    let (outcome, asked, server) =
        resolve(|_| reply(200, &json!({"data": {"id": 1, "viewers": 3, "playback_url": SIGNED}}))).await;
    let playback = outcome.unwrap();
    assert_eq!(playback.url.expose().as_str(), SIGNED);
    assert_eq!(playback.expires_at, Timestamp::from_second(1_790_000_000).ok());
    assert_eq!(asked, [format!("GET {A}")]);
    let shown = format!("{playback:?}");
    assert!(shown.contains("https://cdn.example/...") && !shown.contains("hunter2"), "{shown}");
    let seen = &server.seen()[0];
    assert_eq!(seen.header("user-agent"), "test browser");
    assert_eq!(seen.header("referer"), server.base.join("foo").unwrap().as_str());
    assert_eq!(seen.header("accept"), "application/json");
}

#[tokio::test]
async fn offline_is_an_answer_and_ends_the_search() {
    let (outcome, asked, _) = resolve(|_| reply(200, &json!({"data": null}))).await;
    assert!(matches!(outcome, Err(ResolveError::Offline)));
    assert_eq!(asked.len(), 1);
    // The address of a channel is there when it is offline, too.
    for livestream in [Value::Null, json!({"is_live": false})] {
        let (outcome, asked, _) = resolve(move |path| match path {
            A => html(404, "<html>"),
            _ => channel(&livestream, &json!(SIGNED)),
        })
        .await;
        assert!(matches!(outcome, Err(ResolveError::Offline)), "{outcome:?}");
        assert_eq!(asked.len(), 2);
    }
}

#[tokio::test]
async fn every_other_form_is_a_way_too() {
    let found = |outcome: Result<Playback, ResolveError>| {
        let playback = outcome.unwrap();
        assert_eq!(playback.url.expose().as_str(), SIGNED);
        playback.source
    };
    let (outcome, asked, _) = resolve(|path| match path {
        A => waf(),
        _ => channel(&json!({"id": 1}), &json!(SIGNED)),
    })
    .await;
    assert_eq!((found(outcome).as_str(), asked.len()), ("kick: channel", 2));

    let (outcome, asked, _) = resolve(|path| match path {
        A => reply(200, &json!({"data": {"playback_url": ""}})),
        B => challenge(),
        _ => channel(&json!({}), &json!(SIGNED)),
    })
    .await;
    assert_eq!(
        (found(outcome).as_str(), &asked[..]),
        ("kick: channel", &[A, B, INFO].map(|path| format!("GET {path}"))[..])
    );

    let (outcome, asked, server) = resolve(|path| match path {
        A => html(404, ""),
        B => channel(&json!({"vod_id": "vod-1", "is_live": true}), &Value::Null),
        _ => reply(200, &json!({"playback_url": {"live": SIGNED, "vod": ""}})),
    })
    .await;
    assert_eq!((found(outcome).as_str(), asked[2].as_str()), ("kick: player", &*format!("POST {C}")));
    let seen = &server.seen()[2];
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("origin"), server.base.as_str().trim_end_matches('/'));
    let body: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["user_session"]["non_personalised_ads"], true);
}

#[tokio::test]
async fn an_unknown_channel_is_told_from_a_missing_endpoint() {
    let (outcome, asked, _) = resolve(|_| no_channel()).await;
    assert!(matches!(outcome, Err(ResolveError::NoSuchChannel)), "{outcome:?}");
    assert_eq!(asked.len(), 1);
    let (outcome, asked, _) = resolve(|_| html(404, "<html>")).await;
    assert!(matches!(outcome, Err(ResolveError::NoSuchChannel)), "{outcome:?}");
    assert_eq!(asked.len(), 3);
    let server = Server::start(|_, _| no_channel()).await;
    let outcome = KickPlayback::new(&server.config(), server.http()).resolve("../x").await;
    assert!(matches!(outcome, Err(ResolveError::NoSuchChannel)));
    assert!(server.log().is_empty());
}

#[tokio::test]
async fn blocked_is_its_own_answer() {
    let (outcome, _, server) = resolve(|path| if path == A { html(404, "") } else { challenge() }).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.blocked_by(), Some(BlockedBy::Cloudflare));
    let host = server.base.as_str().trim_end_matches('/');
    assert!(error.to_string().starts_with(&format!("{host} is blocked by Cloudflare; try later")), "{error}");
}

#[tokio::test]
async fn what_is_not_understood_is_named() {
    for (answer, expected) in [
        (
            reply(200, &json!({"data": {"playback_url": 5}})),
            "data.playback_url should be an address but is a number",
        ),
        (
            reply(200, &json!({"data": {"playback_url": "ftp://hunter2"}})),
            "data.playback_url should be an address but is a string",
        ),
        (reply(200, &json!({})), "data should be an object or null but is null"),
        (reply(200, &json!([])), "data should be an object or null but is null"),
        (html(200, "<html>hunter2"), "the body should be a JSON object of a known form but is an HTML page"),
    ] {
        let (outcome, ..) = resolve(move |path| if path == A { answer.clone() } else { html(404, "") }).await;
        let error = outcome.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

/// Answers as it is told, in place of a program.
#[derive(Debug)]
struct Script {
    output: Result<CommandOutput, io::ErrorKind>,
    calls: Mutex<Vec<(String, Vec<String>)>>,
}

fn script(code: i32, stdout: &str, stderr: &str) -> Arc<Script> {
    let output = CommandOutput { code: Some(code), stdout: stdout.into(), stderr: stderr.into() };
    Arc::new(Script { output: Ok(output), calls: Mutex::default() })
}

#[async_trait]
impl CommandRunner for Script {
    async fn run(&self, program: &str, arguments: &[String]) -> io::Result<CommandOutput> {
        self.calls.lock().unwrap().push((program.to_owned(), arguments.to_vec()));
        self.output.clone().map_err(io::Error::from)
    }
}

/// A program that never ends, and tells when it is dropped.
#[derive(Debug)]
struct Endless(Arc<Mutex<bool>>);

#[async_trait]
impl CommandRunner for Endless {
    async fn run(&self, _: &str, _: &[String]) -> io::Result<CommandOutput> {
        struct Killed(Arc<Mutex<bool>>);
        impl Drop for Killed {
            fn drop(&mut self) {
                *self.0.lock().unwrap() = true;
            }
        }
        let _killed = Killed(Arc::clone(&self.0));
        std::future::pending().await
    }
}

fn streamlink(runner: Arc<dyn CommandRunner>) -> CommandResolver {
    let parts = ["streamlink", "--stream-url", "https://kick.com/{slug}", "best"].map(String::from).to_vec();
    CommandResolver::new(CommandTemplate::new(parts).unwrap(), runner, Duration::from_secs(30))
}

#[tokio::test]
async fn a_command_prints_the_address() {
    let runner = script(0, &format!("[cli][info] found\n{SIGNED}\nhttps://other.example/\n"), "");
    let playback = streamlink(Arc::clone(&runner) as _).resolve("Foo").await.unwrap();
    assert_eq!(playback.url.expose().as_str(), SIGNED);
    assert_eq!((playback.source.as_str(), playback.expires_at.is_some()), ("streamlink", true));
    let arguments = ["--stream-url", "https://kick.com/foo", "best"].map(String::from).to_vec();
    assert_eq!(*runner.calls.lock().unwrap(), [("streamlink".to_owned(), arguments)]);
}

#[tokio::test]
async fn a_name_that_is_none_never_reaches_a_program() {
    let runner = script(0, SIGNED, "");
    let resolver = streamlink(Arc::clone(&runner) as _);
    for slug in ["--config=/x", "a b", "a/../b", "$(x)"] {
        assert!(matches!(resolver.resolve(slug).await, Err(ResolveError::NoSuchChannel)));
    }
    assert!(runner.calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_command_that_fails_says_why_without_addresses() {
    let missing = Arc::new(Script { output: Err(io::ErrorKind::NotFound), calls: Mutex::default() });
    let cases: Vec<(Arc<Script>, &str)> = vec![
        (missing, "the command streamlink: it cannot be started: entity not found"),
        (
            script(1, "error: no streams on https://kick.com/foo?token=hunter2\n\n", ""),
            "the command streamlink: it ended with code 1 (error: no streams on https://kick.com/...)",
        ),
        (
            script(2, "x", "usage\nerror: bad option\n"),
            "the command streamlink: it ended with code 2 (error: bad option)",
        ),
        (script(0, "nothing", ""), "the command streamlink: it printed no line that is an address (nothing)"),
        (script(0, "", ""), "the command streamlink: it printed no line that is an address"),
    ];
    for (runner, expected) in cases {
        let error = streamlink(runner).resolve("foo").await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_that_hangs_is_dropped() {
    let killed = Arc::new(Mutex::new(false));
    let error = streamlink(Arc::new(Endless(Arc::clone(&killed)))).resolve("foo").await.unwrap_err();
    assert_eq!(error.to_string(), "the command streamlink: it did not end within 30 s");
    assert!(*killed.lock().unwrap());
}

fn fixed() -> Box<dyn PlaybackResolver> {
    Box::new(FixedUrl::new(SecretUrl::new(SIGNED.parse().unwrap())))
}

#[tokio::test]
async fn ways_are_tried_in_order_and_each_ones_reason_is_kept() {
    let server = Server::start(|_, _| waf()).await;
    let kick = || Box::new(KickPlayback::new(&server.config(), server.http())) as Box<dyn PlaybackResolver>;
    let failing = || Box::new(streamlink(script(1, "", "no plugin"))) as Box<dyn PlaybackResolver>;

    let all = Resolvers::new(vec![kick(), failing(), fixed()]);
    assert_eq!(all.to_string(), "kick, streamlink, the configured address");
    assert_eq!(all.resolve("foo").await.unwrap().source, "the configured address");

    let error = Resolvers::new(vec![failing(), kick()]).resolve("foo").await.unwrap_err();
    assert_eq!(error.blocked_by(), Some(BlockedBy::Waf));
    let host = server.base.as_str().trim_end_matches('/');
    insta::assert_snapshot!(error.to_string().replace(host, "HOST"));

    let error = Resolvers::new(vec![kick()]).resolve("foo").await.unwrap_err();
    assert!(matches!(error, ResolveError::Blocked { .. }));
    let error = Resolvers::default().resolve("foo").await.unwrap_err();
    assert_eq!(error.to_string(), "no way leads to a playlist: none is configured");
}

#[tokio::test]
async fn after_kick_said_offline_only_what_does_not_ask_kick_is_tried() {
    let server = Server::start(|_, _| reply(200, &json!({"data": null}))).await;
    let kick = || Box::new(KickPlayback::new(&server.config(), server.http())) as Box<dyn PlaybackResolver>;
    let runner = script(0, SIGNED, "");
    let command = || Box::new(streamlink(Arc::clone(&runner) as _)) as Box<dyn PlaybackResolver>;
    let outcome = Resolvers::new(vec![kick(), command()]).resolve("foo").await;
    assert!(matches!(outcome, Err(ResolveError::Offline)));
    assert!(runner.calls.lock().unwrap().is_empty());
    let playback = Resolvers::new(vec![kick(), command(), fixed()]).resolve("foo").await.unwrap();
    assert_eq!(playback.source, "the configured address");
}
