//! Kick's public key: fetched when first needed, kept, and fetched anew when a signature does not fit.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{KeyError, WebhookKey};

/// How long after one fetch no other begins, so that forged requests do not make us ask Kick without pause.
const FETCH_PAUSE: Duration = Duration::from_secs(60);

type BoxError = Box<dyn Error + Send + Sync>;
type Fetch = dyn Fn() -> BoxFuture<'static, Result<String, BoxError>> + Send + Sync;

/// Kick's public key, shared by all who check deliveries.
pub struct KeyStore {
    fetch: Box<Fetch>,
    // Held while fetching, so that there is one fetch however many wait for it.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    key: Option<Arc<WebhookKey>>,
    /// When the last fetch began, and how it failed, if it did.
    last_fetch: Option<(Instant, Option<KeyError>)>,
}

impl KeyStore {
    /// A store that fetches the key in PEM form by `fetch`, for example by [`KickApi::public_key`](crate::KickApi::public_key).
    #[must_use]
    pub fn new<F, Fut, E>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let fetch = move || fetch().map(|fetched| fetched.map_err(Into::into)).boxed();
        Self { fetch: Box::new(fetch), state: Mutex::default() }
    }

    /// The key, fetched if there is none yet.
    ///
    /// # Errors
    /// If it cannot be fetched or read. For a minute after that, the same error is given without another fetch.
    pub async fn key(&self) -> Result<Arc<WebhookKey>, KeyError> {
        let mut state = self.state.lock().await;
        if let Some(key) = &state.key {
            return Ok(Arc::clone(key));
        }
        if let Some((at, Some(error))) = &state.last_fetch
            && at.elapsed() < FETCH_PAUSE
        {
            return Err(error.clone());
        }
        self.fetch_into(&mut state).await
    }

    /// Another key than `misfit`, which did not fit a signature, if Kick has one now. None if it is still the same, or was
    /// asked for within the last minute.
    ///
    /// # Errors
    /// If it cannot be fetched or read; the old key is kept then.
    pub async fn key_other_than(&self, misfit: &WebhookKey) -> Result<Option<Arc<WebhookKey>>, KeyError> {
        let mut state = self.state.lock().await;
        if let Some(key) = state.key.as_ref().filter(|key| key.as_ref() != misfit) {
            return Ok(Some(Arc::clone(key)));
        }
        if state.last_fetch.as_ref().is_some_and(|(at, _)| at.elapsed() < FETCH_PAUSE) {
            return Ok(None);
        }
        let key = self.fetch_into(&mut state).await?;
        Ok(Some(key).filter(|key| key.as_ref() != misfit))
    }

    async fn fetch_into(&self, state: &mut State) -> Result<Arc<WebhookKey>, KeyError> {
        let begun = Instant::now();
        let fetched = (self.fetch)().await.map_err(|source| KeyError::Fetch { source: source.into() });
        match fetched.and_then(|pem| WebhookKey::from_pem(&pem)) {
            Ok(key) => {
                let key = Arc::new(key);
                state.key = Some(Arc::clone(&key));
                state.last_fetch = Some((begun, None));
                Ok(key)
            }
            Err(error) => {
                state.last_fetch = Some((begun, Some(error.clone())));
                Err(error)
            }
        }
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").finish_non_exhaustive()
    }
}
