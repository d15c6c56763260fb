//! Sending all chunks that are not there yet.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use publish::{Journal, Mark, ProgressSink, PublishError, Receipt, Refusal, Standing};

use super::flight::Flight;
use super::http::{Chunk, ChunkReply, UploadHttp};
use crate::api::{PublishStatus, StatusKind, TikTokApi};
use crate::clock::Clock;

/// A chunk is repeated after 1, 2, 4, 8 and 16 seconds.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const REPEATS: usize = 5;

/// What is needed to send a file.
pub(crate) struct Sending<'a> {
    /// Sends a chunk.
    pub(crate) http: &'a UploadHttp,
    /// Tells how far TikTok is.
    pub(crate) api: &'a TikTokApi,
    /// Lets time pass.
    pub(crate) clock: &'a Arc<dyn Clock>,
    /// Where to, and how it is cut.
    pub(crate) flight: &'a Flight,
    /// The file.
    pub(crate) video: &'a Path,
    /// Its type.
    pub(crate) content_type: &'static str,
    /// Who wants to know how much was sent.
    pub(crate) progress: ProgressSink<'a>,
}

/// How sending ended.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Every byte is there.
    Whole,
    /// TikTok is past taking bytes; this is what it says.
    Beyond(PublishStatus),
    /// The address is of no use any more.
    Gone {
        /// Why.
        why: String,
    },
}

impl Sending<'_> {
    /// Sends what comes after the first `arrived` chunks. [`Mark::Committing`] is written before the last one.
    ///
    /// # Errors
    /// [`PublishError::Unavailable`] if a chunk does not get through: then the flight is still good. Others as they say.
    pub(crate) async fn send(&self, arrived: u64, journal: &mut dyn Journal) -> Result<Sent, PublishError> {
        let plan = self.flight.plan;
        let (mut next, mut waits) = (arrived, chunk_waits());
        while next < plan.count() {
            if !self.flight.is_open(self.clock.now()) {
                return Ok(Sent::Gone {
                    why: "the hour that TikTok allows for an upload is over".to_owned(),
                });
            }
            if next + 1 == plan.count() {
                self.announce_last(journal).await?;
            }
            let range = plan.range(next);
            let chunk = Chunk { video: self.video, content_type: self.content_type, range };
            let reply = self.http.put(self.flight, &chunk, self.progress).await?;
            let trouble = match reply {
                ChunkReply::Accepted => {
                    (next, waits) = (next + 1, chunk_waits());
                    continue;
                }
                ChunkReply::Gone { status } => {
                    let why = format!("TikTok takes no more bytes for this upload (status {status})");
                    return Ok(Sent::Gone { why });
                }
                ChunkReply::Refused { status } => return Err(refused(status)),
                ChunkReply::OutOfStep { uploaded: Some(uploaded) } if plan.arrived(uploaded) != next => {
                    next = plan.arrived(uploaded);
                    tracing::debug!(chunk = next, "TikTok waits for another chunk");
                    // Counts as a repetition, so that a server which is never content does not keep us forever.
                    match waits.next() {
                        Some(_) => continue,
                        None => return Err(stuck(next, plan.count(), "TikTok waits for ever other chunks")),
                    }
                }
                ChunkReply::OutOfStep { .. } => {
                    "TikTok waits for another chunk and does not say which".to_owned()
                }
                ChunkReply::Trouble { status } => format!("status {status}"),
                ChunkReply::Broken { what } => what.to_owned(),
            };
            let Some(wait) = waits.next() else {
                return Err(stuck(next, plan.count(), &trouble));
            };
            tracing::debug!(%trouble, ?wait, chunk = next, "sending again");
            self.clock.sleep(wait).await;
            match self.look().await {
                Some(Look::Beyond(status)) => return Ok(Sent::Beyond(status)),
                // What is told may be a moment old, so it moves us forward alone.
                Some(Look::Uploaded(uploaded)) => next = next.max(plan.arrived(uploaded)),
                None => {}
            }
        }
        (self.progress)(plan.size());
        Ok(Sent::Whole)
    }

    /// Writes down that the last chunk is about to be sent, unless that stands there already.
    async fn announce_last(&self, journal: &mut dyn Journal) -> Result<(), PublishError> {
        if matches!(journal.standing(), Standing::Committing(_)) {
            return Ok(());
        }
        let receipt = Receipt(self.flight.publish_id.clone());
        Ok(journal.write(Mark::Committing { receipt: Some(receipt) }).await?)
    }

    /// What TikTok says of the upload, if it says anything now. Nothing depends on it: a chunk that is there is refused when it is
    /// sent again.
    async fn look(&self) -> Option<Look> {
        let status = self.api.status_once(&self.flight.publish_id).await;
        let status =
            status.inspect_err(|error| tracing::debug!(%error, "TikTok does not say how far it is")).ok()?;
        match status.kind {
            StatusKind::SentToInbox | StatusKind::Complete | StatusKind::Failed => Some(Look::Beyond(status)),
            StatusKind::ProcessingUpload | StatusKind::ProcessingDownload | StatusKind::Other(_) => {
                status.uploaded_bytes.map(Look::Uploaded)
            }
        }
    }
}

enum Look {
    Beyond(PublishStatus),
    Uploaded(u64),
}

fn chunk_waits() -> impl Iterator<Item = Duration> {
    let waits =
        ExponentialBuilder::default().with_min_delay(FIRST_WAIT).with_max_times(REPEATS).with_jitter();
    waits.build()
}

fn stuck(chunk: u64, count: u64, trouble: &str) -> PublishError {
    PublishError::unavailable(format!(
        "chunk {} of {count} does not get through to TikTok: {trouble}",
        chunk + 1
    ))
}

fn refused(status: u16) -> PublishError {
    PublishError::Refused(Box::new(Refusal {
        code: format!("status {status}"),
        reason: "TikTok finds a chunk of the video wrong".to_owned(),
        remedy: "this is a mistake of this program; report it".to_owned(),
        reference: None,
    }))
}
