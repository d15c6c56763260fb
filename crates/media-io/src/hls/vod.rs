//! Finished broadcasts: which segments there are, and those of them that one needs.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::stream::{self, BoxStream, StreamExt};
use timeline::{MediaDuration, MediaTime, Span};

use super::address::Address;
use super::client::HlsClient;
use super::error::HlsError;
use super::fetch::{Fetcher, Listing};
use super::loss::{LossReason, LostSegment};
use super::playlist::{Entry, PlaylistError};
use super::rendition::{Rendition, RenditionRule};
use super::segment::Segment;

/// How many segments are fetched at once. A content network gives each connection only so much; four fill a home line.
pub const VOD_CONCURRENCY: usize = 4;

/// One rendition of a finished broadcast, or of one that still grows. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct VodPlaylist {
    /// The rendition that was chosen.
    pub rendition: Rendition,
    /// Its segments, in order, without holes between their spans.
    pub segments: Arc<[VodSegment]>,
    /// How long they last together.
    pub duration: MediaDuration,
    /// Whether the origin says that these are all (`EXT-X-ENDLIST`).
    pub complete: bool,
    client: HlsClient,
    fetcher: Arc<Fetcher>,
    base: Address,
}

/// One segment of a finished broadcast.
#[derive(Debug, Clone, PartialEq)]
pub struct VodSegment {
    /// Where it lies, by the durations that the playlist tells: the first begins at zero. Renditions of one broadcast
    /// are cut at different places, so they are matched by this time and never by index.
    pub span: Span,
    /// What the playlist says of it.
    pub entry: Entry,
}

/// What became of a segment that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is here.
    Segment(Segment),
    /// It could not be had.
    Lost(LostSegment),
}

impl VodPlaylist {
    /// Reads the playlists of the broadcast at `start`, which is a list of renditions or of segments.
    ///
    /// # Errors
    /// If a playlist cannot be had or used, lists nothing, or the segments are encrypted in a way that cannot be undone.
    pub async fn open(client: &HlsClient, start: &Address, rule: RenditionRule) -> Result<Self, HlsError> {
        let fetcher = Arc::new(Fetcher::new(client, start, Arc::new(AtomicU64::new(0))).await);
        let mut failures = 0;
        let (rendition, Listing { base, list, .. }) = loop {
            match fetcher.open(start, rule).await {
                Ok(opened) => break opened,
                Err(error) if is_worth_repeating(&error) && failures + 1 < client.options().attempts => {
                    failures += 1;
                    tracing::debug!(%error, failures, "the playlist of a broadcast did not come");
                    tokio::time::sleep(client.options().delay(failures)).await;
                }
                Err(error) => return Err(error),
            }
        };
        if let Some(method) = list.unsupported_encryption() {
            return Err(HlsError::Encryption { host: base.host(), method: method.to_owned() });
        }
        if list.entries.is_empty() {
            return Err(HlsError::Playlist { host: base.host(), source: PlaylistError::Nothing });
        }
        let mut end = MediaTime::ZERO;
        let segments: Vec<VodSegment> = list
            .entries
            .into_iter()
            .map(|entry| {
                let span = Span::starting_at(end, entry.duration);
                end = span.end();
                VodSegment { span, entry }
            })
            .collect();
        Ok(Self {
            rendition,
            segments: segments.into(),
            duration: end - MediaTime::ZERO,
            complete: list.ended,
            client: client.clone(),
            fetcher,
            base,
        })
    }

    /// The segments that hold a part of `span`.
    #[must_use]
    pub fn segments_covering(&self, span: Span) -> Range<usize> {
        let start = self.segments.partition_point(|segment| segment.span.end() <= span.start());
        let end = self.segments.partition_point(|segment| segment.span.start() < span.end());
        start..end.max(start)
    }

    /// Fetches these segments, several at once, and gives them in order. Indices past the end are passed over.
    #[must_use]
    pub fn fetch(&self, range: Range<usize>) -> BoxStream<'static, Fetched> {
        let playlist = self.clone();
        let range = range.start..range.end.min(self.segments.len());
        let fetch = move |index: usize| {
            let playlist = playlist.clone();
            async move { playlist.fetch_one(&playlist.segments[index].entry).await }
        };
        stream::iter(range).map(fetch).buffered(VOD_CONCURRENCY).boxed()
    }

    /// How many bytes of playlists, keys and segments have come so far, through this and its clones.
    #[must_use]
    pub fn bytes_fetched(&self) -> u64 {
        self.fetcher.received()
    }

    async fn fetch_one(&self, entry: &Entry) -> Fetched {
        let options = self.client.options();
        let mut failures = 0;
        loop {
            let error = match self.fetcher.segment(&self.base, entry).await {
                Ok(body) => return Fetched::Segment(Segment::new(entry, 0, body)),
                Err(error) => error,
            };
            failures += 1;
            tracing::debug!(%error, failures, sequence = entry.sequence, "a segment did not come");
            if !error.is_transient() || failures >= options.attempts {
                return Fetched::Lost(LostSegment::new(entry, 0, LossReason::from(&error)));
            }
            tokio::time::sleep(options.delay(failures)).await;
        }
    }
}

/// Whether the playlist of a finished broadcast may come at another attempt. One that is not there or not public stays so.
const fn is_worth_repeating(error: &HlsError) -> bool {
    match error {
        HlsError::Status { status, .. } => matches!(*status, 408 | 425 | 429 | 500..=599),
        HlsError::Playlist { .. } => false,
        other => other.is_transient(),
    }
}
