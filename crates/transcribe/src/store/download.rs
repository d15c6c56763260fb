//! One file over HTTP, resumed where it broke off.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, IF_RANGE, RANGE, RETRY_AFTER};

use super::DownloadProgress;
use super::checksum::sha1_of;
use crate::error::Cause;
use crate::{Error, ModelEntry};

/// Tries in a row without a single new byte before the download is given up.
const TRIES: u32 = 6;
/// A server that is silent this long is asked anew.
const STALL: Duration = Duration::from_secs(15);
/// The longest pause before a repeated request, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// How often an interrupt is looked for while pausing.
const PERIOD: Duration = Duration::from_millis(50);
/// Bytes read at once.
const BLOCK: usize = 64 << 10;

/// A file on its way.
pub(super) struct Download<'a> {
    pub(super) entry: &'a ModelEntry,
    pub(super) url: String,
    /// Where it grows.
    pub(super) part: PathBuf,
    /// Which version of the file on the server the part is of.
    pub(super) validator: PathBuf,
    pub(super) retry_pause: Duration,
    pub(super) interrupt: &'a AtomicBool,
}

/// Why one try ended early.
enum Trouble {
    /// Another try may do better, after this long if the server says so.
    Passing(Cause, Option<Duration>),
    /// None will.
    Final(Error),
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

impl Download<'_> {
    /// Leaves the whole, checked file in the part, on disk.
    pub(super) fn run(&self, progress: &mut dyn FnMut(DownloadProgress)) -> Result<(), Error> {
        let client = Client::builder()
            .user_agent(concat!("streamliner/", env!("CARGO_PKG_VERSION")))
            .timeout(STALL)
            .build()
            .map_err(|error| self.broken(0, Box::new(error)))?;
        let mut tries = 0;
        loop {
            let before = self.received();
            match self.attempt(&client, progress) {
                Ok(()) => return self.check(),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(cause, pause)) => {
                    tries = if self.received() > before { 1 } else { tries + 1 };
                    tracing::warn!(url = %self.url, tries, %cause, "a download broke off");
                    if tries >= TRIES {
                        return Err(self.broken(tries, cause));
                    }
                    let doubled = self.retry_pause * 2_u32.pow(tries - 1);
                    self.pause(pause.unwrap_or(doubled).min(LONGEST_PAUSE))?;
                }
            }
        }
    }

    fn broken(&self, tries: u32, source: Cause) -> Error {
        Error::DownloadBroken { url: self.url.clone(), tries, source }
    }

    fn received(&self) -> u64 {
        fs_err::metadata(&self.part).map_or(0, |metadata| metadata.len())
    }

    /// One request, its answer written behind what is there.
    fn attempt(&self, client: &Client, progress: &mut dyn FnMut(DownloadProgress)) -> Result<(), Trouble> {
        self.check_interrupt()?;
        let received = self.received();
        let mut request = client.get(&self.url);
        if received > 0 {
            request = request.header(RANGE, format!("bytes={received}-"));
            if let Ok(validator) = fs_err::read_to_string(&self.validator) {
                request = request.header(IF_RANGE, validator);
            }
        }
        let response = request.send().map_err(|error| Trouble::Passing(Box::new(error), None))?;
        let status = response.status();
        let range = content_range(response.headers());
        let position = match status {
            StatusCode::PARTIAL_CONTENT if range.is_some_and(|range| range.start == Some(received)) => {
                received
            }
            StatusCode::OK => 0,
            StatusCode::RANGE_NOT_SATISFIABLE if range.and_then(|range| range.total) == Some(received) => {
                return Ok(());
            }
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                self.discard()?;
                return Err(Trouble::Passing(
                    "the server has no such part of the file".into(),
                    Some(Duration::ZERO),
                ));
            }
            _ if is_passing(status) => {
                let pause = retry_after(response.headers());
                return Err(Trouble::Passing(format!("the server answered {status}").into(), pause));
            }
            _ => {
                return Err(Error::DownloadRefused { url: self.url.clone(), status: status.as_u16() }.into());
            }
        };
        self.receive(response, position, progress)
    }

    fn receive(
        &self,
        mut response: Response,
        position: u64,
        progress: &mut dyn FnMut(DownloadProgress),
    ) -> Result<(), Trouble> {
        let total = response.content_length().map(|length| position + length);
        let mut file =
            fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(&self.part)?;
        file.set_len(position)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(position))?;
        self.remember_version(response.headers())?;
        let mut received = position;
        let mut block = vec![0; BLOCK];
        progress(DownloadProgress { received, total });
        loop {
            self.check_interrupt()?;
            let count = response.read(&mut block).map_err(|error| Trouble::Passing(Box::new(error), None))?;
            if count == 0 {
                break;
            }
            file.write_all(&block[..count])?;
            received += count as u64;
            progress(DownloadProgress { received, total });
        }
        if total.is_some_and(|total| received < total) {
            return Err(Trouble::Passing("the connection was closed early".into(), None));
        }
        file.sync_all()?;
        Ok(())
    }

    /// Weak validators do not promise the same bytes, so `If-Range` must not carry them (RFC 9110, section 13.1.5).
    fn remember_version(&self, headers: &HeaderMap) -> Result<(), Error> {
        let strong = headers.get(ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'));
        match strong {
            Some(tag) => Ok(fs_err::write(&self.validator, tag)?),
            None => remove_if_there(&self.validator),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let actual = sha1_of(&self.part, self.interrupt)?;
        if actual == self.entry.sha1 {
            return remove_if_there(&self.validator);
        }
        self.discard()?;
        Err(Error::ChecksumMismatch {
            name: self.entry.name.clone(),
            url: self.url.clone(),
            expected: self.entry.sha1.clone(),
            actual,
        })
    }

    fn discard(&self) -> Result<(), Error> {
        remove_if_there(&self.part)?;
        remove_if_there(&self.validator)
    }

    fn check_interrupt(&self) -> Result<(), Error> {
        if self.interrupt.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn pause(&self, length: Duration) -> Result<(), Error> {
        let until = Instant::now() + length;
        loop {
            self.check_interrupt()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::park_timeout(left.min(PERIOD));
        }
    }
}

fn remove_if_there(path: &std::path::Path) -> Result<(), Error> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// The parts of a `Content-Range: bytes 5-9/10` or `bytes */10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ContentRange {
    start: Option<u64>,
    total: Option<u64>,
}

fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    parse_content_range(headers.get(CONTENT_RANGE)?.to_str().ok()?)
}

fn parse_content_range(value: &str) -> Option<ContentRange> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    Some(ContentRange { start, total: total.trim().parse().ok() })
}

/// How long `Retry-After` asks to wait: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(
        Duration::try_from(date.timestamp().duration_since(jiff::Timestamp::now())).unwrap_or(Duration::ZERO),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    use super::*;

    fn wait(value: &'static str) -> Option<Duration> {
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]))
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(wait("Tue, 31 Dec 2199 23:59:59 GMT").is_some_and(|wait| wait > LONGEST_PAUSE));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(
            parse_content_range("bytes 5-9/10"),
            Some(ContentRange { start: Some(5), total: Some(10) })
        );
        assert_eq!(parse_content_range("bytes */10"), Some(ContentRange { start: None, total: Some(10) }));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some(ContentRange { start: Some(5), total: None }));
        assert_eq!(parse_content_range("lines 1-2/3"), None);
    }

    proptest! {
        #[test]
        fn any_content_range_is_survived(value in ".*") {
            let _ = parse_content_range(&format!("bytes {value}"));
        }
    }
}
