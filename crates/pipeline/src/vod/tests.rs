//! Fetching against a host whose addresses expire, or that gives nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use kick_client::KickConfig;
use media_io::hls::{HlsClient, HlsOptions};
use testkit::arena_night;
use testkit::origin::{LiveMedia, Preparation, Rung};
use timeline::{MediaTime, Span};

use super::broadcast::Opened;
use super::{Broadcast, VodAccess, VodError, VodInput};
use crate::Error;

/// Segments of the broadcast.
const SEGMENTS: usize = 12;

/// A host that gives new addresses with each playlist.
struct Host {
    media: Arc<LiveMedia>,
    /// How often the playlist was asked for.
    lists: AtomicU32,
    /// Addresses of these playlists are refused from the segment after that many on.
    refused: u32,
    /// What is answered for segments that are refused.
    status: StatusCode,
    served: AtomicU32,
}

async fn list(State(host): State<Arc<Host>>) -> String {
    let turn = host.lists.fetch_add(1, Ordering::SeqCst) + 1;
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n".to_owned();
    for index in 0..SEGMENTS {
        text += &format!("#EXTINF:2.000,\n/{turn}/{index}/a.ts?token=SECRET\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

async fn segment(State(host): State<Arc<Host>>, Path((turn, index)): Path<(u32, usize)>) -> Response {
    if turn <= host.refused && index >= SEGMENTS / 3 {
        return host.status.into_response();
    }
    host.served.fetch_add(1, Ordering::SeqCst);
    host.media.renditions[0].segments[index].bytes.clone().into_response()
}

async fn serve(refused: u32, status: StatusCode) -> (Arc<Host>, String) {
    let rungs = [Rung::scaled(160).kilobits(60)];
    let media = Preparation::of(&arena_night()).rungs(rungs).prepare().expect("segments");
    let host = Arc::new(Host { media, lists: AtomicU32::new(0), refused, status, served: AtomicU32::new(0) });
    let router = Router::new()
        .route("/list.m3u8", get(list))
        .route("/{turn}/{index}/a.ts", get(segment))
        .with_state(Arc::clone(&host));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/list.m3u8?token=SECRET", listener.local_addr().expect("its address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (host, url)
}

async fn open(url: &str, folder: &std::path::Path) -> Broadcast {
    let options = HlsOptions { retry_delay: Duration::from_millis(1), attempts: 2, ..HlsOptions::default() };
    let client = HlsClient::new(options).expect("a client");
    let access = VodAccess { client, kick: KickConfig::default(), command: Vec::new() };
    let input = VodInput::parse(url).expect("an address");
    let place = access.locate(&input).await.expect("a place");
    Opened::open(&access, &input, place).await.expect("a playlist").in_folder(folder)
}

#[tokio::test]
async fn addresses_that_expire_are_asked_for_anew_once() {
    let (host, url) = serve(1, StatusCode::FORBIDDEN).await;
    let folder = tempfile::tempdir().expect("a folder");
    let broadcast = open(&url, folder.path()).await;
    let interrupt = AtomicBool::new(false);
    let fetching = broadcast.fetch_low(&interrupt, &|_| {}).await.expect("all of it");
    assert_eq!(fetching.lost, 0);
    assert_eq!(host.lists.load(Ordering::SeqCst), 2);
    assert_eq!(host.served.load(Ordering::SeqCst), SEGMENTS as u32, "fetched twice");
    let store = broadcast.store().expect("a store");
    assert_eq!(store.lock().segments().count(), SEGMENTS);
    assert_eq!(store.lock().gaps(), []);

    // Fetched are the pieces around a span, once.
    let span = Span::new(MediaTime::from_secs(9), MediaTime::from_secs(10));
    let mut files = 0;
    for _ in 0..2 {
        let pieces = broadcast.pieces(span, &interrupt).await.expect("pieces");
        assert!(pieces.held.covers(span), "{pieces:?}");
        files = pieces.files.len();
    }
    assert!((2..=3).contains(&files), "{files}");
    assert_eq!(host.served.load(Ordering::SeqCst), (SEGMENTS + files) as u32);
}

#[tokio::test]
async fn a_host_that_is_down_is_no_long_gap() {
    let (host, url) = serve(9, StatusCode::SERVICE_UNAVAILABLE).await;
    let folder = tempfile::tempdir().expect("a folder");
    let broadcast = open(&url, folder.path()).await;
    let interrupt = AtomicBool::new(false);
    let error = broadcast.fetch_low(&interrupt, &|_| {}).await.expect_err("it is down");
    assert!(matches!(error, Error::Vod(VodError::Stuck { count: 8, .. })), "{error}");
    assert!(!error.to_string().contains("SECRET"));
    assert_eq!(broadcast.store().expect("a store").lock().segments().count(), SEGMENTS / 3);
    assert_eq!(host.served.load(Ordering::SeqCst), (SEGMENTS / 3) as u32);
}

#[tokio::test]
async fn whoever_interrupts_need_not_wait_for_the_host() {
    let (_, url) = serve(0, StatusCode::OK).await;
    let folder = tempfile::tempdir().expect("a folder");
    let broadcast = open(&url, folder.path()).await;
    let error = broadcast.fetch_low(&AtomicBool::new(true), &|_| {}).await.expect_err("it is interrupted");
    assert!(error.is_interrupted(), "{error}");
}
