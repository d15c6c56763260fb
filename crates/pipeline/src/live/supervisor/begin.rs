//! A broadcast begins, or one goes on that was recorded before.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use media_io::hls::LiveOptions;
use timeline::{Digest, SourceId, StreamerName};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::presence::Presence;
use super::super::session::{News, SessionTask};
use super::super::sources;
use super::super::status::StreamerStatus;
use super::super::watch::{StreamSource, Watched};
use super::super::workshop::Workshop;
use super::watcher::{Handle, LeftOpen};
use super::{MonitorRequest, RECORDINGS, Supervisor};
use crate::catalogue::Run;
use crate::fingerprint::digest_of;

/// Where nobody tells broadcasts apart, a stream that comes back within this time after its last segment is the same.
const SAME_BROADCAST: SignedDuration = SignedDuration::from_mins(10);

impl Supervisor {
    pub(super) fn begin(&mut self, name: &StreamerName, since: Option<Timestamp>) {
        let left = self.left_open.iter().position(|LeftOpen { row, .. }| {
            row.streamer == *name
                && match since {
                    Some(since) => row.broadcast == since.to_string(),
                    None => last_written(&row.folder)
                        .is_some_and(|last| Timestamp::now().duration_since(last) < SAME_BROADCAST),
                }
        });
        let Some(watcher) = self.watchers.get_mut(name) else { return };
        let (broadcast, folder) = match left.and_then(|index| self.left_open.get(index)) {
            Some(LeftOpen { row, .. }) => (row.broadcast.clone(), row.folder.clone()),
            None => {
                let broadcast = since.unwrap_or_else(Timestamp::now).to_string();
                let folder =
                    self.request.data_dir.join(RECORDINGS).join(name.as_str()).join(folder_name(&broadcast));
                (broadcast, folder)
            }
        };
        let (title, category) = (watcher.status.title.clone(), watcher.category.clone());
        let run = run_of(&self.request, &watcher.watched, title, category, &broadcast, folder);
        if self.ending.get(&run.id).is_some_and(|task| !task.is_finished()) {
            // One recorder at a time in a folder: the next look tries again.
            watcher.presence = Presence::default();
            return;
        }
        if let Some(old) = watcher.session.take() {
            old.over.cancel();
            self.ending.insert(old.run, old.task);
        }
        if let Some(index) = left {
            self.left_open.remove(index);
        }
        watcher.last_run = Some(run.id);
        let handle = start(
            &self.request,
            &self.workshop,
            &watcher.watched,
            run,
            broadcast,
            self.news.0.clone(),
            self.stop.clone(),
        );
        watcher.status = StreamerStatus {
            name: name.to_string(),
            title: watcher.status.title.take(),
            ..StreamerStatus::default()
        };
        watcher.session = Some(handle);
    }
}

/// The run of a broadcast that is recorded in `folder`.
fn run_of(
    request: &MonitorRequest,
    watched: &Watched,
    title: Option<String>,
    category: Option<String>,
    broadcast: &str,
    folder: PathBuf,
) -> Run {
    let mut settings = watched.settings.clone();
    if let Some(title) = title {
        settings.title = title;
    }
    if let Some(category) = category {
        settings.category = category;
    }
    let place = match &watched.source {
        StreamSource::Kick { slug } => format!("kick:{slug}"),
        // Addresses hold tokens that change, so the name stands for it.
        StreamSource::Address(_) => format!("address:{}", watched.name),
    };
    let recording = SourceId(digest_of(&[&place, &broadcast]));
    let output_dir = request.output_dir.join(watched.name.as_str()).join(folder_name(broadcast));
    Run {
        id: digest_of(&[&recording, &watched.name, &output_dir.as_os_str().as_encoded_bytes()]),
        recording,
        path: folder,
        settings,
        output_dir,
        created_at: broadcast.parse().unwrap_or_else(|_| Timestamp::now()),
    }
}

/// Starts to record a broadcast.
fn start(
    request: &MonitorRequest,
    workshop: &Arc<Workshop>,
    watched: &Watched,
    run: Run,
    broadcast: String,
    news: mpsc::Sender<(StreamerName, Digest, News)>,
    stop: CancellationToken,
) -> Handle {
    let (id, over) = (run.id, CancellationToken::new());
    let (name, told) = (watched.name.clone(), news.clone());
    let unavailable = move || {
        // Told again after the next attempt if there is no room for news now.
        let _ = told.try_send((name.clone(), id, News::Chat("unavailable".to_owned())));
    };
    let chat = sources::chat(request.kick.as_ref(), watched, &over, &stop, unavailable);
    let task = SessionTask {
        workshop: Arc::clone(workshop),
        limits: watched.limits,
        broadcast,
        folder: run.path.clone(),
        client: request.client.clone(),
        source: sources::playlist_source(request.kick.as_ref(), watched),
        rule: watched.rendition,
        options: LiveOptions::default(),
        chat,
        news,
        over: over.clone(),
        stop,
        run,
    };
    Handle { run: id, over, task: tokio::spawn(task.run()) }
}

/// `2026-11-25T19-31-04Z`: without what file systems mind.
fn folder_name(broadcast: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '-' };
    broadcast.chars().map(plain).collect()
}

/// When the newest segment of a recording was written.
fn last_written(folder: &Path) -> Option<Timestamp> {
    let entries = fs_err::read_dir(folder.join("segments")).ok()?;
    let times = entries.flatten().filter_map(|entry| entry.metadata().ok()?.modified().ok());
    times.max().and_then(|time| Timestamp::try_from(time).ok())
}
