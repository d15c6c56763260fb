//! What the site's player asks: `web.kick.com/api`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::chat::{APP_KEY, CLUSTER};
use super::gate::{self, Endpoint};
use super::history::{self, Window};
use super::official::instant;
use super::state::{Shared, Streamer};
use super::vod::{KeptVod, VodStatus};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v1/stream/{vod_id}/playback", post(playback))
        .route("/api/v1/channels/{channel_id}/videos", get(videos))
        .route("/api/v1/channels/{channel_id}/videos/{vod_id}", get(video))
        .route("/api/v1/chat/{channel_id}/history", get(messages))
        .route("/api/v1/realtime/channels/{channel_id}/chat/connection", post(connection))
}

async fn playback(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(vod_id): Path<String>,
    body: Bytes,
) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::Playback, &headers).await {
        return refused;
    }
    let asked: Option<Value> = serde_json::from_slice(&body).ok();
    if asked.is_none_or(|asked| asked.get("video_player").is_none() || asked.get("user_session").is_none()) {
        let reason = json!({ "type": "bad_request", "details": "video_player and user_session are wanted" });
        return gate::answer(StatusCode::BAD_REQUEST, json!({ "data": reason }));
    }
    shared.change(|state| {
        for streamer in &state.streamers {
            if let Some(live) = streamer.broadcast.as_ref().filter(|live| live.vod_id == vod_id) {
                return gate::ok(play(streamer, &vod_id, &live.title, 0, ("live", live.playback.url())));
            }
            if let Some(kept) = streamer.vods.iter().find(|kept| kept.ids.vod_id == vod_id) {
                let status = kept.vod.status;
                if status == VodStatus::Deleted {
                    break;
                }
                if status.is_withheld() {
                    let details = if status == VodStatus::Private {
                        "this video is private"
                    } else {
                        "only subscribers may watch this"
                    };
                    let reason = json!({ "type": status.name(), "details": details });
                    return gate::answer(StatusCode::FORBIDDEN, json!({ "data": reason }));
                }
                let (seconds, address) = (kept.vod.duration.as_secs(), kept.address().unwrap_or_default());
                return gate::ok(play(streamer, &vod_id, &kept.vod.title, seconds, ("vod", address)));
            }
        }
        let reason = json!({ "type": "not_found", "details": "no such video" });
        gate::answer(StatusCode::NOT_FOUND, json!({ "data": reason }))
    })
}

/// The answer of the player's endpoint; `kind` is `live` or `vod`.
fn play(streamer: &Streamer, id: &str, title: &str, seconds: u64, (kind, address): (&str, String)) -> Value {
    let mut addresses = json!({ "live": "", "dvr": "", "vod": "", "vod_session": "", "thumbnail": "", "video_aspect": "16:9" });
    addresses[kind] = address.into();
    json!({
        "playback_url": addresses,
        "video_session": {
            "video_id": id, "video_title": title, "video_duration": seconds, "video_series": streamer.slug,
            "creator_id": streamer.ids.channel_id.to_string(), "video_stream_status": kind,
            "video_encryption_type": "NONE", "auto_ads_enabled": false,
        },
        "video_player": {},
    })
}

async fn videos(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(channel): Path<u64>) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::Videos, &headers).await {
        return refused;
    }
    shared.change(|state| match state.by_channel(channel) {
        Some(streamer) => {
            let items: Vec<_> = streamer
                .vods
                .iter()
                .filter(|kept| kept.vod.status != VodStatus::Deleted)
                .map(|kept| item(streamer, kept))
                .collect();
            gate::ok(json!({ "data": items }))
        }
        None => gate::no_model("Channel"),
    })
}

async fn video(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path((channel, vod_id)): Path<(u64, String)>,
) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::Video, &headers).await {
        return refused;
    }
    shared.change(|state| {
        let streamer = state.by_channel(channel);
        let found = streamer.and_then(|streamer| {
            streamer.vods.iter().find(|kept| kept.ids.vod_id == vod_id).map(|kept| item(streamer, kept))
        });
        found.map_or_else(|| gate::no_model("Video"), |item| gate::ok(json!({ "data": item })))
    })
}

fn item(streamer: &Streamer, kept: &KeptVod) -> Value {
    let vod = &kept.vod;
    let status = vod.status.name();
    json!({
        "id": kept.ids.vod_id, "title": vod.title, "start_time": instant(vod.started_at),
        "duration": vod.duration.as_secs(), "is_live": false, "is_mature": false, "language": "en",
        "status": status, "tags": [], "category": { "id": 15, "name": "Just Chatting", "slug": "just-chatting" },
        "channel": {
            "id": streamer.ids.channel_id, "slug": streamer.slug, "username": streamer.slug,
        },
        "thumbnail": { "src": "", "srcSet": "" }, "viewer_count": 0, "recording_url": kept.address(),
    })
}

async fn messages(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(channel): Path<String>,
    Query(window): Query<Window>,
) -> Response {
    match gate::pass_browser(&shared, Endpoint::ChatHistory, &headers).await {
        Ok(()) => history::answer(&shared, &channel, &window),
        Err(refused) => refused,
    }
}

/// Which chat to use: Pusher, whatever the client can do besides.
async fn connection(State(shared): State<Arc<Shared>>, Path(_channel): Path<u64>) -> Response {
    match gate::pass(&shared, Endpoint::ChatConnection).await {
        Ok(()) => {
            let credentials = json!({ "app_key": APP_KEY, "cluster": CLUSTER });
            let connections = json!([{ "provider": "pusher", "credentials": credentials }]);
            gate::ok(json!({ "data": { "connections": connections, "mode": "websocket" } }))
        }
        Err(refused) => refused,
    }
}
