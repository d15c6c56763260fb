//! Where bytes go: a host of its own, with the permission in the address.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use futures::StreamExt;
use url::form_urlencoded;

use super::endpoint::Endpoint;
use super::fault::Fault;
use super::gate;
use super::reply;
use super::rules::Progress;
use super::share::Stage;
use super::state::{Shared, State};
use super::wire::Cut;

/// What may be uploaded.
const MEDIA_TYPES: [&str; 3] = ["video/mp4", "video/quicktime", "video/webm"];

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/video/", put(chunk))
}

/// Why a chunk may not come.
enum Refused {
    /// With these words.
    Because(StatusCode, &'static str),
    /// This upload is elsewhere.
    Elsewhere(usize),
}

/// A chunk that may come.
struct Opening {
    share: usize,
    start: u64,
    end: u64,
    /// Of the bytes before it.
    digest: Context,
}

async fn chunk(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let visit = gate::enter(&shared, Endpoint::Upload, &parts, cut);
    if visit.fault.as_ref().is_some_and(Fault::spares) {
        if visit.fault != Some(Fault::NoReply) {
            drain(body).await;
        }
        return gate::serve(&shared, visit, async { reply::proxy_page(500) }).await;
    }
    let (fault, cut) = (visit.fault.clone(), visit.cut.clone());
    gate::serve(&shared, visit, receive(&shared, fault.as_ref(), &cut, &parts, body)).await
}

async fn receive(shared: &Shared, fault: Option<&Fault>, cut: &Cut, parts: &Parts, body: Body) -> Response {
    let opening = match shared.look(|state| state.open_chunk(parts)) {
        Ok(opening) => opening,
        Err(refused) => {
            // Who is refused gets to read why, and not a broken connection.
            drain(body).await;
            return shared.look(|state| state.refuse(&refused));
        }
    };
    let (length, mut digest) = (opening.end - opening.start, opening.digest.clone());
    let cut_after =
        if let Some(Fault::CutBody { after }) = fault { Some((*after).min(length)) } else { None };
    if cut_after == Some(0) {
        cut.cut();
        return reply::proxy_page(500);
    }
    let mut body = body.into_data_stream();
    let mut arrived = 0;
    while let Some(bytes) = body.next().await {
        // The client went away: nobody reads this.
        let Ok(bytes) = bytes else { return reply::proxy_page(400) };
        digest.update(&bytes);
        arrived += bytes.len() as u64;
        shared.change(|state| state.uploaded += bytes.len() as u64);
        if cut_after.is_some_and(|after| arrived >= after) {
            cut.cut();
            return reply::proxy_page(500);
        }
        if let Some(Fault::SlowBody { bytes_per_s }) = fault {
            let pause = bytes.len() as f64 / f64::from((*bytes_per_s).max(1));
            tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        }
    }
    shared.change(|state| state.close_chunk(&opening, digest))
}

/// Reads what nobody wants.
async fn drain(body: Body) {
    let mut body = body.into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
}

/// `bytes FIRST-LAST/TOTAL`
fn content_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let number =
        |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    Some((number(first)?, number(last)?, number(total)?))
}

impl State {
    /// Whether a chunk may come.
    fn open_chunk(&self, parts: &Parts) -> Result<Opening, Refused> {
        let plain = |status: StatusCode, why: &'static str| Err(Refused::Because(status, why));
        let query = parts.uri.query().unwrap_or_default();
        let query: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
        let field = |name: &str| query.get(name).map(AsRef::as_ref).unwrap_or_default();
        let wanted = |number: u64, token: &str| {
            field("upload_id") == number.to_string() && field("upload_token") == token
        };
        let found = self.shares.iter().enumerate().find_map(|(place, share)| {
            let upload = share.upload.as_ref().filter(|upload| wanted(share.number, &upload.token))?;
            Some((place, share, upload))
        });
        let Some((place, share, upload)) = found else {
            return plain(StatusCode::NOT_FOUND, "there is no such upload task");
        };
        if upload.until <= self.clock.now() {
            return plain(StatusCode::FORBIDDEN, "the upload URL is expired");
        }
        let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if !text(header::CONTENT_TYPE).is_some_and(|kind| MEDIA_TYPES.contains(&kind)) {
            return plain(StatusCode::BAD_REQUEST, "Content-Type is not one of a video");
        }
        let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if length.is_none() || parts.headers.contains_key(header::TRANSFER_ENCODING) {
            return plain(StatusCode::BAD_REQUEST, "Content-Length is missing");
        }
        let Some((first, last, total)) = text(header::CONTENT_RANGE).and_then(content_range) else {
            return plain(StatusCode::BAD_REQUEST, "Content-Range is missing or malformed");
        };
        if total != upload.plan.size || last < first || length != Some(last - first + 1) {
            return plain(
                StatusCode::BAD_REQUEST,
                "Content-Range does not agree with the init or with Content-Length",
            );
        }
        if first != share.bytes || share.stage != Stage::Coming {
            return Err(Refused::Elsewhere(place));
        }
        match upload.plan.end_of(first) {
            Some(end) if end == last + 1 => {
                Ok(Opening { share: place, start: first, end, digest: upload.digest.clone() })
            }
            _ => plain(StatusCode::BAD_REQUEST, "Content-Range does not end where the chunk does"),
        }
    }

    /// A chunk has come.
    fn close_chunk(&mut self, opening: &Opening, digest: Context) -> Response {
        let (now, place) = (self.clock.now(), opening.share);
        let share = &mut self.shares[place];
        let Some(upload) = share.upload.as_mut().filter(|upload| upload.until > now) else {
            return (StatusCode::FORBIDDEN, "the upload URL is expired").into_response();
        };
        // Someone else was faster with the same chunk.
        if share.bytes != opening.start || share.stage != Stage::Coming {
            return self.progress(StatusCode::RANGE_NOT_SATISFIABLE, place);
        }
        share.bytes = opening.end;
        upload.digest = digest.clone();
        if opening.end < upload.plan.size {
            return self.progress(StatusCode::PARTIAL_CONTENT, place);
        }
        self.all_in(place, hex::encode(digest.finish()));
        self.progress(StatusCode::CREATED, place)
    }

    fn refuse(&self, refused: &Refused) -> Response {
        match refused {
            Refused::Because(status, why) => (*status, *why).into_response(),
            Refused::Elsewhere(place) => self.progress(StatusCode::RANGE_NOT_SATISFIABLE, *place),
        }
    }

    /// An answer with the progress of an upload.
    fn progress(&self, status: StatusCode, place: usize) -> Response {
        let share = &self.shares[place];
        let total = share.upload.as_ref().map_or(0, |upload| upload.plan.size);
        let uploaded = match self.rules.progress {
            Progress::Count => Some(share.bytes),
            Progress::LastByte => share.bytes.checked_sub(1),
        };
        let mut response = reply::of_account(status.into_response(), &share.username);
        if let Some(uploaded) = uploaded
            && let Ok(value) = HeaderValue::try_from(format!("bytes 0-{uploaded}/{total}"))
        {
            response.headers_mut().insert(header::CONTENT_RANGE, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn ranges_are_read_as_they_are_documented() {
        assert_eq!(content_range("bytes 0-9/10"), Some((0, 9, 10)));
        for wrong in [
            "bytes */10",
            "bytes=0-9/10",
            "0-9/10",
            "bytes 0-9",
            "bytes 0-9/*",
            "bytes -9/10",
            "bytes +0-9/10",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
