//! From what happens to what is told elsewhere.

use std::sync::Arc;

use anyhow::anyhow;
use jiff::Timestamp;
use notify::{Channel, Notice, Notifier, NotifierTask, What};
use pipeline::live::{MonitorEvent, State};
use pipeline::publishing::PublishEvent;

use crate::config::{Config, NoticeName};
use crate::exit::Failure;

/// Tells what is wanted. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Teller {
    notifier: Option<Notifier>,
    wanted: Arc<[What]>,
}

/// The channels of the configuration, and the task that sends to them. Inside a runtime.
pub(crate) fn start(config: &Config) -> Result<(Teller, Option<NotifierTask>), Failure> {
    let secret = |name| config.secrets.get(name).cloned();
    let wrong = |name: &str| {
        Failure::cannot(anyhow!("{name} is no web address")).hint("correct it in the environment or in .env")
    };
    let mut channels = Vec::new();
    if let Some(address) = secret("NOTIFY_WEBHOOK_URL") {
        let channel = Channel::webhook(address, secret("NOTIFY_WEBHOOK_SECRET"));
        channels.push(channel.map_err(|_| wrong("NOTIFY_WEBHOOK_URL"))?);
    }
    if let Some(address) = secret("DISCORD_WEBHOOK_URL") {
        channels.push(Channel::discord(address).map_err(|_| wrong("DISCORD_WEBHOOK_URL"))?);
    }
    let wanted: Arc<[What]> = config.settings.notifications.events.iter().map(|name| what(*name)).collect();
    if channels.is_empty() || wanted.is_empty() {
        return Ok((Teller::default(), None));
    }
    let task = Notifier::start(channels).map_err(Failure::failed)?;
    Ok((Teller { notifier: Some(task.notifier()), wanted }, Some(task)))
}

const fn what(name: NoticeName) -> What {
    match name {
        NoticeName::StreamerLive => What::StreamerLive,
        NoticeName::ClipReady => What::ClipReady,
        NoticeName::ClipPosted => What::ClipPosted,
        NoticeName::ClipFailed => What::ClipFailed,
    }
}

impl Teller {
    fn tell(&self, notice: Option<Notice>) {
        if let (Some(notifier), Some(notice)) = (&self.notifier, notice)
            && self.wanted.contains(&notice.event)
        {
            notifier.tell(notice);
        }
    }

    /// Of the monitor.
    pub(crate) fn monitor(&self, event: &MonitorEvent) {
        self.tell(match event {
            MonitorEvent::State { streamer, state: State::Live } => Some(Notice {
                event: What::StreamerLive,
                at: Timestamp::now(),
                streamer: streamer.clone(),
                title: String::new(),
                detail: None,
                link: None,
            }),
            MonitorEvent::Clip { streamer, path, score } => Some(Notice {
                event: What::ClipReady,
                at: Timestamp::now(),
                streamer: streamer.clone(),
                title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                detail: Some(format!("score {score:.2}")),
                link: Some(path.display().to_string()),
            }),
            _ => None,
        });
    }

    /// Of publishing. What is tried again by itself is not told.
    pub(crate) fn publishing(&self, event: &PublishEvent) {
        self.tell(match event {
            PublishEvent::Delivered { streamer, name, target, delivery, .. } if delivery.state.is_final() => {
                Some(Notice {
                    event: What::ClipPosted,
                    at: Timestamp::now(),
                    streamer: streamer.clone(),
                    title: name.clone(),
                    detail: Some(format!("{}: {}", target.platform, delivery.state.words())),
                    link: delivery.link.clone(),
                })
            }
            PublishEvent::Missed { streamer, name, target, state, why, .. } if state.is_failure() => {
                Some(Notice {
                    event: What::ClipFailed,
                    at: Timestamp::now(),
                    streamer: streamer.clone(),
                    title: name.clone(),
                    detail: Some(format!("{}: {why}", target.platform)),
                    link: None,
                })
            }
            _ => None,
        });
    }
}
