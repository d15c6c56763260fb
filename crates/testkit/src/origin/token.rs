//! Tokens that look like those of Kick's master URLs, and the sessions that they begin.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

/// A token that was given out.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Names the session in the addresses that it leads to.
    pub(super) id: String,
    /// How many segments were complete when the token was issued.
    pub(super) issued: u64,
    /// When the token ends.
    pub(super) until: Instant,
}

/// All tokens of a stream.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Session>>);

impl Tokens {
    /// A new token: a JWT in form, signed by nobody.
    pub(super) fn issue(&self, issued: u64, life: Duration, channel: &str) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let expires = Timestamp::now().as_second().saturating_add_unsigned(life.as_secs());
        let claims = serde_json::json!({
            "aws:channel-arn": format!("arn:aws:ivs:us-west-2:196233775518:channel/{channel}"),
            "aws:access-control-allow-origin": "https://kick.com,https://www.kick.com",
            "aws:strict-origin-enforcement": false,
            "exp": expires,
        });
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let header = encode(r#"{"alg":"ES384","typ":"JWT"}"#);
        let token = format!("{header}.{}.{}", encode(&claims.to_string()), encode(&id));
        let session = Session { id, issued, until: Instant::now() + life };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), session);
        token
    }

    /// The session of a token.
    pub(super) fn session(&self, token: &str) -> Option<Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// The session with this id.
    pub(super) fn by_id(&self, id: &str) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().find(|session| session.id == id).cloned()
    }
}
