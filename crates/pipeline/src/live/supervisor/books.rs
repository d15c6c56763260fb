//! The state for others to read, and the disk that recordings take.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::disk::{self, Room};
use super::super::status::MonitorStatus;
use super::{RECORDINGS, Supervisor};
use crate::Error;

impl Supervisor {
    pub(super) async fn is_idle(&self) -> bool {
        if !self.looked || self.looking.is_some() {
            return false;
        }
        let waits = self.workshop.catalogue.waiting_jobs().await.map_or(1, |jobs| jobs.len());
        let open = self.workshop.catalogue.open_sessions().await.map_or(1, |open| open.len());
        let ever = self.workshop.catalogue.sessions().await.map_or(0, |all| all.len());
        waits == 0 && open == 0 && ever > 0 && self.watchers.values().all(|watcher| watcher.session.is_none())
    }

    pub(super) async fn write_status(&mut self) -> Result<(), Error> {
        let jobs = self.workshop.catalogue.waiting_jobs().await?;
        let now = Timestamp::now();
        let mut streamers = Vec::new();
        for watcher in self.watchers.values_mut() {
            let status = &mut watcher.status;
            status.lag_s = watcher
                .session
                .as_ref()
                .and(watcher.end_at)
                .map(|end_at| (now.duration_since(end_at).as_secs_f64() * 10.0).round() / 10.0);
            if let Some(last) = watcher.last_run {
                status.pending_jobs = jobs.iter().filter(|(run, _)| *run == last).count();
                status.clips = self.workshop.catalogue.kept_clips(last).await?;
            }
            streamers.push(status.clone());
        }
        let status = MonitorStatus {
            process: std::process::id(),
            at: Some(now),
            streamers,
            pending_jobs: jobs.len(),
            recorded_bytes: self.recorded_bytes,
            budget_bytes: self.request.disk.bytes,
        };
        status.write(&self.request.data_dir).await
    }

    /// Begins to remove what is too much, if that is not under way.
    pub(super) fn keep_to_budget(&mut self) {
        if self.keeping.is_none() {
            let (workshop, budget) = (Arc::clone(&self.workshop), self.request.disk);
            let folder = self.request.data_dir.join(RECORDINGS);
            self.keeping = Some(tokio::spawn(async move { disk::keep(&workshop, &budget, &folder).await }));
        }
    }

    pub(super) fn take_kept(&mut self, (room, bytes): (Room, u64)) {
        self.recorded_bytes = bytes;
        match room {
            Room::Enough => self.warned_of_disk = false,
            Room::Scarce | Room::Over(_) if self.warned_of_disk => {}
            Room::Scarce => {
                self.warned_of_disk = true;
                self.events.notice(
                    None,
                    "recordings have nearly used up monitor.disk_budget_gb; the oldest will go",
                );
            }
            Room::Over(bytes) => {
                self.warned_of_disk = true;
                let text = format!(
                    "recordings are {bytes} bytes over monitor.disk_budget_gb, and jobs still need all of them; raise the budget"
                );
                self.events.notice(None, text);
            }
        }
    }
}
