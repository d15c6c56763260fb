//! The stream over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use super::bomb::gzip_bomb;
use super::fault::Fault;
use super::log::Receipt;
use super::media::Packing;
use super::playlist::{self, Addresses};
use super::stream::Stream;
use super::{body, fragment, transport};

/// What a browser check or an error page looks like where media was wanted.
const HTML: &str =
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Please wait</body></html>";
const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
/// What Kick's backend calls its segments.
const SEGMENT_TYPE: &str = "application/octet-stream";

type Shared = State<Arc<Stream>>;

pub(super) fn router(stream: Arc<Stream>) -> Router {
    let router = if stream.live {
        Router::new()
            .route("/api/video/v1/{name}", get(live_master))
            .route("/v1/playlist/{name}", get(live_playlist))
            .route("/v1/segment/{name}", get(live_segment))
    } else {
        Router::new()
            .route(&format!("{}/master.m3u8", stream.vod_folder), get(vod_master))
            .route(&format!("{}/{{rung}}/playlist.m3u8", stream.vod_folder), get(vod_playlist))
            .route(&format!("{}/{{rung}}/{{name}}", stream.vod_folder), get(vod_segment))
    };
    router.fallback(stray).with_state(stream)
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

async fn live_master(State(stream): Shared, Query(query): Query<Token>) -> Response {
    stream.clock.start();
    stream.log.change(|log| log.masters += 1);
    let session = stream.tokens.session(&query.token).filter(|session| {
        session.until > Instant::now() && stream.plan.token_holds(session.issued, stream.made())
    });
    let Some(session) = session else { return refused(&stream) };
    let text = playlist::master(&stream.plan.media.renditions, |rung| {
        format!("{}/v1/playlist/{}.m3u8", stream.base, opaque(&[&session.id, &rung.to_string()]))
    });
    typed(PLAYLIST_TYPE, text)
}

async fn live_playlist(State(stream): Shared, uri: Uri, Path(name): Path<String>) -> Response {
    stream.clock.start();
    stream.log.change(|log| log.playlists += 1);
    let parts = revealed(&name);
    let rung = parts.get(1).and_then(|rung| rung.parse().ok()).filter(|rung| stream.has_rung(*rung));
    let (Some(rung), Some(session)) = (rung, parts.first().and_then(|id| stream.tokens.by_id(id))) else {
        return stray(State(stream)).await;
    };
    if !stream.plan.token_holds(session.issued, stream.made()) {
        return refused(&stream);
    }
    let to = LiveAddresses { stream: &stream, session: &session.id, rung };
    media_playlist(&stream, &format!("{}{uri}", stream.base), &to)
}

async fn live_segment(State(stream): Shared, Path(name): Path<String>) -> Response {
    let parts = revealed(&name);
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<u64>().ok());
    let rung = number(0).and_then(|rung| usize::try_from(rung).ok()).filter(|rung| stream.has_rung(*rung));
    let Some(rung) = rung else { return stray(State(stream)).await };
    match (number(1), number(2)) {
        (Some(index), Some(rotation)) => segment(&stream, rung, index, Some(rotation)),
        _ => init(&stream, rung),
    }
}

async fn vod_master(State(stream): Shared) -> Response {
    stream.log.change(|log| log.masters += 1);
    let renditions = &stream.plan.media.renditions;
    typed(
        PLAYLIST_TYPE,
        playlist::master(renditions, |rung| format!("{}/playlist.m3u8", renditions[rung].name)),
    )
}

async fn vod_playlist(State(stream): Shared, uri: Uri) -> Response {
    stream.log.change(|log| log.playlists += 1);
    media_playlist(&stream, &format!("{}{uri}", stream.base), &VodAddresses(stream.plan.media.packing))
}

async fn vod_segment(State(stream): Shared, Path((rung, name)): Path<(String, String)>) -> Response {
    let rung = stream.plan.media.renditions.iter().position(|rendition| rendition.name == rung);
    let index = name.split_once('.').map(|(stem, _)| stem.parse());
    match (rung, index) {
        (Some(rung), Some(Ok(index))) => segment(&stream, rung, index, None),
        (Some(rung), Some(Err(_))) if name == "init.mp4" => init(&stream, rung),
        _ => stray(State(stream)).await,
    }
}

fn media_playlist(stream: &Stream, own_address: &str, to: &impl Addresses) -> Response {
    let made = stream.made();
    for fault in stream.plan.script.on(made.saturating_sub(1)) {
        match fault {
            Fault::PlaylistStatus(status) => {
                return StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY).into_response();
            }
            Fault::HtmlPlaylist => return typed("text/html; charset=utf-8", HTML),
            Fault::PlaylistBomb => return bomb(PLAYLIST_TYPE, Body::from(gzip_bomb())),
            Fault::PlaylistLoop => {
                let text = playlist::master(&stream.plan.media.renditions[..1], |_| own_address.to_owned());
                return typed(PLAYLIST_TYPE, text);
            }
            _ => {}
        }
    }
    let view = stream.plan.view(made, stream.total());
    stream.log.change(|log| log.lists.push(view.first..view.end));
    typed(PLAYLIST_TYPE, playlist::media(&stream.plan, view, stream.live, stream.began, to))
}

fn segment(stream: &Stream, rung: usize, index: u64, rotation: Option<u64>) -> Response {
    let made = stream.made();
    if rotation.is_some_and(|rotation| rotation < stream.plan.rotations(made)) {
        return refused(stream);
    }
    if index >= made || index < stream.oldest(made) {
        stream.log.change(|log| log.stray += 1);
        return StatusCode::NOT_FOUND.into_response();
    }
    let earlier = stream.log.requested(rung, index);
    let receipt = Receipt::of_segment(&stream.log, rung, index);
    let bytes = bytes(stream, rung, index);
    let length = bytes.len() as u64;
    match stream.plan.script.on(index).find(|fault| fault.strikes(earlier)) {
        None => media(SEGMENT_TYPE, Some(length), body::whole(bytes, receipt)),
        Some(Fault::Slow { bytes_per_s }) => {
            media(SEGMENT_TYPE, Some(length), body::slow(bytes, *bytes_per_s, receipt))
        }
        Some(Fault::WrongContentType) => media("text/html", Some(length), body::whole(bytes, receipt)),
        Some(Fault::CutBody { fraction, .. }) => {
            media(SEGMENT_TYPE, Some(length), body::cut(bytes, *fraction, receipt))
        }
        Some(Fault::ServerError { .. }) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Fault::HtmlSegment { .. }) => typed("text/html; charset=utf-8", HTML),
        Some(Fault::GzipBomb { .. }) => bomb(SEGMENT_TYPE, Body::from(gzip_bomb())),
        Some(Fault::HugeSegment { announced, .. }) => {
            media(SEGMENT_TYPE, announced.then_some(body::HUGE), body::huge(receipt))
        }
        Some(Fault::Redirect { to, .. }) => {
            (StatusCode::FOUND, [(header::LOCATION, to.as_str())]).into_response()
        }
        Some(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A segment's bytes at its place in the stream.
pub(super) fn bytes(stream: &Stream, rung: usize, index: u64) -> Bytes {
    let (pass, place) = stream.plan.place(index);
    let rendition = &stream.plan.media.renditions[rung];
    let source = &rendition.segments[place].bytes;
    let by = stream.plan.shift(index);
    if by.ticks() == 0 {
        return source.clone();
    }
    let mut moved = source.to_vec();
    match &rendition.init {
        Some(init) => fragment::shift(&mut moved, init, by),
        None => transport::shift(&mut moved, by, &stream.packets[rung], pass),
    }
    moved.into()
}

fn init(stream: &Stream, rung: usize) -> Response {
    stream.log.change(|log| log.inits += 1);
    match &stream.plan.media.renditions[rung].init {
        Some(init) => {
            let length = Some(init.len() as u64);
            media(SEGMENT_TYPE, length, body::whole(init.clone(), Receipt::of_init(&stream.log)))
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn stray(State(stream): Shared) -> Response {
    stream.log.change(|log| log.stray += 1);
    StatusCode::NOT_FOUND.into_response()
}

fn refused(stream: &Stream) -> Response {
    stream.log.change(|log| log.refused += 1);
    let body = r#"[{"error":"Authorization failed","error_code":"unauthorized","type":"error"}]"#;
    (StatusCode::FORBIDDEN, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn typed(kind: &'static str, text: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, kind)], text.into()).into_response()
}

fn media(kind: &'static str, length: Option<u64>, body: Body) -> Response {
    let mut response = typed(kind, body);
    if let Some(length) = length {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn bomb(kind: &'static str, body: Body) -> Response {
    let mut response = typed(kind, body);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

struct LiveAddresses<'a> {
    stream: &'a Stream,
    session: &'a str,
    rung: usize,
}

impl Addresses for LiveAddresses<'_> {
    fn segment(&self, index: u64) -> String {
        let rotation = self.stream.plan.rotations(self.stream.made());
        let name = opaque(&[&self.rung.to_string(), &index.to_string(), &rotation.to_string()]);
        let kind = if self.stream.plan.media.packing == Packing::Transport { "ts" } else { "mp4" };
        format!("{}/v1/segment/{name}.{kind}?dna={}", self.stream.base, opaque(&[self.session, "dna"]))
    }

    fn init(&self) -> String {
        let name = opaque(&[&self.rung.to_string(), "init"]);
        format!("{}/v1/segment/{name}.mp4?dna={}", self.stream.base, opaque(&[self.session, "dna"]))
    }
}

/// Relative to the media playlist.
struct VodAddresses(Packing);

impl Addresses for VodAddresses {
    fn segment(&self, index: u64) -> String {
        format!("{index}.{}", if self.0 == Packing::Transport { "ts" } else { "m4s" })
    }

    fn init(&self) -> String {
        "init.mp4".into()
    }
}

/// A name that tells a client nothing.
fn opaque(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(parts.join("|"))
}

/// What an opaque name, with or without an ending, was made of.
fn revealed(name: &str) -> Vec<String> {
    let name = name.split('.').next().unwrap_or_default();
    let text = URL_SAFE_NO_PAD.decode(name).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.unwrap_or_default().split('|').map(str::to_owned).collect()
}
