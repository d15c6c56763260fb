//! What is done outside of a request: events are sent, videos are pulled, time passes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::record::Delivery;
use super::state::{Shared, State};
use super::{FakeTikTok, pull};

/// How often an event is sent that is not answered with 200.
const TRIES: u32 = 5;
/// Between them, in TikTok's time; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(60);

/// Something to be done outside of a request.
#[derive(Debug)]
pub(super) enum Errand {
    /// Look after this time of the world's whether the work on a video is done.
    Settle { after: Duration },
    /// Fetch a video.
    Pull { share: usize, url: Url },
    /// Send an event.
    Send { to: String, body: String, about: Delivery },
}

/// Does errands until the stand-in is gone.
pub(super) async fn run_errands(shared: Weak<Shared>, mut errands: mpsc::UnboundedReceiver<Errand>) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    let Ok(client) = client else { return };
    while let Some(errand) = errands.recv().await {
        let (shared, client) = (Weak::clone(&shared), client.clone());
        tokio::spawn(async move {
            match errand {
                Errand::Settle { after } => {
                    // A little more, so that rounding does not make it too early.
                    tokio::time::sleep(after + Duration::from_millis(1)).await;
                    if let Some(shared) = shared.upgrade() {
                        shared.change(State::settle);
                    }
                }
                Errand::Pull { share, url } => pull::pull(&shared, &client, share, url).await,
                Errand::Send { to, body, about } => send(&shared, &client, &to, &body, about).await,
            }
        });
    }
}

async fn send(shared: &Weak<Shared>, client: &reqwest::Client, to: &str, body: &str, about: Delivery) {
    for attempt in 0..TRIES {
        let signature = FakeTikTok::signature(FakeTikTok::CLIENT_SECRET, Timestamp::now().as_second(), body);
        let request = client.post(to).header("content-type", "application/json");
        let answer = request.header("tiktok-signature", signature).body(body.to_owned()).send().await;
        let status = answer.ok().map(|answer| answer.status().as_u16());
        let Some(shared) = Weak::upgrade(shared) else { return };
        let pause = shared.change(|state| {
            state.webhooks.push(Delivery { status, ..about.clone() });
            state.clock.wait(FIRST_PAUSE * 2_u32.pow(attempt))
        });
        if status == Some(200) {
            return;
        }
        drop::<Arc<Shared>>(shared);
        tokio::time::sleep(pause).await;
    }
}

impl State {
    /// Sends an event about a publication, if there is someone to send it to.
    pub(super) fn announce(&self, share: usize, event: &str, mut content: Value) {
        let share = &self.shares[share];
        content["publish_id"] = share.publish_id.clone().into();
        content["publish_type"] = share.publish_type().into();
        self.event(&share.open_id, event, Some(&share.publish_id), &content);
    }

    /// Sends an event about a user, if there is someone to send it to.
    pub(super) fn event(&self, open_id: &str, event: &str, publish_id: Option<&str>, content: &Value) {
        let Some(to) = self.webhook.clone() else { return };
        let body = FakeTikTok::event_body(event, Timestamp::now().as_second(), open_id, content);
        let about =
            Delivery { event: event.to_owned(), publish_id: publish_id.map(str::to_owned), status: None };
        self.errand(Errand::Send { to, body, about });
    }
}

impl FakeTikTok {
    /// From now on events are sent to this address.
    pub fn send_webhooks_to(&self, url: &str) {
        self.shared.change(|state| state.webhook = Some(url.to_owned()));
    }

    /// The body of an event: its content is JSON in a string.
    #[must_use]
    pub fn event_body(event: &str, create_time: i64, open_id: &str, content: &Value) -> String {
        json!({
            "client_key": Self::CLIENT_KEY, "event": event, "create_time": create_time, "user_openid": open_id,
            "content": content.to_string(),
        })
        .to_string()
    }

    /// The header `TikTok-Signature` of a body, signed at this Unix time with a client's secret.
    #[must_use]
    pub fn signature(secret: &str, at: i64, body: &str) -> String {
        let key = Key::new(HMAC_SHA256, secret.as_bytes());
        let signature = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        format!("t={at},s={}", hex::encode(signature))
    }
}
