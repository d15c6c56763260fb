//! How much recordings may take, and what goes first.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use timeline::{MediaDuration, MediaTime, SpanSet};

use super::workshop::{Workshop, open_store};
use crate::Error;
use crate::blocking::blocking;
use crate::catalogue::SessionRow;
use crate::footage::SharedStore;
use crate::job::Step;
use crate::selection::evidence_span;

/// The end of a session that is still recorded is never removed: a moment in it may not have settled.
const KEPT_OF_LIVE: MediaDuration = MediaDuration::from_secs(600);
/// This much goes at once, from the oldest session first: who records waits no longer than the deletion of so many files.
const PIECE: MediaDuration = MediaDuration::from_secs(300);
/// A broadcast whose last segment is older than this does not come back; its folder may go.
const SURELY_OVER: SignedDuration = SignedDuration::from_hours(1);
/// A folder that no session knows goes when nobody has touched it for this long.
const STRAY_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The segments, in the folder of a session.
const SEGMENTS: &str = "segments";

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
/// needs. Of a session of which nothing is left but its end, the folder goes too. Tells how things stand after that, with
/// the bytes that recordings take.
pub(super) async fn keep(
    workshop: &Workshop,
    budget: &DiskBudget,
    folder: &Path,
) -> Result<(Room, u64), Error> {
    let sessions = workshop.catalogue.sessions().await?;
    let now = Timestamp::now();
    if workshop.tidies_first() {
        let known: Vec<PathBuf> = sessions.iter().map(|row| row.folder.clone()).collect();
        let all = folder.to_owned();
        blocking(move || remove_unknown(&all, &known, now)).await?;
    }
    if let Some(oldest) = budget.oldest(now) {
        for row in sessions.iter().filter(|row| row.zero_at < oldest) {
            let age = MediaDuration::from_secs_f64(oldest.duration_since(row.zero_at).as_secs_f64());
            remove(workshop, row, MediaTime::ZERO + age, u64::MAX).await?;
            remove_folder(workshop, row, oldest).await?;
        }
    }
    let measured = folder.to_owned();
    let mut bytes = blocking(move || used(&measured)).await?;
    let over_since = now.checked_sub(SURELY_OVER).unwrap_or(Timestamp::UNIX_EPOCH);
    for row in &sessions {
        let Room::Over(too_much) = budget.room(bytes) else { break };
        let freed = remove(workshop, row, MediaTime::MAX, too_much).await?;
        bytes = bytes.saturating_sub(freed);
        if freed < too_much {
            bytes = bytes.saturating_sub(remove_folder(workshop, row, over_since).await?);
        }
    }
    Ok((budget.room(bytes), bytes))
}

/// Removes what of a session is before `time`, from its start until `enough` bytes are freed, but for what jobs need and the end
/// of what is still recorded. The bytes that this freed.
async fn remove(workshop: &Workshop, row: &SessionRow, time: MediaTime, enough: u64) -> Result<u64, Error> {
    if held_segments(&row.folder) <= 1 {
        return Ok(0);
    }
    // Nobody begins to record to the folder meanwhile. Somebody who has the turn already has made the session known, or is
    // opening it after a restart: then it is looked at the next time.
    let turn = workshop.try_turn(&row.folder);
    let store = match (workshop.known(row.run), &turn) {
        (Some(session), _) => session.store.clone(),
        // It is let go again after this: most sessions are over, and there may be many.
        (None, Some(_)) => open_store(&row.folder).await?,
        (None, None) => return Ok(0),
    };
    let freed = remove_from(workshop, row, &store, time, enough).await;
    drop((store, turn));
    if workshop.known(row.run).is_none() {
        workshop.forget_turn(&row.folder);
    }
    freed
}

/// The same, from an open store, which is free for others between the pieces.
async fn remove_from(
    workshop: &Workshop,
    row: &SessionRow,
    store: &SharedStore,
    time: MediaTime,
    enough: u64,
) -> Result<u64, Error> {
    let (first, end) = {
        let store = store.lock();
        (store.segments().next().map(|segment| segment.placement.span.start()), store.span().end())
    };
    let last = time.min(if row.ended { end } else { end - KEPT_OF_LIVE });
    let (mut before, mut freed) = (first.unwrap_or(last), 0);
    while before < last && freed < enough {
        before = (before + PIECE).min(last);
        let pinned = pinned(workshop, row).await?;
        let store = store.clone();
        freed += blocking(move || store.lock().remove_before(before, &pinned)).await??;
    }
    Ok(freed)
}

/// Removes the folder of a session that ended before `over_since`, if no more than its last segment is left and no job waits.
/// The bytes that this freed.
async fn remove_folder(workshop: &Workshop, row: &SessionRow, over_since: Timestamp) -> Result<u64, Error> {
    let is_done = row.ended
        && row.folder.exists()
        && held_segments(&row.folder) <= 1
        && last_changed(&row.folder.join(SEGMENTS), false).is_none_or(|last| last < over_since)
        && workshop.known(row.run).is_none();
    if !is_done || workshop.catalogue.waiting_jobs().await?.iter().any(|(run, _)| *run == row.run) {
        return Ok(0);
    }
    let Some(turn) = workshop.try_turn(&row.folder) else { return Ok(0) };
    let folder = row.folder.clone();
    let removed = blocking(move || {
        let bytes = used(&folder);
        fs_err::remove_dir_all(&folder).map(|()| bytes).map_err(Error::file("removed", &folder))
    });
    let bytes = removed.await??;
    drop(turn);
    workshop.forget_turn(&row.folder);
    tracing::info!(streamer = %row.streamer, folder = %row.folder.display(), "an old recording is removed");
    Ok(bytes)
}

/// How many segments there are in the folder of a session, as far as two.
fn held_segments(folder: &Path) -> usize {
    fs_err::read_dir(folder.join(SEGMENTS)).map_or(0, |entries| entries.take(2).count())
}

/// When the newest file in `folder` was changed, or the folder itself where that counts.
fn last_changed(folder: &Path, with_folder: bool) -> Option<Timestamp> {
    let changed = |known: std::fs::Metadata| Timestamp::try_from(known.modified().ok()?).ok();
    let own = with_folder.then(|| fs_err::metadata(folder).ok().and_then(changed)).flatten();
    let entries = fs_err::read_dir(folder).ok()?.flatten();
    entries.filter_map(|entry| entry.metadata().ok().and_then(changed)).chain(own).max()
}

/// Removes folders of recordings under `all` that none of `known` is, and that nobody has touched for a day.
fn remove_unknown(all: &Path, known: &[PathBuf], now: Timestamp) {
    // By streamer and broadcast, so that a data folder may be moved.
    let is_known = |folder: &Path| {
        let name =
            |folder: &Path| Some((folder.parent()?.file_name()?.to_owned(), folder.file_name()?.to_owned()));
        known.iter().any(|one| name(one) == name(folder))
    };
    let folders = |folder: &Path| -> Vec<PathBuf> {
        let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
        let is_folder = |entry: &fs_err::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        entries.flatten().filter(is_folder).map(|entry| entry.path()).collect()
    };
    for folder in folders(all).iter().flat_map(|streamer| folders(streamer)) {
        let changed = [&folder, &folder.join(SEGMENTS)]
            .into_iter()
            .filter_map(|folder| last_changed(folder, true))
            .max();
        if is_known(&folder) || changed.is_none_or(|changed| now.duration_since(changed) < STRAY_FOR) {
            continue;
        }
        tracing::warn!(folder = %folder.display(), "no session knows this recording; it is removed");
        if let Err(error) = fs_err::remove_dir_all(&folder) {
            tracing::warn!(%error, "it cannot be removed");
        }
    }
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
mod tests;
