//! What became of a publication.

use serde_json::{Value, json};

use super::FakeTikTok;
use super::api::Asked;
use super::reply::Refusal;
use super::share::Stage;
use super::state::State;

pub(super) fn fetch(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let share = find(state, asked)?;
    let data = state.shares[share].data(state.rules.post_ids);
    // This was one of the asks that the work lasts.
    if let Stage::Processing { asks: Some(asks), .. } = &mut state.shares[share].stage {
        *asks = asks.saturating_sub(1);
    }
    state.settle();
    Ok(data)
}

pub(super) fn cancel(state: &mut State, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let share = find(state, asked)?;
    if state.shares[share].url.is_none() || state.shares[share].stage != Stage::Coming {
        return Err(Refusal::plain("publish_not_cancellable"));
    }
    state.give_up(share, "publish_cancelled".into());
    Ok(json!({}))
}

fn find(state: &State, asked: &Asked<'_>) -> Result<usize, Refusal> {
    let id = asked.body.get("publish_id").and_then(Value::as_str);
    let id =
        id.ok_or_else(|| Refusal::new("invalid_params", "publish_id is missing or of the wrong type"))?;
    let share = state.shares.iter().position(|share| share.publish_id == id);
    let share = share.ok_or_else(|| Refusal::plain("invalid_publish_id"))?;
    if state.shares[share].username != state.accounts[asked.account].username {
        return Err(Refusal::plain("token_not_authorized_for_specified_publish_id"));
    }
    Ok(share)
}

impl FakeTikTok {
    /// What becomes of the next video whose last byte comes, and so on: it fails for this reason of TikTok's, or with `None`
    /// it does not. Further ones do not.
    pub fn doom_next(&self, reason: Option<&str>) {
        self.shared.change(|state| state.dooms.push_back(reason.map(str::to_owned)));
    }

    /// TikTok is done with a video now.
    ///
    /// # Panics
    /// If there is no such publication, or its bytes are not all there, or TikTok was done with it already.
    pub fn finish_processing(&self, publish_id: &str) {
        self.shared.change(|state| {
            let share = state.share_place(publish_id);
            let works = matches!(state.shares[share].stage, Stage::Processing { .. });
            assert!(works, "TikTok does not work on {publish_id}");
            state.end_processing(share);
        });
    }

    /// The user finishes a draft in the app: it is posted, and its place in the inbox is free.
    ///
    /// # Panics
    /// If there is no such draft in the inbox.
    pub fn finish_draft(&self, publish_id: &str) {
        self.shared.change(|state| {
            let share = state.share_place(publish_id);
            let stage = &state.shares[share].stage;
            assert_eq!(*stage, Stage::Delivered, "{publish_id} is not in the inbox");
            state.publish(share);
        });
    }

    /// The public post of a publication is removed.
    ///
    /// # Panics
    /// If there is no such publication.
    pub fn remove_post(&self, publish_id: &str) {
        self.shared.change(|state| {
            let share = state.share_place(publish_id);
            if let Some(id) = state.shares[share].post_id.take() {
                let content = json!({ "post_id": id.to_string() });
                state.announce(share, "post.publish.no_longer_publicaly_available", content);
            }
        });
    }

    /// From now on every init of a user gets this error, or with `None` none of its own.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn trouble(&self, username: &str, code: Option<&'static str>) {
        self.shared.change(|state| {
            let account = state.account_place(username);
            state.accounts[account].trouble = code;
        });
    }

    /// A user makes the account private or public.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn make_private(&self, username: &str, private: bool) {
        self.shared.change(|state| {
            let account = state.account_place(username);
            state.accounts[account].private = private;
        });
    }

    /// Lets so much of TikTok's time pass at once, and of the lives of tokens.
    pub fn advance(&self, span: std::time::Duration) {
        self.shared.change(|state| {
            state.clock.advance(span);
            state.settle();
        });
    }
}
