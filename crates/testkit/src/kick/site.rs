//! The site's own endpoints: `kick.com/api`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::gate::{self, Endpoint};
use super::history::{self, Window};
use super::state::{Broadcast, Shared, Streamer};
use super::vod::{KeptVod, VodStatus};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/v2/channels/{slug}", get(channel))
        .route("/api/v2/channels/{slug}/info", get(channel))
        .route("/api/v2/channels/{slug}/livestream", get(livestream))
        .route("/api/v2/channels/{slug}/videos", get(videos))
        .route("/api/v2/channels/{slug}/messages", get(messages))
        .route("/api/v1/video/{uuid}", get(video))
}

async fn channel(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::SiteChannel, &headers).await {
        return refused;
    }
    shared.change(|state| match state.by_slug(&slug) {
        Some(streamer) => gate::ok(channel_object(streamer)),
        None => gate::no_model("Channel"),
    })
}

async fn livestream(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Path(slug): Path<String>,
) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::SiteLivestream, &headers).await {
        return refused;
    }
    shared.change(|state| {
        let Some(streamer) = state.by_slug(&slug) else { return gate::no_model("Channel") };
        let live = streamer.broadcast.as_ref().map(|live| {
            json!({
                "id": number(live), "slug": live.vod_id, "session_title": live.title,
                "created_at": live.started_at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string(),
                "language": live.language, "is_mature": false, "viewers": live.viewers,
                "category": { "id": live.category.0, "name": live.category.1, "slug": "category", "tags": [] },
                "playback_url": live.playback.url(),
            })
        });
        gate::ok(json!({ "data": live }))
    })
}

async fn videos(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(slug): Path<String>) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::SiteVideos, &headers).await {
        return refused;
    }
    shared.change(|state| {
        let Some(streamer) = state.by_slug(&slug) else { return gate::no_model("Channel") };
        gate::ok(streamer.vods.iter().map(|kept| video_item(streamer, kept)).collect::<Vec<_>>())
    })
}

async fn video(State(shared): State<Arc<Shared>>, headers: HeaderMap, Path(uuid): Path<String>) -> Response {
    if let Err(refused) = gate::pass_browser(&shared, Endpoint::OldVideo, &headers).await {
        return refused;
    }
    shared.change(|state| {
        let mut all =
            state.streamers.iter().flat_map(|streamer| streamer.vods.iter().map(move |vod| (streamer, vod)));
        let Some((streamer, kept)) = all.find(|(_, kept)| kept.ids.uuid == uuid) else {
            return gate::no_model("Video");
        };
        let status = kept.vod.status;
        let mut livestream = video_item(streamer, kept);
        livestream["channel"] = json!({
            "id": streamer.ids.channel_id, "slug": streamer.slug, "user": { "username": streamer.slug },
        });
        let body = json!({
            "id": 77, "uuid": kept.ids.uuid, "views": 12, "is_private": status == VodStatus::Private,
            "status": status.name(), "deleted_at": (status == VodStatus::Deleted).then(|| plain(kept.vod.started_at)),
            "source": kept.address().unwrap_or_default(), "created_at": plain(kept.vod.started_at),
            "livestream": livestream,
        });
        gate::answer(if status.is_withheld() { StatusCode::FORBIDDEN } else { StatusCode::OK }, body)
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

fn channel_object(streamer: &Streamer) -> Value {
    let live = streamer.broadcast.as_ref();
    let livestream = live.map(|live| {
        json!({
            "id": number(live), "slug": live.vod_id, "channel_id": streamer.ids.channel_id,
            "created_at": plain(live.started_at), "start_time": plain(live.started_at),
            "session_title": live.title, "is_live": true, "duration": 0, "language": live.language,
            "is_mature": false, "viewer_count": live.viewers, "thumbnail": { "url": "" },
            "categories": [{ "id": live.category.0, "name": live.category.1 }], "tags": [], "vod_id": live.vod_id,
        })
    });
    // The address is the channel's: it stands there offline too, where it leads nowhere.
    let address =
        live.map_or_else(|| "https://offline.invalid/channel.m3u8".to_owned(), |live| live.playback.url());
    json!({
        "id": streamer.ids.channel_id, "user_id": streamer.ids.broadcaster_user_id, "slug": streamer.slug,
        "playback_url": address, "vod_enabled": true, "followers_count": "1234",
        "livestream": livestream, "chatroom": { "id": streamer.ids.chatroom_id },
        "user": { "username": streamer.slug, "bio": "" }, "recent_categories": [],
    })
}

fn video_item(streamer: &Streamer, kept: &KeptVod) -> Value {
    let vod = &kept.vod;
    json!({
        "id": 99, "slug": kept.ids.vod_id, "channel_id": streamer.ids.channel_id, "created_at": plain(vod.started_at),
        "session_title": vod.title, "is_live": false, "start_time": plain(vod.started_at), "source": kept.address(),
        "duration": u64::try_from(vod.duration.as_millis()).unwrap_or(u64::MAX), "language": "en",
        "is_mature": false, "viewer_count": 0, "thumbnail": { "src": "", "srcset": "" }, "views": 12,
        "video": { "id": 77, "uuid": kept.ids.uuid, "views": 12 }, "categories": [],
    })
}

/// The number of a broadcast, which nothing else depends on.
fn number(live: &Broadcast) -> i64 {
    live.started_at.as_second() % 100_000_000
}

/// UTC without saying so, as the older objects have it.
fn plain(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
