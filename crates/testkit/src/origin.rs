//! A live HLS origin: plays a media file as a stream over loopback, and fails as the script says.
//!
//! [`Preparation`] cuts a file into segments once. [`Origin::live`] plays them as Kick's backend would (master URL with
//! a token, opaque names, PROGRAM-DATE-TIME, prefetch lines), in real or scaled time or segment by segment by hand;
//! [`Origin::vod`] serves them as a finished broadcast. [`Origin::log`] tells what was served, [`Origin::truth`] what
//! could have been; [`Verdict`] compares a recording with it.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use testkit::origin::{Fault, FaultScript, Origin, Pace, Preparation};
//!
//! let media = Preparation::of(&testkit::arena_night()).prepare()?;
//! let script = FaultScript::new().at(7..8, Fault::NotFound { times: None });
//! let origin = Origin::live(media).pace(Pace::Scaled(20.0)).script(script).start().await?;
//! let master = origin.url();
//! // ... record it ...
//! origin.ended().await;
//! assert!(origin.truth()[7].lost && origin.log().repeated().is_empty());
//! # Ok(())
//! # }
//! ```

mod body;
mod bomb;
mod builder;
mod fault;
mod fragment;
mod log;
mod media;
mod pace;
mod plan;
mod playlist;
mod prepare;
mod random;
mod serve;
mod stream;
mod token;
mod transport;
mod verdict;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use timeline::MediaTime;
use tokio::sync::oneshot;

pub use builder::OriginBuilder;
pub use fault::{Fault, FaultScript, ScriptedFault};
pub use log::{Log, SegmentLog};
pub use media::{LiveMedia, MediaSegment, Packing, Rendition};
pub use pace::Pace;
pub use plan::{Repeat, TrueSegment};
pub use prepare::{Preparation, Rung};
pub use random::Mix;
use stream::Stream;
pub use verdict::Verdict;

/// A stream that is being served. Clones are the same stream; with the last of them it goes off the air.
#[derive(Clone)]
pub struct Origin {
    stream: Arc<Stream>,
    /// The server stops when this is dropped.
    _running: Arc<oneshot::Sender<()>>,
}

impl Origin {
    /// A live stream of this media.
    pub fn live(media: Arc<LiveMedia>) -> OriginBuilder {
        OriginBuilder::new(media, true)
    }

    /// A finished broadcast of this media. Faults of playlists hold where they are about its last segment.
    pub fn vod(media: Arc<LiveMedia>) -> OriginBuilder {
        OriginBuilder::new(media, false)
    }

    /// The address of the multivariant playlist, of a live stream with a new token each time.
    #[must_use]
    pub fn url(&self) -> String {
        let Stream { base, channel, vod_folder, tokens, token_life, .. } = &*self.stream;
        if !self.stream.live {
            return format!("{base}{vod_folder}/master.m3u8");
        }
        let token = tokens.issue(self.stream.made(), *token_life, channel);
        format!("{base}/api/video/v1/us-west-2.196233775518.channel.{channel}.m3u8?token={token}")
    }

    /// Completes so many more segments. Each number of them between is then a state of the playlist that nobody saw.
    pub fn advance(&self, segments: u64) {
        self.stream.clock.start();
        self.stream.advanced.fetch_add(segments, Ordering::SeqCst);
        self.stream.changed.send_replace(());
    }

    /// Ends the stream after the segments that are complete, with ENDLIST, as a streamer does who stops.
    pub fn stop(&self) {
        self.stream.stopped.fetch_min(self.stream.made(), Ordering::SeqCst);
        self.stream.changed.send_replace(());
    }

    /// How many segments are complete.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.stream.made()
    }

    /// Lets the clock run, which otherwise begins with the first request for a playlist.
    pub fn go(&self) {
        self.stream.clock.start();
    }

    /// Waits until all of the stream's segments are complete: for ever, if it repeats for ever and is not stopped.
    pub async fn ended(&self) {
        self.stream.complete().await;
    }

    /// Waits until this many segments are complete; sooner, if the stream ends before.
    pub async fn reached(&self, segments: u64) {
        self.stream.reached(segments).await;
    }

    /// Waits until this moment of the stream is being made: what is said then is said now. At a manual pace, until the
    /// segment that holds it is complete.
    pub async fn on_air(&self, time: MediaTime) {
        self.stream.on_air(time - MediaTime::ZERO).await;
    }

    /// What was asked for and served until now.
    #[must_use]
    pub fn log(&self) -> Log {
        self.stream.log.change(|log| log.clone())
    }

    /// The segments complete until now, as they truly were, whatever went wrong with serving them.
    #[must_use]
    pub fn truth(&self) -> Vec<TrueSegment> {
        self.stream.plan.truth(self.stream.made(), self.stream.total())
    }

    /// What is played.
    #[must_use]
    pub fn media(&self) -> &LiveMedia {
        &self.stream.plan.media
    }

    /// A segment's bytes as the stream serves them when nothing goes wrong.
    ///
    /// # Panics
    /// If there is no such rung.
    #[must_use]
    pub fn segment_bytes(&self, rung: usize, index: u64) -> bytes::Bytes {
        serve::bytes(&self.stream, rung, index)
    }

    /// How long the stream is, if it ends; zero if it does not.
    #[must_use]
    pub fn length(&self) -> std::time::Duration {
        self.stream.total().map_or(std::time::Duration::ZERO, |total| self.stream.plan.start(total).to_std())
    }

    /// The wall clock at the start of the stream, as PROGRAM-DATE-TIME gives it.
    #[must_use]
    pub fn began(&self) -> jiff::Timestamp {
        self.stream.began
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Origin");
        shown.field("base", &self.stream.base).field("live", &self.stream.live).finish_non_exhaustive()
    }
}
