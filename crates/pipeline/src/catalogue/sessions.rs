//! What the database knows of live sessions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use highlight_detect::Candidate;
use jiff::Timestamp;
use sqlx::Row as _;
use timeline::{ClipId, Digest, MediaTime, SourceId, StreamerName};

use super::{Catalogue, Change, Run, from_json, now, to_json};
use crate::Error;
use crate::job::{LIVE_QUEUE, Step};
use crate::live::limits::ClipLimits;

/// A recorded stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionRow {
    pub(crate) run: Digest,
    pub(crate) streamer: StreamerName,
    /// How the platform tells this broadcast from the next.
    pub(crate) broadcast: String,
    /// Where its segments are.
    pub(crate) folder: PathBuf,
    /// When media time zero was.
    pub(crate) zero_at: Timestamp,
    pub(crate) ended: bool,
    /// How many clips there may be.
    pub(crate) limits: ClipLimits,
}

fn session(row: &sqlx::sqlite::SqliteRow) -> Result<SessionRow, Error> {
    let (run, streamer): (String, String) = (row.get(0), row.get(1));
    Ok(SessionRow {
        run: parsed(&run)?,
        streamer: parsed(&streamer)?,
        broadcast: row.get(2),
        folder: PathBuf::from(row.get::<String, _>(3)),
        zero_at: parsed(&row.get::<String, _>(4))?,
        ended: row.get::<Option<String>, _>(5).is_some(),
        limits: from_json("the limits", row.get(6))?,
    })
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, Error>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Error::Stored {
        what: "a session",
        source: serde::de::Error::custom(format!("{text}: {error}")),
    })
}

const COLUMNS: &str = "SELECT run_id, streamer, broadcast, folder, zero_at, ended_at, limits FROM sessions";

impl Catalogue {
    /// A session by its run.
    pub(crate) async fn session(&self, run: Digest) -> Result<Option<SessionRow>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE run_id = ?")))
            .bind(run.to_string())
            .fetch_optional(self.pool())
            .await
            .map_err(self.failed())?;
        row.as_ref().map(session).transpose()
    }

    /// Sessions that were not ended, oldest first.
    pub(crate) async fn open_sessions(&self) -> Result<Vec<SessionRow>, Error> {
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE ended_at IS NULL ORDER BY zero_at")))
                .fetch_all(self.pool())
                .await
                .map_err(self.failed())?;
        rows.iter().map(session).collect()
    }

    /// All sessions, oldest first.
    pub(crate) async fn sessions(&self) -> Result<Vec<SessionRow>, Error> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY zero_at")))
            .fetch_all(self.pool())
            .await
            .map_err(self.failed())?;
        rows.iter().map(session).collect()
    }

    /// The run of a session, as it was last begun.
    pub(crate) async fn live_run(&self, run: Digest) -> Result<Option<Run>, Error> {
        let row =
            sqlx::query("SELECT recording_id, path, settings, output_dir, created_at FROM runs WHERE id = ?")
                .bind(run.to_string())
                .fetch_optional(self.pool())
                .await
                .map_err(self.failed())?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Run {
            id: run,
            recording: parsed::<SourceId>(&row.get::<String, _>(0))?,
            path: PathBuf::from(row.get::<String, _>(1)),
            settings: from_json("the settings", row.get(2))?,
            output_dir: PathBuf::from(row.get::<String, _>(3)),
            created_at: parsed(&row.get::<String, _>(4))?,
        }))
    }

    /// Begins a session, or goes on with it under the settings of now, also if it had ended: a broadcast may come back late.
    pub(crate) async fn begin_session(
        &self,
        run: &Run,
        broadcast: &str,
        folder: &Path,
        zero_at: Timestamp,
        limits: &ClipLimits,
    ) -> Result<(), Error> {
        let mut change = self.change(run.id).await?;
        let statement = "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, NULL)
             ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, finished_at = NULL";
        change.insert_run(statement, run).await?;
        sqlx::query(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, NULL, ?)
             ON CONFLICT (run_id) DO UPDATE SET limits = excluded.limits, ended_at = NULL",
        )
        .bind(run.id.to_string())
        .bind(run.settings.streamer.as_str())
        .bind(broadcast)
        .bind(folder.to_string_lossy())
        .bind(zero_at.to_string())
        .bind(to_json("the limits", limits)?)
        .execute(&mut *change.transaction)
        .await
        .map_err(self.failed())?;
        change.commit().await
    }

    /// The candidates of a session, in order of time.
    pub(crate) async fn candidates(&self, run: Digest) -> Result<Vec<Candidate>, Error> {
        let rows = sqlx::query("SELECT candidate FROM candidates WHERE run_id = ? ORDER BY core_start")
            .bind(run.to_string())
            .fetch_all(self.pool())
            .await
            .map_err(self.failed())?;
        rows.iter().map(|row| from_json("a candidate", row.get(0))).collect()
    }

    /// One candidate of a session.
    pub(crate) async fn candidate(
        &self,
        run: Digest,
        core_start: MediaTime,
    ) -> Result<Option<Candidate>, Error> {
        let row = sqlx::query("SELECT candidate FROM candidates WHERE run_id = ? AND core_start = ?")
            .bind(run.to_string())
            .bind(core_start.ticks())
            .fetch_optional(self.pool())
            .await
            .map_err(self.failed())?;
        row.map(|row| from_json("a candidate", row.get(0))).transpose()
    }

    /// How many clips of a session are in their place.
    pub(crate) async fn kept_clips(&self, run: Digest) -> Result<usize, Error> {
        // One that could not be made has no name.
        let row = sqlx::query(
            "SELECT COUNT(*) FROM stages WHERE run_id = ? AND stage = 'store' AND item <> ''
             AND json_extract(result, '$.name') IS NOT NULL",
        )
        .bind(run.to_string())
        .fetch_one(self.pool())
        .await
        .map_err(self.failed())?;
        Ok(usize::try_from(row.get::<i64, _>(0)).unwrap_or(0))
    }

    /// The jobs of live sessions that wait or are being worked on, with those that failed and are tried again later.
    pub(crate) async fn waiting_jobs(&self) -> Result<Vec<(Digest, Step)>, Error> {
        let rows = sqlx::query("SELECT job FROM Jobs WHERE job_type = ? AND status <> 'Done'")
            .bind(LIVE_QUEUE)
            .fetch_all(self.pool())
            .await
            .map_err(self.failed())?;
        let jobs = rows.iter().map(|row| {
            serde_json::from_slice::<crate::job::Job>(row.get(0))
                .map_err(|source| Error::Stored { what: "a job", source })
        });
        Ok(jobs.collect::<Result<Vec<_>, _>>()?.into_iter().map(|job| (job.run, job.step)).collect())
    }

    /// Puts jobs of live sessions that failed back into their queue: each `pause` after its first failure, then after twice
    /// as long each time, up to `longest`. Tells how many.
    pub(crate) async fn revive_jobs(&self, pause: Duration, longest: Duration) -> Result<u64, Error> {
        let revived = sqlx::query(
            "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL, done_at = NULL, run_at = 0
             WHERE job_type = ?1 AND status IN ('Failed', 'Killed') AND COALESCE(done_at, 0)
                 + MIN(?2 << MIN(MAX(attempts - 1, 0), 20), ?3) <= CAST(strftime('%s', 'now') AS INTEGER)",
        )
        .bind(LIVE_QUEUE)
        .bind(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX))
        .bind(i64::try_from(longest.as_secs()).unwrap_or(i64::MAX))
        .execute(self.pool())
        .await
        .map_err(self.failed())?;
        Ok(revived.rows_affected())
    }
}

impl Change<'_> {
    /// The moments that clips of the session are made of.
    pub(crate) async fn wanted<T: serde::de::DeserializeOwned>(&mut self) -> Result<Vec<(ClipId, T)>, Error> {
        let rows = sqlx::query("SELECT id, moment FROM clips WHERE run_id = ? ORDER BY moment_at")
            .bind(self.run.to_string())
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        rows.iter()
            .map(|row| Ok((parsed(&row.get::<String, _>(0))?, from_json("a clip", row.get(1))?)))
            .collect()
    }

    /// When the moments of a streamer's live clips were, since `since`.
    pub(crate) async fn clip_times(
        &mut self,
        streamer: &StreamerName,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, Error> {
        let rows = sqlx::query(
            "SELECT clips.moment_at FROM clips JOIN runs ON runs.id = clips.run_id
             WHERE runs.streamer = ? AND clips.moment_at IS NOT NULL",
        )
        .bind(streamer.as_str())
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(self.catalogue.failed())?;
        let times = rows.iter().map(|row| parsed::<Timestamp>(&row.get::<String, _>(0)));
        Ok(times.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|time| *time >= since).collect())
    }

    /// Remembers a candidate of a live session; false if it was known.
    pub(crate) async fn add_candidate(&mut self, candidate: &Candidate) -> Result<bool, Error> {
        let added = sqlx::query("INSERT INTO candidates VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(self.run.to_string())
            .bind(candidate.core.start().ticks())
            .bind(to_json("a candidate", candidate)?)
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        Ok(added.rows_affected() > 0)
    }

    /// Asks for a clip of a live moment, which was at `at` by the wall clock.
    pub(crate) async fn want_live_clip<T: serde::Serialize>(
        &mut self,
        clip: ClipId,
        moment: &T,
        at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO clips (run_id, id, moment, rank, moment_at) VALUES (?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING",
        )
        .bind(self.run.to_string())
        .bind(clip.to_string())
        .bind(to_json("a moment", moment)?)
        .bind(at.to_string())
        .execute(&mut *self.transaction)
        .await
        .map_err(self.catalogue.failed())?;
        self.queue_live(Step::Render { clip }).await
    }

    /// Marks a session as ended and queues what remains to be done for it.
    pub(crate) async fn end_session(&mut self) -> Result<(), Error> {
        // It may have ended and been closed before: then it is closed anew, with what came since.
        sqlx::query("DELETE FROM stages WHERE run_id = ? AND stage = 'store' AND item = ''")
            .bind(self.run.to_string())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        sqlx::query("DELETE FROM Jobs WHERE job_type = ? AND idempotency_key = ? AND status = 'Done'")
            .bind(LIVE_QUEUE)
            .bind(format!("{}:{}:{}", self.run, Step::Store.stage(), Step::Store.item()))
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        sqlx::query("UPDATE sessions SET ended_at = ? WHERE run_id = ? AND ended_at IS NULL")
            .bind(now())
            .bind(self.run.to_string())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        self.close_when_ready().await
    }

    /// Queues the last step of a session that has ended, if every other step is done.
    pub(crate) async fn close_when_ready(&mut self) -> Result<(), Error> {
        let row = sqlx::query(
            "SELECT (SELECT ended_at FROM sessions WHERE run_id = ?1) IS NOT NULL,
                    EXISTS (SELECT 1 FROM clips WHERE run_id = ?1 AND NOT EXISTS
                            (SELECT 1 FROM stages WHERE run_id = ?1 AND stage = 'store' AND item = clips.id)),
                    EXISTS (SELECT 1 FROM candidates WHERE run_id = ?1 AND NOT EXISTS
                            (SELECT 1 FROM stages WHERE run_id = ?1 AND stage = 'transcribe'
                             AND item = CAST(candidates.core_start AS TEXT)))",
        )
        .bind(self.run.to_string())
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(self.catalogue.failed())?;
        let (ended, clips, candidates): (bool, bool, bool) = (row.get(0), row.get(1), row.get(2));
        if ended && !clips && !candidates { self.queue_live(Step::Store).await } else { Ok(()) }
    }
}
