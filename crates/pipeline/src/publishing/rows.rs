//! The statements about publications. Each takes a connection, so that several can share a transaction.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use publish::{Mark, PostKey, Target};
use serde::de::Error as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use timeline::Digest;

use super::record::{NewPublication, Publication, PublicationState};
use super::schedule::Hold;
use crate::Error;

/// What a statement met.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A row does not say what it should.
    #[error("the publication {key} holds something unreadable: {source}")]
    Unreadable {
        /// Which row.
        key: String,
        /// What was wrong with it.
        source: serde_json::Error,
    },
}

const COLUMNS: &str = "SELECT key, platform, account, content, video, name, text, cover_ms, streamer, clip, score, state, why, claim,
    round, attempts, not_before, created_at, changed_at, expires_at, result FROM publications";

fn read(row: &SqliteRow) -> Result<Publication, RowError> {
    let key: String = row.get("key");
    let unreadable = |source| RowError::Unreadable { key: key.clone(), source };
    let time = |column: &str| optional::<Timestamp>(row.get(column)).map_err(unreadable);
    let needed = |column: &str| parsed::<Timestamp>(row.get(column)).map_err(unreadable);
    let delivery = |text: String| serde_json::from_str(&text).map_err(unreadable);
    Ok(Publication {
        key: PostKey(parsed::<Digest>(&key).map_err(unreadable)?),
        target: Target { platform: row.get("platform"), account: row.get("account") },
        content: row.get("content"),
        video: PathBuf::from(row.get::<String, _>("video")),
        name: row.get("name"),
        text: row.get("text"),
        cover: row
            .get::<Option<i64>, _>("cover_ms")
            .and_then(|cover| u64::try_from(cover).ok())
            .map(Duration::from_millis),
        streamer: parsed(row.get::<&str, _>("streamer")).map_err(unreadable)?,
        clip: optional(row.get("clip")).map_err(unreadable)?,
        score: row.get("score"),
        state: parsed::<PublicationState>(row.get("state")).map_err(unreadable)?,
        why: row.get("why"),
        round: row.get("round"),
        attempts: row.get("attempts"),
        not_before: time("not_before")?,
        created_at: needed("created_at")?,
        changed_at: needed("changed_at")?,
        expires_at: time("expires_at")?,
        result: row.get::<Option<String>, _>("result").map(delivery).transpose()?,
        claim: row.get("claim"),
    })
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, serde_json::Error>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| serde_json::Error::custom(format!("{text}: {error}")))
}

fn optional<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, serde_json::Error>
where
    T::Err: std::fmt::Display,
{
    text.map(parsed).transpose()
}

/// Puts a publication into the queue; false if it is there already, or another rendering of the same clip is: made again, a clip may differ in
/// its bytes, and is the same to whoever watches it.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    new: &NewPublication,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let state = if new.held { PublicationState::Paused } else { PublicationState::Waiting };
    let why = new.held.then_some("it waits for your word: `streamliner queue resume`");
    let done = sqlx::query(
        "INSERT INTO publications SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, NULL, 1, 0, NULL, ?14, ?14, ?15, NULL
         WHERE NOT EXISTS (SELECT 1 FROM publications WHERE platform = ?2 AND account = ?3 AND clip = ?10)
         ON CONFLICT DO NOTHING",
    )
    .bind(new.key().to_string())
    .bind(&new.target.platform)
    .bind(&new.target.account)
    .bind(new.content.to_string())
    .bind(new.video.to_string_lossy())
    .bind(&new.name)
    .bind(&new.text)
    .bind(new.cover.and_then(|cover| i64::try_from(cover.as_millis()).ok()))
    .bind(new.streamer.as_str())
    .bind(new.clip.map(|clip| clip.to_string()))
    .bind(new.score)
    .bind(state.name())
    .bind(why)
    .bind(now.to_string())
    .bind(new.expires_at.map(|at| at.to_string()))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What a new round of a publication is about: the file and the text of now, and no journal yet.
pub(super) async fn begin_round(
    connection: &mut SqliteConnection,
    new: &NewPublication,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE publications SET video = ?, name = ?, text = ?, cover_ms = ?, streamer = ?, state = 'waiting', why = NULL, round = round + 1,
         attempts = 0, not_before = NULL, changed_at = ?, expires_at = NULL, result = NULL WHERE key = ?",
    )
    .bind(new.video.to_string_lossy())
    .bind(&new.name)
    .bind(&new.text)
    .bind(new.cover.and_then(|cover| i64::try_from(cover.as_millis()).ok()))
    .bind(new.streamer.as_str())
    .bind(now.to_string())
    .bind(new.key().to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// One publication.
pub(super) async fn one(
    connection: &mut SqliteConnection,
    key: PostKey,
) -> Result<Option<Publication>, RowError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE key = ?")))
        .bind(key.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

/// All of them, oldest first.
pub(super) async fn all(connection: &mut SqliteConnection) -> Result<Vec<Publication>, RowError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY created_at, key")))
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

/// Those of a target that somebody has to do something for, in the order of their turns: what was begun, then the best.
pub(super) async fn open_at(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<Vec<Publication>, RowError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "{COLUMNS} WHERE platform = ? AND account = ? AND state IN ('waiting', 'running', 'processing')
         ORDER BY state = 'running' DESC, score DESC, created_at, key"
    )))
    .bind(&target.platform)
    .bind(&target.account)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read).collect()
}

/// Whether there are any of those.
pub(super) async fn is_open_at(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM publications WHERE platform = ? AND account = ?
         AND state IN ('waiting', 'running', 'processing'))",
    )
    .bind(&target.platform)
    .bind(&target.account)
    .fetch_one(connection)
    .await?;
    Ok(row.get(0))
}

/// How a publication stands after something happened to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change<'a> {
    pub(super) state: PublicationState,
    pub(super) why: Option<&'a str>,
    pub(super) claim: Option<&'a str>,
    pub(super) attempts: u32,
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) result: Option<&'a publish::Delivery>,
}

impl<'a> Change<'a> {
    /// As it is now, but for what the caller changes.
    pub(super) fn of(publication: &'a Publication) -> Self {
        Self {
            state: publication.state,
            why: publication.why.as_deref(),
            claim: publication.claim.as_deref(),
            attempts: publication.attempts,
            not_before: publication.not_before,
            expires_at: publication.expires_at,
            result: publication.result.as_ref(),
        }
    }
}

/// Writes how a publication stands.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    key: PostKey,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<(), RowError> {
    let result = change
        .result
        .map(serde_json::to_string)
        .transpose()
        .map_err(|source| RowError::Unreadable { key: key.to_string(), source })?;
    sqlx::query(
        "UPDATE publications SET state = ?, why = ?, claim = ?, attempts = ?, not_before = ?, expires_at = ?, result = ?, changed_at = ?
         WHERE key = ?",
    )
    .bind(change.state.name())
    .bind(change.why)
    .bind(change.claim)
    .bind(change.attempts)
    .bind(change.not_before.map(|at| at.to_string()))
    .bind(change.expires_at.map(|at| at.to_string()))
    .bind(result)
    .bind(now.to_string())
    .bind(key.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The journal of a round, oldest first.
pub(super) async fn marks(
    connection: &mut SqliteConnection,
    key: PostKey,
    round: u32,
) -> Result<Vec<Mark>, RowError> {
    let rows = sqlx::query("SELECT mark FROM publication_marks WHERE key = ? AND round = ? ORDER BY number")
        .bind(key.to_string())
        .bind(round)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(row.get(0))
                .map_err(|source| RowError::Unreadable { key: key.to_string(), source })
        })
        .collect()
}

/// When posts to a target were completed, or nearly so, since a time; those that came to nothing are not counted.
pub(super) async fn posts_since(
    connection: &mut SqliteConnection,
    target: &Target,
    since: Timestamp,
) -> Result<Vec<Timestamp>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT m.at FROM publication_marks m JOIN publications p USING (key)
         WHERE p.platform = ? AND p.account = ? AND m.at >= ? AND m.kind = 'committing' AND NOT EXISTS
            (SELECT 1 FROM publication_marks later WHERE later.key = m.key AND later.round = m.round
             AND later.number > m.number AND later.kind IN ('committing', 'abandoned'))",
    )
    .bind(&target.platform)
    .bind(&target.account)
    .bind(since.as_millisecond())
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().filter_map(|row| Timestamp::from_millisecond(row.get(0)).ok()).collect())
}

/// Why nothing goes to a target at the moment, as it was last found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) hold: Hold,
    /// Whether a rule of the user says so, which is asked anew each time.
    pub(super) is_rule: bool,
}

impl Held {
    /// Whether it keeps a publication from being begun.
    pub(super) fn blocks(&self, now: Timestamp) -> bool {
        !self.is_rule && self.hold.until.is_none_or(|until| until > now)
    }
}

/// Reads that.
pub(super) async fn hold(
    connection: &mut SqliteConnection,
    target: &Target,
) -> Result<Option<Held>, sqlx::Error> {
    let row =
        sqlx::query("SELECT why, until, is_rule FROM publication_holds WHERE platform = ? AND account = ?")
            .bind(&target.platform)
            .bind(&target.account)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|row| {
        let until = row.get::<Option<String>, _>(1).and_then(|until| until.parse().ok());
        Held { hold: Hold { why: row.get(0), until }, is_rule: row.get(2) }
    }))
}

/// Writes that, or that nothing is in the way.
pub(super) async fn set_hold(
    connection: &mut SqliteConnection,
    target: &Target,
    held: Option<&Held>,
) -> Result<(), sqlx::Error> {
    let query = match held {
        Some(Held { hold, is_rule }) => sqlx::query(
            "INSERT INTO publication_holds VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET why = excluded.why, until = excluded.until, is_rule = excluded.is_rule",
        )
        .bind(&target.platform)
        .bind(&target.account)
        .bind(&hold.why)
        .bind(hold.until.map(|until| until.to_string()))
        .bind(is_rule),
        None => sqlx::query("DELETE FROM publication_holds WHERE platform = ? AND account = ?")
            .bind(&target.platform)
            .bind(&target.account),
    };
    query.execute(connection).await?;
    Ok(())
}

/// Writes that nothing is in the way of the accounts of a platform.
pub(super) async fn clear_holds(
    connection: &mut SqliteConnection,
    platform: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM publication_holds WHERE platform = ?")
        .bind(platform)
        .execute(connection)
        .await?;
    Ok(())
}

impl RowError {
    /// As an error of the pipeline.
    pub(crate) fn at(self, path: &std::path::Path) -> Error {
        match self {
            Self::Database(source) => Error::Database { path: path.to_owned(), source },
            Self::Unreadable { source, .. } => Error::Stored { what: "a publication", source },
        }
    }
}
