//! Blocking work, off the runtime's threads.

use crate::Error;

/// Begins `work` at once on a thread that may block, and waits for it; [`Error::Queue`] if it panics.
pub(crate) fn blocking<T, W>(work: W) -> impl Future<Output = Result<T, Error>> + use<T, W>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let task = tokio::task::spawn_blocking(work);
    async move { task.await.map_err(|error| Error::Queue(error.to_string())) }
}
