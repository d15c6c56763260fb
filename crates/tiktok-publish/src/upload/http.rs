//! Sending one chunk.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use publish::{ProgressSink, PublishError};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap};
use tokio::time::Instant;

use super::body::{self, Watched};
use super::flight::Flight;

/// How long sending may stand still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UploadTimes {
    /// Until a connection is there.
    pub(crate) connect: Duration,
    /// Without a byte being taken, or an answer once all were: a chunk of 128 MB may take minutes to be checked.
    pub(crate) idle: Duration,
}

impl Default for UploadTimes {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(120) }
    }
}

/// Sends chunks. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct UploadHttp {
    client: reqwest::Client,
    times: UploadTimes,
}

/// What a chunk was answered with.
#[derive(Debug)]
pub(super) enum ChunkReply {
    /// It is in.
    Accepted,
    /// The address has ended, or nothing is known of the upload (any more).
    Gone {
        /// The HTTP status.
        status: u16,
    },
    /// Another chunk is due; so many bytes are there, if told.
    OutOfStep {
        /// As told.
        uploaded: Option<u64>,
    },
    /// TikTok finds the request wrong.
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The server has trouble.
    Trouble {
        /// The HTTP status.
        status: u16,
    },
    /// No answer.
    Broken {
        /// What happened.
        what: &'static str,
    },
}

/// A chunk to send.
pub(super) struct Chunk<'a> {
    /// The file.
    pub(super) video: &'a Path,
    /// Its type.
    pub(super) content_type: &'static str,
    /// Which bytes.
    pub(super) range: Range<u64>,
}

impl UploadHttp {
    /// With time limits.
    pub(crate) fn new(times: UploadTimes) -> Result<Self, PublishError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("streamliner/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(times.connect)
            .redirect(reqwest::redirect::Policy::none())
            // One chunk after the other gains nothing from HTTP/2, whose windows slow large bodies down.
            .http1_only()
            .build()
            .map_err(|error| PublishError::Setup { reason: format!("HTTP cannot be set up: {error}") })?;
        Ok(Self { client, times })
    }

    /// Sends a chunk. `progress` is told of the bytes of the whole file that were sent.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) async fn put(
        &self,
        flight: &Flight,
        chunk: &Chunk<'_>,
        progress: ProgressSink<'_>,
    ) -> Result<ChunkReply, PublishError> {
        let (range, size) = (chunk.range.clone(), flight.plan.size());
        let Watched { body, mut taken, trouble } = body::part_of(chunk.video.to_owned(), range.clone(), size);
        let request = self
            .client
            .put(flight.address.expose().clone())
            .header(CONTENT_TYPE, chunk.content_type)
            // Announced exactly: TikTok takes no body of unknown length.
            .header(CONTENT_LENGTH, range.end - range.start)
            .header(CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1))
            .body(body)
            .send();
        let mut request = std::pin::pin!(request);
        let (mut last_sign, mut is_open) = (Instant::now(), true);
        let answer = loop {
            tokio::select! {
                answer = &mut request => break Some(answer),
                change = taken.changed(), if is_open => {
                    is_open = change.is_ok();
                    last_sign = Instant::now();
                    let sent = *taken.borrow_and_update();
                    progress(range.start + sent);
                }
                () = tokio::time::sleep_until(last_sign + self.times.idle) => break None,
            }
        };
        if let Some(source) = trouble.take() {
            return Err(PublishError::File { what: "read", path: chunk.video.to_owned(), source });
        }
        Ok(match answer {
            None => ChunkReply::Broken { what: "nothing moved for too long" },
            Some(Err(error)) => ChunkReply::Broken { what: broken(&error) },
            Some(Ok(response)) => meaning(response.status().as_u16(), response.headers()),
        })
    }
}

/// Why there is no answer. The error itself names the address, so it goes no further.
fn broken(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "there is no connection"
    } else if error.is_timeout() {
        "the answer did not come in time"
    } else {
        "the connection broke off"
    }
}

fn meaning(status: u16, headers: &HeaderMap) -> ChunkReply {
    match status {
        200..300 => ChunkReply::Accepted,
        403 | 404 => ChunkReply::Gone { status },
        416 => ChunkReply::OutOfStep { uploaded: uploaded(headers) },
        408 | 429 | 500.. => ChunkReply::Trouble { status },
        _ => ChunkReply::Refused { status },
    }
}

/// `Content-Range: bytes 0-{UPLOADED}/{TOTAL}`, or with a star in place of the range when nothing is there.
fn uploaded(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, _) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    if range == "*" { Some(0) } else { range.strip_prefix("0-")?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn told(text: &str) -> Option<u64> {
        let value = HeaderValue::from_str(text).ok()?;
        uploaded(&HeaderMap::from_iter([(CONTENT_RANGE, value)]))
    }

    #[test]
    fn progress_is_read() {
        assert_eq!(told("bytes 0-9999999/50000123"), Some(9_999_999));
        assert_eq!(told("bytes */50000123"), Some(0));
        for odd in ["", "bytes", "bytes 5-9/10", "bytes 0-/10", "bytes 0-x/10", "0-9/10"] {
            assert_eq!(told(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read(text in "[ -~]{0,40}|bytes 0-[0-9]{1,30}/[0-9]{1,3}", status in 100_u16..1000) {
            let _ = (told(&text), meaning(status, &HeaderMap::new()));
        }
    }
}
