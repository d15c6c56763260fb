//! Asking what becomes of a video that TikTok has whole.

use std::time::Duration;

use publish::{Mark, PublishError, Receipt};

use super::{Step, TikTokPublisher, Work, describe, failed};
use crate::api::{ApiError, PublishStatus, StatusKind};
use crate::clock::later;
use crate::ledger::{Outcome, ShareMode};

/// The first waits between questions. Most videos are done within seconds.
const FIRST_WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];
/// The wait between later questions.
const LATER_WAIT: Duration = Duration::from_secs(10);

impl TikTokPublisher {
    /// Waits until a video is where it is going to be, or the deadline.
    pub(super) async fn wait(&self, work: &mut Work<'_>, receipt: Receipt) -> Result<Step, PublishError> {
        // There is nothing more to send, so nobody needs the address.
        self.flights.remove(work.key).await?;
        let share = self.ledger.share(&receipt.0).await?;
        let deadline = later(self.clock.now(), self.settings.status_deadline);
        let mut waits = FIRST_WAITS.into_iter();
        let delivery = loop {
            let answer = self.api.status(&receipt.0).await;
            match answer {
                Ok(status) => {
                    if status.kind == StatusKind::Failed {
                        return self.give_up(work, &receipt, &status).await;
                    }
                    self.ledger.note_outcome(&receipt.0, Outcome::Status(status.kind.clone())).await?;
                    if let Some(delivery) = describe::delivery(&status, &receipt, share.as_ref()) {
                        break delivery;
                    }
                    if self.clock.now() >= deadline {
                        break describe::still_processing(&receipt);
                    }
                }
                // TikTok has the video; that it does not answer changes nothing.
                Err(error) if is_passing(&error) && self.clock.now() < deadline => {
                    tracing::debug!(%error, "asking later");
                }
                Err(error) => return Err(self.refused(error).await),
            }
            self.clock.sleep(waits.next().unwrap_or(LATER_WAIT)).await;
        };
        let is_draft = share.is_none_or(|share| share.mode == ShareMode::Inbox);
        let delivery = if is_draft { describe::with_text(delivery, &work.post.text) } else { delivery };
        work.journal.write(Mark::Delivered { delivery: delivery.clone() }).await?;
        tracing::debug!(publish_id = %receipt, state = ?delivery.state, "delivered");
        Ok(Step::Done(delivery))
    }

    /// Writes off a video that TikTok could not use.
    pub(super) async fn give_up(
        &self,
        work: &mut Work<'_>,
        receipt: &Receipt,
        status: &PublishStatus,
    ) -> Result<Step, PublishError> {
        let why = self.failed(Some(work.post), status).await;
        self.abandon(work, &receipt.0, Outcome::Status(StatusKind::Failed), &why.to_string()).await?;
        if failed::is_worth_another_try(status) { Ok(Step::Anew(why)) } else { Err(why) }
    }
}

fn is_passing(error: &ApiError) -> bool {
    error.is_trouble() || error.is_busy()
}
