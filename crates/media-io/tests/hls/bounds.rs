//! Origins that mean ill.

use std::time::Duration;

use futures::StreamExt;
use media_io::hls::{Fetched, HlsError, LossReason, MAX_REDIRECTS, RenditionRule, VodPlaylist};

use crate::origin::{END, Origin, Reply, client, client_with, list, segment};

async fn open(origin: &Origin, path: &str) -> Result<VodPlaylist, HlsError> {
    VodPlaylist::open(&client(), &origin.address(path), RenditionRule::Best).await
}

#[tokio::test]
async fn nothing_is_read_without_end() {
    let origin = Origin::start().await;
    origin.serve("/endless.m3u8", [Reply::Endless]).serve("/0.ts", [Reply::Endless]);
    origin.serve("/1.ts", [Reply::Body(vec![0x47; 20_000].into())]);
    origin.serve("/vod.m3u8", [Reply::text(list(0, 0..2, END))]);
    let client = client_with(|options| {
        options.max_playlist_bytes = 10_000;
        options.max_segment_bytes = 10_000;
    });
    let endless = origin.address("/endless.m3u8");
    let error = VodPlaylist::open(&client, &endless, RenditionRule::Best).await.unwrap_err();
    assert!(matches!(error, HlsError::TooLarge { limit: 10_000, .. }), "{error}");
    let vod = VodPlaylist::open(&client, &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
    for fetched in vod.fetch(0..2).collect::<Vec<_>>().await {
        assert!(matches!(fetched, Fetched::Lost(lost) if lost.reason == LossReason::TooLarge));
    }
    assert_eq!(origin.requests("/0.ts") + origin.requests("/1.ts"), 2);
}

#[tokio::test]
async fn nothing_is_waited_for_without_end() {
    let origin = Origin::start().await;
    origin.serve("/silent.m3u8", [Reply::Silent]).serve("/0.ts", [Reply::Endless]);
    origin.serve("/vod.m3u8", [Reply::text(list(0, 0..1, END))]);
    let client = client_with(|options| {
        options.attempts = 1;
        options.read_timeout = Duration::from_millis(50);
        options.segment_timeout = Duration::from_millis(50);
        options.max_segment_bytes = u64::MAX;
    });
    let silent = origin.address("/silent.m3u8");
    let error = VodPlaylist::open(&client, &silent, RenditionRule::Best).await.unwrap_err();
    assert!(matches!(error, HlsError::CutOff { .. }), "{error:?}");
    let vod = VodPlaylist::open(&client, &origin.address("/vod.m3u8"), RenditionRule::Best).await.unwrap();
    let fetched = vod.fetch(0..1).next().await;
    assert!(matches!(fetched, Some(Fetched::Lost(lost)) if lost.reason == LossReason::TimedOut));
}

#[tokio::test]
async fn redirects_are_followed_but_not_for_ever_nor_anywhere() {
    let origin = Origin::start().await;
    origin.segments(1).serve("/a/vod.m3u8", [Reply::text(list(0, 0..1, END).replace("0.ts", "../0.ts"))]);
    origin.serve("/start.m3u8", [Reply::Redirect("/mid.m3u8".to_owned())]);
    origin.serve("/mid.m3u8", [Reply::Redirect(origin.url("/a/vod.m3u8"))]);
    origin.serve("/round.m3u8", [Reply::Redirect("/round.m3u8".to_owned())]);
    origin.serve("/file.m3u8", [Reply::Redirect("file:///etc/passwd".to_owned())]);
    // References are relative to where the redirects ended.
    let playlist = open(&origin, "/start.m3u8").await.unwrap();
    let fetched = playlist.fetch(0..1).next().await;
    assert!(matches!(fetched, Some(Fetched::Segment(whole)) if whole.bytes == segment(0)));
    let round = open(&origin, "/round.m3u8").await.unwrap_err();
    assert!(matches!(round, HlsError::Redirects { limit: MAX_REDIRECTS, .. }), "{round:?}");
    assert_eq!(origin.requests("/round.m3u8"), MAX_REDIRECTS + 1);
    let file = open(&origin, "/file.m3u8").await.unwrap_err();
    assert!(matches!(file, HlsError::Address { .. }), "{file:?}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named_without_the_token() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = format!("http://127.0.0.1:{port}/a.m3u8?token=secret");
    let address = media_io::hls::Address::parse(&address).unwrap();
    let error = VodPlaylist::open(&client(), &address, RenditionRule::Best).await.unwrap_err();
    let chain = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(matches!(error, HlsError::Unreachable { .. }), "{chain}");
    assert!(chain.contains("127.0.0.1") && !chain.contains("secret"), "{chain}");
}

#[test]
fn headers_are_checked_and_their_values_do_not_show() {
    let headers = vec![("Referer".to_owned(), "https://private.example".to_owned())];
    let options = media_io::hls::HlsOptions { headers, ..Default::default() };
    assert!(!format!("{options:?}").contains("private.example"));
    let headers = vec![("no header".to_owned(), "x".to_owned())];
    let options = media_io::hls::HlsOptions { headers, ..Default::default() };
    assert!(matches!(media_io::hls::HlsClient::new(options), Err(HlsError::Client { .. })));
}
