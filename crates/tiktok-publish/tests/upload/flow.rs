//! What a user wants: clips arrive, once.

use std::sync::Mutex;

use publish::{DeliveryState, Journal as _, MemoryJournal, PublishError, Publisher as _, Standing};
use testkit::tiktok::{Account as User, Endpoint, FakeTikTok, PostIds, Processing, Progress};
use tiktok_publish::{DirectPost, Privacy, PublishMode, PublishSettings, Scopes, UploadSource};
use url::Url;

use crate::support::{MANY_CHUNKS, World, audited, publish};

fn direct(post: DirectPost) -> PublishSettings {
    PublishSettings { mode: PublishMode::Direct(post), ..PublishSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_becomes_a_draft() {
    let world = World::start().await;
    let (post, publisher) = (world.small(1), world.drafts());
    let (mut journal, told) = (MemoryJournal::default(), Mutex::new(Vec::new()));
    let delivery =
        publisher.publish(&post, &mut journal, &|bytes| told.lock().unwrap().push(bytes)).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Inbox);
    let note = delivery.note.clone().unwrap();
    assert_eq!(note, "TikTok takes no text with a draft; paste it in the app: ¡vamos! #clips");
    assert_eq!((world.copies(&post), world.flights()), (1, 0));
    assert_eq!(told.into_inner().unwrap().last(), Some(&post.facts.bytes));
    assert_eq!(journal.standing(), Standing::Delivered(delivery.clone()));

    let snapshot = publisher.ledger().snapshot().await.unwrap();
    assert_eq!((snapshot.pending.len(), snapshot.inits_last_minute, snapshot.ready_at), (1, 1, None));
    assert_eq!(snapshot.latest.unwrap().publish_id, delivery.receipt.unwrap().0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_clip_goes_in_chunks() {
    for progress in [Progress::Count, Progress::LastByte] {
        let world = World::of(FakeTikTok::builder().progress(progress)).await;
        let post = world.clip(1, MANY_CHUNKS);
        publish(&world.drafts(), &post).await.unwrap();
        assert_eq!((world.copies(&post), world.tiktok.requests(Endpoint::Upload)), (1, 6));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_says_what_is_configured() {
    let world = World::start().await;
    let mut post = world.small(1);
    post.cover = Some(std::time::Duration::from_millis(1500));
    let settings =
        direct(DirectPost { comments: true, ai_generated: true, ..DirectPost::new(Privacy::SelfOnly) });
    let delivery = publish(&world.publisher(settings), &post).await.unwrap();
    assert_eq!((delivery.state, delivery.note), (DeliveryState::Restricted, None));
    let record = world.tiktok.record();
    let info = record.posts().next().unwrap().post_info.clone().unwrap();
    let expected = serde_json::json!({
        "title": "¡vamos! #clips", "privacy_level": "SELF_ONLY", "disable_comment": false, "disable_duet": true,
        "disable_stitch": true, "is_aigc": true, "brand_content_toggle": false, "brand_organic_toggle": false,
        "video_cover_timestamp_ms": 1500,
    });
    assert_eq!(info, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_post_has_an_address() {
    for ids in [PostIds::Numbers, PostIds::Strings, PostIds::Bare, PostIds::SpeltRight] {
        let world = World::of(audited().post_ids(ids)).await;
        let mut post = world.small(1);
        post.text = "word ".repeat(1000);
        let settings = direct(DirectPost::new(Privacy::PublicToEveryone));
        let delivery = publish(&world.publisher(settings), &post).await.unwrap();
        assert_eq!(delivery.state, DeliveryState::Public);
        let link = delivery.link.unwrap();
        let id = link.strip_prefix("https://www.tiktok.com/@demo/video/").unwrap();
        assert!(id.len() == 19 && id.bytes().all(|byte| byte.is_ascii_digit()), "{link}");
        assert_eq!(world.tiktok.record().posts().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_own_settings_hold() {
    let mut user = User::private("demo").max_duration_s(10);
    user.comment_disabled = true;
    let world = World::of(FakeTikTok::builder().account(user)).await;
    let post = DirectPost { comments: true, ..DirectPost::new(Privacy::SelfOnly) };
    let publisher = world.publisher(direct(post));
    let error = publish(&publisher, &world.small(1)).await.unwrap_err();
    assert!(
        matches!(&error, PublishError::Unsuitable { limit, .. } if limit.contains("at most 10 s")),
        "{error}"
    );
    let mut short = world.small(2);
    short.facts.duration = std::time::Duration::from_secs(5);
    publish(&publisher, &short).await.unwrap();
    let record = world.tiktok.record();
    assert_eq!(record.posts().next().unwrap().post_info.as_ref().unwrap()["disable_comment"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_privacy_that_is_not_offered_is_told_before_anything_is_sent() {
    let world = World::start().await;
    let publisher = world.publisher(direct(DirectPost::new(Privacy::PublicToEveryone)));
    let error = publish(&publisher, &world.small(1)).await.unwrap_err().to_string();
    assert!(
        error.contains("the account offers FOLLOWER_OF_CREATOR, MUTUAL_FOLLOW_FRIENDS, SELF_ONLY"),
        "{error}"
    );
    assert_eq!(world.tiktok.requests(Endpoint::DirectInit), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_post_sends_drafts_if_told_so() {
    let sandbox = [Scopes::USER_INFO_BASIC, Scopes::VIDEO_UPLOAD];
    let world = World::allowing(FakeTikTok::builder(), &sandbox).await;
    let strict = direct(DirectPost::new(Privacy::SelfOnly));
    let error = publish(&world.publisher(strict), &world.small(1)).await.unwrap_err();
    assert!(matches!(&error, PublishError::Login { reason } if reason.contains("video.publish")), "{error}");
    let lenient = direct(DirectPost { fall_back: true, ..DirectPost::new(Privacy::SelfOnly) });
    let delivery = publish(&world.publisher(lenient.clone()), &world.small(1)).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Inbox);

    // The scope is there, but the account is public and the app not audited.
    let world = World::of(FakeTikTok::builder().account(User::public("demo"))).await;
    let strict = direct(DirectPost::new(Privacy::SelfOnly));
    let error = publish(&world.publisher(strict), &world.small(1)).await.unwrap_err();
    assert!(matches!(&error, PublishError::Refused(no) if no.remedy.contains("private")), "{error}");
    let delivery = publish(&world.publisher(lenient), &world.small(1)).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Inbox);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_clip_again_is_refused_unless_asked_for() {
    let world = World::start().await;
    let post = world.small(1);
    publish(&world.drafts(), &post).await.unwrap();
    let error = publish(&world.drafts(), &post).await.unwrap_err();
    assert!(matches!(&error, PublishError::Refused(no) if no.code == "already_sent"), "{error}");
    assert_eq!(world.copies(&post), 1);
    let again = PublishSettings { repeat: true, ..PublishSettings::default() };
    publish(&world.publisher(again), &post).await.unwrap();
    assert_eq!(world.copies(&post), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_long_is_left_to_be_worked_on_and_followed() {
    let world = World::of(FakeTikTok::builder().processing(Processing::Forever)).await;
    let (publisher, post) = (world.drafts(), world.small(1));
    let delivery = publish(&publisher, &post).await.unwrap();
    assert_eq!(delivery.state, DeliveryState::Processing);
    // After 2, 5, 10, 10 ... seconds for ten minutes; fewer times on a slow machine, never more.
    let asked = world.tiktok.requests(Endpoint::Status);
    assert!((10..=62).contains(&asked), "{asked}");
    let receipt = delivery.receipt.unwrap();
    assert_eq!(publisher.follow(&receipt).await.unwrap().state, DeliveryState::Processing);
    world.tiktok.finish_processing(&receipt.0);
    assert_eq!(publisher.follow(&receipt).await.unwrap().state, DeliveryState::Inbox);
    world.tiktok.finish_draft(&receipt.0);
    let finished = publisher.follow(&receipt).await.unwrap();
    assert!(finished.state.is_final() && finished.note.unwrap().contains("finished"));
    assert_eq!(world.copies(&post), 1);
}

/// A server with files, as a user's storage is.
pub(crate) async fn files(folder: std::path::PathBuf) -> Url {
    use axum::extract::Path;
    let serve = move |Path(name): Path<String>| {
        let read = fs_err::read(folder.join(name));
        async move { read.map_err(|_| axum::http::StatusCode::NOT_FOUND) }
    };
    let router = axum::Router::new().route("/clips/{name}", axum::routing::get(serve));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/clips/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Url::parse(&base).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktok_fetches_a_clip_from_a_verified_address() {
    let folder = tempfile::tempdir().unwrap();
    let base = files(folder.path().to_owned()).await;
    let world = World::of(FakeTikTok::builder().verified_prefix(base.as_str())).await;
    let post = world.small(1);
    fs_err::copy(&post.video, folder.path().join("clip-1.mp4")).unwrap();
    let settings = PublishSettings { source: UploadSource::Address(base), ..PublishSettings::default() };
    let delivery = publish(&world.publisher(settings.clone()), &post).await.unwrap();
    assert_eq!((delivery.state, world.copies(&post)), (DeliveryState::Inbox, 1));
    // One that is not there fails, and is written off.
    let mut journal = MemoryJournal::default();
    let missing =
        world.publisher(settings).publish(&world.small(2), &mut journal, &|_| ()).await.unwrap_err();
    assert!(matches!(&missing, PublishError::Refused(no) if no.code == "video_pull_failed"), "{missing}");
    assert_eq!(journal.standing(), Standing::Nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_verified_is_refused() {
    let world = World::start().await;
    let base = Url::parse("http://127.0.0.1:9/clips").unwrap();
    let settings = PublishSettings { source: UploadSource::Address(base), ..PublishSettings::default() };
    let mut journal = MemoryJournal::default();
    let error = world.publisher(settings).publish(&world.small(1), &mut journal, &|_| ()).await.unwrap_err();
    assert!(matches!(&error, PublishError::Refused(no) if no.code == "url_ownership_unverified"), "{error}");
    assert_eq!(journal.standing(), Standing::Nothing);
}
