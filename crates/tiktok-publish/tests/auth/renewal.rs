//! Renewing: once, whoever asks, and whatever is lost.

use std::sync::Arc;
use std::time::Duration;

use testkit::tiktok::{Endpoint, FakeTikTok, Fault};
use tiktok_publish::{AuthError, LoginReason};

use crate::support::World;

fn reason(error: &AuthError) -> LoginReason {
    match error {
        AuthError::LoginNeeded { reason, .. } => *reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_that_is_due_is_renewed_and_the_new_pair_kept() {
    let world = World::start().await;
    let account = world.due("demo").await;
    let before = world.kept("demo");
    let token = account.access_token().await.unwrap();
    assert!(world.takes(&token).await);
    let after = world.kept("demo");
    assert_eq!(after["access_token"], token.expose());
    assert_ne!(after["refresh_token"], before["refresh_token"]);
    assert_eq!(after["renewal_began"], serde_json::Value::Null);
    assert_eq!(account.access_token().await.unwrap(), token);
    assert_eq!(world.renewals(), 1);
    // And once more, with the token that came of the first.
    world.age("demo", 3600, 60);
    assert_ne!(account.access_token().await.unwrap(), token);
    assert_eq!(world.renewals(), 2);
}

/// Each of these stands for a process: a runtime, a client, and open files of its own. The lock is one of open files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_programs_at_once_renew_once() {
    let world = Arc::new(World::start().await);
    world.over("demo").await;
    world.tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::Slow(Duration::from_millis(200)));
    let programs: Vec<_> = (0..4)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::task::spawn_blocking(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let account = world.store().choose(None).unwrap();
                    let tokens = futures::future::join_all((0..5).map(|_| account.access_token())).await;
                    tokens.into_iter().map(|token| token.unwrap().expose().to_owned()).collect::<Vec<_>>()
                })
            })
        })
        .collect();
    let mut tokens = Vec::new();
    for program in programs {
        tokens.extend(program.await.unwrap());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(world.renewals(), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all() {
    let world = World::start().await;
    let account = world.store().import(&world.tokens("demo")).await.unwrap();
    let other = world.store().choose(None).unwrap();
    let first = account.access_token().await.unwrap();
    world.tiktok.void_access_tokens();
    let second = account.refresh_after_401(&first).await.unwrap();
    assert_eq!(other.refresh_after_401(&first).await.unwrap(), second);
    assert_eq!(world.renewals(), 1);
    assert!(world.takes(&second).await);
}

#[tokio::test]
async fn dropping_who_asked_loses_nothing() {
    let world = World::start().await;
    let account = world.over("demo").await;
    world.tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::Slow(Duration::from_millis(100)));
    let asked = tokio::time::timeout(Duration::from_millis(20), account.access_token()).await;
    assert!(asked.is_err());
    // Waits for the lock that the renewal holds.
    let token = account.access_token().await.unwrap();
    assert!(world.takes(&token).await);
    assert_eq!(world.renewals(), 1);
}

/// Killed after TikTok took the old token and before the new one was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_reply_and_save() {
    let world = Arc::new(World::start().await);
    world.over("demo").await;
    // The reply takes longer than the process lives.
    world.tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::SlowBody { bytes_per_s: 10 });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let account = world.store().choose(None).unwrap();
    runtime.spawn(async move { account.access_token().await });
    world.tiktok.until(|record| record.to(Endpoint::Refresh).any(|request| request.status.is_some())).await;
    runtime.shutdown_background();

    let account = world.store().choose(None).unwrap();
    let error = account.access_token().await.unwrap_err();
    assert_eq!(reason(&error), LoginReason::LostReply);
    assert!(error.to_string().contains("never arrived"), "{error}");
    assert_eq!(world.renewals(), 2);
    // From now on it is known.
    assert_eq!(reason(&account.access_token().await.unwrap_err()), LoginReason::LostReply);
    assert_eq!(world.renewals(), 2);
    assert_eq!(account.status().unwrap().login_needed, Some(LoginReason::LostReply));
}

/// Killed after the file was marked and before TikTok was asked: nothing is lost.
#[tokio::test]
async fn killed_before_tiktok_was_asked() {
    let world = World::start().await;
    let account = world.over("demo").await;
    world.edit("demo", |kept| kept["renewal_began"] = kept["obtained_at"].clone());
    // Half of a file of the killed one.
    let half = world.folder.path().join(".sandbox--000demo-x1y2z3.tmp");
    fs_err::write(&half, "{\"access_token\": \"act.half").unwrap();
    assert!(world.takes(&account.access_token().await.unwrap()).await);
    assert!(!half.exists(), "there are tokens in it");
    assert_eq!(world.kept("demo")["renewal_began"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_lost_reply_is_told_from_a_refusal() {
    let world = World::start().await;
    let account = world.over("demo").await;
    world.tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::LostReply);
    assert_eq!(reason(&account.access_token().await.unwrap_err()), LoginReason::LostReply);
    assert_eq!(world.renewals(), 2, "asked again, since it might not have arrived");

    let other = world.over("other").await;
    world.tiktok.void_refresh_tokens();
    let error = other.access_token().await.unwrap_err();
    assert_eq!(reason(&error), LoginReason::Rejected);
    assert!(error.to_string().contains("sandbox"), "{error}");
    assert_eq!(world.renewals(), 3, "a refusal is final");
}

#[tokio::test]
async fn a_login_at_its_greatest_age_is_told_so() {
    let world = World::start().await;
    let account = world.over("demo").await;
    world.edit("demo", |kept| kept["refresh_expires_at"] = kept["obtained_at"].clone());
    world.tiktok.void_refresh_tokens();
    assert_eq!(reason(&account.access_token().await.unwrap_err()), LoginReason::Expired);
}

#[tokio::test]
async fn refusals_with_status_200_are_refusals() {
    let world = World::of(FakeTikTok::builder().token_errors_with_200()).await;
    let account = world.over("demo").await;
    world.tiktok.void_refresh_tokens();
    assert_eq!(reason(&account.access_token().await.unwrap_err()), LoginReason::Rejected);
}

#[tokio::test]
async fn trouble_that_passes_is_sat_out() {
    let world = World::start().await;
    for fault in [Fault::Status(500), Fault::NoReply, Fault::Refuse("internal_error")] {
        let account = world.over("demo").await;
        world.age("demo", 3600, -1);
        let before = world.renewals();
        world.tiktok.fail_next(Endpoint::Refresh, Some(2), fault.clone());
        assert!(world.takes(&account.access_token().await.unwrap()).await, "{fault:?}");
        assert_eq!(world.renewals() - before, 3, "{fault:?}");
    }
}

#[tokio::test]
async fn trouble_that_lasts_costs_nothing_but_time() {
    let world = World::start().await;
    let account = world.due("demo").await;
    let first = world.kept("demo")["access_token"].clone();
    world.tiktok.fail_next(Endpoint::Refresh, None, Fault::Status(503));
    // It is due, but not over: good enough.
    assert_eq!(account.access_token().await.unwrap().expose(), first);
    assert_eq!(world.renewals(), 3);
    world.age("demo", 3600, -1);
    let error = account.access_token().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(publish::PublishError::from(error).is_retryable());
    world.tiktok.behave(Endpoint::Refresh);
    assert!(world.takes(&account.access_token().await.unwrap()).await);
}

#[tokio::test]
async fn a_wrong_secret_does_not_cost_the_login() {
    let world = World::start().await;
    world.over("demo").await;
    let app = tiktok_publish::AppCredentials::new(FakeTikTok::CLIENT_KEY, &"wrong".into());
    let endpoint = tiktok_publish::TokenEndpoint::new(&world.config(), app).unwrap();
    let mistaken = tiktok_publish::TokenStore::new(world.folder.path(), endpoint).choose(None).unwrap();
    let error = mistaken.access_token().await.unwrap_err();
    assert!(matches!(error, AuthError::Refused { .. }), "{error}");
    let account = world.store().choose(None).unwrap();
    assert!(world.takes(&account.access_token().await.unwrap()).await);
}

#[tokio::test]
async fn no_connection_leaves_no_doubt_behind() {
    let world = World::start().await;
    let account = world.over("demo").await;
    let World { tiktok, folder } = world;
    let bases = tiktok.bases().clone();
    drop(tiktok);
    // Gone when nothing listens any more.
    let address = bases.api_base.trim_start_matches("http://").to_owned();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = account.access_token().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let kept = fs_err::read_to_string(folder.path().join("sandbox--000demo.json")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["renewal_began"], serde_json::Value::Null);
}

#[tokio::test]
async fn what_is_left_of_a_token_is_used_up() {
    let world = World::start().await;
    let account = world.due("demo").await;
    world.tiktok.void_refresh_tokens();
    let token = account.access_token().await.unwrap();
    assert!(world.takes(&token).await);
    assert_eq!(account.status().unwrap().login_needed, Some(LoginReason::Rejected));
    account.access_token().await.unwrap();
    assert_eq!(world.renewals(), 1, "it is known that renewing does not work");
    assert_eq!(reason(&account.refresh_after_401(&token).await.unwrap_err()), LoginReason::Rejected);
    assert_eq!(reason(&account.access_token().await.unwrap_err()), LoginReason::Rejected);
}

/// The disk fails after the old token is spent: the new pair waits in memory, and is not used until it is kept.
#[tokio::test]
async fn a_pair_that_cannot_be_written_is_not_lost() {
    let world = World::start().await;
    let (folder, aside) = (world.folder.path().join("tokens"), world.folder.path().join("aside"));
    let store = tiktok_publish::TokenStore::new(&folder, world.endpoint());
    let mut tokens = world.tokens("demo");
    tokens.access_token = None;
    let account = store.import(&tokens).await.unwrap();
    world.tiktok.fail_next(Endpoint::Refresh, Some(1), Fault::Slow(Duration::from_millis(100)));
    let break_disk = async {
        world.tiktok.until(|record| record.to(Endpoint::Refresh).next().is_some()).await;
        fs_err::rename(&folder, &aside).unwrap();
        fs_err::write(&folder, "in the way").unwrap();
    };
    let (token, ()) = tokio::join!(account.access_token(), break_disk);
    let error = token.unwrap_err();
    assert!(matches!(error, AuthError::File { .. }), "{error}");
    fs_err::remove_file(&folder).unwrap();
    fs_err::rename(&aside, &folder).unwrap();
    let token = account.access_token().await.unwrap();
    assert!(world.takes(&token).await);
    assert_eq!(world.renewals(), 1);
    let kept = fs_err::read_to_string(folder.join("sandbox--000demo.json")).unwrap();
    assert!(kept.contains(token.expose()));
}

/// A store that cannot be locked is noticed before the old token is spent.
#[cfg(unix)]
#[tokio::test]
async fn nothing_is_asked_if_nothing_can_be_kept() {
    let world = World::start().await;
    let account = world.over("demo").await;
    // Where the lock should be, there is a folder.
    let lock = world.file("demo").with_extension("lock");
    fs_err::remove_file(&lock).unwrap();
    fs_err::create_dir(&lock).unwrap();
    let error = account.access_token().await.unwrap_err();
    assert!(matches!(error, AuthError::File { .. }), "{error}");
    assert_eq!(world.renewals(), 0);
}
