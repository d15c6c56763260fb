//! Announcing a video.

use std::io;

use backon::BackoffBuilder as _;
use publish::{Mark, Post, PublishError, Receipt, Refusal};
use url::Url;

use super::{Step, TikTokPublisher, Work, describe};
use crate::api::{
    ApiError, ApiFailure, BUSY_TRIES, Class, CreatorInfo, Init, InitBody, PostInfo, Privacy, Source,
    StatusKind, busy_wait, init_backoff,
};
use crate::clock::until;
use crate::ledger::{Share, ShareMode, Wait};
use crate::plan::UploadPlan;
use crate::settings::{DirectPost, PublishMode, UploadSource};
use crate::title::{MAX_TITLE_UNITS, cut_to_units};
use crate::upload::{Flight, UploadAddress};
use crate::{Scopes, files, preflight};

/// The longest id that TikTok gives has 64 characters.
const LONGEST_ID: usize = 128;
/// TikTok's word for an app without its audit.
const UNAUDITED: &str = "unaudited_client_can_only_post_to_private_accounts";
/// TikTok's word for a privacy that the account does not offer.
const PRIVACY_MISMATCH: &str = "privacy_level_option_mismatch";

/// A video that is to be announced.
struct Announcement {
    body: InitBody,
    mode: ShareMode,
    privacy: Option<Privacy>,
    username: Option<String>,
}

impl TikTokPublisher {
    /// Announces a video, or finds what was announced for it before.
    pub(super) async fn begin(&self, work: &mut Work<'_>) -> Result<Step, PublishError> {
        let content = work.post.content;
        if let Some(flight) = self.flights.load(work.key, content, &self.api_base, self.clock.now()).await? {
            work.journal.write(Mark::Opened { receipt: Receipt(flight.publish_id) }).await?;
            return Ok(Step::On);
        }
        self.look_for_earlier(work.post).await?;
        self.look_at_file(work.post).await?;
        let announcement = self.announcement(work.post, work.fell_back).await?;
        self.take_place(announcement.mode).await?;
        match &announcement.body.source_info {
            Source::File(plan) => self.open(work, &announcement, *plan).await,
            Source::Address(address) => {
                tracing::debug!(host = address.host_str(), "TikTok is asked to fetch the video");
                self.have_fetched(work, &announcement).await
            }
        }
    }

    /// Refuses a clip that the account has already, unless it is to be sent again.
    async fn look_for_earlier(&self, post: &Post) -> Result<(), PublishError> {
        if self.settings.repeat {
            return Ok(());
        }
        let Some(share) = self.ledger.earlier(post.content).await? else { return Ok(()) };
        Err(PublishError::Refused(Box::new(Refusal {
            code: "already_sent".to_owned(),
            reason: format!(
                "the account has this clip since {} as {} ({})",
                share.created_at.strftime("%Y-%m-%d %H:%M UTC"),
                share.publish_id,
                share.status
            ),
            remedy: "send it again with --force if you want a second one".to_owned(),
            reference: None,
        })))
    }

    /// Looks whether the file is there, and still as long as it was.
    async fn look_at_file(&self, post: &Post) -> Result<(), PublishError> {
        let (path, bytes) = (post.video.clone(), post.facts.bytes);
        let look = move || {
            if fs_err::metadata(&path)?.len() == bytes {
                return Ok(());
            }
            Err(io::Error::other("its length has changed since it was prepared"))
        };
        let failed = |source| PublishError::File { what: "read", path: post.video.clone(), source };
        files::blocking(look).await.map_err(failed)
    }

    async fn announcement(&self, post: &Post, fell_back: bool) -> Result<Announcement, PublishError> {
        let source_info = match &self.settings.source {
            UploadSource::File => {
                let plan = UploadPlan::new(post.facts.bytes, self.settings.chunk_bytes);
                Source::File(plan.map_err(|error| PublishError::Unsuitable {
                    path: post.video.clone(),
                    limit: error.to_string(),
                })?)
            }
            UploadSource::Address(base) => Source::Address(address_of_file(base, post)?),
        };
        let Some(direct) = self.direct(fell_back)? else {
            let body = InitBody { post_info: None, source_info };
            return Ok(Announcement { body, mode: ShareMode::Inbox, privacy: None, username: None });
        };
        let creator = match self.api.creator_info().await {
            Ok(creator) => creator,
            Err(error) => return Err(self.refused(error).await),
        };
        if !creator.offers(direct.privacy) {
            return Err(other_privacy(direct.privacy, &creator));
        }
        if let Some(most) = creator.max_duration_s {
            preflight::check_duration(post, std::time::Duration::from_secs(most))?;
        }
        let username = Some(crate::words::name(&creator.username)).filter(|name| !name.is_empty());
        let body = InitBody { post_info: Some(post_info(post, direct, &creator)), source_info };
        Ok(Announcement { body, mode: ShareMode::Direct, privacy: Some(direct.privacy), username })
    }

    /// What a post says about itself; `None` for a draft. Looks at what the account has allowed, if that is known.
    fn direct(&self, fell_back: bool) -> Result<Option<&DirectPost>, PublishError> {
        let scopes = self.api.account().scopes();
        let allowed = |scope: &str| scopes.is_empty() || scopes.allow(scope);
        let needed = match &self.settings.mode {
            PublishMode::Direct(direct) if !fell_back && allowed(Scopes::VIDEO_PUBLISH) => {
                return Ok(Some(direct));
            }
            PublishMode::Direct(direct) if !fell_back && !direct.fall_back => Scopes::VIDEO_PUBLISH,
            _ if allowed(Scopes::VIDEO_UPLOAD) => return Ok(None),
            _ => Scopes::VIDEO_UPLOAD,
        };
        Err(PublishError::Login {
            reason: format!(
                "{} has not allowed {needed}; run `streamliner tiktok-login` and agree to it",
                self.name
            ),
        })
    }

    /// Takes a place in TikTok's limits.
    async fn take_place(&self, mode: ShareMode) -> Result<(), PublishError> {
        // Lets a full inbox be looked at before it is called full.
        let wait = match self.wait_for(mode).await? {
            None => self.ledger.take_place(mode).await?.err(),
            wait => wait,
        };
        wait.map_or(Ok(()), |wait| Err(not_now(&wait)))
    }

    /// Has TikTok give an address to send to.
    async fn open(
        &self,
        work: &mut Work<'_>,
        announcement: &Announcement,
        plan: UploadPlan,
    ) -> Result<Step, PublishError> {
        work.journal.write(Mark::Asking).await?;
        let init = match self.announce(announcement, true).await? {
            Ok(init) => init,
            Err(error) => return self.not_opened(work, error).await,
        };
        let address = init.upload_url.clone().unwrap_or_default();
        let address = UploadAddress::new(&address, &self.api_base)
            .map_err(|error| PublishError::unavailable(error.to_string()))?;
        let now = self.clock.now();
        let flight = Flight::new(init.publish_id.clone(), address, plan, work.post.content, now);
        // The address first: with it, whatever else is lost, the upload goes on.
        self.flights.save(work.key, &flight).await?;
        self.ledger.note_share(self.share(work, announcement, &init.publish_id)).await?;
        work.journal.write(Mark::Opened { receipt: Receipt(init.publish_id) }).await?;
        work.is_fresh = true;
        Ok(Step::On)
    }

    /// Has TikTok fetch the video. Asked once: it might do so twice.
    async fn have_fetched(
        &self,
        work: &mut Work<'_>,
        announcement: &Announcement,
    ) -> Result<Step, PublishError> {
        work.journal.write(Mark::Committing { receipt: None }).await?;
        let answer = match self.announce(announcement, false).await {
            Ok(answer) => answer,
            // Every answer so far was that TikTok is asked too often, so it did nothing.
            Err(error) => {
                work.journal.write(Mark::Abandoned { why: error.to_string() }).await?;
                return Err(error);
            }
        };
        match answer {
            Ok(init) => {
                let receipt = Receipt(init.publish_id.clone());
                work.journal.write(Mark::Committed { receipt }).await?;
                self.ledger.note_share(self.share(work, announcement, &init.publish_id)).await?;
                (work.progress)(work.post.facts.bytes);
                Ok(Step::On)
            }
            Err(error) if error.may_be_done() => {
                Err(PublishError::Unknown { why: error.to_string(), receipt: None })
            }
            Err(error) => {
                work.journal.write(Mark::Abandoned { why: error.to_string() }).await?;
                self.not_opened(work, error).await
            }
        }
    }

    /// What a refused announcement leads to.
    async fn not_opened(&self, work: &mut Work<'_>, error: ApiError) -> Result<Step, PublishError> {
        if let PublishMode::Direct(direct) = &self.settings.mode
            && !work.fell_back
        {
            if direct.fall_back && (error.code() == Some(UNAUDITED) || error.class() == Some(Class::Consent))
            {
                tracing::warn!(%error, "TikTok does not let this account post; a draft is sent instead");
                work.fell_back = true;
                return Ok(Step::On);
            }
            // The account's choices have changed since they were looked up.
            if error.class() == Some(Class::Privacy)
                && let Ok(creator) = self.api.creator_info().await
                && !creator.offers(direct.privacy)
            {
                return Err(other_privacy(direct.privacy, &creator));
            }
        }
        Err(self.refused(error).await)
    }

    /// Announces, and again where that is safe. Every announcement takes a place in the minute; the first one has it.
    async fn announce(
        &self,
        announcement: &Announcement,
        is_harmless: bool,
    ) -> Result<Result<Init, ApiError>, PublishError> {
        let (mut waits, mut tries) = (init_backoff().build(), 1);
        loop {
            let error = match self.api.init(&announcement.body).await {
                Ok(init) if is_id(&init.publish_id) => return Ok(Ok(init)),
                Ok(_) => {
                    let what = "the id of the upload is not of the known form".to_owned();
                    ApiError::new("the announcement of the video", ApiFailure::Malformed { what })
                }
                Err(error) => error,
            };
            let wait = if error.is_busy() && tries < BUSY_TRIES {
                tries += 1;
                Some(busy_wait(self.ledger.until_place().await?))
            } else if error.is_trouble() && is_harmless {
                waits.next()
            } else {
                None
            };
            let Some(wait) = wait else { return Ok(Err(error)) };
            tracing::debug!(%error, ?wait, "announcing again");
            self.clock.sleep(wait).await;
            self.await_place(announcement.mode).await?;
        }
    }

    /// Waits for a place in the minute.
    async fn await_place(&self, mode: ShareMode) -> Result<(), PublishError> {
        loop {
            match self.ledger.take_place(mode).await? {
                Ok(()) => return Ok(()),
                Err(Wait::Minute { at }) => self.clock.sleep(until(self.clock.now(), at)).await,
                Err(wait) => return Err(not_now(&wait)),
            }
        }
    }

    fn share(&self, work: &Work<'_>, announcement: &Announcement, publish_id: &str) -> Share {
        let now = self.clock.now();
        let status = match &announcement.body.source_info {
            Source::File(_) => StatusKind::ProcessingUpload,
            Source::Address(_) => StatusKind::ProcessingDownload,
        };
        Share {
            publish_id: publish_id.to_owned(),
            file: work.post.name.clone(),
            sha256: work.post.content.to_string(),
            bytes: work.post.facts.bytes,
            mode: announcement.mode,
            privacy: announcement.privacy,
            username: announcement.username.clone(),
            created_at: now,
            status: status.name().to_owned(),
            status_at: now,
        }
    }
}

fn post_info(post: &Post, direct: &DirectPost, creator: &CreatorInfo) -> PostInfo {
    PostInfo {
        title: cut_to_units(&post.text, MAX_TITLE_UNITS).to_owned(),
        privacy_level: direct.privacy,
        disable_duet: !direct.duets || creator.duet_disabled,
        disable_comment: !direct.comments || creator.comment_disabled,
        disable_stitch: !direct.stitches || creator.stitch_disabled,
        video_cover_timestamp_ms: post.cover.and_then(|cover| cover.as_millis().try_into().ok()),
        brand_content_toggle: direct.branded,
        brand_organic_toggle: direct.own_brand,
        is_aigc: direct.ai_generated,
    }
}

fn address_of_file(base: &Url, post: &Post) -> Result<Url, PublishError> {
    let name = post.video.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| PublishError::Unsuitable {
        path: post.video.clone(),
        limit: "its name cannot stand in an address".to_owned(),
    })?;
    Ok(describe::address_of(base, name))
}

fn other_privacy(wanted: Privacy, creator: &CreatorInfo) -> PublishError {
    PublishError::Refused(Box::new(Refusal {
        code: PRIVACY_MISMATCH.to_owned(),
        reason: format!("the account offers {}, and not {wanted}", creator.options()),
        remedy: "choose another privacy, or change the account in the TikTok app".to_owned(),
        reference: None,
    }))
}

fn not_now(wait: &Wait) -> PublishError {
    PublishError::NotNow { reason: wait.reason(), until: Some(wait.at()), reference: None }
}

/// Whether this can be an id: it goes into files and errors.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(|byte| byte.is_ascii_graphic())
}
