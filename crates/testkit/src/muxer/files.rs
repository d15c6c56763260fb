//! A folder over HTTP, as any web server serves it.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::watch;

/// The head of fragments, as ffmpeg calls it.
pub(super) const INIT: &str = "init.mp4";

/// A segment that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// The file.
    pub name: String,
    /// The part of it that was asked for, where a part was.
    pub part: Option<Range<usize>>,
    /// What was sent.
    pub bytes: Bytes,
    /// How often it was asked for.
    pub requests: usize,
}

/// The folder, and what was fetched from it.
#[derive(Debug)]
pub(super) struct Shared {
    folder: TempDir,
    served: Mutex<Vec<Served>>,
    fetched: watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(folder: TempDir) -> Self {
        Self { folder, served: Mutex::default(), fetched: watch::Sender::new(0) }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many segments were fetched.
    pub(super) fn fetched(&self) -> watch::Receiver<u64> {
        self.fetched.subscribe()
    }

    pub(super) fn served(&self) -> Vec<Served> {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // ffmpeg numbers them, without leading zeros; several are fetched at once, so they come in any order.
        let place =
            |one: &Served| (one.name.len(), one.name.clone(), one.part.as_ref().map(|part| part.start));
        served.sort_by_key(place);
        served
    }

    fn note(&self, name: &str, part: Option<Range<usize>>, bytes: &Bytes) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        match served.iter_mut().find(|known| known.name == name && known.part == part) {
            Some(known) => known.requests += 1,
            None => served.push(Served { name: name.to_owned(), part, bytes: bytes.clone(), requests: 1 }),
        }
        self.fetched.send_replace(served.len() as u64);
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    let kind = match extension {
        "m3u8" => "application/vnd.apple.mpegurl",
        "ts" => "video/mp2t",
        "mp4" | "m4s" => "video/mp4",
        _ => return bare(StatusCode::NOT_FOUND),
    };
    if name.contains('/') {
        return bare(StatusCode::NOT_FOUND);
    }
    let path = shared.folder().join(&name);
    let read = tokio::task::spawn_blocking(move || fs_err::read(path)).await;
    let Ok(Ok(bytes)) = read else { return bare(StatusCode::NOT_FOUND) };
    let bytes = Bytes::from(bytes);
    let asked = request.headers().get(RANGE).and_then(|value| value.to_str().ok());
    let part = match asked.map(|asked| range(asked, bytes.len())) {
        Some(None) => return bare(StatusCode::RANGE_NOT_SATISFIABLE),
        Some(part) => part,
        None => None,
    };
    let mut builder = Response::builder().header(CONTENT_TYPE, kind);
    let body = match &part {
        Some(part) => {
            let content = format!("bytes {}-{}/{}", part.start, part.end - 1, bytes.len());
            builder = builder.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, content);
            bytes.slice(part.clone())
        }
        None => bytes,
    };
    if extension != "m3u8" && name != INIT {
        shared.note(&name, part, &body);
    }
    builder
        .header(CONTENT_LENGTH, body.len())
        .body(Body::from(body))
        .unwrap_or_else(|_| bare(StatusCode::INTERNAL_SERVER_ERROR))
}

/// The bytes that a `Range` header asks for, of so many; `None` where they are not there.
fn range(header: &str, length: usize) -> Option<Range<usize>> {
    let (start, end) = header.strip_prefix("bytes=")?.split_once('-')?;
    let start: usize = start.parse().ok()?;
    let end = if end.is_empty() { length } else { end.parse::<usize>().ok()?.saturating_add(1).min(length) };
    (start < end).then_some(start..end)
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn parts_are_those_of_rfc_9110() {
        assert_eq!(range("bytes=0-9", 100), Some(0..10));
        assert_eq!(range("bytes=90-", 100), Some(90..100));
        assert_eq!(range("bytes=90-400", 100), Some(90..100));
        for refused in ["bytes=100-", "bytes=5-2", "bytes=-", "lines=1-2", "bytes=a-b"] {
            assert_eq!(range(refused, 100), None, "{refused}");
        }
    }
}
