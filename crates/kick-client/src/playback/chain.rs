//! Several ways, tried in order.

use std::fmt;

use async_trait::async_trait;

use super::{Playback, PlaybackResolver, ResolveError};

/// Tries one resolver after the other until one gives an address.
///
/// Once Kick has said that the channel is offline or unknown, only [independent](PlaybackResolver::is_independent) ones are
/// tried: the others would ask Kick the same.
#[derive(Debug, Default)]
pub struct Resolvers(Vec<Box<dyn PlaybackResolver>>);

impl Resolvers {
    /// Tries `resolvers` in this order.
    pub fn new(resolvers: Vec<Box<dyn PlaybackResolver>>) -> Self {
        Self(resolvers)
    }
}

#[async_trait]
impl PlaybackResolver for Resolvers {
    fn name(&self) -> &str {
        "resolvers"
    }

    /// # Errors
    ///
    /// [`ResolveError::Offline`] or [`ResolveError::NoSuchChannel`] if Kick said so, or else
    /// [`ResolveError::All`] with each one's reason; of a single resolver, its own.
    async fn resolve(&self, slug: &str) -> Result<Playback, ResolveError> {
        let mut answer = None;
        let mut tries = Vec::new();
        for resolver in &self.0 {
            if answer.is_some() && !resolver.is_independent() {
                continue;
            }
            match resolver.resolve(slug).await {
                Ok(playback) => return Ok(playback),
                Err(error @ (ResolveError::Offline | ResolveError::NoSuchChannel)) => {
                    answer.get_or_insert(error);
                }
                Err(error) => {
                    tracing::debug!(slug, resolver = resolver.name(), %error, "no playlist this way");
                    tries.push((resolver.name().to_owned(), error));
                }
            }
        }
        Err(match (answer, tries.len()) {
            (Some(answer), _) => answer,
            (None, 1) => tries.remove(0).1,
            (None, _) => ResolveError::All { tries },
        })
    }

    fn is_independent(&self) -> bool {
        self.0.iter().any(|resolver| resolver.is_independent())
    }
}

/// The names of the resolvers, in their order.
impl fmt::Display for Resolvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|resolver| resolver.name()).collect();
        f.write_str(&names.join(", "))
    }
}
