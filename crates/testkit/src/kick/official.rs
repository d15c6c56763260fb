//! The official API: `api.kick.com`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::gate::{self, Endpoint, said};
use super::state::{Broadcast, Shared, State as Kick, Streamer, UnknownSlug};

/// Slugs or ids in one request.
const BATCH: usize = 50;
/// Ids in one request for livestreams by user.
const USERS: usize = 100;
/// Characters of a slug.
const SLUG: usize = 25;

type Pairs = Query<Vec<(String, String)>>;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/public/v1/channels", get(channels))
        .route("/public/v1/users/livestreams", get(livestreams_by_user))
        .route("/public/v2/livestreams", get(livestreams))
        .route("/public/v1/livestreams", get(old_livestreams))
        .route("/public/v1/users", get(users))
        .route("/public/v1/public-key", get(public_key))
}

async fn channels(State(shared): State<Arc<Shared>>, headers: HeaderMap, Query(pairs): Pairs) -> Response {
    if let Err(refused) = admit(&shared, Endpoint::Channels, &headers).await {
        return refused;
    }
    let slugs = named(&pairs, "slug");
    let ids = match numbers(&pairs, "broadcaster_user_id") {
        Ok(ids) if ids.is_empty() && slugs.is_empty() => {
            return bad(json!("broadcaster_user_id is required for app tokens"), "Bad request");
        }
        Ok(ids) if ids.is_empty() || slugs.is_empty() => ids,
        _ => return bad(json!({}), "Invalid request"),
    };
    let long = slugs.iter().any(|slug| slug.chars().count() > SLUG);
    if long || slugs.len() > BATCH || ids.len() > BATCH {
        return bad(json!({}), "Invalid request");
    }
    shared.change(|state| {
        let found: Vec<_> = slugs
            .iter()
            .map(|slug| state.by_slug(slug))
            .chain(ids.iter().map(|id| state.by_user(*id)))
            .collect();
        if state.unknown_slug == UnknownSlug::Rejected && found.iter().any(Option::is_none) {
            return bad(json!({}), "Invalid request");
        }
        data(found.into_iter().flatten().map(channel).collect())
    })
}

async fn livestreams_by_user(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Response {
    if let Err(refused) = admit(&shared, Endpoint::LivestreamsByUser, &headers).await {
        return refused;
    }
    match numbers(&pairs, "user_id") {
        Ok(ids) if (1..=USERS).contains(&ids.len()) => {
            shared.change(|state| data(ids.iter().filter_map(|id| livestream(state.by_user(*id)?)).collect()))
        }
        _ => bad(json!({}), "Invalid request"),
    }
}

/// Oldest first, in pages whose cursor is the number of items passed.
async fn livestreams(State(shared): State<Arc<Shared>>, headers: HeaderMap, Query(pairs): Pairs) -> Response {
    if let Err(refused) = admit(&shared, Endpoint::Livestreams, &headers).await {
        return refused;
    }
    let number = |name| named(&pairs, name).first().map_or(Ok(None), |text| text.parse().map(Some));
    let (Ok(limit), Ok(cursor)) = (number("limit"), number("cursor")) else {
        return bad(json!({}), "Invalid request");
    };
    let (limit, passed): (usize, usize) = (limit.unwrap_or(100), cursor.unwrap_or(0));
    if !(1..=1000).contains(&limit) {
        return bad(json!({}), "Invalid request");
    }
    let languages = named(&pairs, "language_code");
    shared.change(|state| {
        let live = by_start(state);
        let wanted: Vec<_> = live
            .into_iter()
            .filter(|(_, broadcast)| languages.is_empty() || languages.contains(&broadcast.language.as_str()))
            .collect();
        let page = wanted.iter().skip(passed).take(limit).filter_map(|(streamer, _)| livestream(streamer));
        let more = wanted.len() > passed + limit;
        gate::ok(json!({
            "data": page.collect::<Vec<_>>(),
            "message": "OK",
            "pagination": { "next_cursor": if more { (passed + limit).to_string() } else { String::new() } },
        }))
    })
}

async fn old_livestreams(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(pairs): Pairs,
) -> Response {
    if let Err(refused) = admit(&shared, Endpoint::OldLivestreams, &headers).await {
        return refused;
    }
    let ids = match numbers(&pairs, "broadcaster_user_id") {
        Ok(ids) if ids.len() <= BATCH => ids,
        _ => return bad(json!({}), "Invalid request"),
    };
    shared.change(|state| {
        let live = by_start(state).into_iter();
        let wanted =
            live.filter(|(streamer, _)| ids.is_empty() || ids.contains(&streamer.ids.broadcaster_user_id));
        data(wanted.map(|(streamer, broadcast)| old_livestream(streamer, broadcast)).collect())
    })
}

async fn users(State(shared): State<Arc<Shared>>, headers: HeaderMap, Query(pairs): Pairs) -> Response {
    if let Err(refused) = admit(&shared, Endpoint::Users, &headers).await {
        return refused;
    }
    let Ok(ids) = numbers(&pairs, "id") else { return bad(json!({}), "Invalid request") };
    shared.change(|state| {
        let found = ids.iter().filter_map(|id| state.by_user(*id));
        let shown = found.map(|streamer| {
            json!({
                "user_id": streamer.ids.broadcaster_user_id,
                "name": streamer.slug,
                "email": "",
                "profile_picture": "",
            })
        });
        data(shown.collect())
    })
}

async fn public_key(State(shared): State<Arc<Shared>>) -> Response {
    if let Err(refused) = gate::pass(&shared, Endpoint::PublicKey).await {
        return refused;
    }
    gate::ok(json!({ "data": { "public_key": shared.change(Kick::public_key) } }))
}

/// The gate, and a token that holds.
async fn admit(shared: &Shared, endpoint: Endpoint, headers: &HeaderMap) -> Result<(), Response> {
    gate::pass(shared, endpoint).await?;
    let bearer =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let good = bearer.is_some_and(|token| {
        shared.change(|state| state.tokens.get(token).is_some_and(|until| *until > Instant::now()))
    });
    if good { Ok(()) } else { Err(said(StatusCode::UNAUTHORIZED, json!({}), "Unauthorized")) }
}

fn bad(data: Value, message: &str) -> Response {
    said(StatusCode::BAD_REQUEST, data, message)
}

fn data(items: Vec<Value>) -> Response {
    said(StatusCode::OK, Value::Array(items), "OK")
}

fn named<'a>(pairs: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
}

fn numbers(pairs: &[(String, String)], name: &str) -> Result<Vec<u64>, std::num::ParseIntError> {
    named(pairs, name).into_iter().map(str::parse).collect()
}

fn by_start(state: &Kick) -> Vec<(&Streamer, &Broadcast)> {
    let mut live: Vec<_> = state
        .streamers
        .iter()
        .filter_map(|streamer| streamer.broadcast.as_ref().map(|broadcast| (streamer, broadcast)))
        .collect();
    live.sort_by_key(|(_, broadcast)| broadcast.started_at);
    live
}

/// An instant as the official API writes it.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn category((id, name): &(u64, String)) -> Value {
    json!({ "id": id, "name": name, "thumbnail": "" })
}

fn channel(streamer: &Streamer) -> Value {
    let (stream, category, title) = match &streamer.broadcast {
        Some(live) => (
            json!({
                "custom_tags": ["a"], "is_live": true, "is_mature": false, "key": "", "language": live.language,
                "start_time": instant(live.started_at), "thumbnail": "", "url": "", "viewer_count": live.viewers,
            }),
            category(&live.category),
            live.title.as_str(),
        ),
        None => (
            json!({
                "custom_tags": [], "is_live": false, "is_mature": false, "key": "", "language": "",
                "start_time": "0001-01-01T00:00:00Z", "thumbnail": "", "url": "", "viewer_count": 0,
            }),
            json!({ "id": 0, "name": "", "thumbnail": "" }),
            "",
        ),
    };
    json!({
        "active_subscribers_count": 0, "canceled_subscribers_count": 0, "banner_picture": "",
        "broadcaster_user_id": streamer.ids.broadcaster_user_id, "category": category,
        "channel_description": "", "slug": streamer.slug, "stream": stream, "stream_title": title,
    })
}

fn livestream(streamer: &Streamer) -> Option<Value> {
    let live = streamer.broadcast.as_ref()?;
    Some(json!({
        "id": live.vod_id,
        "broadcaster_user": {
            "id": streamer.ids.broadcaster_user_id, "username": streamer.slug, "profile_picture": "",
        },
        "channel": { "slug": streamer.slug },
        "category": category(&live.category),
        "title": live.title, "started_at": instant(live.started_at), "language_code": live.language,
        "has_mature_content": false, "tags": [], "thumbnail": "", "viewer_count": live.viewers,
    }))
}

fn old_livestream(streamer: &Streamer, live: &Broadcast) -> Value {
    json!({
        "broadcaster_user_id": streamer.ids.broadcaster_user_id, "channel_id": streamer.ids.channel_id,
        "category": category(&live.category), "custom_tags": [], "has_mature_content": false,
        "language": live.language, "profile_picture": "", "slug": streamer.slug,
        "started_at": instant(live.started_at), "stream_title": live.title, "thumbnail": "",
        "viewer_count": live.viewers,
    })
}
