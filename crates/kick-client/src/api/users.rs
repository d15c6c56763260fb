//! Users.

use serde::Deserialize;

use super::{BATCH, KickApi};
use crate::error::KickError;
use crate::lenient;

/// A user as the API tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The number that stays; of a streamer, the `broadcaster_user_id`.
    #[serde(default, rename = "user_id", deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// The name as it is shown. Not always the slug of the channel.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Where the picture is.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub profile_picture: Option<String>,
}

impl KickApi {
    /// The users with these ids, in batches of 50; whom Kick does not know is left out.
    ///
    /// # Errors
    ///
    /// [`KickError`] of the first batch that failed.
    pub async fn users(&self, ids: &[u64]) -> Result<Vec<User>, KickError> {
        let mut users = Vec::new();
        for batch in ids.chunks(BATCH) {
            let query = batch.iter().map(|id| ("id", id.to_string()));
            users.extend(self.list("users", &["public", "v1", "users"], query).await?.0);
        }
        Ok(users)
    }
}
