//! The ways to a chat room, and how each begins.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{HeaderValue, ORIGIN, REFERER};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use url::Url;
use uuid::Uuid;

use super::loose::{items, text};
use super::problem::ChatProblem;
use crate::config::{KickConfig, under};
use crate::http::{Ask, KickHttp};
use crate::secret_url::origin;

/// How long a socket may take to open, TLS and upgrade included.
const OPENING_LIMIT: Duration = Duration::from_secs(15);
/// The largest frame that is read, in bytes. A batch of messages has some kilobytes.
const LARGEST_FRAME: usize = 1 << 20;

/// Which room, by the numbers that the website's own endpoints give for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChatRoom {
    /// `chatroom.id`. Not the channel's id.
    pub chatroom_id: u64,
    /// The channel's internal `id`, not the broadcaster's user id. Without it there is only Pusher, and no word of
    /// broadcasts that begin and end.
    pub channel_id: Option<u64>,
}

impl ChatRoom {
    /// The channel that carries messages.
    pub(super) fn messages(self) -> String {
        format!("chatrooms.{}.v2", self.chatroom_id)
    }

    /// The channel that says when a broadcast begins and ends.
    pub(super) fn broadcasts(self) -> Option<String> {
        self.channel_id.map(|id| format!("channel.{id}"))
    }
}

/// A way to a chat room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChatTransport {
    /// The Pusher socket at [`KickConfig::pusher_url`].
    Pusher,
    /// What the website negotiates: Centrifugo, or Pusher with another key.
    Negotiated,
}

impl ChatTransport {
    /// All, the better tried first.
    pub const ALL: [Self; 2] = [Self::Pusher, Self::Negotiated];
}

impl fmt::Display for ChatTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pusher => "Pusher",
            Self::Negotiated => "the website's own chat",
        })
    }
}

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What was agreed on for one connection.
pub(super) struct Agreed {
    pub(super) url: Url,
    /// Where tokens come from if it is Centrifugo; none if it is Pusher.
    pub(super) tokens: Option<Tokens>,
}

/// Agrees on a connection with the website.
pub(super) async fn negotiate(
    config: &KickConfig,
    http: &KickHttp,
    room: ChatRoom,
) -> Result<Agreed, ChatProblem> {
    let channel_id = room.channel_id.ok_or(ChatProblem::NoChannelId)?.to_string();
    let client_id = Uuid::new_v4();
    let url =
        under(&config.web_base, &["api", "v1", "realtime", "channels", &channel_id, "chat", "connection"]);
    let body = json!({
        "client": {"id": client_id.to_string(), "type": "web"},
        "capabilities": {"accepted_providers": [{"provider": "pusher"}, {"provider": "centrifugo"}]},
    });
    let answer = post(config, http, "chat connection", url, &body).await?;
    let plain_allowed = config.web_base.scheme() == "http";
    let tokens = Tokens { http: http.clone(), config: config.clone(), client_id };
    agreed(&answer, plain_allowed, tokens).ok_or_else(|| ChatProblem::NotUnderstood {
        host: origin(&config.web_base),
        what: "it offers no connection by Centrifugo or Pusher",
    })
}

/// The first connection on offer that is understood. An address that is not encrypted counts only among stand-ins.
fn agreed(answer: &Value, plain_allowed: bool, tokens: Tokens) -> Option<Agreed> {
    let (url, centrifugo) = items(answer, &["data", "connections"]).iter().find_map(|offer| {
        match text(offer, &["provider"])?.as_str() {
            "centrifugo" => {
                let url = Url::parse(&text(offer, &["credentials", "url"])?).ok()?;
                let allowed = url.scheme() == "wss" || (url.scheme() == "ws" && plain_allowed);
                allowed.then_some((url, true))
            }
            "pusher" => {
                let key = text(offer, &["credentials", "app_key"])?;
                let cluster = text(offer, &["credentials", "cluster"])?;
                pusher_url(&key, &cluster).map(|url| (url, false))
            }
            _ => None,
        }
    })?;
    Some(Agreed { url, tokens: centrifugo.then_some(tokens) })
}

/// The address of an app of Pusher. Key and cluster come from outside, so they may not lead to another host.
fn pusher_url(key: &str, cluster: &str) -> Option<Url> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !plain(key) || !plain(cluster) {
        return None;
    }
    let address =
        format!("wss://ws-{cluster}.pusher.com/app/{key}?protocol=7&client=js&version=8.4.0&flash=false");
    Url::parse(&address).ok()
}

/// Where tokens for one Centrifugo connection come from.
#[derive(Clone)]
pub(super) struct Tokens {
    http: KickHttp,
    config: KickConfig,
    client_id: Uuid,
}

impl Tokens {
    pub(super) async fn fetch(&self) -> Result<SecretString, ChatProblem> {
        let url = under(&self.config.web_base, &["api", "v1", "realtime", "auth", "connection"]);
        let body = json!({"client_id": self.client_id.to_string()});
        let answer = post(&self.config, &self.http, "chat token", url, &body).await?;
        let token = answer.get("data").and_then(|data| data.get("token")).and_then(Value::as_str);
        token.map(SecretString::from).ok_or_else(|| ChatProblem::NotUnderstood {
            host: origin(&self.config.web_base),
            what: "data.token should be a string but is not",
        })
    }
}

/// Asks the website once: whoever calls has a back-off of its own.
async fn post(
    config: &KickConfig,
    http: &KickHttp,
    endpoint: &'static str,
    url: Url,
    body: &Value,
) -> Result<Value, ChatProblem> {
    let mut ask = Ask::post(endpoint, url, "application/json", body.to_string())
        .header(reqwest::header::USER_AGENT, http.browser());
    let page = origin(&config.site_base);
    if let Ok(page) = HeaderValue::from_str(&page) {
        ask = ask.header(ORIGIN, page.clone()).header(REFERER, page);
    }
    let reply = http.once(&ask).await?;
    Ok(ask.json(&reply)?)
}

/// Opens a socket.
pub(super) async fn open(url: &Url) -> Result<Socket, ChatProblem> {
    let host = origin(url);
    if !matches!(url.scheme(), "ws" | "wss") || url.host().is_none() {
        return Err(ChatProblem::BadAddress { host });
    }
    let limits =
        WebSocketConfig::default().max_message_size(Some(LARGEST_FRAME)).max_frame_size(Some(LARGEST_FRAME));
    let connector = Some(Connector::Rustls(encryption()?));
    let opening = Box::pin(connect_async_tls_with_config(url.as_str(), Some(limits), true, connector));
    match tokio::time::timeout(OPENING_LIMIT, opening).await {
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(error)) => Err(ChatProblem::of_socket(host, &error)),
        Err(_) => Err(ChatProblem::TooSlow { host, what: "opening the socket", limit: OPENING_LIMIT }),
    }
}

/// How sockets are encrypted. The provider is named, because a program may link two, and rustls then chooses none.
fn encryption() -> Result<Arc<ClientConfig>, ChatProblem> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(shared) = SHARED.get() {
        return Ok(Arc::clone(shared));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| ChatProblem::NotUnderstood {
            host: "TLS".to_owned(),
            what: "this build of rustls has no version of it in common with itself",
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(SHARED.get_or_init(|| Arc::new(config))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(offers: &Value, plain_allowed: bool) -> Option<String> {
        let config = KickConfig::default();
        let http = KickHttp::new(&config).unwrap();
        let tokens = Tokens { http, config, client_id: Uuid::nil() };
        let agreed = agreed(&json!({"data": {"connections": offers}}), plain_allowed, tokens)?;
        Some(format!("{} {}", if agreed.tokens.is_some() { "centrifugo" } else { "pusher" }, agreed.url))
    }

    fn centrifugo(url: &str) -> Value {
        json!({"provider": "centrifugo", "credentials": {"url": url}})
    }

    #[test]
    fn the_first_offer_that_is_understood_is_taken() {
        let unknown = json!({"provider": "pigeon", "credentials": {"url": "wss://x"}});
        let pusher = json!({"provider": "pusher", "credentials": {"app_key": "abc123", "cluster": "us2"}});
        let socket = centrifugo("wss://realtime.example/connection/websocket");
        assert_eq!(
            offered(&json!([unknown, socket, pusher]), false).as_deref(),
            Some("centrifugo wss://realtime.example/connection/websocket")
        );
        assert_eq!(
            offered(&json!([pusher, socket]), false).as_deref(),
            Some("pusher wss://ws-us2.pusher.com/app/abc123?protocol=7&client=js&version=8.4.0&flash=false")
        );
        for nothing in [json!([]), json!(null), json!([unknown, 5, {}])] {
            assert_eq!(offered(&nothing, false), None);
        }
    }

    #[test]
    fn offers_cannot_lead_elsewhere_or_into_the_open() {
        assert_eq!(offered(&json!([centrifugo("ws://realtime.example/")]), false), None);
        assert!(offered(&json!([centrifugo("ws://127.0.0.1:9/")]), true).is_some());
        assert_eq!(offered(&json!([centrifugo("http://127.0.0.1:9/")]), true), None);
        for (key, cluster) in [("a/b", "us2"), ("abc", "us2.evil.example/"), ("", "us2"), ("abc", "")] {
            let offer = json!({"provider": "pusher", "credentials": {"app_key": key, "cluster": cluster}});
            assert_eq!(offered(&json!([offer]), false), None, "{key} {cluster}");
        }
    }
}
