//! Kick's webhooks: who begins or ends a broadcast is known at once. Polling goes on beside them, as the net.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::Timestamp;
use kick_client::KickApi;
use kick_client::webhook::{Accepted, KeyStore, WebhookPayload, WebhookReceiver};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::presence::Sighting;
use super::sources::Look;
use crate::Error;

/// The most bytes of one delivery; Kick's largest is a chat message of some kilobytes.
const LARGEST: usize = 256 * 1024;

/// Somebody began or ended a broadcast.
#[derive(Debug)]
pub(super) struct Told {
    /// The channel, in lower case.
    pub(super) slug: String,
    pub(super) look: Look,
    /// When that broadcast began; one that is older than the one being recorded says nothing of it.
    pub(super) started_at: Option<Timestamp>,
}

#[derive(Clone)]
struct Shared {
    receiver: Arc<WebhookReceiver>,
    told: mpsc::Sender<Told>,
}

/// Receives webhooks on `address` until `stop`. Deliveries to any path are taken, since a proxy in front may choose it.
///
/// # Errors
/// [`Error::Listen`] where the address cannot be listened on.
pub(super) async fn listen(
    address: SocketAddr,
    api: Arc<KickApi>,
    told: mpsc::Sender<Told>,
    stop: CancellationToken,
) -> Result<SocketAddr, Error> {
    let keys = KeyStore::new(move || {
        let api = Arc::clone(&api);
        async move { api.public_key().await }
    });
    let shared = Shared { receiver: Arc::new(WebhookReceiver::new(keys)), told };
    let router = Router::new()
        .route("/", post(take))
        .route("/{*path}", post(take))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(shared);
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "webhooks are not received any more");
        }
    });
    Ok(bound)
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let event = match shared.receiver.accept(&headers, &body).await {
        Ok(Accepted::New(event)) => event,
        Ok(_) => return StatusCode::OK,
        Err(error) => {
            // Anybody may send something here, so it is no news.
            tracing::debug!(%error, "a webhook was refused");
            return StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        }
    };
    if let WebhookPayload::LivestreamStatus(status) = event.payload
        && let Some(slug) = status.broadcaster.slug
    {
        let sighting =
            if status.is_live { Sighting::Live { since: status.started_at } } else { Sighting::Offline };
        let look = Look { title: status.title, ..Look::bare(sighting) };
        // Nobody listens any more when the program ends.
        let _ =
            shared.told.send(Told { slug: slug.to_lowercase(), look, started_at: status.started_at }).await;
    }
    StatusCode::OK
}
