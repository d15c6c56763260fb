//! Where the browser comes back to on this machine.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use super::authorize::PendingLogin;
use super::callback::{AuthorizationCode, Callback};
use crate::token::AuthError;

/// The path that is registered with the app, as in TikTok's examples with a slash at its end.
const PATH: &str = "/callback/";
/// How long the browser may take to fetch the page that ends the login.
const FAREWELL: Duration = Duration::from_secs(2);
/// The page says it all: nothing is to be kept, framed or passed on.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    (header::CONNECTION, "close"),
];

/// Listens on 127.0.0.1 for a browser that comes back from TikTok.
#[derive(Debug)]
pub struct CallbackListener {
    listener: TcpListener,
    redirect_uri: Url,
}

/// What came back, on its way to who waits for it.
type Outcome = Result<AuthorizationCode, AuthError>;

struct Desk {
    login: Arc<PendingLogin>,
    outcome: mpsc::Sender<Outcome>,
}

impl CallbackListener {
    /// Listens on `port`, or on any that is free: a desktop app may be registered with `http://127.0.0.1:*/callback/`.
    ///
    /// # Errors
    /// [`AuthError::Listen`] if the port is taken.
    pub async fn bind(port: Option<u16>) -> Result<Self, AuthError> {
        let port = port.unwrap_or(0);
        let failed = |source| AuthError::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let redirect_uri = Url::parse(&format!("http://127.0.0.1:{port}{PATH}"))
            .map_err(|error| failed(std::io::Error::other(error)))?;
        Ok(Self { listener, redirect_uri })
    }

    /// Where users are to be sent back to.
    #[must_use]
    pub const fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the browser, up to `limit`, and shows it a page. Whoever comes with the answer to another login is sent away, and the
    /// waiting goes on.
    ///
    /// # Errors
    /// [`AuthError::Refused`] if the user said no, [`AuthError::TimedOut`] if nobody came.
    pub async fn wait(self, login: &Arc<PendingLogin>, limit: Duration) -> Outcome {
        let port = self.redirect_uri.port().unwrap_or_default();
        let (outcome, mut outcomes) = mpsc::channel(1);
        let desk = Arc::new(Desk { login: Arc::clone(login), outcome });
        let app = Router::new().route(PATH, get(answer)).with_state(desk);
        let (done, stop) = oneshot::channel::<()>();
        let serve = axum::serve(self.listener, app).with_graceful_shutdown(async {
            let _ = stop.await;
        });
        let mut serving = tokio::spawn(async move { serve.await });
        let outcome = tokio::select! {
            outcome = outcomes.recv() => outcome,
            () = tokio::time::sleep(limit) => None,
            ended = &mut serving => {
                let source = match ended {
                    Ok(Err(source)) => source,
                    _ => std::io::Error::other("it was ended"),
                };
                return Err(AuthError::Listen { port, source });
            }
        };
        let _ = done.send(());
        if tokio::time::timeout(FAREWELL, &mut serving).await.is_err() {
            serving.abort();
        }
        outcome.unwrap_or(Err(AuthError::TimedOut { seconds: limit.as_secs() }))
    }
}

async fn answer(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Response {
    let (status, said, outcome) = match desk.login.read_query(query.as_deref().unwrap_or_default()) {
        Callback::Code(code) => {
            let said = "TikTok's answer has arrived. You can close this page; the program goes on by itself.";
            (StatusCode::OK, said, Some(Ok(code)))
        }
        Callback::Refused(refusal) => {
            let said = "TikTok gave no access. You can close this page; the program tells why.";
            (StatusCode::OK, said, Some(Err(AuthError::Refused { doing: "the login", refusal })))
        }
        Callback::OtherState => {
            let said = "This is the answer to another login. Open the address that the program shows now.";
            (StatusCode::BAD_REQUEST, said, None)
        }
        Callback::Nothing => {
            (StatusCode::BAD_REQUEST, "There is no code here. Open the address that the program shows.", None)
        }
    };
    if let Some(outcome) = outcome {
        // Only the first is waited for.
        let _ = desk.outcome.try_send(outcome);
    }
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Streamliner</title>\
         <body style=\"font: 1.2em sans-serif; margin: 4em\"><p>{said}</p></body></html>"
    );
    (status, HEADERS, Html(page)).into_response()
}
