//! Files that are fetched as they are, of any size, and on from where an earlier attempt broke off.

use std::fmt;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE};

use super::address::Address;
use super::client::{HlsClient, Request};
use super::error::HlsError;
use super::guard::Reach;
use super::playlist::ByteRange;

/// What is asked for, in words.
const WHAT: &str = "the file";
/// No file is longer, in bytes; the end of a range must be told.
const LONGEST: u64 = 1 << 50;

/// A file that is coming.
pub struct Download {
    address: Address,
    response: Response,
    offset: u64,
    total: Option<u64>,
    received: u64,
}

impl fmt::Debug for Download {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Download")
            .field("address", &self.address)
            .field("offset", &self.offset)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl HlsClient {
    /// Asks for the file at `address` from byte `offset` on. A host that knows no ranges begins at zero, which
    /// [`Download::offset`] tells.
    ///
    /// # Errors
    /// If the host does not answer, refuses, redirects where may not be followed, or sends a web page.
    pub async fn download(&self, address: &Address, offset: u64) -> Result<Download, HlsError> {
        let reach = Reach::of(address).await;
        let received = AtomicU64::new(0);
        let request = Request {
            what: WHAT,
            limit: LONGEST,
            timeout: self.options().segment_timeout,
            range: (offset > 0).then_some(ByteRange { offset, length: LONGEST }),
            compressible: false,
            received: &received,
        };
        let (address, response) = self.follow(address, reach, request).await?;
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if header(CONTENT_TYPE).is_some_and(|kind| kind.trim_start().starts_with("text/html")) {
            return Err(HlsError::WebPage { host: address.host() });
        }
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        let (offset, total) = match header(CONTENT_RANGE).and_then(content_range) {
            Some((begin, total)) if partial => (begin, total),
            _ if partial => return Err(HlsError::CutOff { host: address.host(), what: WHAT, received: 0 }),
            _ => (0, response.content_length()),
        };
        Ok(Download { address, response, offset, total, received: 0 })
    }
}

impl Download {
    /// The byte of the file that comes first.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes the whole file has, if the host tells.
    #[must_use]
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// The next bytes; `None` at the end of the file.
    ///
    /// # Errors
    /// [`HlsError::CutOff`] if the host falls silent or ends before all of it has come.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HlsError> {
        let cut_off = |received| HlsError::CutOff { host: self.address.host(), what: WHAT, received };
        match self.response.chunk().await {
            Ok(Some(chunk)) => {
                self.received += chunk.len() as u64;
                Ok(Some(chunk))
            }
            Ok(None) if self.total.is_some_and(|total| self.offset + self.received < total) => {
                Err(cut_off(self.received))
            }
            Ok(None) => Ok(None),
            Err(_) => Err(cut_off(self.received)),
        }
    }
}

/// The first byte and the length of the whole, of `bytes 5-9/10` (RFC 9110, section 14.4).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("bytes */10"), None);
        assert_eq!(content_range("items 5-9/10"), None);
    }

    proptest! {
        #[test]
        fn any_range_is_read_or_refused(value in ".*", first: u64, last: u64, total: u64) {
            let _ = content_range(&value);
            prop_assert_eq!(content_range(&format!("bytes {first}-{last}/{total}")), Some((first, Some(total))));
        }
    }
}
