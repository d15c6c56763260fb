//! Publishing to TikTok, exactly once.

mod begin;
mod describe;
mod failed;
mod refused;
mod resume;
mod wait;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use publish::{
    Delivery, Journal, Mark, Post, PostKey, ProgressSink, PublishError, Publisher, Readiness, Receipt,
    Standing, Target,
};
use url::Url;

use crate::api::{TikTokApi, Times};
use crate::clock::{Clock, later};
use crate::ledger::{Ledger, Outcome, Wait};
use crate::preflight;
use crate::settings::PublishSettings;
use crate::upload::{Flights, UploadHttp, UploadTimes};
use crate::{Account, TikTokConfig};

/// The platform's name in targets.
pub const PLATFORM: &str = "tiktok";
/// How often one call of `publish` begins anew by itself after something that was begun led nowhere.
const RESTARTS: u32 = 1;
/// The most statuses that are asked about before an inbox is declared full.
const MOST_REFRESHES: usize = 5;
/// When to look again if another process sends the same clip.
const OTHER_PROCESS: std::time::Duration = std::time::Duration::from_secs(60);

/// Publishes to one TikTok account, as drafts or posts.
///
/// Several processes may do so at once on one state folder: the limits of TikTok are kept by all of them together, and the same clip is
/// sent by one at a time.
pub struct TikTokPublisher {
    api: TikTokApi,
    ledger: Ledger,
    flights: Flights,
    http: UploadHttp,
    clock: Arc<dyn Clock>,
    settings: PublishSettings,
    api_base: Url,
    target: Target,
    /// Whose target this is, for people.
    name: String,
}

/// Where a step of a publication led.
enum Step {
    /// The journal says how to go on.
    On,
    /// What was begun leads nowhere and is written off. Begin anew, or give this as the reason if that has been done too often.
    Anew(PublishError),
    /// It is where it is going to be.
    Done(Delivery),
}

/// What is done with.
pub(crate) struct Work<'a> {
    post: &'a Post,
    key: PostKey,
    journal: &'a mut dyn Journal,
    progress: ProgressSink<'a>,
    /// A draft is sent, since a post was not allowed.
    fell_back: bool,
    /// What the journal calls opened was opened by this call, so nothing is there yet.
    is_fresh: bool,
}

impl TikTokPublisher {
    /// To an account, by the clock of the machine. `state_folder` holds what all processes of one installation share.
    ///
    /// # Errors
    /// [`PublishError::Setup`] for settings that cannot work, [`PublishError::File`] for a folder that cannot be used.
    pub fn new(
        config: &TikTokConfig,
        account: Account,
        settings: PublishSettings,
        state_folder: &Path,
    ) -> Result<Self, PublishError> {
        Self::with_clock(config, account, settings, state_folder, Arc::new(crate::SystemClock))
    }

    /// Likewise, by another clock.
    ///
    /// # Errors
    /// As [`TikTokPublisher::new`].
    pub fn with_clock(
        config: &TikTokConfig,
        account: Account,
        settings: PublishSettings,
        state_folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        describe::check_settings(&settings, &config.api_base)?;
        let (open_id, environment) = (account.open_id().to_owned(), account.environment());
        let ledger = Ledger::open(state_folder, environment, &open_id, settings.backoff, Arc::clone(&clock))?;
        let name = format!("TikTok account {account} ({environment})");
        let api = TikTokApi::with_times(config, account, Arc::clone(&clock), Times::default())
            .map_err(|error| PublishError::Setup { reason: error.to_string() })?;
        Ok(Self {
            api,
            ledger,
            flights: Flights::open(state_folder)?,
            http: UploadHttp::new(UploadTimes::default())?,
            clock,
            settings,
            api_base: config.api_base.clone(),
            target: Target { platform: PLATFORM.to_owned(), account: format!("{environment}:{open_id}") },
            name,
        })
    }

    /// TikTok's interface, as it is used here: for questions of one's own.
    #[must_use]
    pub const fn api(&self) -> &TikTokApi {
        &self.api
    }

    /// The record of what was sent lately.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Asks TikTok about the drafts that count as waiting, and notes what it says. Asks about five at most.
    ///
    /// # Errors
    /// If TikTok cannot be asked, or the record not be written.
    pub async fn refresh(&self) -> Result<(), PublishError> {
        for share in self.ledger.pending().await?.into_iter().take(MOST_REFRESHES) {
            match self.api.status(&share.publish_id).await {
                Ok(status) => {
                    let outcome = share.outcome(&status, self.clock.now());
                    self.ledger.note_outcome(&share.publish_id, outcome).await?;
                }
                // TikTok has forgotten it, so it waits no more.
                Err(error) if error.class() == Some(crate::api::Class::Stale) => {
                    self.ledger.note_outcome(&share.publish_id, Outcome::Abandoned).await?;
                }
                Err(error) => return Err(self.refused(error).await),
            }
        }
        Ok(())
    }

    /// What there is to wait for. Before an inbox is said to be full, TikTok is asked whether that still holds.
    async fn wait_for(&self, mode: crate::ledger::ShareMode) -> Result<Option<Wait>, PublishError> {
        match self.ledger.wait(mode).await? {
            Some(Wait::Drafts { .. }) => {
                if let Err(error) = self.refresh().await {
                    tracing::debug!(%error, "the drafts that wait cannot be asked about");
                }
                self.ledger.wait(mode).await
            }
            wait => Ok(wait),
        }
    }

    async fn run(&self, mut work: Work<'_>) -> Result<Delivery, PublishError> {
        let mut restarts = RESTARTS;
        loop {
            let step = match work.journal.standing() {
                Standing::Delivered(delivery) => return Ok(delivery),
                Standing::Nothing | Standing::Asked => self.begin(&mut work).await?,
                Standing::Opened(receipt) => self.go_on(&mut work, &receipt).await?,
                Standing::Committing(Some(receipt)) => self.settle(&mut work, receipt).await?,
                Standing::Committed(receipt) => self.wait(&mut work, receipt).await?,
                // A video that TikTok was asked to fetch, and no answer: there is no id to ask by.
                _ => {
                    let why = "TikTok was asked to fetch the video, and its answer is not known".to_owned();
                    return Err(PublishError::Unknown { why, receipt: None });
                }
            };
            match step {
                Step::On => {}
                Step::Done(delivery) => return Ok(delivery),
                Step::Anew(_) if restarts > 0 => restarts -= 1,
                Step::Anew(why) => return Err(why),
            }
        }
    }

    /// Writes off what was begun: its address first, so that nothing goes there any more.
    async fn abandon(
        &self,
        work: &mut Work<'_>,
        publish_id: &str,
        outcome: Outcome,
        why: &str,
    ) -> Result<(), PublishError> {
        self.flights.remove(work.key).await?;
        self.ledger.note_outcome(publish_id, outcome).await?;
        Ok(work.journal.write(Mark::Abandoned { why: why.to_owned() }).await?)
    }
}

impl fmt::Display for TikTokPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for TikTokPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TikTokPublisher")
            .field("target", &self.target)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Publisher for TikTokPublisher {
    fn target(&self) -> &Target {
        &self.target
    }

    fn check(&self, post: &Post) -> Result<(), PublishError> {
        preflight::check(post, self.settings.chunk_bytes)
    }

    async fn readiness(&self) -> Result<Readiness, PublishError> {
        let wait = self.wait_for(self.settings.mode.share_mode()).await?;
        Ok(wait.map_or(Readiness::Now, |wait| Readiness::Later { at: wait.at(), why: wait.reason() }))
    }

    async fn publish(
        &self,
        post: &Post,
        journal: &mut dyn Journal,
        progress: ProgressSink<'_>,
    ) -> Result<Delivery, PublishError> {
        let standing = journal.standing();
        if let Standing::Delivered(delivery) = standing {
            return Ok(delivery);
        }
        if !standing.may_be_published() {
            self.check(post)?;
        }
        let key = post.key(&self.target);
        let Some(_turn) = self.flights.take_turn(key)? else {
            return Err(PublishError::NotNow {
                reason: "another process sends this clip".to_owned(),
                until: Some(later(self.clock.now(), OTHER_PROCESS)),
                reference: None,
            });
        };
        self.run(Work { post, key, journal, progress, fell_back: false, is_fresh: false }).await
    }

    async fn follow(&self, receipt: &Receipt) -> Result<Delivery, PublishError> {
        let status = match self.api.status(&receipt.0).await {
            Ok(status) => status,
            Err(error) => return Err(self.refused(error).await),
        };
        self.ledger.note_outcome(&receipt.0, Outcome::Status(status.kind.clone())).await?;
        let share = self.ledger.share(&receipt.0).await?;
        if status.kind == crate::api::StatusKind::Failed {
            return Err(self.failed(None, &status).await);
        }
        let arrived = describe::delivery(&status, receipt, share.as_ref());
        Ok(arrived.unwrap_or_else(|| describe::still_processing(receipt)))
    }
}
