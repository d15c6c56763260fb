//! The journal of a publication, in the database.

use async_trait::async_trait;
use publish::{Journal, JournalError, Mark, PostKey};

use super::clock::Clock;
use crate::catalogue::Catalogue;

/// One row a mark, committed before [`Journal::write`] returns.
#[derive(Debug)]
pub(super) struct RowJournal {
    catalogue: Catalogue,
    clock: Clock,
    key: PostKey,
    round: u32,
    marks: Vec<Mark>,
}

impl RowJournal {
    /// Of a round of a publication that has these marks, for who has claimed it.
    pub(super) const fn new(
        catalogue: Catalogue,
        clock: Clock,
        key: PostKey,
        round: u32,
        marks: Vec<Mark>,
    ) -> Self {
        Self { catalogue, clock, key, round, marks }
    }
}

#[async_trait]
impl Journal for RowJournal {
    fn marks(&self) -> &[Mark] {
        &self.marks
    }

    async fn write(&mut self, mark: Mark) -> Result<(), JournalError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| JournalError {
            what: format!("a mark of {} cannot be written", self.key),
            source: Some(source),
        };
        let json = serde_json::to_value(&mark).map_err(|error| failed(error.into()))?;
        // The database is opened with full synchronisation: what a statement has committed survives the loss of power.
        sqlx::query("INSERT INTO publication_marks VALUES (?, ?, ?, ?, ?, ?)")
            .bind(self.key.to_string())
            .bind(self.round)
            .bind(i64::try_from(self.marks.len()).unwrap_or(i64::MAX))
            .bind(json.get("mark").and_then(serde_json::Value::as_str).unwrap_or_default())
            .bind(json.to_string())
            .bind(self.clock.now().as_millisecond())
            .execute(self.catalogue.pool())
            .await
            .map_err(|error| failed(error.into()))?;
        tracing::debug!(key = %self.key, mark = %json, "journal");
        self.marks.push(mark);
        Ok(())
    }
}
