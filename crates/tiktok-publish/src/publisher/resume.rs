//! Sending what TikTok has asked for, from wherever it stopped.

use std::time::Duration;

use publish::{Mark, Post, PostKey, PublishError, Receipt};

use super::{Step, TikTokPublisher, Work};
use crate::api::{Class, PublishStatus, StatusKind};
use crate::ledger::Outcome;
use crate::plan::is_whole;
use crate::preflight::Container;
use crate::upload::{Flight, Sending, Sent};

/// What is told of an upload may be a moment old; before one is written off it is asked about again after this.
const ASK_AGAIN: Duration = Duration::from_secs(5);

impl TikTokPublisher {
    /// Goes on with an upload whose last chunk was never begun.
    pub(super) async fn go_on(&self, work: &mut Work<'_>, receipt: &Receipt) -> Result<Step, PublishError> {
        let Some(flight) = self.flight(work.post, work.key, receipt).await? else {
            let why = "the address of the upload has ended or is lost";
            self.abandon(work, &receipt.0, Outcome::Abandoned, why).await?;
            return Ok(Step::Anew(PublishError::unavailable(why)));
        };
        if std::mem::take(&mut work.is_fresh) {
            return self.send(work, receipt, &flight, 0).await;
        }
        let arrived = match self.api.status(&receipt.0).await {
            Ok(status) if status.kind == StatusKind::Failed => {
                return self.give_up(work, receipt, &status).await;
            }
            Ok(status) if is_beyond(&status) => return self.committed(work, receipt).await,
            Ok(status) => status.uploaded_bytes.map_or(0, |uploaded| flight.plan.arrived(uploaded)),
            // Then the first chunk is sent, and refused if it is there already, with how far TikTok is.
            Err(error) if error.is_trouble() || error.is_busy() => 0,
            Err(error) if error.class() == Some(Class::Stale) => 0,
            Err(error) => return Err(self.refused(error).await),
        };
        self.send(work, receipt, &flight, arrived).await
    }

    /// Finds out whether the last chunk arrived, and sends it if not.
    pub(super) async fn settle(&self, work: &mut Work<'_>, receipt: Receipt) -> Result<Step, PublishError> {
        let flight = self.flight(work.post, work.key, &receipt).await?;
        let status = self.ask(&receipt).await?;
        let size = work.post.facts.bytes;
        match (&status.kind, status.uploaded_bytes) {
            (StatusKind::Failed, _) => self.give_up(work, &receipt, &status).await,
            _ if is_beyond(&status) => self.committed(work, &receipt).await,
            // The number of bytes, or that of the last one.
            (_, Some(uploaded)) if is_whole(uploaded, size) => self.committed(work, &receipt).await,
            (_, uploaded) => match (flight, uploaded) {
                // Sending to the same address again cannot make a second post: what is there already is refused.
                (Some(flight), uploaded) => {
                    let last = flight.plan.count() - 1;
                    let arrived = uploaded.map_or(last, |uploaded| flight.plan.arrived(uploaded));
                    self.send(work, &receipt, &flight, arrived).await
                }
                (None, Some(_)) => self.write_off(work, &receipt).await,
                (None, None) => Err(unknown(&receipt, "TikTok does not say how much of it has arrived")),
            },
        }
    }

    /// An upload that is not whole, and whose address is of no use any more.
    async fn write_off(&self, work: &mut Work<'_>, receipt: &Receipt) -> Result<Step, PublishError> {
        self.clock.sleep(ASK_AGAIN).await;
        let status = self.ask(receipt).await?;
        let is_whole = status.uploaded_bytes.is_none_or(|bytes| is_whole(bytes, work.post.facts.bytes));
        if is_whole || is_beyond(&status) || status.kind == StatusKind::Failed {
            // Not what it was a moment ago: looked at again from the start.
            return Ok(Step::On);
        }
        let why = "the upload did not get through within the hour that TikTok allows";
        self.abandon(work, &receipt.0, Outcome::Abandoned, why).await?;
        Ok(Step::Anew(PublishError::unavailable(why)))
    }

    /// Sends what is missing.
    async fn send(
        &self,
        work: &mut Work<'_>,
        receipt: &Receipt,
        flight: &Flight,
        arrived: u64,
    ) -> Result<Step, PublishError> {
        let sending = Sending {
            http: &self.http,
            api: &self.api,
            clock: &self.clock,
            flight,
            video: &work.post.video,
            content_type: Container::of_post(work.post).content_type(),
            progress: work.progress,
        };
        match sending.send(arrived, work.journal).await? {
            Sent::Whole => self.committed(work, receipt).await,
            Sent::Beyond(status) if status.kind == StatusKind::Failed => {
                self.give_up(work, receipt, &status).await
            }
            Sent::Beyond(_) => self.committed(work, receipt).await,
            Sent::Gone { why } => {
                tracing::debug!(publish_id = %receipt, why, "the address has ended");
                self.flights.remove(work.key).await?;
                if work.journal.standing().may_be_published() {
                    // The last chunk was begun once, so TikTok has to say what came of it.
                    return Ok(Step::On);
                }
                self.abandon(work, &receipt.0, Outcome::Abandoned, &why).await?;
                Ok(Step::Anew(PublishError::unavailable(why)))
            }
        }
    }

    async fn committed(&self, work: &mut Work<'_>, receipt: &Receipt) -> Result<Step, PublishError> {
        work.journal.write(Mark::Committed { receipt: receipt.clone() }).await?;
        Ok(Step::On)
    }

    /// What TikTok says of an upload that may be whole.
    async fn ask(&self, receipt: &Receipt) -> Result<PublishStatus, PublishError> {
        match self.api.status(&receipt.0).await {
            Ok(status) => Ok(status),
            Err(error) if error.class() == Some(Class::Stale) => {
                let log_id = error.log_id().map(|id| format!(", log_id {id}")).unwrap_or_default();
                Err(unknown(receipt, &format!("TikTok knows nothing of it under its id{log_id}")))
            }
            // Asking again later is safe.
            Err(error) => Err(self.refused(error).await),
        }
    }

    async fn flight(
        &self,
        post: &Post,
        key: PostKey,
        receipt: &Receipt,
    ) -> Result<Option<Flight>, PublishError> {
        let flight = self.flights.load(key, post.content, &self.api_base, self.clock.now()).await?;
        Ok(flight.filter(|flight| flight.publish_id == receipt.0))
    }
}

/// Whether TikTok is past taking bytes, and has them all.
fn is_beyond(status: &PublishStatus) -> bool {
    matches!(status.kind, StatusKind::SentToInbox | StatusKind::Complete | StatusKind::ProcessingDownload)
}

fn unknown(receipt: &Receipt, why: &str) -> PublishError {
    PublishError::Unknown { why: why.to_owned(), receipt: Some(receipt.clone()) }
}
