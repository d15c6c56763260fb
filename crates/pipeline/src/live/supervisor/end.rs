//! Broadcasts end, and so does the program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use media_io::hls::{LiveOptions, RenditionRule};
use timeline::StreamerName;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::presence::{MISSES, Sighting, misses_apart};
use super::super::session::SessionTask;
use super::super::sources::Nowhere;
use super::super::status::MonitorStatus;
use super::Supervisor;
use super::watcher::Watcher;
use crate::Error;

impl Supervisor {
    pub(super) fn end(&mut self, name: &StreamerName) {
        if let Some(session) = self.watchers.get(name).and_then(|watcher| watcher.session.as_ref()) {
            session.over.cancel();
        }
    }

    /// Finishes sessions that nobody records and whose broadcasts are over: a look found another one, or looks in a row found
    /// none, or the streamer is not watched any more. A look that failed says nothing.
    pub(super) async fn finish_left_open(
        &mut self,
        sightings: &BTreeMap<StreamerName, Sighting>,
    ) -> Result<(), Error> {
        let apart = misses_apart(self.request.poll);
        let mut over = Vec::new();
        for mut left in std::mem::take(&mut self.left_open) {
            let run = left.row.run;
            let is_recorded = |watcher: &Watcher| watcher.session.as_ref().is_some_and(|one| one.run == run);
            if self.watchers.values().any(is_recorded) || self.ending.contains_key(&run) {
                continue;
            }
            match sightings.get(&left.row.streamer) {
                Some(Sighting::Unknown) => {}
                Some(Sighting::Offline) if left.last_miss.is_some_and(|last| last.elapsed() < apart) => {}
                Some(Sighting::Offline) => {
                    left.misses += 1;
                    left.last_miss = Some(Instant::now());
                }
                Some(Sighting::Live { .. }) | None => left.misses = MISSES,
            }
            if left.misses < MISSES {
                self.left_open.push(left);
            } else {
                over.push(left);
            }
        }
        while let Some(left) = over.pop() {
            let run = match self.workshop.catalogue.live_run(left.row.run).await {
                Ok(Some(run)) => run,
                Ok(None) => continue,
                Err(error) => {
                    self.left_open.push(left);
                    self.left_open.append(&mut over);
                    return Err(error);
                }
            };
            let (id, row) = (run.id, left.row);
            let over = CancellationToken::new();
            over.cancel();
            let task = SessionTask {
                workshop: Arc::clone(&self.workshop),
                limits: row.limits,
                broadcast: row.broadcast,
                folder: row.folder,
                client: self.request.client.clone(),
                source: Arc::new(Nowhere),
                rule: RenditionRule::Best,
                options: LiveOptions::default(),
                chat: None,
                news: self.news.0.clone(),
                over,
                stop: self.stop.clone(),
                run,
            };
            self.ending.insert(id, tokio::spawn(task.run()));
        }
        Ok(())
    }

    /// Stops sessions and jobs; what is in hand is finished or left whole for the next start.
    pub(super) async fn leave(&mut self, jobs: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
        self.stop.cancel();
        // Sessions do not wait any more for somebody to take their news.
        self.news.1.close();
        let sessions: Vec<_> =
            self.watchers.values_mut().filter_map(|watcher| watcher.session.take()).collect();
        let ending = std::mem::take(&mut self.ending).into_values();
        for task in sessions.into_iter().map(|session| session.task).chain(ending) {
            // A session that panicked has told so already.
            let _ = task.await;
        }
        if let Some(keeping) = self.keeping.take() {
            keeping.abort();
        }
        let worked = jobs.await.unwrap_or_else(|error| Err(Error::Queue(error.to_string())));
        if let Err(error) = worked {
            tracing::debug!(%error, "the worker ended");
        }
        MonitorStatus { at: Some(Timestamp::now()), ..MonitorStatus::default() }
            .write(&self.request.data_dir)
            .await
    }
}
