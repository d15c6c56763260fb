//! Starting a stream.

use std::future::IntoFuture;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use timeline::MediaDuration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::fault::FaultScript;
use super::log::SharedLog;
use super::media::{LiveMedia, Packing};
use super::pace::{Clock, Pace};
use super::plan::{Plan, Repeat};
use super::stream::Stream;
use super::token::Tokens;
use super::transport::{self, PacketCounts};
use super::{Origin, serve};

/// Segments in a live list at real pace; kick.md gives 10 to 15.
const WINDOW: u64 = 15;
/// How long the list stands still before numbers begin again at a pace faster than real, in segments at real pace: twice as
/// long as a client lets pass between two reloads.
const RESET_HOLD: f64 = 2.0;
/// Segments already made when a live stream starts.
const LEAD: u64 = 3;
/// Some number that a stream has reached, so that a reset to zero is one.
const FIRST_SEQUENCE: u64 = 1628;
/// How long tokens last.
const TOKEN_LIFE: Duration = Duration::from_hours(24);

/// How to serve some media; see [`Origin::live`] and [`Origin::vod`].
#[derive(Clone, Debug)]
#[must_use]
pub struct OriginBuilder {
    media: Arc<LiveMedia>,
    live: bool,
    pace: Pace,
    script: FaultScript,
    repeat: Repeat,
    window: Option<u64>,
    reset_hold: Option<u64>,
    lead: u64,
    first_sequence: u64,
    pts_offset: MediaDuration,
    began: Timestamp,
    token_life: Duration,
}

impl OriginBuilder {
    pub(super) fn new(media: Arc<LiveMedia>, live: bool) -> Self {
        Self {
            media,
            live,
            pace: Pace::Realtime,
            script: FaultScript::new(),
            repeat: Repeat::Once,
            window: None,
            reset_hold: None,
            lead: LEAD,
            first_sequence: FIRST_SEQUENCE,
            pts_offset: MediaDuration::ZERO,
            began: Timestamp::now(),
            token_life: TOKEN_LIFE,
        }
    }

    /// How fast a live stream plays.
    pub fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// What goes wrong.
    pub fn script(mut self, script: FaultScript) -> Self {
        self.script = script;
        self
    }

    /// What happens when the media is over.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Segments in a live list: 15 at real pace and as many times more as the pace is faster, so that a client that
    /// reloads at the pace of the segments' own length loses nothing.
    pub fn window(mut self, segments: u64) -> Self {
        self.window = Some(segments);
        self
    }

    /// For how many segments a live list stands still before numbers begin again: none at real pace, and as many at a faster
    /// one as a client that reloads at the pace of the segments' own length needs to see all that came before.
    pub fn reset_hold(mut self, segments: u64) -> Self {
        self.reset_hold = Some(segments);
        self
    }

    /// Segments already made when a live stream starts: 3 unless told otherwise.
    pub fn lead(mut self, segments: u64) -> Self {
        self.lead = segments;
        self
    }

    /// The number of a live stream's first segment: 1628 unless told otherwise.
    pub fn first_sequence(mut self, number: u64) -> Self {
        self.first_sequence = number;
        self
    }

    /// Added to all timestamps, such as 26 h 30 min to come close to where the 33 bits of PTS wrap.
    pub fn pts_offset(mut self, offset: MediaDuration) -> Self {
        self.pts_offset = offset;
        self
    }

    /// The wall clock at the start of the stream: now, unless told otherwise.
    pub fn began(mut self, began: Timestamp) -> Self {
        self.began = began;
        self
    }

    /// How long a token opens the master playlist: a day unless told otherwise.
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// Serves it, on a free port of the loopback.
    ///
    /// # Errors
    /// If no port can be had, the pace is not a positive number, or a finished broadcast is to repeat for ever.
    pub async fn start(self) -> io::Result<Origin> {
        let invalid = |message: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, message.to_owned()));
        if self.pace.factor().is_some_and(|factor| !factor.is_finite() || factor <= 0.0) {
            return invalid("the pace of a stream is a positive number");
        }
        if !self.live && matches!(self.repeat, Repeat::Forever | Repeat::ForeverDiscontinuous) {
            return invalid("a finished broadcast cannot repeat for ever");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let stream = Arc::new(self.stream(base));
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, serve::router(Arc::clone(&stream)));
        // The channel ends when the last handle is dropped.
        let server = server.with_graceful_shutdown(async { drop(stopped.await) });
        tokio::spawn(server.into_future());
        Ok(Origin { stream, _running: Arc::new(running) })
    }

    fn stream(self, base: String) -> Stream {
        let mut packets = vec![PacketCounts::new(); self.media.renditions.len()];
        if self.media.packing == Packing::Transport && self.repeat != Repeat::ForeverDiscontinuous {
            for (counts, rendition) in packets.iter_mut().zip(&self.media.renditions) {
                rendition.segments.iter().for_each(|segment| transport::count(&segment.bytes, counts));
            }
        }
        let speed = self.pace.factor().unwrap_or(1.0).max(1.0);
        let mut plan = Plan::new(self.media, self.script);
        plan.repeat = self.repeat;
        plan.pts_offset = self.pts_offset;
        if self.live {
            plan.window = self.window.unwrap_or((WINDOW as f64 * speed).ceil() as u64);
            plan.first_sequence = self.first_sequence;
            let hold = if speed > 1.0 { (RESET_HOLD * speed).ceil() as u64 } else { 0 };
            plan.reset_hold = self.reset_hold.unwrap_or(hold);
        }
        let id = Uuid::new_v4().simple().to_string();
        let (channel, recording) = (id[..12].to_owned(), id[12..24].to_owned());
        let vod_folder = format!(
            "/ivs/v1/196233775518/{channel}/{}/{recording}/media/hls",
            self.began.strftime("%Y/%-m/%-d/%-H/%-M")
        );
        Stream {
            plan,
            live: self.live,
            clock: Clock::new(self.pace),
            lead: self.lead,
            advanced: AtomicU64::new(0),
            stopped: AtomicU64::new(u64::MAX),
            changed: watch::Sender::new(()),
            log: SharedLog::default(),
            tokens: Tokens::default(),
            token_life: self.token_life,
            began: self.began,
            base,
            channel,
            vod_folder,
            packets,
        }
    }
}
