//! An address that the user gave.

use async_trait::async_trait;

use super::{Playback, PlaybackResolver, ResolveError};
use crate::secret_url::SecretUrl;

/// Always the same address, whatever the channel.
#[derive(Debug, Clone)]
pub struct FixedUrl(SecretUrl);

impl FixedUrl {
    /// Always `url`.
    pub fn new(url: SecretUrl) -> Self {
        Self(url)
    }
}

#[async_trait]
impl PlaybackResolver for FixedUrl {
    fn name(&self) -> &str {
        "the configured address"
    }

    async fn resolve(&self, _slug: &str) -> Result<Playback, ResolveError> {
        Ok(Playback::new(self.0.clone(), self.name()))
    }

    fn is_independent(&self) -> bool {
        true
    }
}
