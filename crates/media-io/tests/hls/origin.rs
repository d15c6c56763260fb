//! A small origin: paths with what they answer, request after request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use axum::http::{Request, Response, StatusCode};
use futures::stream::{self, StreamExt};
use media_io::hls::{Address, HlsClient, HlsOptions};
use tokio::sync::watch;

/// What a path answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// 200 with this body.
    Body(Bytes),
    /// 200 with this body as `text/html`.
    Html(Bytes),
    /// This status without a body.
    Status(u16),
    /// 302 to this address.
    Redirect(String),
    /// Half of the body that is announced.
    Cut(Bytes),
    /// A body that never ends.
    Endless,
    /// Headers, and then nothing.
    Silent,
    /// The parts asked for of this body.
    Ranged(Bytes),
}

impl Reply {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Body(text.into().into())
    }
}

#[derive(Debug, Default)]
struct Paths {
    replies: HashMap<String, Vec<Reply>>,
    requests: HashMap<String, usize>,
    /// How many bodies that never come were given up by who waited for them.
    given_up: usize,
}

/// An origin that serves until the test ends.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    base: String,
    paths: Arc<Mutex<Paths>>,
    /// Told of each request and of each body that is given up.
    changed: watch::Sender<()>,
}

/// What the server has.
#[derive(Clone)]
struct Served {
    paths: Arc<Mutex<Paths>>,
    changed: watch::Sender<()>,
}

/// Goes with a body.
struct Waited(Served);

impl Drop for Waited {
    fn drop(&mut self) {
        self.0.paths.lock().unwrap().given_up += 1;
        self.0.changed.send_replace(());
    }
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let paths: Arc<Mutex<Paths>> = Arc::default();
        let changed = watch::Sender::new(());
        let served = Served { paths: Arc::clone(&paths), changed: changed.clone() };
        let router = Router::new().fallback(answer).with_state(served);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, paths, changed }
    }

    /// What a path answers, one after another; the last stays.
    pub(crate) fn serve(&self, path: &str, replies: impl IntoIterator<Item = Reply>) -> &Self {
        self.paths.lock().unwrap().replies.insert(path.to_owned(), replies.into_iter().collect());
        self
    }

    /// Serves transport stream segments `0.ts` and on.
    pub(crate) fn segments(&self, count: u8) -> &Self {
        for number in 0..count {
            self.serve(&format!("/{number}.ts"), [Reply::Body(segment(number))]);
        }
        self
    }

    /// How often a path was asked for.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.paths.lock().unwrap().requests.get(path).copied().unwrap_or(0)
    }

    /// Waits until a path was asked for.
    pub(crate) async fn asked(&self, path: &str) {
        self.until(|paths| paths.requests.contains_key(path)).await;
    }

    /// Waits until somebody has given up waiting for a body that never comes.
    pub(crate) async fn given_up(&self) {
        self.until(|paths| paths.given_up > 0).await;
    }

    async fn until(&self, is_so: impl Fn(&Paths) -> bool) {
        let mut changed = self.changed.subscribe();
        while !is_so(&self.paths.lock().unwrap()) {
            changed.changed().await.unwrap();
        }
    }

    /// An address here, with a token as real ones have.
    pub(crate) fn address(&self, path: &str) -> Address {
        Address::parse(&format!("{}{path}?token=secret", self.base)).unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

async fn answer(State(served): State<Served>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let reply = {
        let mut paths = served.paths.lock().unwrap();
        let paths = &mut *paths;
        let earlier = paths.requests.entry(path.clone()).or_default();
        *earlier += 1;
        let replies = paths.replies.get(&path);
        replies.and_then(|replies| replies.get(*earlier - 1).or(replies.last())).cloned()
    };
    served.changed.send_replace(());
    let builder = Response::builder();
    let response = match reply.unwrap_or(Reply::Status(404)) {
        Reply::Body(bytes) => builder.header(CONTENT_TYPE, "application/octet-stream").body(bytes.into()),
        Reply::Html(bytes) => builder.header(CONTENT_TYPE, "text/html").body(bytes.into()),
        Reply::Status(status) => builder.status(status).body(Body::empty()),
        Reply::Redirect(to) => builder.status(StatusCode::FOUND).header(LOCATION, to).body(Body::empty()),
        Reply::Cut(bytes) => {
            let half = bytes.slice(..bytes.len() / 2);
            let broken = stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
            builder.header(CONTENT_LENGTH, bytes.len()).body(Body::from_stream(broken))
        }
        Reply::Endless => {
            let packets = stream::repeat(Ok::<_, Infallible>(segment(0)));
            builder.body(Body::from_stream(packets))
        }
        Reply::Silent => {
            let waited = Waited(served);
            let nothing = stream::pending::<Result<Bytes, Infallible>>();
            let nothing = nothing.inspect(move |_| _ = &waited).boxed();
            builder.body(Body::from_stream(nothing))
        }
        Reply::Ranged(bytes) => {
            let range = request.headers()[RANGE].to_str().unwrap().strip_prefix("bytes=").unwrap().to_owned();
            let (start, end) = range.split_once('-').unwrap();
            let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
            builder
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, format!("bytes {start}-{end}/{}", bytes.len()))
                .body(bytes.slice(start..=end).into())
        }
    };
    response.unwrap()
}

/// A transport stream of three packets that tells its number.
pub(crate) fn segment(number: u8) -> Bytes {
    let mut bytes = vec![number; 3 * 188];
    for at in [0, 188, 376] {
        bytes[at] = 0x47;
    }
    bytes.into()
}

/// A list of segments of 0.2 s, the first numbered `sequence`.
pub(crate) fn list(sequence: u64, names: impl IntoIterator<Item = u64>, end: &str) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
    for name in names {
        let millis = name * 200;
        let _ = writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:2026-10-08T12:00:{:02}.{:03}Z\n#EXTINF:0.200,live\n{name}.ts?dna=secret",
            millis / 1000,
            millis % 1000
        );
    }
    text + end
}

pub(crate) const END: &str = "#EXT-X-ENDLIST\n";

/// A client that does not wait long.
pub(crate) fn client() -> HlsClient {
    client_with(|_| {})
}

pub(crate) fn client_with(change: impl FnOnce(&mut HlsOptions)) -> HlsClient {
    let mut options = HlsOptions {
        retry_delay: std::time::Duration::from_millis(10),
        attempts: 3,
        ..HlsOptions::default()
    };
    change(&mut options);
    HlsClient::new(options).unwrap()
}
