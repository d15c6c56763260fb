//! TikTok's limits are kept, by all processes together.

use std::time::Duration;

use publish::{PublishError, Publisher as _, Readiness};
use testkit::tiktok::{Endpoint, FakeTikTok};
use tiktok_publish::{DirectPost, Ledger, Privacy, PublishMode, PublishSettings, ShareMode, TikTokPublisher};

use crate::support::{SCOPES, World, publish, ready};

const LEDGER: &str = ".tiktok_sandbox_state.json";

async fn later(publisher: &TikTokPublisher) -> String {
    match publisher.readiness().await.unwrap() {
        Readiness::Now => "now".to_owned(),
        Readiness::Later { why, .. } => why,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_draft_waits_until_one_is_finished() {
    let world = World::start().await;
    let publisher = world.drafts();
    for number in 0..5 {
        publish(&publisher, &world.small(number)).await.unwrap();
    }
    let error = publish(&publisher, &world.small(5)).await.unwrap_err();
    assert!(matches!(&error, PublishError::NotNow { reason, .. } if reason.contains("5 drafts")), "{error}");
    assert!(later(&publisher).await.contains("5 drafts"));
    let snapshot = publisher.ledger().snapshot().await.unwrap();
    assert_eq!((snapshot.pending.len(), snapshot.pending_limit), (5, 5));
    world.finish_drafts();
    world.pass(Duration::from_secs(62));
    assert_eq!(later(&publisher).await, "now");
    publish(&publisher, &world.small(5)).await.unwrap();
    assert_eq!(world.tiktok.record().refused("spam_risk_too_many_pending_share"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_leave_the_day() {
    let world = World::start().await;
    for number in 0..5 {
        publish(&world.drafts(), &world.small(number)).await.unwrap();
    }
    world.pass(Duration::from_secs(24 * 3600));
    publish(&world.drafts(), &world.small(5)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_keep_the_limit_of_the_minute() {
    // Slow enough that a request that is late by some milliseconds is not late by seconds.
    let folder = tempfile::tempdir().unwrap();
    let world = World::within(folder, FakeTikTok::builder().daily_posts(100), &SCOPES, 30.0).await;
    let mode = PublishMode::Direct(DirectPost::new(Privacy::SelfOnly));
    let settings = PublishSettings { mode, ..PublishSettings::default() };
    let process = async |first: u32| {
        let publisher = world.publisher(settings.clone());
        for number in first..first + 7 {
            let post = world.small(number);
            loop {
                ready(&publisher, &world.clock).await;
                match publish(&publisher, &post).await {
                    Ok(_) => break,
                    // The other one was faster.
                    Err(PublishError::NotNow { .. }) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    };
    tokio::join!(process(0), process(7));
    let record = world.tiktok.record();
    assert_eq!((record.posts().count(), record.refused("rate_limit_exceeded")), (14, 0));
    assert_eq!(world.tiktok.requests(Endpoint::DirectInit), 14);
    assert_eq!(record.repeated(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_the_tool_before_is_honoured_once() {
    let world = World::start().await;
    fs_err::create_dir_all(world.state()).unwrap();
    let now = tiktok_publish::Clock::now(&*world.clock).as_duration().as_secs_f64();
    let old = format!(r#"{{"last_spam_risk_ts": {}, "bytes_unavailable": true}}"#, now - 600.0);
    fs_err::write(world.state().join(LEDGER), old).unwrap();
    let publisher = world.drafts();
    let error = publish(&publisher, &world.small(1)).await.unwrap_err();
    assert!(matches!(&error, PublishError::NotNow { .. }), "{error}");
    world.pass(Duration::from_secs(1201));
    publish(&publisher, &world.small(1)).await.unwrap();
    let kept: serde_json::Value =
        serde_json::from_slice(&fs_err::read(world.state().join(LEDGER)).unwrap()).unwrap();
    assert!(kept["last_spam_risk_ts"].is_f64() && kept["bytes_unavailable"] == true, "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_is_put_aside() {
    let world = World::start().await;
    fs_err::create_dir_all(world.state()).unwrap();
    fs_err::write(world.state().join(LEDGER), "{\"shares\": [").unwrap();
    publish(&world.drafts(), &world.small(1)).await.unwrap();
    let names: Vec<String> = fs_err::read_dir(world.state())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&format!("{LEDGER}.corrupt-")))
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fs_err::read(world.state().join(&names[0])).unwrap(), b"{\"shares\": [");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs_err::metadata(world.state().join(LEDGER)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_forgets_the_wait_and_keeps_the_record() {
    let world = World::start().await;
    let publisher = world.drafts();
    publish(&publisher, &world.small(1)).await.unwrap();
    world.tiktok.trouble("demo", Some("spam_risk_too_many_pending_share"));
    publish(&publisher, &world.small(2)).await.unwrap_err();
    assert!(publisher.ledger().ready_at(ShareMode::Inbox).await.unwrap().is_some());
    for _ in 0..2 {
        Ledger::clear(&world.state(), false).await.unwrap();
        let snapshot = publisher.ledger().snapshot().await.unwrap();
        assert_eq!((snapshot.ready_at, snapshot.shares, snapshot.block), (None, 1, None));
    }
    for _ in 0..2 {
        Ledger::clear(&world.state(), true).await.unwrap();
        assert!(!publisher.ledger().path().exists());
    }
    assert_eq!(publisher.ledger().snapshot().await.unwrap().shares, 0);
}
