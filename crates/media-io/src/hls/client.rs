//! The HTTP client of all streams, and the bounds that it keeps to.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE};
use reqwest::{Response, StatusCode, redirect};

use super::address::Address;
use super::error::HlsError;
use super::guard::{PrivateOnly, PublicResolver, Reach};
use super::playlist::{ByteRange, Reference};

/// The largest segment that is taken, in bytes: 10 s at 50 Mbit/s, the most that Kick's and Twitch's origins are known to
/// carry being a fifth of it.
pub const MAX_SEGMENT_BYTES: u64 = 64 << 20;
/// The largest playlist that is taken, in bytes, after decompression: a day of 2 s segments with addresses of 300 bytes.
pub const MAX_PLAYLIST_BYTES: u64 = 16 << 20;
/// How many redirects are followed; a content network needs one or two.
pub const MAX_REDIRECTS: usize = 5;
/// How much is reserved at once for a body, in bytes, however long the host says that it is.
const FIRST_RESERVE: u64 = 4 << 20;

/// How streams are fetched.
#[derive(Clone)]
pub struct HlsOptions {
    /// What the client calls itself.
    pub user_agent: String,
    /// Further headers (`Origin`, `Referer`). Every host that a stream leads to gets them, so no credentials belong here.
    pub headers: Vec<(String, String)>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a host may be silent.
    pub read_timeout: Duration,
    /// How long a playlist or a key may take in all.
    pub playlist_timeout: Duration,
    /// How long a segment may take in all.
    pub segment_timeout: Duration,
    /// How long is waited before the second attempt; each further wait is twice as long, up to 20 times the first, and
    /// up to a quarter longer by chance, so that many streams do not ask in step.
    pub retry_delay: Duration,
    /// How often a part of a finished broadcast is asked for in all before it is given up.
    pub attempts: u32,
    /// The largest playlist in bytes, after decompression.
    pub max_playlist_bytes: u64,
    /// The largest segment in bytes.
    pub max_segment_bytes: u64,
}

impl Default for HlsOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("streamliner/", env!("CARGO_PKG_VERSION")).to_owned(),
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(10),
            playlist_timeout: Duration::from_secs(10),
            segment_timeout: Duration::from_secs(60),
            retry_delay: Duration::from_millis(250),
            attempts: 6,
            max_playlist_bytes: MAX_PLAYLIST_BYTES,
            max_segment_bytes: MAX_SEGMENT_BYTES,
        }
    }
}

impl HlsOptions {
    /// How long to wait after that many failures, from 1.
    pub(super) fn delay(&self, failures: u32) -> Duration {
        const LONGEST: u32 = 20;
        let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(LONGEST).min(LONGEST);
        self.retry_delay.saturating_mul(factor).mul_f64(rand::random_range(1.0..1.25))
    }
}

impl fmt::Debug for HlsOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("HlsOptions")
            .field("user_agent", &self.user_agent)
            .field("headers", &names)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("playlist_timeout", &self.playlist_timeout)
            .field("segment_timeout", &self.segment_timeout)
            .field("retry_delay", &self.retry_delay)
            .field("attempts", &self.attempts)
            .field("max_playlist_bytes", &self.max_playlist_bytes)
            .field("max_segment_bytes", &self.max_segment_bytes)
            .finish()
    }
}

/// Fetches playlists and segments for any number of streams. Cloning it is cheap and shares its connections.
///
/// It uses no proxy: behind one, nobody could check which network a host's name leads into.
#[derive(Clone)]
pub struct HlsClient {
    inner: Arc<Inner>,
}

struct Inner {
    options: HlsOptions,
    /// For streams of the public network: resolves no name to a private address.
    public: reqwest::Client,
    /// For streams that begin in a private network.
    any: reqwest::Client,
}

impl fmt::Debug for HlsClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HlsClient").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// In words, for errors.
    pub(super) what: &'static str,
    /// The most bytes that are taken.
    pub(super) limit: u64,
    /// How long it may take in all.
    pub(super) timeout: Duration,
    /// The part of the resource; none for the whole.
    pub(super) range: Option<ByteRange>,
    /// Whether the host may compress.
    pub(super) compressible: bool,
    /// Counts every byte of a body that comes, also of those that fail later.
    pub(super) received: &'a AtomicU64,
}

/// What came.
#[derive(Debug)]
pub(super) struct Answer {
    /// The address that answered in the end.
    pub(super) address: Address,
    pub(super) bytes: Bytes,
}

impl HlsClient {
    /// Makes a client.
    ///
    /// # Errors
    /// [`HlsError::Client`] if a header is none, or TLS cannot be set up.
    pub fn new(options: HlsOptions) -> Result<Self, HlsError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let wrong =
                || HlsError::Client { detail: format!("{name:?} is no header name, or its value is none") };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
        }
        let builder = || {
            reqwest::Client::builder()
                .user_agent(&options.user_agent)
                .default_headers(headers.clone())
                .redirect(redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .connect_timeout(options.connect_timeout)
                .read_timeout(options.read_timeout)
        };
        let unusable = |error: reqwest::Error| HlsError::Client { detail: error.without_url().to_string() };
        let public = builder().dns_resolver(Arc::new(PublicResolver)).build().map_err(unusable)?;
        let any = builder().build().map_err(unusable)?;
        Ok(Self { inner: Arc::new(Inner { options, public, any }) })
    }

    /// How it fetches.
    #[must_use]
    pub fn options(&self) -> &HlsOptions {
        &self.inner.options
    }

    /// Fetches `address`, following redirects as far as they may be followed.
    pub(super) async fn get(
        &self,
        address: &Address,
        reach: Reach,
        request: Request<'_>,
    ) -> Result<Answer, HlsError> {
        let fetch = async {
            let (address, response) = self.follow(address, reach, request).await?;
            let bytes = read_body(&address, response, request).await?;
            Ok(Answer { address, bytes })
        };
        match tokio::time::timeout(request.timeout, fetch).await {
            Ok(answer) => answer,
            Err(_) => {
                Err(HlsError::Timeout { host: address.host(), what: request.what, after: request.timeout })
            }
        }
    }

    /// The answer of `address` or of where it redirects to, as far as that may be followed.
    pub(super) async fn follow(
        &self,
        start: &Address,
        reach: Reach,
        request: Request<'_>,
    ) -> Result<(Address, Response), HlsError> {
        let mut address = start.clone();
        for _ in 0..=MAX_REDIRECTS {
            reach.check(&address)?;
            let client = match reach {
                Reach::Public => &self.inner.public,
                Reach::Any => &self.inner.any,
            };
            let mut builder = client.get(address.expose().clone());
            if let Some(range) = request.range {
                let last = range.end().saturating_sub(1);
                builder = builder.header(RANGE, format!("bytes={}-{last}", range.offset));
            }
            if !request.compressible {
                builder = builder.header(ACCEPT_ENCODING, "identity");
            }
            let response =
                builder.send().await.map_err(|error| self.failure(&address, request.what, error))?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return if status.is_success() {
                    Ok((address, response))
                } else {
                    Err(HlsError::Status {
                        host: address.host(),
                        what: request.what,
                        status: status.as_u16(),
                    })
                };
            }
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let target = target.ok_or_else(|| HlsError::Address { host: address.host() })?;
            let next = address.join(&Reference::new(target))?;
            if address.is_secure() && !next.is_secure() {
                return Err(HlsError::Downgrade { host: address.host() });
            }
            address = next;
        }
        Err(HlsError::Redirects { host: start.host(), limit: MAX_REDIRECTS })
    }

    fn failure(&self, address: &Address, what: &'static str, error: reqwest::Error) -> HlsError {
        let host = address.host();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(current) = cause {
            if current.is::<PrivateOnly>() {
                return HlsError::PrivateAddress { host };
            }
            cause = current.source();
        }
        if error.is_timeout() {
            let options = &self.inner.options;
            let after = if error.is_connect() { options.connect_timeout } else { options.read_timeout };
            return HlsError::Timeout { host, what, after };
        }
        HlsError::Unreachable { host, what, source: error.without_url() }
    }
}

async fn read_body(
    address: &Address,
    mut response: Response,
    request: Request<'_>,
) -> Result<Bytes, HlsError> {
    let Request { what, limit, .. } = request;
    let too_large = || HlsError::TooLarge { host: address.host(), what, limit };
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let announced = response.content_length().unwrap_or(0);
    if announced > limit {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(usize::try_from(announced.min(FIRST_RESERVE)).unwrap_or(0));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                request.received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                if (body.len() + chunk.len()) as u64 > limit {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            // A silent host and a broken connection are the same to whoever has half a body.
            Err(_) => {
                return Err(HlsError::CutOff { host: address.host(), what, received: body.len() as u64 });
            }
        }
    }
    let body = body.freeze();
    let Some(range) = request.range else { return Ok(body) };
    let cut_off = HlsError::CutOff { host: address.host(), what, received: body.len() as u64 };
    if partial {
        return if body.len() as u64 == range.length { Ok(body) } else { Err(cut_off) };
    }
    // The host knows no ranges and sent the whole resource.
    let part = usize::try_from(range.offset).ok().zip(usize::try_from(range.end()).ok());
    match part {
        Some((start, end)) if start <= end && end <= body.len() => Ok(body.slice(start..end)),
        _ => Err(cut_off),
    }
}
