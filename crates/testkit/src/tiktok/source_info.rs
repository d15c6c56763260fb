//! Where a video comes from: the arithmetic of chunks, and addresses to pull from.

use serde_json::{Map, Value};
use url::Url;

use super::reply::Refusal;

/// Bytes of the largest chunk but the last, and of the largest file that goes in one. TikTok says 64 MB and not which; this
/// is the smaller reading.
const MAX_CHUNK: u64 = 64_000_000;
/// Bytes of the smallest chunk. TikTok says 5 MB and not which; this is the larger reading.
const MIN_CHUNK: u64 = 5_242_880;
/// Bytes of the largest last chunk, which takes the rest.
const MAX_LAST_CHUNK: u64 = 128_000_000;
/// Bytes of the largest file: 4 GB, by the larger reading.
const MAX_VIDEO: u64 = 4 << 30;
/// The most chunks.
const MAX_CHUNKS: u64 = 1000;

/// How a file is announced to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkPlan {
    /// Bytes of the file.
    pub(super) size: u64,
    /// Bytes of each chunk but the last.
    pub(super) chunk: u64,
    /// Chunks.
    pub(super) count: u64,
}

impl ChunkPlan {
    /// Checks an announcement as TikTok does.
    pub(super) fn new(size: u64, chunk: u64, count: u64) -> Result<Self, Refusal> {
        let wrong = |message: &str| Err(Refusal::new("invalid_params", message));
        if size == 0 || size > MAX_VIDEO {
            return wrong("The video size is invalid");
        }
        if count == 0 || count > MAX_CHUNKS {
            return wrong("The total chunk count is invalid");
        }
        if count == 1 {
            return match chunk {
                chunk if chunk != size => wrong("The chunk size is invalid"),
                chunk if chunk > MAX_CHUNK => wrong("The total chunk count is invalid"),
                chunk => Ok(Self { size, chunk, count }),
            };
        }
        if !(MIN_CHUNK..=MAX_CHUNK).contains(&chunk) {
            return wrong("The chunk size is invalid");
        }
        if size / chunk != count || size - chunk * (count - 1) > MAX_LAST_CHUNK {
            return wrong("The total chunk count is invalid");
        }
        Ok(Self { size, chunk, count })
    }

    /// The chunk that begins there ends before this byte; `None` if none begins there.
    pub(super) fn end_of(&self, start: u64) -> Option<u64> {
        let number = start / self.chunk;
        if !start.is_multiple_of(self.chunk) || number >= self.count {
            return None;
        }
        Some(if number + 1 == self.count { self.size } else { start + self.chunk })
    }
}

/// Where a video comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(ChunkPlan),
    Url(Url),
}

impl Source {
    /// Reads `source_info`. `verified` are the prefixes of addresses that the client has shown to be its own.
    pub(super) fn read(body: &Map<String, Value>, verified: &[String]) -> Result<Self, Refusal> {
        let missing =
            |name: &str| Refusal::new("invalid_params", format!("{name} is missing or of the wrong type"));
        let info =
            body.get("source_info").and_then(Value::as_object).ok_or_else(|| missing("source_info"))?;
        match info.get("source").and_then(Value::as_str) {
            Some("FILE_UPLOAD") => {
                let number = |name: &str| info.get(name).and_then(Value::as_u64).ok_or_else(|| missing(name));
                let (size, chunk) = (number("video_size")?, number("chunk_size")?);
                ChunkPlan::new(size, chunk, number("total_chunk_count")?).map(Self::File)
            }
            Some("PULL_FROM_URL") => {
                let url =
                    info.get("video_url").and_then(Value::as_str).ok_or_else(|| missing("video_url"))?;
                let parsed =
                    Url::parse(url).map_err(|_| Refusal::new("invalid_params", "video_url is not a URL"))?;
                if !verified.iter().any(|prefix| url.starts_with(prefix.as_str())) {
                    let message = "The prefix of the video's URL is not verified for this client";
                    return Err(Refusal::new("url_ownership_unverified", message));
                }
                // A test's file server on this machine has no certificate; everyone else must.
                let here = parsed.host_str().is_some_and(|host| host == "127.0.0.1" || host == "localhost");
                if parsed.scheme() != "https" && !here {
                    return Err(Refusal::new("invalid_params", "video_url must be https"));
                }
                Ok(Self::Url(parsed))
            }
            _ => Err(missing("source")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_accepted_plan_covers_the_file(size in 1..MAX_VIDEO + 2, chunk in 1..70_000_000_u64, off in 0..3_u64) {
            let count = (size / chunk + off).saturating_sub(1);
            if let Ok(plan) = ChunkPlan::new(size, chunk, count) {
                let ends: Vec<_> = std::iter::successors(plan.end_of(0), |end| plan.end_of(*end)).collect();
                prop_assert_eq!((ends.len() as u64, ends.last()), (count, Some(&size)));
                prop_assert!(count == size / chunk);
                prop_assert!(plan.end_of(1).is_none());
            }
        }
    }
}
