//! Several accounts in one folder.

use testkit::tiktok::{Endpoint, Fault};
use tiktok_publish::{AuthError, Environment, LoginReason, TokenStore};

use crate::support::World;

fn called(store: &TokenStore, name: Option<&str>) -> String {
    match store.choose(name) {
        Ok(account) => account.open_id().to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_account_is_chosen_by_any_of_its_names() {
    let world = World::start().await;
    let store = world.store();
    assert_eq!(
        called(&store, None),
        "no TikTok account is logged in (sandbox); run `streamliner tiktok-login`"
    );
    let demo = store.import(&world.tokens("demo")).await.unwrap();
    assert_eq!(called(&store, None), "-000demo");
    demo.set_display_name("Demo Clips").await.unwrap();
    let other = store.import(&world.tokens("other")).await.unwrap();
    other.set_display_name("demo clips").await.unwrap();
    for (name, expected) in [
        (Some("-000other"), "-000other"),
        (Some(" Demo Clips "), "-000demo"),
        (Some("demo clips"), "-000other"),
        (
            Some("DEMO CLIPS"),
            "several TikTok accounts could be meant: Demo Clips (-000demo), demo clips (-000other); name one of them",
        ),
        (Some("nobody"), "no TikTok account is called \"nobody\"; logged in: Demo Clips, demo clips"),
        (None, "several TikTok accounts could be meant: Demo Clips, demo clips; name one of them"),
    ] {
        assert_eq!(called(&store, name), expected, "{name:?}");
    }
    let names: Vec<_> = store.accounts().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["Demo Clips", "demo clips"]);
}

#[tokio::test]
async fn a_new_login_keeps_the_names_and_an_alias_is_one_accounts_alone() {
    let world = World::start().await;
    let store = world.store();
    let grant = async |user: &str| {
        world.tiktok.sit_down(user);
        let uri = url::Url::parse("http://127.0.0.1:4567/callback/").unwrap();
        let options = tiktok_publish::login::LoginOptions::default();
        let login = tiktok_publish::login::PendingLogin::begin(store.endpoint(), &options, uri).unwrap();
        let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
        login.finish(store.endpoint(), &login.read(&address).unwrap()).await.unwrap()
    };
    let account = store.keep(&grant("demo").await, Some(" Clips ")).await.unwrap();
    account.set_display_name("Demo").await.unwrap();
    let first = account.access_token().await.unwrap();
    store.keep(&grant("demo").await, None).await.unwrap();
    // The account that is open sees the new login.
    assert_ne!(account.access_token().await.unwrap(), first);
    let status = account.status().unwrap();
    assert_eq!((status.alias.as_deref(), status.display_name.as_deref()), (Some("Clips"), Some("Demo")));
    assert_eq!(status.name, "Clips");
    let error = store.keep(&grant("other").await, Some("clips")).await.unwrap_err();
    assert!(matches!(&error, AuthError::AliasTaken { open_id, .. } if open_id == "-000demo"), "{error}");
    assert_eq!(store.accounts().unwrap().len(), 1);
}

#[tokio::test]
async fn a_login_of_the_environment_variables_is_taken_over_once() {
    let world = World::start().await;
    let tokens = world.tokens("demo");
    let account = world.store().import(&tokens).await.unwrap();
    let first = account.access_token().await.unwrap();
    assert_eq!(Some(first.expose()), tokens.access_token.as_ref().map(secrecy::ExposeSecret::expose_secret));
    assert_eq!(world.renewals(), 0, "its end is not known, so it is used until it is refused");
    world.tiktok.void_access_tokens();
    let second = account.refresh_after_401(&first).await.unwrap();
    assert!(world.takes(&second).await);
    // At the next start the variables still hold the tokens that are dead by now.
    let again = world.store().import(&tokens).await.unwrap();
    assert_eq!(again.access_token().await.unwrap(), second);
    assert_eq!(world.renewals(), 1);
}

#[tokio::test]
async fn a_refresh_token_alone_is_a_login() {
    let world = World::start().await;
    let mut tokens = world.tokens("demo");
    tokens.access_token = None;
    let account = world.store().import(&tokens).await.unwrap();
    assert!(world.takes(&account.access_token().await.unwrap()).await);
    tokens.open_id = "../demo".to_owned();
    let error = world.store().import(&tokens).await.unwrap_err();
    assert!(matches!(error, AuthError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn an_access_token_alone_lasts_until_it_is_refused() {
    let world = World::start().await;
    let mut tokens = world.tokens("demo");
    tokens.refresh_token = None;
    let account = world.store().import(&tokens).await.unwrap();
    let token = account.access_token().await.unwrap();
    let error = account.refresh_after_401(&token).await.unwrap_err();
    assert!(matches!(error, AuthError::LoginNeeded { reason: LoginReason::NoRefreshToken, .. }), "{error}");
    assert_eq!(world.renewals(), 0);
}

#[tokio::test]
async fn each_environment_server_and_app_has_its_own() {
    let world = World::start().await;
    let account = world.store().import(&world.tokens("demo")).await.unwrap();
    assert_eq!(account.environment(), Environment::Sandbox);
    let mut config = world.config();
    config.environment = Environment::Production;
    let app = || tiktok_publish::AppCredentials::new("another", &"secret".into());
    let endpoint = tiktok_publish::TokenEndpoint::new(&config, app()).unwrap();
    let production = TokenStore::new(world.folder.path(), endpoint);
    assert!(production.accounts().unwrap().is_empty());

    let endpoint = tiktok_publish::TokenEndpoint::new(&world.config(), app()).unwrap();
    let account = TokenStore::new(world.folder.path(), endpoint).choose(None).unwrap();
    let error = account.access_token().await.unwrap_err();
    assert!(matches!(error, AuthError::LoginNeeded { reason: LoginReason::OtherApp, .. }), "{error}");
    assert_eq!(account.status().unwrap().login_needed, Some(LoginReason::OtherApp));
}

#[tokio::test]
async fn a_damaged_file_does_not_keep_the_others_from_their_work() {
    let world = World::start().await;
    world.store().import(&world.tokens("demo")).await.unwrap();
    let tokens = world.tokens("other");
    let account = world.store().import(&tokens).await.unwrap();
    fs_err::write(world.file("other"), "{\"access_token\": \"act.half").unwrap();
    assert_eq!(called(&world.store(), None), "-000demo");
    let error = account.access_token().await.unwrap_err();
    assert!(matches!(error, AuthError::Damaged { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("act.half"));
    assert!(matches!(world.store().import(&tokens).await, Err(AuthError::Damaged { .. })));
}

#[tokio::test]
async fn logging_out_tells_tiktok_and_forgets() {
    let world = World::start().await;
    let account = world.store().import(&world.tokens("demo")).await.unwrap();
    let token = account.access_token().await.unwrap();
    world.tiktok.fail_next(Endpoint::Revoke, Some(1), Fault::Status(503));
    assert!(account.log_out().await.unwrap_err().is_transient());
    assert!(world.file("demo").exists(), "TikTok was not told, so it stays");
    account.log_out().await.unwrap();
    assert!(!world.takes(&token).await);
    assert!(world.store().accounts().unwrap().is_empty());
    let error = account.access_token().await.unwrap_err();
    assert!(matches!(error, AuthError::LoginNeeded { reason: LoginReason::LoggedOut, .. }), "{error}");
    // One that TikTok no longer knows.
    let account = world.store().import(&world.tokens("other")).await.unwrap();
    world.tiktok.remove_authorization("other", 1);
    account.log_out().await.unwrap();
    assert!(world.store().accounts().unwrap().is_empty());
}
