//! Where a publication begins.

use serde_json::{Map, Value, json};

use super::api::Asked;
use super::outside::Errand;
use super::post_info;
use super::record::Mode;
use super::reply::Refusal;
use super::source_info::Source;
use super::state::State;

pub(super) fn direct(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    only(asked.body, &["post_info", "source_info"])?;
    let post_info = post_info::check(asked.body, &state.accounts[asked.account], state.rules.audited)?;
    let source = Source::read(asked.body, &state.rules.verified)?;
    state.may_post(asked.account)?;
    Ok(begin(state, asked, Mode::Direct, source, Some(post_info)))
}

pub(super) fn inbox(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    // A caption that is sent here would be lost without a word.
    only(asked.body, &["source_info"])?;
    let source = Source::read(asked.body, &state.rules.verified)?;
    let lost = state.may_draft(asked.account)?;
    let data = begin(state, asked, Mode::Inbox, source, None);
    if let Some(share) = state.shares.last_mut() {
        share.lost = lost;
    }
    Ok(data)
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::new("invalid_params", format!("There is no parameter {key} here"))),
        None => Ok(()),
    }
}

fn begin(
    state: &mut State,
    asked: &Asked<'_>,
    mode: Mode,
    source: Source,
    post_info: Option<Value>,
) -> Value {
    let place = state.begin(asked.account, mode, source, post_info);
    let share = &state.shares[place];
    let mut data = json!({ "publish_id": share.publish_id });
    if let Some(upload) = &share.upload {
        let (number, token) = (share.number, &upload.token);
        let url = format!("{}/video/?upload_id={number}&upload_token={token}", asked.upload_base);
        data["upload_url"] = url.into();
    }
    if let Some(url) = share.url.clone() {
        state.errand(Errand::Pull { share: place, url });
    }
    data
}
