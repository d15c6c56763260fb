//! Where notices go.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::notice::Notice;
use crate::{SIGNATURE_HEADER, discord, signature};

/// One delivery takes no longer than this.
const DELIVERY_TIME: Duration = Duration::from_secs(15);
/// A server that asks for a longer pause than this is asked again after it all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Where notices go, and in which form. Its `Debug` and `Display` show the host alone.
#[derive(Clone)]
pub struct Channel {
    address: SecretString,
    host: String,
    form: Form,
}

#[derive(Clone)]
enum Form {
    Webhook { secret: Option<SecretString> },
    Discord,
}

impl fmt::Display for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Webhook { .. } => "webhook",
            Form::Discord => "Discord",
        };
        write!(formatter, "{form} at {}", self.host)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Channel({self})")
    }
}

/// Why a notice was not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The text is no address to send to. It is not repeated: it may hold a token.
    #[error("the address of a notification channel must be one of http or https, with a host")]
    Address,
    /// Nothing could be sent.
    #[error("{channel} does not answer")]
    Unreachable {
        /// Which.
        channel: String,
        /// Why, without the address.
        source: reqwest::Error,
    },
    /// It was refused.
    #[error("{channel} answers with status {status}")]
    Refused {
        /// Which.
        channel: String,
        /// The HTTP status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
}

impl ChannelError {
    /// Whether the same notice may get through later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Address => false,
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
        }
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Address | Self::Unreachable { .. } => None,
        }
    }
}

impl Channel {
    /// A webhook that is sent each notice as JSON, signed if there is a secret.
    ///
    /// # Errors
    /// [`ChannelError::Address`].
    pub fn webhook(address: SecretString, secret: Option<SecretString>) -> Result<Self, ChannelError> {
        Self::new(address, Form::Webhook { secret })
    }

    /// A webhook of a Discord channel.
    ///
    /// # Errors
    /// [`ChannelError::Address`].
    pub fn discord(address: SecretString) -> Result<Self, ChannelError> {
        Self::new(address, Form::Discord)
    }

    fn new(address: SecretString, form: Form) -> Result<Self, ChannelError> {
        let url: Url = address.expose_secret().parse().map_err(|_| ChannelError::Address)?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let host = url.host_str().filter(|_| is_web).ok_or(ChannelError::Address)?.to_owned();
        Ok(Self { address, host, form })
    }

    /// Sends one notice, once.
    pub(crate) async fn send(&self, client: &reqwest::Client, notice: &Notice) -> Result<(), ChannelError> {
        let body = match &self.form {
            Form::Webhook { .. } => serde_json::to_vec(notice).unwrap_or_default(),
            Form::Discord => discord::message(notice).to_string().into_bytes(),
        };
        let mut request = client
            .post(self.address.expose_secret())
            .timeout(DELIVERY_TIME)
            .header(CONTENT_TYPE, "application/json");
        if let Form::Webhook { secret: Some(secret) } = &self.form {
            let now = Timestamp::now().as_second();
            request =
                request.header(SIGNATURE_HEADER, signature(secret.expose_secret().as_bytes(), now, &body));
        }
        let channel = || self.to_string();
        let reply = request.body(body).send().await;
        let reply = reply
            .map_err(|error| ChannelError::Unreachable { channel: channel(), source: error.without_url() })?;
        if reply.status().is_success() {
            return Ok(());
        }
        let pause =
            reply.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<f64>().ok());
        let pause = pause.and_then(|pause| Duration::try_from_secs_f64(pause).ok());
        Err(ChannelError::Refused {
            channel: channel(),
            status: reply.status().as_u16(),
            retry_after: pause.map(|pause| pause.min(LONGEST_PAUSE)),
        })
    }
}
