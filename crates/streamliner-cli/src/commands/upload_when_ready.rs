//! `streamliner upload-when-ready`.

use std::time::Duration;

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use publish::{PublishError, Readiness};
use tokio::time::Instant;

use super::publishing::refused;
use super::upload::{Finished as _, Prepared, Upload, UploadOptions};
use super::vod;
use crate::args::Global;
use crate::exit::{Exit, Failure};
use crate::{interrupt, output};

/// Arguments of `upload-when-ready`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: UploadOptions,
    /// Wait at most this long, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200)]
    max_wait_seconds: u64,
    /// Look this often whether it may go, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    poll_interval: u64,
}

/// Waits, then publishes one video.
pub(crate) fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Failure> {
    let interrupt = interrupt::watch()?;
    let wait = Wait {
        end: Instant::now().checked_add(Duration::from_secs(arguments.max_wait_seconds)),
        poll: Duration::from_secs(arguments.poll_interval),
    };
    vod::runtime()?.block_on(async {
        let Some(prepared) = Prepared::new(&arguments.options, global).await? else { return Ok(Exit::Done) };
        let upload = prepared.open(interrupt).await?;
        let done = wait.and_send(&upload, global).await;
        upload.close().await;
        done
    })
}

/// For how long, and how often.
struct Wait {
    /// None is for ever.
    end: Option<Instant>,
    poll: Duration,
}

impl Wait {
    async fn and_send(&self, upload: &Upload, global: &Global) -> Result<Exit, Failure> {
        loop {
            self.until_ready(upload, global).await?;
            let sent = upload.send(global).await?;
            // It may have been said at the door: then the waiting goes on, within the same time.
            if let Err(PublishError::NotNow { until, reason, .. }) = &sent.outcome {
                self.pause(upload, *until, reason, global).await?;
                continue;
            }
            return sent.finished(upload, global).await;
        }
    }

    /// Waits until the platform's limits let it go. They are looked up anew each time: somebody may have cleared them.
    async fn until_ready(&self, upload: &Upload, global: &Global) -> Result<(), Failure> {
        loop {
            match upload.publisher().readiness().await.map_err(refused)? {
                Readiness::Now => return Ok(()),
                Readiness::Later { at, why } => self.pause(upload, Some(at), &why, global).await?,
            }
        }
    }

    /// Waits a little, unless the time that there is would be over before.
    async fn pause(
        &self,
        upload: &Upload,
        until: Option<Timestamp>,
        why: &str,
        global: &Global,
    ) -> Result<(), Failure> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        let needed = until.map(|at| Timestamp::now().until(at).ok()).map(|span| {
            span.and_then(|span| SignedDuration::try_from(span).ok())
                .unwrap_or_default()
                .max(SignedDuration::ZERO)
                .unsigned_abs()
        });
        let pause = needed.map_or(self.poll, |needed| needed.min(self.poll)).max(Duration::from_millis(100));
        let too_long = left.is_some_and(|left| needed.unwrap_or(pause) > left);
        if too_long {
            let when = until.map_or_else(String::new, |at| format!("; possible from {at} on"));
            return Err(Failure::cannot(anyhow!("it cannot go in the time that you gave: {why}{when}")));
        }
        if !global.quiet {
            let when = until.map_or_else(String::new, |at| format!(" until {at}"));
            output::notice(format!("waiting{when}: {why}"));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = upload.stop.cancelled() => Err(Failure::interrupted(anyhow!("interrupted; nothing was sent"))),
        }
    }
}
