//! Uploads that are killed go on.

use publish::{Journal as _, Mark, MemoryJournal, PublishError, Publisher as _, Receipt, Standing};
use testkit::tiktok::{Endpoint, FakeTikTok};

use crate::support::{DyingJournal, MANY_CHUNKS, World, publish};

/// Publishes a clip and drops it after so many bytes, as a process that is killed does. What is in the journal stays.
async fn killed_after(world: &World, post: &publish::Post, journal: &mut MemoryJournal, bytes: u64) {
    let publisher = world.drafts();
    let (tell, told) = tokio::sync::watch::channel(0);
    let mut told = told;
    let progress = move |sent| {
        tell.send_replace(sent);
    };
    tokio::select! {
        delivery = publisher.publish(post, journal, &progress) => { delivery.unwrap(); }
        _ = told.wait_for(|sent| *sent >= bytes) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_being_killed_anywhere() {
    let world = World::start().await;
    let step = MANY_CHUNKS / 6;
    for number in 0..6_u32 {
        let post = world.clip(number, MANY_CHUNKS);
        let mut journal = MemoryJournal::default();
        crate::support::ready(&world.drafts(), &world.clock).await;
        for kill in 0..2 {
            killed_after(&world, &post, &mut journal, step * u64::from(number) + kill * 9_000_000).await;
        }
        world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
        assert_eq!(world.copies(&post), 1, "killed at {number}");
        world.finish_drafts();
    }
    // Nothing was begun twice.
    assert_eq!(world.tiktok.record().publications.len(), 6);
    assert_eq!(world.flights(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_sent_again() {
    let world = World::start().await;
    let (post, mut journal) = (world.clip(1, MANY_CHUNKS), MemoryJournal::default());
    killed_after(&world, &post, &mut journal, 35_000_000).await;
    let before = world.tiktok.record().uploaded_bytes;
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
    let after = world.tiktok.record().uploaded_bytes - before;
    assert!(after < MANY_CHUNKS - 25_000_000, "{after} bytes were sent the second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_address_is_lost_is_begun_anew() {
    let world = World::start().await;
    let (post, mut journal) = (world.clip(1, MANY_CHUNKS), MemoryJournal::default());
    killed_after(&world, &post, &mut journal, 35_000_000).await;
    fs_err::remove_dir_all(world.state().join("tiktok-uploads")).unwrap();
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_that_was_kept_is_used_even_if_the_journal_missed_it() {
    let world = World::start().await;
    let post = world.small(1);
    // Dies with `Opened`, and that mark is lost as well.
    let mut journal = DyingJournal { kept: MemoryJournal::default(), marks_left: 1 };
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    let mut journal = MemoryJournal::new(vec![Mark::Asking]);
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.record().publications.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_the_last_bytes_arrived_is_asked_first() {
    let world = World::start().await;
    let post = world.small(1);
    // Dies when the reply to the last chunk is there.
    let mut journal = DyingJournal { kept: MemoryJournal::default(), marks_left: 3 };
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap_err();
    let Standing::Committed(receipt) = journal.standing() else { panic!("{journal:?}") };
    let mut journal = MemoryJournal::new(vec![Mark::Committing { receipt: Some(receipt) }]);
    let uploads = world.tiktok.requests(Endpoint::Upload);
    world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap();
    assert_eq!((world.copies(&post), world.tiktok.requests(Endpoint::Upload)), (1, uploads));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_find_out_is_told_and_never_sent_again() {
    let world = World::start().await;
    let post = world.small(1);
    let receipt = Some(Receipt("v_inbox_file~v2.1".to_owned()));
    let mut journal = MemoryJournal::new(vec![Mark::Committing { receipt }]);
    for _ in 0..2 {
        let error = world.drafts().publish(&post, &mut journal, &|_| ()).await.unwrap_err();
        assert!(matches!(&error, PublishError::Unknown { receipt: Some(_), .. }), "{error}");
    }
    assert_eq!(world.tiktok.requests(Endpoint::InboxInit), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clip_is_sent_by_one_process_at_a_time() {
    let world = World::of(FakeTikTok::builder()).await;
    let post = world.clip(1, MANY_CHUNKS);
    let (one, other) = (world.drafts(), world.drafts());
    let (one, other) = tokio::join!(publish(&one, &post), publish(&other, &post));
    let (sent, refused) = if one.is_ok() { (one, other) } else { (other, one) };
    sent.unwrap();
    assert!(matches!(refused, Err(PublishError::NotNow { .. } | PublishError::Refused(_))), "{refused:?}");
    assert_eq!(world.copies(&post), 1);
}
