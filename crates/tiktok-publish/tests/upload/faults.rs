//! Everything that a network and a server do to an upload.

use std::time::Duration;

use publish::{DeliveryState, Journal as _, MemoryJournal, PublishError, Publisher as _, Standing};
use testkit::tiktok::{Endpoint, FakeTikTok, Fault};
use tiktok_publish::{Clock as _, PublishSettings, UploadSource};
use url::Url;

use crate::support::{MANY_CHUNKS, World, publish};

/// Publishes a clip of six chunks while requests to an endpoint fail. It has to arrive in one call, once.
async fn survives(endpoint: Endpoint, requests: std::ops::Range<u32>, fault: Fault) -> FakeTikTok {
    let world = World::start().await;
    world.tiktok.fail(endpoint, requests.clone(), fault.clone());
    let post = world.clip(1, MANY_CHUNKS);
    let delivery = publish(&world.drafts(), &post).await;
    let delivery = delivery.unwrap_or_else(|error| panic!("{endpoint:?} {requests:?} {fault:?}: {error:?}"));
    assert_eq!((delivery.state, world.copies(&post)), (DeliveryState::Inbox, 1), "{fault:?}");
    assert_eq!(world.tiktok.record().repeated(), Vec::<String>::new());
    assert!(world.tiktok.requests(endpoint) > requests.start, "the fault struck");
    world.tiktok
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_break_are_sent_again() {
    for fault in [
        Fault::Status(503),
        Fault::NoReply,
        Fault::LostReply,
        Fault::DoneBut(502),
        Fault::CutBody { after: 0 },
        Fault::CutBody { after: 5_000_000 },
    ] {
        // One in the middle, the last.
        for chunk in [2, 5] {
            let tiktok = survives(Endpoint::Upload, chunk..chunk + 1, fault.clone()).await;
            assert_eq!(tiktok.record().publications.len(), 1, "{fault:?} at {chunk}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_given_five_more_tries() {
    survives(Endpoint::Upload, 2..7, Fault::Status(500)).await;
    let world = World::start().await;
    world.tiktok.fail(Endpoint::Upload, 2..8, Fault::Status(500));
    let (post, publisher) = (world.clip(1, MANY_CHUNKS), world.drafts());
    let mut journal = MemoryJournal::default();
    let error = publisher.publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    assert!(
        matches!(&error, PublishError::Unavailable { what, .. } if what.contains("chunk 3 of 6")),
        "{error}"
    );
    // The next attempt goes on where this one stopped.
    publisher.publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 1));
    assert_eq!(world.tiktok.requests(Endpoint::Upload), 8 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_that_get_no_answer_are_made_again() {
    for fault in [
        Fault::NoReply,
        Fault::LostReply,
        Fault::TornJson,
        Fault::Status(502),
        Fault::Refuse("internal_error"),
    ] {
        let tiktok = survives(Endpoint::InboxInit, 0..2, fault).await;
        assert_eq!(tiktok.requests(Endpoint::InboxInit), 3);
    }
    survives(Endpoint::InboxInit, 0..2, Fault::Refuse("rate_limit_exceeded")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_get_no_answer_are_asked_again() {
    for fault in [Fault::NoReply, Fault::Status(503), Fault::TornJson, Fault::SlowBody { bytes_per_s: 1000 }]
    {
        survives(Endpoint::Status, 0..3, fault).await;
    }
    survives(Endpoint::Status, 1..3, Fault::Refuse("rate_limit_exceeded")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_ends_is_asked_for_anew_once() {
    let world = World::of(FakeTikTok::builder().empty_inits_pend(false)).await;
    let post = world.clip(1, MANY_CHUNKS);
    for status in [403, 404] {
        let before = world.tiktok.requests(Endpoint::Upload);
        world.tiktok.fail(Endpoint::Upload, before + 2..before + 3, Fault::Status(status));
        let again = PublishSettings { repeat: true, ..PublishSettings::default() };
        publish(&world.publisher(again), &post).await.unwrap();
    }
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (2, 4));

    let before = world.tiktok.requests(Endpoint::Upload);
    world.tiktok.fail(Endpoint::Upload, before..before + 2, Fault::Status(403));
    let error = publish(&world.drafts(), &world.small(2)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(world.copies(&world.small(2)), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_not_whole_within_its_hour_is_begun_anew() {
    let world = World::start().await;
    let (post, publisher) = (world.clip(1, MANY_CHUNKS), world.drafts());
    world.tiktok.fail(Endpoint::Upload, 5..11, Fault::NoReply);
    let mut journal = MemoryJournal::default();
    publisher.publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    assert!(matches!(journal.standing(), Standing::Committing(Some(_))));
    world.pass(Duration::from_secs(3700));
    publisher.publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 2));
    // What was begun first does not count as waiting.
    assert_eq!(publisher.ledger().snapshot().await.unwrap().pending.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_last_answer_and_no_answer_to_questions_is_settled_later() {
    let world = World::start().await;
    let (post, publisher) = (world.small(1), world.drafts());
    world.tiktok.fail_next(Endpoint::Upload, None, Fault::LostReply);
    world.tiktok.fail_next(Endpoint::Status, None, Fault::NoReply);
    let mut journal = MemoryJournal::default();
    let error = publisher.publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    assert!(error.is_retryable() && journal.standing().may_be_published(), "{error}");
    world.tiktok.behave(Endpoint::Upload);
    let error = publisher.publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    assert!(error.is_retryable() && journal.standing().may_be_published(), "{error}");
    world.tiktok.behave(Endpoint::Status);
    publisher.publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_that_tiktok_was_asked_to_fetch_is_never_asked_for_twice() {
    let base = Url::parse("http://127.0.0.1:9/").unwrap();
    for fault in [Fault::LostReply, Fault::DoneBut(502), Fault::TornJson, Fault::Refuse("internal_error")] {
        let world = World::of(FakeTikTok::builder().verified_prefix(base.as_str())).await;
        let settings =
            PublishSettings { source: UploadSource::Address(base.clone()), ..PublishSettings::default() };
        let publisher = world.publisher(settings);
        world.tiktok.fail_next(Endpoint::InboxInit, Some(1), fault.clone());
        let mut journal = MemoryJournal::default();
        for _ in 0..2 {
            let error = publisher.publish(&world.small(1), &mut journal, &|_| ()).await.unwrap_err();
            assert!(matches!(error, PublishError::Unknown { .. }), "{fault:?}: {error}");
        }
        assert_eq!(world.tiktok.requests(Endpoint::InboxInit), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_is_not_sent_on() {
    let world = World::start().await;
    let post = world.clip(1, MANY_CHUNKS);
    let shrink = |bytes: u64| {
        // At the first sign of the second chunk.
        if bytes > 15_000_000 {
            fs_err::OpenOptions::new().write(true).open(&post.video).unwrap().set_len(20_000_000).unwrap();
        }
    };
    let error = world.drafts().publish(&post, &mut MemoryJournal::default(), &shrink).await.unwrap_err();
    assert!(matches!(error, PublishError::File { .. }), "{error:?}");
    let error = publish(&world.drafts(), &post).await.unwrap_err();
    assert!(matches!(error, PublishError::File { .. }), "{error:?}");
    assert_eq!(world.tiktok.record().arrived().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_is_told_at_once_and_nothing_is_lost() {
    let world = World::start().await;
    let post = world.small(1);
    let mut config = world.config();
    // Nobody listens on the port of discard.
    config.api_base = Url::parse("http://127.0.0.1:9/").unwrap();
    let publisher = world.publisher_at(&config);
    let mut journal = MemoryJournal::default();
    let began = world.clock.now();
    let error = publisher.publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(world.clock.now().duration_since(began).as_secs() < 120);
    crate::support::ready(&world.drafts(), &world.clock).await;
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!(world.copies(&post), 1);
}
