//! Who the user is, and what they may do now.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::api::Asked;
use super::record::Mode;
use super::reply::Refusal;
use super::share::{Share, Stage};
use super::state::State;

/// Over which caps count.
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// Fields that the scope `user.info.basic` gives.
const BASIC_FIELDS: [&str; 4] = ["open_id", "union_id", "avatar_url", "display_name"];

pub(super) fn user_info(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let account = &state.accounts[asked.account];
    let fields = form_urlencoded::parse(asked.query.as_bytes()).find(|(key, _)| key == "fields");
    let fields = fields.map(|(_, fields)| fields.into_owned()).unwrap_or_default();
    let mut user = Map::new();
    for field in fields.split(',') {
        if !BASIC_FIELDS.contains(&field) {
            return Err(Refusal::new(
                "invalid_params",
                "fields is missing or has one that the scopes do not give",
            ));
        }
        let value = match field {
            "display_name" => account.nickname.clone(),
            "avatar_url" => format!("https://p16.example/{}.jpeg", account.username),
            _ => account.open_id(),
        };
        user.insert(field.to_owned(), value.into());
    }
    Ok(json!({ "user": user }))
}

pub(super) fn creator_info(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    state.may_post(asked.account)?;
    let account = &state.accounts[asked.account];
    Ok(json!({
        "creator_avatar_url": format!("https://p16.example/{}.jpeg", account.username),
        "creator_username": account.username,
        "creator_nickname": account.nickname,
        // Whether the client was audited does not show here.
        "privacy_level_options": account.privacy_options(),
        "comment_disabled": account.comment_disabled,
        "duet_disabled": account.duet_disabled,
        "stitch_disabled": account.stitch_disabled,
        "max_video_post_duration_sec": account.max_duration_s,
    }))
}

impl State {
    /// Whether a direct post is possible now, whatever it is.
    pub(super) fn may_post(&self, account: usize) -> Result<(), Refusal> {
        let account = &self.accounts[account];
        if let Some(code) = account.trouble {
            return Err(Refusal::plain(code));
        }
        let posts = || self.of_the_day().filter(|share| share.mode == Mode::Direct);
        let own = posts().filter(|share| share.username == account.username).count();
        if own >= self.rules.daily_posts {
            return Err(Refusal::plain("spam_risk_too_many_posts"));
        }
        let users: BTreeSet<_> = posts().map(|share| &share.username).collect();
        let full = users.len() >= self.rules.active_users && !users.contains(&account.username);
        if full && !self.rules.audited {
            return Err(Refusal::plain("reached_active_user_cap"));
        }
        Ok(())
    }

    /// Whether the inbox has room for one more; if so, whether it will be lost.
    pub(super) fn may_draft(&self, account: usize) -> Result<bool, Refusal> {
        let account = &self.accounts[account];
        if let Some(code) = account.trouble {
            return Err(Refusal::plain(code));
        }
        let now = self.clock.now();
        let pends = |share: &&Share| match &share.stage {
            // An upload that can never end does not pend.
            Stage::Coming => {
                self.rules.empty_inits_pend && share.upload.as_ref().is_none_or(|upload| upload.until > now)
            }
            Stage::Processing { .. } | Stage::Delivered => true,
            Stage::Complete | Stage::Failed(_) => false,
        };
        let own = |share: &&Share| share.mode == Mode::Inbox && share.username == account.username;
        let pending = self.of_the_day().filter(own).filter(pends).count();
        let full = pending >= self.rules.pending_shares;
        if full && !self.rules.overflow_is_lost {
            let message = "There may be at most 5 pending shares within any 24-hour period";
            return Err(Refusal::new("spam_risk_too_many_pending_share", message));
        }
        Ok(full)
    }

    /// What began in the last day and did not fail.
    fn of_the_day(&self) -> impl Iterator<Item = &Share> {
        let now = self.clock.now();
        let recent = move |share: &&Share| now.saturating_sub(share.created) < DAY;
        self.shares.iter().filter(recent).filter(|share| !matches!(share.stage, Stage::Failed(_)))
    }
}
