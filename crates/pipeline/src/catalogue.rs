//! The database: runs, finished stages, clips, and the queue beside them.

mod sessions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use apalis_sqlite::SqliteStorage;
use apalis_sqlite::queries::push_tasks;
use highlight_detect::Moment;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};
use timeline::{ClipId, Digest, SourceId};

pub(crate) use self::sessions::SessionRow;
use crate::fingerprint::digest_of;
use crate::job::{Job, LIVE_QUEUE, Step, queue_of};
use crate::publishing::NewPublication;
use crate::{Error, RunSettings, Stage};

/// Connections at once: the queue, two jobs, and recordings that write their candidates.
const CONNECTIONS: u32 = 8;
/// How long a writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The database of one data folder.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    pool: SqlitePool,
    path: PathBuf,
}

/// One recording with one set of settings and one output folder.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: Digest,
    pub(crate) recording: SourceId,
    pub(crate) path: PathBuf,
    pub(crate) settings: RunSettings,
    pub(crate) output_dir: PathBuf,
    pub(crate) created_at: Timestamp,
}

impl Run {
    /// The clip of a moment of this recording, the same whenever the same clip is asked for.
    pub(crate) fn clip_id(&self, moment: &Moment) -> ClipId {
        ClipId(digest_of(&[
            &self.recording,
            &self.settings.streamer,
            &moment.clip,
            &moment.words,
            &moment.keywords,
            &self.settings.render,
        ]))
    }
}

/// A change that is committed as a whole, or not at all.
pub(crate) struct Change<'a> {
    transaction: Transaction<'a, Sqlite>,
    catalogue: &'a Catalogue,
    run: Digest,
}

fn now() -> String {
    Timestamp::now().to_string()
}

fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|source| Error::Stored { what, source })
}

fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|source| Error::Stored { what, source })
}

impl Catalogue {
    /// Opens the database at `path`, which is made if it is not there.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Database { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What is committed survives the loss of power: a finished stage may have cost an hour.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(failed)?;
        // Two sets of migrations share the table that remembers them, so neither minds the other's.
        for mut migrations in [SqliteStorage::migrations(), sqlx::migrate!("./migrations")] {
            migrations.set_ignore_missing(true).run(&pool).await.map_err(|error| failed(error.into()))?;
        }
        Ok(Self { pool, path: path.to_owned() })
    }

    pub(crate) const fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the database, which writes its journal back.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    fn failed(&self) -> impl Fn(sqlx::Error) -> Error + '_ {
        |source| Error::Database { path: self.path.clone(), source }
    }

    /// When the run was begun and whether it is finished; `None` if it was never begun.
    pub(crate) async fn run_state(&self, run: Digest) -> Result<Option<(Timestamp, bool)>, Error> {
        let row = sqlx::query("SELECT created_at, finished_at FROM runs WHERE id = ?")
            .bind(run.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(row.map(|row| {
            let created: String = row.get(0);
            (created.parse().unwrap_or(Timestamp::UNIX_EPOCH), row.get::<Option<String>, _>(1).is_some())
        }))
    }

    /// The finished run that was made of an address, and the recording that was there.
    pub(crate) async fn run_of_address(&self, request: Digest) -> Result<Option<(Digest, SourceId)>, Error> {
        let row = sqlx::query(
            "SELECT runs.id, runs.recording_id FROM addresses JOIN runs ON runs.id = addresses.run_id
             WHERE addresses.id = ? AND runs.finished_at IS NOT NULL",
        )
        .bind(request.to_string())
        .fetch_optional(&self.pool)
        .await
        .map_err(self.failed())?;
        let digest = |text: String| text.parse::<Digest>().ok();
        Ok(row.and_then(|row| Some((digest(row.get(0))?, SourceId(digest(row.get(1))?)))))
    }

    /// Remembers that an address is processed by a run, and no longer by an earlier one.
    pub(crate) async fn note_address(&self, request: Digest, run: Digest) -> Result<(), Error> {
        sqlx::query(
            "INSERT INTO addresses VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET run_id = excluded.run_id",
        )
        .bind(request.to_string())
        .bind(run.to_string())
        .execute(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(())
    }

    /// Forgets a run and its jobs.
    pub(crate) async fn forget(&self, run: Digest) -> Result<(), Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        sqlx::query("DELETE FROM Jobs WHERE job_type = ?")
            .bind(queue_of(run))
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        sqlx::query("DELETE FROM runs WHERE id = ?")
            .bind(run.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed())?;
        transaction.commit().await.map_err(self.failed())
    }

    /// Begins a run: its row and its first job.
    pub(crate) async fn begin_run(&self, run: &Run) -> Result<(), Error> {
        let mut change = self.change(run.id).await?;
        change.insert_run("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", run).await?;
        change.queue(Step::Ingest).await?;
        change.commit().await
    }

    /// Puts jobs that a process left behind back into their queue. Only for who holds the lock of its run or runs.
    pub(crate) async fn take_over(&self, queue: &str) -> Result<(), Error> {
        sqlx::query(
            "UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL, done_at = NULL, run_at = 0 WHERE job_type = ? AND status <> 'Done'",
        )
        .bind(queue)
        .execute(&self.pool)
        .await
        .map_err(self.failed())?;
        Ok(())
    }

    /// Remembers that a stage is begun.
    pub(crate) async fn note_start(&self, run: Digest, step: Step) -> Result<(), Error> {
        sqlx::query("INSERT INTO stage_starts VALUES (?, ?, ?, ?)")
            .bind(run.to_string())
            .bind(step.stage().name())
            .bind(step.item())
            .bind(now())
            .execute(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(())
    }

    /// The result of a stage that is finished.
    pub(crate) async fn result<T: DeserializeOwned>(
        &self,
        run: Digest,
        stage: Stage,
        item: &str,
    ) -> Result<Option<T>, Error> {
        let row = sqlx::query("SELECT result FROM stages WHERE run_id = ? AND stage = ? AND item = ?")
            .bind(run.to_string())
            .bind(stage.name())
            .bind(item)
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        row.map(|row| from_json(stage.name(), row.get(0))).transpose()
    }

    /// All finished parts of a stage: (item, result).
    pub(crate) async fn results<T: DeserializeOwned>(
        &self,
        run: Digest,
        stage: Stage,
    ) -> Result<Vec<(String, T)>, Error> {
        let rows = sqlx::query("SELECT item, result FROM stages WHERE run_id = ? AND stage = ?")
            .bind(run.to_string())
            .bind(stage.name())
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        rows.iter().map(|row| Ok((row.get(0), from_json(stage.name(), row.get(1))?))).collect()
    }

    /// How many parts of each stage are finished, and the seconds they took.
    pub(crate) async fn finished(&self, run: Digest) -> Result<Vec<(String, u32, f64)>, Error> {
        let rows = sqlx::query("SELECT stage, COUNT(*), SUM(seconds) FROM stages WHERE run_id = ? GROUP BY stage ORDER BY MIN(finished_at)")
            .bind(run.to_string())
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed())?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }

    /// The moment that a clip is to be made of.
    pub(crate) async fn moment<T: DeserializeOwned>(
        &self,
        run: Digest,
        clip: ClipId,
    ) -> Result<Option<T>, Error> {
        let row = sqlx::query("SELECT moment FROM clips WHERE run_id = ? AND id = ?")
            .bind(run.to_string())
            .bind(clip.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed())?;
        row.map(|row| from_json("a clip", row.get(0))).transpose()
    }

    /// Begins a change. Writers wait for one another here, so what a change reads is still true when it is committed.
    pub(crate) async fn change(&self, run: Digest) -> Result<Change<'_>, Error> {
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed())?;
        Ok(Change { transaction, catalogue: self, run })
    }
}

impl Change<'_> {
    async fn insert_recording(&mut self, run: &Run) -> Result<(), Error> {
        sqlx::query("INSERT INTO recordings VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET path = excluded.path, seen_at = excluded.seen_at")
            .bind(run.recording.to_string())
            .bind(run.path.to_string_lossy())
            .bind(now())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        Ok(())
    }

    /// Puts a run and its recording into their tables, the run by `statement`, which takes all of its columns.
    async fn insert_run(&mut self, statement: &'static str, run: &Run) -> Result<(), Error> {
        self.insert_recording(run).await?;
        sqlx::query(statement)
            .bind(run.id.to_string())
            .bind(run.recording.to_string())
            .bind(run.path.to_string_lossy())
            .bind(run.settings.streamer.as_str())
            .bind(to_json("the settings", &run.settings)?)
            .bind(run.output_dir.to_string_lossy())
            .bind(run.created_at.to_string())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        Ok(())
    }

    /// Finishes a stage.
    pub(crate) async fn finish<T: Serialize>(
        &mut self,
        step: Step,
        result: &T,
        took: Duration,
    ) -> Result<(), Error> {
        sqlx::query("INSERT INTO stages VALUES (?, ?, ?, ?, ?, ?)")
            .bind(self.run.to_string())
            .bind(step.stage().name())
            .bind(step.item())
            .bind(to_json(step.stage().name(), result)?)
            .bind(took.as_secs_f64())
            .bind(now())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        Ok(())
    }

    /// Puts a step into the queue, unless it was there before.
    pub(crate) async fn queue(&mut self, step: Step) -> Result<(), Error> {
        self.push(step, &queue_of(self.run)).await
    }

    /// The same for a live session: all of them share one queue.
    pub(crate) async fn queue_live(&mut self, step: Step) -> Result<(), Error> {
        self.push(step, LIVE_QUEUE).await
    }

    async fn push(&mut self, step: Step, queue: &str) -> Result<(), Error> {
        let task = Job { run: self.run, step }.task()?;
        push_tasks(&mut *self.transaction, queue, &[task])
            .await
            .map_err(|error| Error::Queue(error.to_string()))
    }

    /// Asks for a clip of a moment, with its place once that is known.
    pub(crate) async fn want_clip<T: Serialize>(
        &mut self,
        clip: ClipId,
        moment: &T,
        rank: Option<u32>,
    ) -> Result<(), Error> {
        sqlx::query("INSERT INTO clips (run_id, id, moment, rank) VALUES (?, ?, ?, ?) ON CONFLICT (run_id, id) DO UPDATE SET rank = excluded.rank, moment = excluded.moment")
            .bind(self.run.to_string())
            .bind(clip.to_string())
            .bind(to_json("a moment", moment)?)
            .bind(rank)
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        self.queue(Step::Render { clip }).await
    }

    /// Queues storing if the choice is made and all of its clips are rendered.
    pub(crate) async fn store_when_ready(&mut self) -> Result<(), Error> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM stages WHERE run_id = ?1 AND stage = 'rank'),
                    EXISTS (SELECT 1 FROM clips WHERE run_id = ?1 AND rank IS NOT NULL
                            AND NOT EXISTS (SELECT 1 FROM stages WHERE run_id = ?1 AND stage = 'render' AND item = clips.id))",
        )
        .bind(self.run.to_string())
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(self.catalogue.failed())?;
        let (chosen, waiting): (bool, bool) = (row.get(0), row.get(1));
        if chosen && !waiting { self.queue(Step::Store).await } else { Ok(()) }
    }

    /// Marks the run as finished.
    pub(crate) async fn finish_run(&mut self) -> Result<(), Error> {
        sqlx::query("UPDATE runs SET finished_at = ? WHERE id = ?")
            .bind(now())
            .bind(self.run.to_string())
            .execute(&mut *self.transaction)
            .await
            .map_err(self.catalogue.failed())?;
        Ok(())
    }

    /// Puts a clip into the queue of publications, unless it is there.
    pub(crate) async fn publish(&mut self, new: &NewPublication) -> Result<(), Error> {
        crate::publishing::insert(&mut self.transaction, new, Timestamp::now())
            .await
            .map(drop)
            .map_err(self.catalogue.failed())
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        let failed = self.catalogue.failed();
        self.transaction.commit().await.map_err(failed)
    }
}
