//! Nothing secret is shown, and what is kept is for its owner alone.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use testkit::tiktok::{Endpoint, Fault};
use tiktok_publish::AuthError;
use tiktok_publish::login::{CallbackListener, LoginOptions, PendingLogin};
use url::Url;

use crate::support::World;

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::Write::write(&mut *self.0.lock().expect("no panic"), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An error as people and programs see it, its causes included.
fn shown(error: &AuthError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(&format!(" {next} {next:?}"));
        cause = next.source();
    }
    text
}

#[tokio::test]
async fn no_secret_is_shown_anywhere() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::start().await;
    let mut seen = String::new();
    let mut see = |what: String| {
        seen.push_str(&what);
        seen.push('\n');
    };

    let uri = Url::parse("http://127.0.0.1:4567/callback/").unwrap();
    let login = PendingLogin::begin(&world.endpoint(), &LoginOptions::default(), uri).unwrap();
    let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
    let code = login.read(&address).unwrap();
    see(format!("{login:?} {code:?}"));
    world.tiktok.fail_next(Endpoint::Token, Some(1), Fault::TornJson);
    see(shown(&login.finish(&world.endpoint(), &code).await.unwrap_err()));
    see(shown(&login.finish(&world.endpoint(), &code).await.unwrap_err()));
    let address = world.tiktok.agree(login.authorize_url().as_str()).unwrap();
    let grant = login.finish(&world.endpoint(), &login.read(&address).unwrap()).await.unwrap();
    see(format!("{grant:?}"));
    let store = world.store();
    let account = store.keep(&grant, Some("clips")).await.unwrap();
    see(format!("{store:?} {:?} {account:?} {account}", store.endpoint()));
    see(format!("{:?} {}", account.status(), serde_json::to_string(&account.status().unwrap()).unwrap()));
    let token = account.access_token().await.unwrap();
    see(format!("{token:?} {:?}", world.tokens("other")));
    for fault in [Fault::Status(500), Fault::TornJson, Fault::LostReply, Fault::Refuse("server_error")] {
        world.tiktok.fail_next(Endpoint::Refresh, Some(3), fault);
        if let Err(error) = account.refresh_after_401(&token).await {
            see(shown(&error));
        }
    }
    see(shown(&account.refresh_after_401(&token).await.unwrap_err()));
    world.tiktok.fail_next(Endpoint::Revoke, Some(1), Fault::Redirect("http://127.0.0.1:1/".to_owned()));
    if let Err(error) = account.log_out().await {
        see(shown(&error));
    }
    let listener = CallbackListener::bind(None).await.unwrap();
    see(format!("{listener:?}"));

    see(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    let secrets = world.tiktok.secrets();
    assert!(secrets.len() > 5, "codes, tokens, and the app's secret");
    for secret in &secrets {
        assert!(!seen.contains(secret.as_str()), "{secret} is in\n{seen}");
    }
    assert!(seen.contains("clips"), "{seen}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |world: &World| fs_err::metadata(world.file("demo")).unwrap().permissions().mode() & 0o777;
    let world = World::start().await;
    let account = world.over("demo").await;
    assert_eq!(mode(&world), 0o600);
    account.access_token().await.unwrap();
    assert_eq!(mode(&world), 0o600);
    // One that was copied, say, is closed again.
    fs_err::set_permissions(world.file("demo"), std::fs::Permissions::from_mode(0o644)).unwrap();
    account.access_token().await.unwrap();
    assert_eq!(mode(&world), 0o600);
    let mut names: Vec<_> =
        fs_err::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["sandbox--000demo.json", "sandbox--000demo.lock"], "nothing is left over");
}
