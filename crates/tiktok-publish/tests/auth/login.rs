//! From the authorize page to a kept login.

use std::sync::Arc;
use std::time::Duration;

use testkit::tiktok::{ClientKind, Decision, Endpoint, FakeTikTok, Fault};
use tiktok_publish::login::{AppKind, CallbackListener, LoginOptions, PendingLogin};
use tiktok_publish::{AppCredentials, AuthError, RefusalKind, Scopes, TokenEndpoint};
use url::Url;

use crate::support::World;

/// Far longer than any of these logins takes.
const LIMIT: Duration = Duration::from_secs(30);

fn begin(world: &World, redirect_uri: &Url) -> Arc<PendingLogin> {
    let login = PendingLogin::begin(&world.endpoint(), &LoginOptions::default(), redirect_uri.clone());
    Arc::new(login.expect("a login"))
}

/// What a browser does: goes where it is sent, and shows what it ends at.
async fn browse(url: &str) -> (u16, String) {
    let reply = reqwest::get(url).await.expect("a reply");
    (reply.status().as_u16(), reply.text().await.expect("a page"))
}

#[tokio::test]
async fn a_browser_logs_in() {
    let world = World::start().await;
    let listener = CallbackListener::bind(None).await.unwrap();
    let login = begin(&world, listener.redirect_uri());
    let (code, page) = tokio::join!(listener.wait(&login, LIMIT), browse(login.authorize_url().as_str()));
    assert_eq!(page.0, 200);
    assert!(page.1.contains("You can close this page"), "{}", page.1);
    let grant = login.finish(&world.endpoint(), &code.unwrap()).await.unwrap();
    assert_eq!(grant.open_id(), "-000demo");
    let account = world.store().keep(&grant, Some("clips")).await.unwrap();
    assert_eq!(account.scopes().to_string(), "user.info.basic,video.upload");
    assert!(world.takes(&account.access_token().await.unwrap()).await);
    assert_eq!(account.to_string(), "clips");
    // The lives are those of the reply.
    let status = account.status().unwrap();
    let left = status.access_expires_at.unwrap().duration_since(jiff::Timestamp::now()).as_secs();
    assert!((7100..=7200).contains(&left), "{left}");
    let left = status.login_expires_at.unwrap().duration_since(jiff::Timestamp::now()).as_hours();
    assert!((179 * 24..=180 * 24).contains(&left), "{left}");
    assert!(!status.login_ends_soon);
}

#[tokio::test]
async fn the_answer_to_another_login_and_other_callers_do_not_end_the_wait() {
    let world = World::start().await;
    let listener = CallbackListener::bind(None).await.unwrap();
    let uri = listener.redirect_uri().clone();
    let (login, other) = (begin(&world, &uri), begin(&world, &uri));
    let browser = async {
        assert_eq!(browse(uri.join("/favicon.ico").unwrap().as_str()).await.0, 404);
        assert_eq!(browse(uri.as_str()).await.0, 400);
        assert_eq!(browse(&format!("{uri}?code=stolen&state=guessed")).await.0, 400);
        assert_eq!(browse(&world.tiktok.agree(other.authorize_url().as_str()).unwrap()).await.0, 400);
        assert_eq!(browse(&world.tiktok.agree(login.authorize_url().as_str()).unwrap()).await.0, 200);
    };
    let (code, ()) = tokio::join!(listener.wait(&login, LIMIT), browser);
    login.finish(&world.endpoint(), &code.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_user_who_says_no_is_told_so() {
    let world = World::start().await;
    world.tiktok.decide(Decision::Refuse);
    let listener = CallbackListener::bind(None).await.unwrap();
    let login = begin(&world, listener.redirect_uri());
    let (code, page) = tokio::join!(listener.wait(&login, LIMIT), browse(login.authorize_url().as_str()));
    assert!(page.1.contains("TikTok gave no access"), "{}", page.1);
    let error = code.unwrap_err();
    let denied = |error: &AuthError| matches!(error, AuthError::Refused { refusal, .. } if refusal.kind == RefusalKind::Denied);
    assert!(denied(&error), "{error}");
    assert!(error.to_string().contains("The user denied the request"), "{error}");
    // The same, pasted.
    let pasted = world.tiktok.refuse(login.authorize_url().as_str()).unwrap();
    assert!(denied(&login.read(&pasted).unwrap_err()));
}

#[tokio::test]
async fn nobody_comes_or_the_port_is_taken() {
    let world = World::start().await;
    let listener = CallbackListener::bind(None).await.unwrap();
    let port = listener.redirect_uri().port();
    let error = CallbackListener::bind(port).await.unwrap_err();
    assert!(matches!(error, AuthError::Listen { port: taken, .. } if Some(taken) == port), "{error}");
    let login = begin(&world, listener.redirect_uri());
    let error = listener.wait(&login, Duration::from_millis(20)).await.unwrap_err();
    assert!(matches!(error, AuthError::TimedOut { .. }), "{error}");
    // And is free again.
    CallbackListener::bind(port).await.unwrap();
}

#[tokio::test]
async fn without_a_browser_the_address_or_the_code_is_pasted() {
    let world = World::start().await;
    let uri = Url::parse("http://127.0.0.1:4567/callback/").unwrap();
    let cut: [fn(&str) -> &str; 3] = [
        |address| address,
        |address| address.split_once('?').unwrap().1,
        // The code alone, still encoded as in the address.
        |address| address.split_once("code=").unwrap().1.split('&').next().unwrap(),
    ];
    for cut in cut {
        let login = begin(&world, &uri);
        let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
        assert!(address.contains("%2A") && address.contains("%21"), "{address}");
        let code = login.read(cut(&address)).unwrap();
        let grant = login.finish(&world.endpoint(), &code).await.unwrap();
        assert_eq!(grant.open_id(), "-000demo");
        // A code works once.
        let error = login.finish(&world.endpoint(), &code).await.unwrap_err();
        assert!(
            matches!(&error, AuthError::Refused { refusal, .. } if refusal.kind == RefusalKind::Grant),
            "{error}"
        );
    }
    // The code of another login is worth nothing, whether or not the state tells.
    let (one, other) = (begin(&world, &uri), begin(&world, &uri));
    let address = world.tiktok.agree(other.authorize_url().as_str()).unwrap();
    assert!(matches!(one.read(&address), Err(AuthError::Callback { .. })));
    let code = one.read(cut[2](&address)).unwrap();
    let error = one.finish(&world.endpoint(), &code).await.unwrap_err();
    assert!(
        matches!(&error, AuthError::Refused { refusal, .. } if refusal.kind == RefusalKind::Request),
        "{error}"
    );
}

#[tokio::test]
async fn a_web_app_logs_in_by_pasting() {
    let uri = "https://example.org/tiktok/callback/";
    let world = World::of(FakeTikTok::builder().client(ClientKind::Web, &[uri])).await;
    let options = LoginOptions { app: AppKind::Web, ..LoginOptions::default() };
    let login = PendingLogin::begin(&world.endpoint(), &options, Url::parse(uri).unwrap()).unwrap();
    let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
    let code = login.read(&address).unwrap();
    assert_eq!(login.finish(&world.endpoint(), &code).await.unwrap().open_id(), "-000demo");
}

#[tokio::test]
async fn what_was_granted_counts_not_what_was_asked_for() {
    let world = World::start().await;
    let wanted = Scopes::parse("user.info.basic,video.upload,video.publish");
    let options = LoginOptions { scopes: wanted.clone(), ..LoginOptions::default() };
    let uri = Url::parse("http://127.0.0.1:4567/callback/").unwrap();
    let login = PendingLogin::begin(&world.endpoint(), &options, uri).unwrap();
    let page = login.authorize_url().as_str();
    let address = world.tiktok.grant(page, &["user.info.basic", "video.upload"]).unwrap();
    let grant = login.finish(&world.endpoint(), &login.read(&address).unwrap()).await.unwrap();
    assert_eq!(wanted.missing_from(&grant.scopes()).to_string(), "video.publish");
    let account = world.store().keep(&grant, None).await.unwrap();
    assert!(!account.scopes().allow(Scopes::VIDEO_PUBLISH));
}

#[tokio::test]
async fn refusals_are_known_whatever_their_status() {
    for builder in [FakeTikTok::builder(), FakeTikTok::builder().token_errors_with_200()] {
        let world = World::of(builder).await;
        let uri = Url::parse("http://127.0.0.1:4567/callback/").unwrap();
        let login = begin(&world, &uri);
        let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
        let code = login.read(&address).unwrap();
        let app = AppCredentials::new(FakeTikTok::CLIENT_KEY, &"wrong".into());
        let endpoint = TokenEndpoint::new(&world.config(), app).unwrap();
        let error = login.finish(&endpoint, &code).await.unwrap_err();
        let AuthError::Refused { refusal, .. } = &error else { panic!("{error}") };
        assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::App, "invalid_client"));
        assert!(refusal.log_id.is_some(), "{refusal:?}");
        assert!(error.to_string().contains("TIKTOK_CLIENT_SECRET"), "{error}");
    }
}

#[tokio::test]
async fn trouble_is_told_from_refusal() {
    let world = World::start().await;
    let uri = Url::parse("http://127.0.0.1:4567/callback/").unwrap();
    let elsewhere = format!("{}/v2/oauth/revoke/", world.tiktok.base_url());
    for fault in [Fault::Status(503), Fault::NoReply, Fault::TornJson, Fault::Redirect(elsewhere)] {
        let login = begin(&world, &uri);
        let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
        let code = login.read(&address).unwrap();
        world.tiktok.fail_next(Endpoint::Token, Some(1), fault.clone());
        let error = login.finish(&world.endpoint(), &code).await.unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error}");
    }
    assert_eq!(world.tiktok.requests(Endpoint::Revoke), 0, "a redirect was followed");
}
