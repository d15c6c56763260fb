//! Entry points for the fuzzer, which are no part of the API and may change at any time.

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::KickConfig;
use crate::api::{self, Channel, Livestream, User};
use crate::error::KickError;
use crate::http::{Ask, Reply};
use crate::secret_url::address;
use crate::site::PlayerReply;

/// Reads a reply with this status and body in every form in which Kick answers, and returns the errors. A status that
/// is none counts as 200.
#[must_use]
pub fn read_reply(status: u16, body: &[u8]) -> Vec<KickError> {
    let ask = Ask::get("fuzzing", KickConfig::default().api_base);
    let reply = Reply {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
    };
    let player = PlayerReply::read(&ask, &reply).map(|player| {
        let _ = (player.denial(), address(&player.playback_url.live), address(&player.playback_url.vod));
    });
    [
        ask.refusal(&reply),
        api::page::<Channel>(&ask, &reply).err(),
        api::page::<Livestream>(&ask, &reply).err(),
        api::page::<User>(&ask, &reply).err(),
        player.err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
