//! How much recordings may take, and what goes first.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use timeline::{MediaDuration, MediaTime, SpanSet};

use super::workshop::Workshop;
use crate::Error;
use crate::catalogue::SessionRow;
use crate::job::Step;
use crate::selection::evidence_span;

/// The end of a session that is still recorded is never removed: a moment in it may not have settled.
const KEPT_OF_LIVE: MediaDuration = MediaDuration::from_secs(600);
/// When there is too much, this much goes at once, from the oldest session first.
const PIECE: MediaDuration = MediaDuration::from_secs(300);

/// From this share of the budget on there is a warning.
const WARN_AT: f64 = 0.9;

/// What recordings may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskBudget {
    /// Bytes of all segments together; `None` for no limit.
    pub bytes: Option<u64>,
    /// How long segments are kept; `None` for as long as there is room.
    pub keep: Option<SignedDuration>,
}

/// How recordings stand to their budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is enough.
    Enough,
    /// It is nearly used up.
    Scarce,
    /// It is used up; this much has to go.
    Over(u64),
}

impl DiskBudget {
    /// How `used` bytes stand to the budget.
    pub(super) fn room(&self, used: u64) -> Room {
        match self.bytes {
            Some(budget) if used > budget => Room::Over(used - budget),
            Some(budget) if used as f64 >= budget as f64 * WARN_AT => Room::Scarce,
            _ => Room::Enough,
        }
    }

    /// Segments from before this are too old.
    pub(super) fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        self.keep.and_then(|keep| now.checked_sub(keep).ok())
    }
}

/// The bytes of all files under `folder`.
pub(super) fn used(folder: &Path) -> u64 {
    let Ok(entries) = fs_err::read_dir(folder) else { return 0 };
    let size = |entry: fs_err::DirEntry| match entry.metadata() {
        Ok(known) if known.is_dir() => used(&entry.path()),
        Ok(known) => known.len(),
        // Removed meanwhile.
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Removes what is too old, and, while recordings in `folder` take more than they may, the oldest; never what a job still
/// needs. Tells how things stand after that, with the bytes that recordings take.
pub(super) async fn keep(
    workshop: &Workshop,
    budget: &DiskBudget,
    folder: &Path,
) -> Result<(Room, u64), Error> {
    let sessions = workshop.catalogue.sessions().await?;
    if let Some(oldest) = budget.oldest(Timestamp::now()) {
        for row in sessions.iter().filter(|row| row.zero_at < oldest) {
            let age = MediaDuration::from_secs_f64(oldest.duration_since(row.zero_at).as_secs_f64());
            remove_before(workshop, row, MediaTime::ZERO + age).await?;
        }
    }
    let measured = folder.to_owned();
    let mut bytes = tokio::task::spawn_blocking(move || used(&measured)).await.unwrap_or(0);
    for row in &sessions {
        let Room::Over(mut too_much) = budget.room(bytes) else { break };
        let mut before = MediaTime::ZERO;
        loop {
            before += PIECE;
            let (freed, reached_end) = remove_before(workshop, row, before).await?;
            bytes = bytes.saturating_sub(freed);
            too_much = too_much.saturating_sub(freed);
            if reached_end || too_much == 0 {
                break;
            }
        }
    }
    Ok((budget.room(bytes), bytes))
}

/// Removes what of a session is before `time`, but for what jobs need and the end of what is still recorded. The bytes that
/// this freed, and whether there is no more to remove.
async fn remove_before(workshop: &Workshop, row: &SessionRow, time: MediaTime) -> Result<(u64, bool), Error> {
    // While a session is being opened after a restart, its turn comes with the next look at the disk.
    if !row.folder.exists() || workshop.is_opening(&row.folder) {
        return Ok((0, true));
    }
    let pinned = pinned(workshop, row).await?;
    let session = workshop.session(row.run).await?;
    let end = session.store.lock().span().end();
    let last = if row.ended { end } else { end - KEPT_OF_LIVE };
    let before = time.min(last);
    let removed = tokio::task::spawn_blocking(move || session.store.lock().remove_before(before, &pinned));
    let freed = removed.await.map_err(|error| Error::Queue(error.to_string()))??;
    Ok((freed, time >= last))
}

/// What jobs of a session still need.
async fn pinned(workshop: &Workshop, row: &SessionRow) -> Result<SpanSet, Error> {
    let catalogue = &workshop.catalogue;
    let waiting: Vec<Step> = catalogue
        .waiting_jobs()
        .await?
        .into_iter()
        .filter_map(|(run, step)| (run == row.run).then_some(step))
        .collect();
    let mut pinned = SpanSet::new();
    let options = match catalogue.live_run(row.run).await? {
        Some(run) => run.settings.rank,
        None => return Ok(pinned),
    };
    for step in waiting {
        match step {
            Step::Moment { core_start } => {
                if let Some(candidate) = catalogue.candidate(row.run, core_start).await? {
                    let all = timeline::Span::new(MediaTime::ZERO, MediaTime::MAX);
                    pinned.insert(evidence_span(&candidate, all, &options));
                }
            }
            Step::Render { clip } => {
                if let Some(moment) = catalogue.moment::<highlight_detect::Moment>(row.run, clip).await? {
                    pinned.insert(moment.clip);
                }
            }
            _ => {}
        }
    }
    Ok(pinned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_warning_before_the_end() {
        let budget = DiskBudget { bytes: Some(1_000), keep: None };
        assert_eq!(budget.room(899), Room::Enough);
        assert_eq!(budget.room(900), Room::Scarce);
        assert_eq!(budget.room(1_000), Room::Scarce);
        assert_eq!(budget.room(1_200), Room::Over(200));
        assert_eq!(DiskBudget::default().room(u64::MAX), Room::Enough);
    }
}
