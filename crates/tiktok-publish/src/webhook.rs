//! What TikTok tells by itself, with its signature checked.
//!
//! Whoever serves the address answers 200 at once, and expects the same event more than once: TikTok repeats it for up to 72 hours.

use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::AppCredentials;

/// The header that a signature comes in.
pub const SIGNATURE_HEADER: &str = "TikTok-Signature";
/// How far the signature's time may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// A message is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The header is not of the form `t=SECONDS,s=HEX`.
    #[error("the signature's header is not of the form t=SECONDS,s=HEX")]
    Header,
    /// Signed too long ago, or by a clock that runs ahead.
    #[error("the signature is of another time: more than 300 s from now")]
    Stale,
    /// Someone else wrote this, or the secret is another app's.
    #[error("the signature does not belong to this message and this app's secret")]
    Signature,
    /// Signed, and still not an event.
    #[error("the signed message is not an event in TikTok's form")]
    Malformed,
    /// Signed with our secret, and about another app.
    #[error("the event is about another app")]
    OtherApp,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What, as TikTok calls it.
    pub kind: EventKind,
    /// The account that it happened to.
    pub open_id: String,
    /// When, by TikTok's clock, in seconds since 1970.
    pub created_at: i64,
    /// The post that it is about.
    pub publish_id: Option<String>,
    /// The public post's id.
    pub post_id: Option<String>,
    /// Why, for failures and withdrawn permissions.
    pub reason: Option<String>,
    /// `INBOX_SHARE` for drafts.
    pub publish_type: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A post failed.
    Failed,
    /// A post is made, or a draft was finished by its owner.
    Complete,
    /// A draft is in the inbox.
    InboxDelivered,
    /// A post is public.
    PubliclyAvailable,
    /// A post is public no longer.
    NoLongerPubliclyAvailable,
    /// The account has withdrawn its permission.
    AuthorizationRemoved,
    /// Something else, by its name.
    Other(String),
}

impl EventKind {
    fn named(name: &str) -> Self {
        match name {
            "post.publish.failed" => Self::Failed,
            "post.publish.complete" => Self::Complete,
            "post.publish.inbox_delivered" => Self::InboxDelivered,
            "post.publish.publicly_available" => Self::PubliclyAvailable,
            // TikTok misspells it; the right spelling is taken as well.
            "post.publish.no_longer_publicaly_available" | "post.publish.no_longer_publicly_available" => {
                Self::NoLongerPubliclyAvailable
            }
            "authorization.removed" => Self::AuthorizationRemoved,
            other => Self::Other(other.to_owned()),
        }
    }
}

#[derive(Deserialize)]
struct Message {
    client_key: String,
    event: String,
    create_time: i64,
    user_openid: String,
    #[serde(default)]
    content: String,
}

#[derive(Default, Deserialize)]
struct Content {
    publish_id: Option<String>,
    post_id: Option<Plain>,
    reason: Option<Plain>,
    publish_type: Option<String>,
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Plain {
    Number(serde_json::Number),
    Text(String),
}

impl Plain {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// Checks the signature of a message and reads it.
///
/// `header` is what came as [`SIGNATURE_HEADER`], `body` the body byte for byte.
///
/// # Errors
/// Why the message is not to be believed.
pub fn verify(
    app: &AppCredentials,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Event, WebhookError> {
    check_signature(app.client_secret(), header, body, now)?;
    let message: Message = serde_json::from_slice(body).map_err(|_| WebhookError::Malformed)?;
    if message.client_key != app.client_key() {
        return Err(WebhookError::OtherApp);
    }
    let content = if message.content.is_empty() { "{}" } else { &message.content };
    let content: Content = serde_json::from_str(content).map_err(|_| WebhookError::Malformed)?;
    Ok(Event {
        kind: EventKind::named(&message.event),
        open_id: message.user_openid,
        created_at: message.create_time,
        publish_id: content.publish_id,
        post_id: content.post_id.map(Plain::into_text),
        reason: content.reason.map(Plain::into_text),
        publish_type: content.publish_type,
    })
}

fn check_signature(
    secret: &SecretString,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), WebhookError> {
    let field = |name: &str| {
        header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
    };
    let (time, signature) = field("t").zip(field("s")).ok_or(WebhookError::Header)?;
    let signed_at: i64 = time.parse().map_err(|_| WebhookError::Header)?;
    let signature = hex::decode(signature).map_err(|_| WebhookError::Header)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let message = [time.as_bytes(), b".", body].concat();
    // Compares in constant time. The signature comes before the time, so that nobody learns our clock by asking.
    hmac::verify(&key, &message, &signature).map_err(|_| WebhookError::Signature)?;
    if now.as_second().abs_diff(signed_at) > TOLERANCE.as_secs() {
        return Err(WebhookError::Stale);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str = r#"{"client_key":"ck","event":"post.publish.complete","create_time":1633174587,"user_openid":"oid","content":"{\"publish_id\":\"v_inbox_file~v2.1\",\"publish_type\":\"INBOX_SHARE\"}"}"#;
    const HEADER: &str = "t=1633174587,s=a8d59a180082fcabca9f6da2307998b0418ae56cdc4e01216f8114bf000514a6";
    const SIGNED_AT: i64 = 1_633_174_587;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn app() -> AppCredentials {
        AppCredentials::new("ck", &"secret".into())
    }

    #[test]
    fn a_signed_event_is_read() {
        let event = verify(&app(), HEADER, BODY.as_bytes(), at(SIGNED_AT + 300)).unwrap();
        assert_eq!(
            event,
            Event {
                kind: EventKind::Complete,
                open_id: "oid".to_owned(),
                created_at: SIGNED_AT,
                publish_id: Some("v_inbox_file~v2.1".to_owned()),
                post_id: None,
                reason: None,
                publish_type: Some("INBOX_SHARE".to_owned()),
            }
        );
    }

    #[test]
    fn whatever_is_wrong_is_told_apart() {
        let check = |app: &AppCredentials, header: &str, body: &str, second| {
            verify(app, header, body.as_bytes(), at(second)).unwrap_err()
        };
        assert_eq!(check(&app(), HEADER, BODY, SIGNED_AT + 301), WebhookError::Stale);
        assert_eq!(check(&app(), HEADER, BODY, SIGNED_AT - 301), WebhookError::Stale);
        assert_eq!(check(&app(), HEADER, &BODY.replace("oid", "odi"), SIGNED_AT), WebhookError::Signature);
        assert_eq!(check(&app(), &HEADER.replace("87,", "88,"), BODY, SIGNED_AT), WebhookError::Signature);
        let other = AppCredentials::new("ck", &"another".into());
        assert_eq!(check(&other, HEADER, BODY, SIGNED_AT), WebhookError::Signature);
        let other = AppCredentials::new("kc", &"secret".into());
        assert_eq!(check(&other, HEADER, BODY, SIGNED_AT), WebhookError::OtherApp);
        for header in ["", "t=1", "s=00", "t=x,s=00", "t=1,s=0g"] {
            assert_eq!(check(&app(), header, BODY, SIGNED_AT), WebhookError::Header);
        }
    }

    proptest! {
        #[test]
        fn only_what_is_signed_is_believed(header in ".{0,80}", body in any::<Vec<u8>>()) {
            prop_assert!(verify(&app(), &header, &body, at(SIGNED_AT)).is_err());
        }
    }
}
