//! What a direct post says about itself.

use serde_json::{Map, Value};

use super::account::{Account, PRIVACY_LEVELS, SELF_ONLY};
use super::reply::Refusal;

/// UTF-16 units of the longest title.
const MAX_TITLE: usize = 2200;
/// Fields that are true or false and may be absent.
const FLAGS: [&str; 4] = ["disable_duet", "disable_comment", "disable_stitch", "is_aigc"];
/// Such that TikTok's own page demands.
const BRAND_FLAGS: [&str; 2] = ["brand_content_toggle", "brand_organic_toggle"];

/// Checks `post_info` and gives it back.
pub(super) fn check(body: &Map<String, Value>, account: &Account, audited: bool) -> Result<Value, Refusal> {
    let wrong = |message: String| Refusal::new("invalid_params", message);
    let info = body.get("post_info").and_then(Value::as_object);
    let info = info.ok_or_else(|| wrong("post_info is missing or of the wrong type".into()))?;
    let known = |name: &str| {
        FLAGS.contains(&name)
            || BRAND_FLAGS.contains(&name)
            || ["title", "privacy_level", "video_cover_timestamp_ms"].contains(&name)
    };
    if let Some(name) = info.keys().find(|name| !known(name)) {
        return Err(wrong(format!("post_info has no field {name}")));
    }
    let flag = |name: &'static str| info.get(name).map(|value| value.as_bool().ok_or(name)).transpose();
    for name in FLAGS {
        flag(name).map_err(|name| wrong(format!("{name} is of the wrong type")))?;
    }
    for name in BRAND_FLAGS {
        if !matches!(flag(name), Ok(Some(_))) {
            return Err(wrong(format!("{name} is missing or of the wrong type")));
        }
    }
    let cover = info.get("video_cover_timestamp_ms");
    if cover.is_some_and(|at| at.as_i64().is_none_or(|at| i32::try_from(at).is_err() || at < 0)) {
        return Err(wrong("video_cover_timestamp_ms is of the wrong type or out of range".into()));
    }
    match info.get("title").map(Value::as_str) {
        Some(None) => return Err(wrong("title is of the wrong type".into())),
        Some(Some(title)) if title.encode_utf16().count() > MAX_TITLE => {
            return Err(wrong(format!("title is longer than {MAX_TITLE} UTF-16 units")));
        }
        Some(Some(_)) | None => {}
    }
    let level = info.get("privacy_level").and_then(Value::as_str);
    let level = level.filter(|level| PRIVACY_LEVELS.contains(level));
    let level = level.ok_or_else(|| wrong("privacy_level is missing or unknown".into()))?;
    // The order is TikTok's secret; that a client that is not audited hears of that first is the likelier one.
    if !audited && (!account.private || level != SELF_ONLY) {
        return Err(Refusal::plain("unaudited_client_can_only_post_to_private_accounts"));
    }
    if !account.privacy_options().contains(&level) {
        return Err(Refusal::plain("privacy_level_option_mismatch"));
    }
    if info["brand_content_toggle"] == true && level == SELF_ONLY {
        return Err(wrong("Branded content visibility cannot be set to private".into()));
    }
    Ok(Value::Object(info.clone()))
}
