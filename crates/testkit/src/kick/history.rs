//! What was said in a chat room, in windows of five seconds.

use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::gate;
use super::state::Shared;

/// The length of a window.
const WINDOW: SignedDuration = SignedDuration::from_secs(5);

/// Which window is wanted.
#[derive(Debug, Deserialize)]
pub(super) struct Window {
    #[serde(default)]
    start_time: String,
}

/// The messages of a channel from `start_time` on: UTC, in whole seconds.
pub(super) fn answer(shared: &Shared, channel: &str, window: &Window) -> Response {
    let start: Option<Timestamp> = window.start_time.parse().ok();
    let whole = window.start_time.ends_with('Z') && !window.start_time.contains('.');
    let Some(start) = start.filter(|_| whole) else {
        let message = "start_time wants UTC like 2026-09-24T18:00:05Z";
        return gate::answer(StatusCode::BAD_REQUEST, json!({ "message": message }));
    };
    shared.change(|state| {
        let found = channel.parse().ok().and_then(|id| state.by_channel(id));
        let Some(streamer) = found else { return gate::no_model("Channel") };
        let within = |at: Timestamp| start <= at && at < start + WINDOW;
        let said: Vec<_> =
            streamer.said.iter().filter(|said| within(said.at)).map(|said| said.message(streamer)).collect();
        gate::ok(json!({ "data": { "messages": said, "cursor": "" }, "message": "OK" }))
    })
}
