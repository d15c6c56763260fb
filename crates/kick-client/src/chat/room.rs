//! Which chat room belongs to a channel. The official API does not tell.

use serde_json::Value;

use super::loose::number;
use super::{ChatProblem, ChatRoom};
use crate::config::{KickConfig, under};
use crate::http::{Ask, KickHttp};
use crate::secret_url::origin;
use crate::slug::folded;

/// Asks the website for the chat room of the channel `slug`. A channel keeps its room for good, so the answer may be kept.
///
/// # Errors
///
/// [`ChatProblem`] if the website cannot be asked, turns us away or names no room.
pub async fn find_room(config: &KickConfig, http: &KickHttp, slug: &str) -> Result<ChatRoom, ChatProblem> {
    let url = under(&config.site_base, &["api", "v2", "channels", &folded(slug)]);
    let ask = Ask::get("channel", url).header(reqwest::header::USER_AGENT, http.browser());
    let reply = http.send(&ask).await?;
    let channel: Value = ask.json(&reply)?;
    let chatroom_id = number(&channel, &["chatroom", "id"]).ok_or_else(|| ChatProblem::NotUnderstood {
        host: origin(&config.site_base),
        what: "chatroom.id should be a number but is not",
    })?;
    Ok(ChatRoom { chatroom_id, channel_id: number(&channel, &["id"]) })
}
