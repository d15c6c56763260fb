//! Webhooks, signed with a key of the stand-in's own.

use std::io;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::FakeKick;
use super::official::instant;
use super::state::State;

/// Characters of a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// An event as Kick would post it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedEvent {
    /// Names and values of the headers that carry the signature.
    pub headers: Vec<(&'static str, String)>,
    /// To be sent as it is: the signature is over these bytes.
    pub body: String,
}

impl State {
    fn key(&mut self) -> &KeyPair {
        self.key.get_or_insert_with(|| {
            KeyPair::generate(KeySize::Rsa2048)
                .expect("a key can be made where there is randomness and memory")
        })
    }

    /// The key's public half: SubjectPublicKeyInfo in PEM.
    pub(super) fn public_key(&mut self) -> String {
        let der: PublicKeyX509Der<'_> =
            self.key().public_key().as_der().expect("a key that was just made can be written down");
        let text = STANDARD.encode(der.as_ref());
        let lines: String = text
            .as_bytes()
            .chunks(PEM_LINE)
            .flat_map(|line| line.iter().map(|byte| char::from(*byte)).chain(['\n']))
            .collect();
        format!("-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n")
    }
}

impl FakeKick {
    /// The key that signs webhooks, as `/public/v1/public-key` gives it.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.shared.change(State::public_key)
    }

    /// An event, signed.
    ///
    /// # Panics
    /// If the signature cannot be computed: out of memory.
    #[must_use]
    pub fn sign(&self, event: &str, payload: &Value) -> SignedEvent {
        let id = Uuid::new_v4().simple().to_string().to_uppercase()[..26].to_owned();
        let (at, body) = (instant(Timestamp::now()), payload.to_string());
        let signature = self.shared.change(|state| {
            let key = state.key();
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                format!("{id}.{at}.{body}").as_bytes(),
                &mut signature,
            )
            .expect("a signature as long as the modulus can be computed");
            STANDARD.encode(signature)
        });
        let subscription = Uuid::new_v4().simple().to_string().to_uppercase()[..26].to_owned();
        let headers = vec![
            ("Kick-Event-Message-Id", id),
            ("Kick-Event-Subscription-Id", subscription),
            ("Kick-Event-Signature", signature),
            ("Kick-Event-Message-Timestamp", at),
            ("Kick-Event-Type", event.to_owned()),
            ("Kick-Event-Version", "1".to_owned()),
        ];
        SignedEvent { headers, body }
    }

    /// The event that says whether a streamer is live, as things are now, signed.
    ///
    /// # Panics
    /// As [`FakeKick::go_live`].
    #[must_use]
    pub fn status_event(&self, slug: &str) -> SignedEvent {
        let payload = self.shared.change(|state| {
            let streamer = state.streamer_mut(slug);
            let live = streamer.broadcast.as_ref();
            json!({
                "broadcaster": {
                    "is_anonymous": false, "user_id": streamer.ids.broadcaster_user_id, "username": streamer.slug,
                    "is_verified": null, "profile_picture": "", "channel_slug": streamer.slug, "identity": null,
                },
                "is_live": live.is_some(), "title": live.map(|live| live.title.as_str()).unwrap_or_default(),
                "started_at": live.map(|live| instant(live.started_at)),
                "ended_at": live.is_none().then(|| instant(Timestamp::now())),
            })
        });
        self.sign("livestream.status.updated", &payload)
    }

    /// Posts an event and tells the status that it was answered with.
    ///
    /// # Errors
    /// If nobody answers.
    pub async fn post(&self, url: &str, event: &SignedEvent) -> io::Result<u16> {
        let mut request = reqwest::Client::new().post(url).header("content-type", "application/json");
        for (name, value) in &event.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(event.body.clone()).send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|source| io::Error::other(source.without_url()))
    }
}
