//! A host that serves files with ranges, pages and redirects over loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What is at a path.
#[derive(Clone, Debug)]
pub(crate) enum Page {
    /// A media file, whose first answer breaks off after so many bytes.
    Media { bytes: Vec<u8>, cut_after: usize },
    /// A text of a type.
    Text(&'static str, String),
    /// It is elsewhere.
    Redirect(String),
}

/// A running host. Its thread ends with the test.
pub(crate) struct Host {
    base: String,
    ranges: Arc<Mutex<Vec<usize>>>,
}

impl Host {
    pub(crate) fn start(pages: Vec<(&'static str, Page)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("its address"));
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&ranges);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who hangs up in the middle does so on purpose.
                let _ = answer(stream, &pages, &log);
            }
        });
        Self { base, ranges }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The first byte of each request for media, in order.
    pub(crate) fn ranges(&self) -> Vec<usize> {
        self.ranges.lock().expect("nobody panics with it").clone()
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &[(&'static str, Page)],
    log: &Mutex<Vec<usize>>,
) -> std::io::Result<()> {
    let (mut target, mut first) = (String::new(), None);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("GET ") {
            target = rest.split([' ', '?']).next().unwrap_or_default().to_owned();
        } else if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            first = range.split('-').next().and_then(|first| first.parse::<usize>().ok());
        }
    }
    let head = |status: &str, kind: &str, length: usize, more: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n"
        )
    };
    match pages.iter().find(|(path, _)| *path == target) {
        None => stream.write_all(head("404 Not Found", "text/plain", 0, "").as_bytes()),
        Some((_, Page::Text(kind, text))) => {
            stream.write_all(head("200 OK", kind, text.len(), "").as_bytes())?;
            stream.write_all(text.as_bytes())
        }
        Some((_, Page::Redirect(to))) => {
            stream.write_all(head("302 Found", "text/plain", 0, &format!("Location: {to}\r\n")).as_bytes())
        }
        Some((_, Page::Media { bytes, cut_after })) => {
            log.lock().expect("nobody panics with it").push(first.unwrap_or(0));
            let from = first.unwrap_or(0).min(bytes.len());
            let end = if from == 0 { *cut_after } else { bytes.len() };
            let total = bytes.len();
            let text = match first {
                Some(_) => {
                    let range =
                        format!("Content-Range: bytes {from}-{}/{total}\r\n", total.saturating_sub(1));
                    head("206 Partial Content", "video/mp4", total - from, &range)
                }
                None => head("200 OK", "video/mp4", total, ""),
            };
            stream.write_all(text.as_bytes())?;
            stream.write_all(&bytes[from..end])
        }
    }
}
