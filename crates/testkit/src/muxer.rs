//! ffmpeg's own HLS muxer as a live origin behind a plain web server: a stream that none of our stand-ins made.
//!
//! ffmpeg is fed no faster than its segments are fetched, so that a client on a busy machine misses nothing of it, and one
//! on a fast machine does not wait for a clock.

mod files;

use std::ffi::OsString;
use std::future::IntoFuture;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use self::files::Served;
use self::files::Shared;
use crate::origin::Packing;
use crate::probe;

/// Seconds of a segment, unless told otherwise.
const SEGMENT_S: f64 = 2.0;
/// Segments in the list. ffmpeg deletes those that have left it, but for one.
const WINDOW: u32 = 6;
/// Segments that ffmpeg is fed beyond those that were fetched: less than the window by what is made of a piece that is larger
/// than it should be.
const AHEAD: u64 = 4;
/// How much is fed at once, in seconds.
const PIECE_S: f64 = 0.25;
/// The playlist.
const LIST: &str = "live.m3u8";

/// How to play a transport stream live through ffmpeg's muxer.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use testkit::muxer::LiveMuxer;
/// use testkit::origin::Packing;
///
/// let mut stream = LiveMuxer::of(std::path::Path::new("source.ts")).packing(Packing::Fragmented).start().await?;
/// let address = stream.url();
/// // ... record it to its end ...
/// stream.ended().await?;
/// assert!(stream.served().iter().all(|segment| segment.requests == 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LiveMuxer {
    source: PathBuf,
    packing: Packing,
    segment_s: f64,
    options: Vec<OsString>,
}

impl LiveMuxer {
    /// Plays this transport stream, packets as they are, in segments of 2 s.
    pub fn of(source: &Path) -> Self {
        Self {
            source: source.to_owned(),
            packing: Packing::Transport,
            segment_s: SEGMENT_S,
            options: Vec::new(),
        }
    }

    /// Another packing.
    pub fn packing(mut self, packing: Packing) -> Self {
        self.packing = packing;
        self
    }

    /// Another length of segments, in seconds: at least the distance of key frames in the source.
    pub fn segment_s(mut self, seconds: f64) -> Self {
        self.segment_s = seconds;
        self
    }

    /// More output options for ffmpeg, placed last, so that they win.
    pub fn options<S: Into<OsString>>(mut self, options: impl IntoIterator<Item = S>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Begins, on a free port of the loopback. The playlist is there when ffmpeg has made its first segment.
    ///
    /// # Errors
    /// If the source cannot be read, ffmpeg cannot be started, or no port can be had.
    pub async fn start(self) -> io::Result<MuxedStream> {
        let length_s = probe(&self.source)?["format"]["duration"]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the source has no duration"))?;
        let bytes = fs_err::read(&self.source)?;
        let shared = Arc::new(Shared::new(tempfile::tempdir()?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = format!("http://{}/{LIST}", listener.local_addr()?);
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, files::router(Arc::clone(&shared)));
        // The channel ends when the stream is dropped.
        let server = server.with_graceful_shutdown(async { drop(stopped.await) });
        tokio::spawn(server.into_future());
        let child = self.command(shared.folder()).spawn()?;
        let feeding = tokio::spawn(feed(child, bytes, length_s, self.segment_s, Arc::clone(&shared)));
        Ok(MuxedStream { address, shared, feeding, _running: running })
    }

    fn command(&self, folder: &Path) -> Command {
        let kind: &[&str] = match self.packing {
            Packing::Transport => &["mpegts"],
            // AAC has headers of its own in a transport stream, and not in MP4.
            Packing::Fragmented => &["fmp4", "-bsf:a", "aac_adtstoasc"],
        };
        let mut command = Command::new("ffmpeg");
        command
            .args(["-v", "error", "-f", "mpegts", "-i", "pipe:0", "-map", "0:v:0", "-map", "0:a:0?"])
            .args(["-c", "copy", "-f", "hls", "-hls_segment_type"])
            .args(kind)
            .args(["-hls_time", &self.segment_s.to_string(), "-hls_list_size", &WINDOW.to_string()])
            .args(["-hls_flags", "delete_segments+program_date_time"])
            .args(&self.options)
            .arg(LIST)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A stream that is being made and served; both end when it is dropped.
#[derive(Debug)]
pub struct MuxedStream {
    address: String,
    shared: Arc<Shared>,
    feeding: JoinHandle<io::Result<()>>,
    _running: oneshot::Sender<()>,
}

impl MuxedStream {
    /// The address of the playlist.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.clone()
    }

    /// Waits until all of the source went through and the playlist has its end. To be called once.
    ///
    /// # Errors
    /// If ffmpeg failed.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.feeding).await.map_err(io::Error::other)?
    }

    /// The segments that were fetched until now, in the order of the stream.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.shared.served()
    }

    /// What was fetched joined to one file: the head of fragments, if there is one, and each segment once.
    ///
    /// # Errors
    /// If the head cannot be read.
    pub fn joined(&self) -> io::Result<Vec<u8>> {
        let init = self.shared.folder().join(files::INIT);
        let head = if init.exists() { fs_err::read(init)? } else { Vec::new() };
        Ok(self.served().iter().fold(head, |mut file, segment| {
            file.extend_from_slice(&segment.bytes);
            file
        }))
    }
}

impl Drop for MuxedStream {
    fn drop(&mut self) {
        // ffmpeg belongs to the task and is killed with it.
        self.feeding.abort();
    }
}

/// Feeds `bytes`, which are `length_s` long, to ffmpeg as fast as its segments of `segment_s` are fetched, and waits for its end.
async fn feed(
    mut child: tokio::process::Child,
    bytes: Vec<u8>,
    length_s: f64,
    segment_s: f64,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let pieces = (length_s / PIECE_S).ceil().max(1.0) as usize;
    let mut fetched = shared.fetched();
    if let Some(mut pipe) = child.stdin.take() {
        for (number, piece) in bytes.chunks(bytes.len().div_ceil(pieces).max(1)).enumerate() {
            let fed_s = number as f64 * PIECE_S;
            let may = |fetched: &u64| fed_s < (fetched + AHEAD) as f64 * segment_s;
            fetched.wait_for(may).await.map_err(io::Error::other)?;
            // ffmpeg ends early where it fails, which its exit status tells.
            if pipe.write_all(piece).await.is_err() {
                break;
            }
        }
    }
    let output = child.wait_with_output().await?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ffmpeg ended with {}: {}", output.status, said.trim())))
}
