//! A host that serves files with ranges, pages, redirects and folders over loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What is where.
#[derive(Debug, Default)]
struct Content {
    pages: Vec<(&'static str, Page)>,
    /// What is at no path of these is looked for in this folder.
    folder: Option<PathBuf>,
}

/// A running host.
pub(crate) struct Host {
    base: String,
    ranges: Arc<Mutex<Vec<usize>>>,
    asked: Arc<Mutex<Vec<String>>>,
    is_gone: Arc<AtomicBool>,
}

impl Host {
    pub(crate) fn start(pages: Vec<(&'static str, Page)>) -> Self {
        Self::serve(Content { pages, folder: None })
    }

    /// Serves the files in a folder.
    pub(crate) fn folder(folder: PathBuf) -> Self {
        Self::serve(Content { pages: Vec::new(), folder: Some(folder) })
    }

    fn serve(content: Content) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("its address"));
        let host = Self { base, ranges: Arc::default(), asked: Arc::default(), is_gone: Arc::default() };
        let (content, is_gone) = (Arc::new(content), Arc::clone(&host.is_gone));
        let (ranges, asked) = (Arc::clone(&host.ranges), Arc::clone(&host.asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_gone.load(Ordering::SeqCst) {
                    return;
                }
                let (content, ranges, asked) =
                    (Arc::clone(&content), Arc::clone(&ranges), Arc::clone(&asked));
                // Who hangs up in the middle does so on purpose.
                thread::spawn(move || drop(answer(stream, &content, &ranges, &asked)));
            }
        });
        host
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The first byte of each request for media, in order.
    pub(crate) fn ranges(&self) -> Vec<usize> {
        self.ranges.lock().expect("nobody panics with it").clone()
    }

    /// The paths that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::SeqCst);
        // Wakes it, so that it sees that it is over.
        let _ = TcpStream::connect(self.base.trim_start_matches("http://"));
    }
}

fn head(status: &str, kind: &str, length: usize, more: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n"
    )
}

fn answer(
    mut stream: TcpStream,
    content: &Content,
    ranges: &Mutex<Vec<usize>>,
    asked: &Mutex<Vec<String>>,
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
    asked.lock().expect("nobody panics with it").push(target.clone());
    let ok = |kind, length: usize, more: &str| head("200 OK", kind, length, more);
    match content.pages.iter().find(|(path, _)| *path == target) {
        None => match content.folder.as_ref().map(|folder| fs_err::read(folder.join(&target[1..]))) {
            Some(Ok(bytes)) => {
                stream.write_all(ok("application/octet-stream", bytes.len(), "").as_bytes())?;
                stream.write_all(&bytes)
            }
            _ => stream.write_all(head("404 Not Found", "text/plain", 0, "").as_bytes()),
        },
        Some((_, Page::Text(kind, text))) => {
            stream.write_all(ok(kind, text.len(), "").as_bytes())?;
            stream.write_all(text.as_bytes())
        }
        Some((_, Page::Redirect(to))) => {
            stream.write_all(head("302 Found", "text/plain", 0, &format!("Location: {to}\r\n")).as_bytes())
        }
        Some((_, Page::Media { bytes, cut_after })) => {
            ranges.lock().expect("nobody panics with it").push(first.unwrap_or(0));
            let from = first.unwrap_or(0).min(bytes.len());
            let end = if from == 0 { *cut_after } else { bytes.len() };
            let total = bytes.len();
            let text = match first {
                Some(_) => {
                    let range =
                        format!("Content-Range: bytes {from}-{}/{total}\r\n", total.saturating_sub(1));
                    head("206 Partial Content", "video/mp4", total - from, &range)
                }
                None => ok("video/mp4", total, ""),
            };
            stream.write_all(text.as_bytes())?;
            stream.write_all(&bytes[from..end])
        }
    }
}
