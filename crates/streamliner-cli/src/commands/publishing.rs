//! From the configuration to where clips are published, and by which rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use media_io::Ffmpeg;
use pipeline::publishing::{
    Clock, Courier, Destination, Outlet, Outlets, Publication, PublicationState, PublishSink, Queue,
    Schedule, StorePublisher,
};
use publish::{FolderExport, PublishError, Publisher};
use tokio_util::sync::CancellationToken;

use super::bucket::bucket;
use super::recording::failure;
use super::tiktok;
use crate::config::{Config, Settings, StorageKind, TargetName};
use crate::exit::Failure;

/// The folder of exported clips, in the output folder, unless one is configured.
const FOLDER: &str = "published";
/// The interrupt flag is looked at this often.
const INTERRUPT_INTERVAL: Duration = Duration::from_millis(50);
/// A command that sends what may go now waits for what may go within this time: a limit of a minute is no reason to stop.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// Everything about publishing that the configuration says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publishing {
    /// Which clips go where.
    pub(crate) outlets: Outlets,
    /// How they get there.
    pub(crate) destinations: Vec<Destination>,
}

impl Publishing {
    /// Of all streamers of the configuration.
    pub(crate) async fn of_all(config: &Config) -> Result<Self, Failure> {
        let mut publishing = Self::default();
        publishing.outlets.common = publishing.outlets_of(config).await?;
        let mut own = BTreeMap::new();
        for name in config.settings.streamers.keys() {
            let outlets = publishing.outlets_of(&config.for_streamer(name.as_str())).await?;
            own.insert(name.as_str().to_lowercase(), outlets);
        }
        publishing.outlets.own = own;
        Ok(publishing)
    }

    /// Of those streamers alone that this configuration was made for.
    pub(crate) async fn of_one(config: &Config) -> Result<Self, Failure> {
        let mut publishing = Self::default();
        publishing.outlets.common = publishing.outlets_of(config).await?;
        Ok(publishing)
    }

    async fn outlets_of(&mut self, config: &Config) -> Result<Vec<Outlet>, Failure> {
        let publishing = &config.settings.publishing;
        let mut outlets: Vec<Outlet> = Vec::new();
        for name in &publishing.targets {
            let publisher = publisher(config, *name).await?;
            let target = publisher.target().clone();
            if outlets.iter().any(|known| known.target == target) {
                continue;
            }
            outlets.push(Outlet {
                target: target.clone(),
                held: !publishing.auto,
                expires_after: (publishing.expire_hours > 0)
                    .then(|| SignedDuration::from_hours(i64::from(publishing.expire_hours))),
            });
            if !self.destinations.iter().any(|known| *known.publisher.target() == target) {
                self.destinations.push(destination(config, *name, publisher)?);
            }
        }
        if config.settings.storage.kind != StorageKind::Local {
            let publisher: Arc<dyn Publisher> = Arc::new(StorePublisher::new(bucket(config)?));
            let target = publisher.target().clone();
            // Storing asks nobody and is never too late.
            outlets.push(Outlet { target: target.clone(), held: false, expires_after: None });
            if !self.destinations.iter().any(|known| *known.publisher.target() == target) {
                let (schedule, cooldown) = (Schedule::default(), SignedDuration::ZERO);
                self.destinations.push(Destination { publisher, schedule, cooldown });
            }
        }
        Ok(outlets)
    }
}

/// Who publishes to a target.
pub(crate) async fn publisher(config: &Config, name: TargetName) -> Result<Arc<dyn Publisher>, Failure> {
    match name {
        TargetName::Folder => Ok(Arc::new(folder(&config.settings)?)),
        TargetName::TikTok => Ok(Arc::new(tiktok::publisher(config).await?)),
    }
}

fn folder(settings: &Settings) -> Result<FolderExport, Failure> {
    let folder = settings.publishing.folder.clone().unwrap_or_else(|| settings.paths.output_dir.join(FOLDER));
    FolderExport::new(&folder).map_err(|error| refused(error).hint("correct publishing.folder"))
}

/// A publisher with the rules of its account. A folder is the user's own and has none.
pub(crate) fn destination(
    config: &Config,
    name: TargetName,
    publisher: Arc<dyn Publisher>,
) -> Result<Destination, Failure> {
    let settings = &config.settings;
    let (schedule, cooldown) = match name {
        TargetName::Folder => (Schedule::default(), SignedDuration::ZERO),
        TargetName::TikTok => {
            (schedule(settings)?, SignedDuration::from_secs(settings.tiktok.upload_cooldown_seconds.into()))
        }
    };
    Ok(Destination { publisher, schedule, cooldown })
}

fn schedule(settings: &Settings) -> Result<Schedule, Failure> {
    let publishing = &settings.publishing;
    let hours = publishing.hours.iter().map(|hours| hours.parse()).collect::<Result<_, _>>();
    let time_zone =
        publishing.time_zone.as_ref().map_or_else(|| Ok(TimeZone::system()), |name| TimeZone::get(name));
    Ok(Schedule {
        posts_per_day: (publishing.posts_per_day > 0).then_some(publishing.posts_per_day),
        spacing: SignedDuration::try_from(publishing.spacing.to_std()).unwrap_or_default(),
        hours: hours.map_err(Failure::cannot)?,
        time_zone: time_zone.map_err(Failure::cannot)?,
    })
}

/// The queue of the data folder.
pub(crate) async fn queue(settings: &Settings) -> Result<Queue, Failure> {
    Queue::open(&settings.paths.data_dir, Clock::system()).await.map_err(failure)
}

/// Who sends what is in the queue.
pub(crate) const fn courier(queue: Queue, ffmpeg: Ffmpeg, events: PublishSink) -> Courier {
    Courier::new(queue, ffmpeg, events)
}

/// A token that is cancelled when the flag is raised. Inside a runtime.
pub(crate) fn stopped_by(interrupt: Arc<AtomicBool>) -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        while !interrupt.load(Ordering::Relaxed) {
            tokio::time::sleep(INTERRUPT_INTERVAL).await;
        }
        stop.cancel();
    });
    token
}

/// How an error of a publisher ends the program.
pub(crate) fn refused(error: PublishError) -> Failure {
    match error {
        error @ (PublishError::NotNow { .. } | PublishError::Login { .. } | PublishError::Setup { .. }) => {
            Failure::cannot(error)
        }
        PublishError::File { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::cannot(error)
        }
        error => Failure::failed(error),
    }
}

/// What a publication that was found earlier tells, in a line.
pub(crate) fn told_before(publication: &Publication) -> String {
    let Publication { name, target, state, result, changed_at, .. } = publication;
    let platform = &target.platform;
    match (state, result) {
        (PublicationState::Delivered | PublicationState::Processing, Some(delivery)) => {
            let receipt =
                delivery.receipt.as_ref().map_or_else(String::new, |receipt| format!(", {receipt}"));
            let link = delivery.link.as_ref().map_or_else(String::new, |link| format!(", {link}"));
            format!(
                "{name} was published before ({platform}, {changed_at}): {}{receipt}{link}",
                delivery.state.words()
            )
        }
        _ => {
            let why = publication.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
            format!("{name} is {state} ({platform}){why}")
        }
    }
}
