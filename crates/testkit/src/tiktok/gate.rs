//! What every request passes: the record, and faults on demand.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use futures::stream;

use super::endpoint::Endpoint;
use super::fault::Fault;
use super::record::Request;
use super::reply::{self, Refusal, Told};
use super::state::Shared;
use super::wire::Cut;

/// Bytes of an answer: far more than any has.
const MAX_ANSWER: usize = 1 << 20;

/// A request under way.
#[derive(Debug)]
pub(super) struct Visit {
    /// Its place in the record.
    number: usize,
    pub(super) endpoint: Endpoint,
    pub(super) fault: Option<Fault>,
    pub(super) cut: Cut,
}

/// Notes a request, and finds what will be wrong with it.
pub(super) fn enter(shared: &Shared, endpoint: Endpoint, parts: &Parts, cut: Cut) -> Visit {
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    shared.change(|state| {
        let fault = state.faults.next(endpoint);
        let at = state.clock.now();
        state.requests.push(Request { at, endpoint, method, path, account: None, status: None, code: None });
        Visit { number: state.requests.len() - 1, endpoint, fault, cut }
    })
}

/// Does what is asked, unless or as the fault says, and notes what was answered.
pub(super) async fn serve(shared: &Shared, visit: Visit, deed: impl Future<Output = Response>) -> Response {
    let response = match &visit.fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Status(status)) => reply::proxy_page(*status),
        Some(Fault::Refuse(code)) => {
            let refusal = Refusal::plain(code);
            if visit.endpoint.is_flat() {
                reply::flat(shared.token_error_status, Err(refusal))
            } else {
                reply::envelope(visit.endpoint, Err(refusal))
            }
        }
        Some(Fault::Redirect(to)) => Redirect::temporary(to).into_response(),
        Some(Fault::NoReply) => return lost(&visit),
        Some(Fault::LostReply | Fault::CutBody { .. }) => {
            deed.await;
            return lost(&visit);
        }
        Some(Fault::DoneBut(status)) => {
            deed.await;
            reply::proxy_page(*status)
        }
        Some(Fault::Slow(delay)) => {
            tokio::time::sleep(*delay).await;
            deed.await
        }
        Some(Fault::TornJson) => torn(deed.await).await,
        Some(Fault::SlowBody { bytes_per_s }) if visit.endpoint != Endpoint::Upload => {
            trickling(deed.await, *bytes_per_s).await
        }
        Some(Fault::SlowBody { .. }) | None => deed.await,
    };
    let told = response.extensions().get::<Told>().cloned().unwrap_or_default();
    shared.change(|state| {
        let request = &mut state.requests[visit.number];
        request.status = Some(response.status().as_u16());
        request.code = told.code;
        request.account = told.account;
    });
    response
}

/// Cuts the connection. What is answered does not reach anyone, and the record has no status.
fn lost(visit: &Visit) -> Response {
    visit.cut.cut();
    reply::proxy_page(500)
}

async fn torn(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.slice(..body.len() / 2)))
}

async fn trickling(response: Response, bytes_per_s: u32) -> Response {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER).await.unwrap_or_default();
    // A tenth of a second's worth at a time.
    let block = (bytes_per_s as usize / 10).max(1);
    let pause = Duration::from_secs_f64(block as f64 / f64::from(bytes_per_s.max(1)));
    let blocks = stream::unfold(body, move |mut rest: Bytes| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let next = rest.split_to(block.min(rest.len()));
        Some((Ok::<_, Infallible>(next), rest))
    });
    Response::from_parts(parts, Body::from_stream(blocks))
}
