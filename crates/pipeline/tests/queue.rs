//! The queue of publications and its couriers, on a real database, with a folder and with a publisher that does as it is told.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use media_io::{Ffmpeg, FfmpegOptions};
use pipeline::publishing::{
    Added, Clock, Courier, Destination, NewPublication, Publication, PublicationState, PublishSink, Queue,
    QueueError, Schedule, Until,
};
use publish::{
    ContentHash, Delivery, DeliveryState, FolderExport, Journal, Mark, Post, PostKey, ProgressSink,
    PublishError, Publisher, Readiness, Receipt, Refusal, Standing, Target,
};
use tempfile::TempDir;
use testkit::TestMedia;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the publisher does next.
#[derive(Debug)]
enum Answer {
    Deliver(DeliveryState),
    Fail(PublishError),
    /// It begins, and never comes back.
    Hang,
}

/// A publisher that does as it is told, and remembers what it was asked.
#[derive(Debug)]
struct Told {
    target: Target,
    clock: Clock,
    answers: Mutex<VecDeque<Answer>>,
    follows: Mutex<VecDeque<Result<DeliveryState, PublishError>>>,
    /// Name of the clip, where its journal stood, when.
    asked: Mutex<Vec<(String, Standing, Timestamp)>>,
    hanging: Notify,
    ready: Mutex<Readiness>,
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.target)
    }
}

#[async_trait]
impl Publisher for Told {
    fn target(&self) -> &Target {
        &self.target
    }

    fn check(&self, _: &Post) -> Result<(), PublishError> {
        Ok(())
    }

    async fn readiness(&self) -> Result<Readiness, PublishError> {
        Ok(self.ready.lock().unwrap().clone())
    }

    async fn publish(
        &self,
        post: &Post,
        journal: &mut dyn Journal,
        progress: ProgressSink<'_>,
    ) -> Result<Delivery, PublishError> {
        let asked = (post.name.clone(), journal.standing(), self.clock.now());
        self.asked.lock().unwrap().push(asked);
        let answer = self.answers.lock().unwrap().pop_front();
        let receipt = Receipt(format!("receipt-{}", post.name));
        match answer.unwrap_or(Answer::Deliver(DeliveryState::Inbox)) {
            Answer::Deliver(state) => {
                journal.write(Mark::Committing { receipt: Some(receipt.clone()) }).await?;
                progress(post.facts.bytes);
                let delivery = Delivery::new(state).with_receipt(receipt);
                journal.write(Mark::Delivered { delivery: delivery.clone() }).await?;
                Ok(delivery)
            }
            Answer::Fail(error) => Err(error),
            Answer::Hang => {
                journal.write(Mark::Committing { receipt: Some(receipt) }).await?;
                self.hanging.notify_one();
                std::future::pending().await
            }
        }
    }

    async fn follow(&self, receipt: &Receipt) -> Result<Delivery, PublishError> {
        let answer = self.follows.lock().unwrap().pop_front().expect("nobody else asks");
        answer.map(|state| Delivery::new(state).with_receipt(receipt.clone()))
    }
}

struct World {
    folder: TempDir,
    time: Arc<AtomicI64>,
    queue: Queue,
    told: Arc<Told>,
}

fn video(folder: &Path, number: u16) -> PathBuf {
    let path = folder.join(format!("clip-{number}.mp4"));
    // Different lengths are different videos.
    TestMedia::new(number + 1).write(&path).expect("a video");
    path
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let time = Arc::new(AtomicI64::new(start.as_second()));
        let queue = Self::open(folder.path(), &time).await;
        let told = Arc::new(Told {
            target: Target { platform: "told".to_owned(), account: "me".to_owned() },
            clock: queue_clock(&time),
            answers: Mutex::default(),
            follows: Mutex::default(),
            asked: Mutex::default(),
            hanging: Notify::new(),
            ready: Mutex::new(Readiness::Now),
        });
        Self { folder, time, queue, told }
    }

    async fn open(folder: &Path, time: &Arc<AtomicI64>) -> Queue {
        Queue::open(&folder.join("data"), queue_clock(time)).await.unwrap()
    }

    fn now(&self) -> Timestamp {
        queue_clock(&self.time).now()
    }

    fn pass(&self, seconds: i64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.told.answers.lock().unwrap().extend(answers);
    }

    /// A clip for the publisher that does as it is told.
    fn clip(&self, number: u16, score: f64) -> NewPublication {
        let video = video(self.folder.path(), number);
        NewPublication {
            target: self.told.target.clone(),
            content: ContentHash::of_file(&video).unwrap(),
            name: format!("clip-{number}"),
            video,
            text: "look at this".to_owned(),
            cover: None,
            streamer: "demo".parse().unwrap(),
            clip: None,
            score,
            held: false,
            expires_at: None,
        }
    }

    async fn add(&self, number: u16, score: f64) -> PostKey {
        let new = self.clip(number, score);
        assert_eq!(self.queue.add(&new).await.unwrap(), Added::New);
        new.key()
    }

    fn courier(&self) -> Courier {
        courier(&self.queue)
    }

    fn told_by(&self, schedule: Schedule) -> Vec<Destination> {
        let publisher = Arc::clone(&self.told) as Arc<dyn Publisher>;
        vec![Destination { publisher, schedule, cooldown: SignedDuration::ZERO }]
    }

    async fn run(&self, schedule: &Schedule) {
        run(&self.courier(), self.told_by(schedule.clone())).await;
    }

    /// Names of what was sent since the last time.
    fn sent(&self) -> Vec<String> {
        self.told.asked.lock().unwrap().drain(..).map(|(name, ..)| name).collect()
    }

    async fn state(&self, key: PostKey) -> Publication {
        let all = self.queue.list().await.unwrap();
        all.into_iter().find(|one| one.key == key).expect("it is in the queue")
    }
}

fn queue_clock(time: &Arc<AtomicI64>) -> Clock {
    let time = Arc::clone(time);
    Clock::new(move || Timestamp::from_second(time.load(Ordering::Relaxed)).unwrap())
}

fn courier(queue: &Queue) -> Courier {
    let ffmpeg = Ffmpeg::locate(&FfmpegOptions::default()).unwrap();
    Courier::new(queue.clone(), ffmpeg, PublishSink::none())
}

async fn run(courier: &Courier, destinations: Vec<Destination>) {
    let until = Until::NothingFor(SignedDuration::ZERO);
    courier.drain(destinations, &CancellationToken::new(), until).await.unwrap();
}

#[tokio::test]
async fn a_clip_goes_to_a_folder_once() {
    let world = World::new().await;
    let out = world.folder.path().join("out");
    let publisher = Arc::new(FolderExport::new(&out).unwrap());
    let new = NewPublication { target: publisher.target().clone(), ..world.clip(1, 0.9) };
    assert_eq!(world.queue.add(&new).await.unwrap(), Added::New);
    let destinations =
        vec![Destination { publisher, schedule: Schedule::default(), cooldown: SignedDuration::ZERO }];
    run(&world.courier(), destinations.clone()).await;
    assert_eq!(fs_err::read_to_string(out.join("clip-1.txt")).unwrap(), "look at this\n");
    let Added::Known(known) = world.queue.add(&new).await.unwrap() else { panic!("it is there already") };
    assert_eq!(known.state, PublicationState::Delivered);
    assert_eq!(known.result.unwrap().state, DeliveryState::Exported);
    fs_err::remove_file(out.join("clip-1.mp4")).unwrap();
    run(&world.courier(), destinations.clone()).await;
    assert!(!out.join("clip-1.mp4").exists(), "what was delivered is not sent again");
    // On purpose it is.
    world.queue.begin_again(&new).await.unwrap();
    run(&world.courier(), destinations).await;
    assert!(out.join("clip-1.mp4").exists());
}

#[tokio::test]
async fn the_best_go_first_and_the_rules_of_the_account_hold() {
    let world = World::new().await;
    for (number, score) in [(1, 0.5), (2, 0.9), (3, 0.7), (4, 0.6)] {
        world.add(number, score).await;
    }
    let schedule = Schedule {
        posts_per_day: Some(3),
        spacing: SignedDuration::from_mins(10),
        hours: vec!["11:00-12:15".parse().unwrap(), "20:00-21:00".parse().unwrap()],
        time_zone: jiff::tz::TimeZone::UTC,
    };
    world.run(&schedule).await;
    assert_eq!(world.sent(), ["clip-2"]);
    world.pass(599);
    world.run(&schedule).await;
    assert_eq!(world.sent(), [""; 0], "ten minutes are not over");
    world.pass(1);
    world.run(&schedule).await;
    assert_eq!(world.sent(), ["clip-3"]);
    world.pass(600);
    world.run(&schedule).await;
    assert_eq!(world.sent(), [""; 0], "it is 12:20");
    let waiting = world.queue.list().await.unwrap().remove(0);
    assert_eq!(waiting.why.as_deref(), Some("posts go out at 11:00-12:15, 20:00-21:00 only"));
    assert_eq!(waiting.not_before, Some("2026-11-28T20:00:00Z".parse().unwrap()));
    world.pass(7 * 3_600 + 2_400);
    world.run(&schedule).await;
    assert_eq!(world.sent(), ["clip-4"]);
    world.pass(1_200);
    world.run(&schedule).await;
    assert_eq!(world.sent(), [""; 0], "three a day");
    world.pass(15 * 3_600 + 2_399);
    world.run(&schedule).await;
    assert_eq!(world.sent(), [""; 0], "the first of them was at 12:00");
    world.pass(1);
    world.run(&schedule).await;
    assert_eq!(world.sent(), ["clip-1"]);
}

#[tokio::test]
async fn what_is_too_late_is_dropped() {
    let world = World::new().await;
    let expires_at = world.now().checked_add(SignedDuration::from_hours(1)).ok();
    let new = NewPublication { expires_at, ..world.clip(1, 0.5) };
    world.queue.add(&new).await.unwrap();
    world.pass(3_600);
    world.run(&Schedule::default()).await;
    let dropped = world.state(new.key()).await;
    assert_eq!(dropped.state, PublicationState::Dropped);
    assert_eq!(dropped.why.as_deref(), Some("it could not be posted in time"));
    // A person wants it all the same.
    world.queue.retry(new.key()).await.unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
}

#[tokio::test]
async fn trouble_waits_and_refusals_do_not_come_back() {
    let world = World::new().await;
    let key = world.add(1, 0.9).await;
    world.answer([Answer::Fail(PublishError::unavailable("the network is down"))]);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
    let waiting = world.state(key).await;
    assert_eq!((waiting.state, waiting.attempts), (PublicationState::Waiting, 1));
    assert_eq!(waiting.why.as_deref(), Some("the network is down"));
    world.pass(59);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    world.pass(1);
    let refusal = Refusal {
        code: "spam".to_owned(),
        reason: "it looks like spam".to_owned(),
        remedy: "look at the account".to_owned(),
        reference: Some("log-7".to_owned()),
    };
    world.answer([Answer::Fail(PublishError::Refused(Box::new(refusal)))]);
    world.run(&Schedule::default()).await;
    world.sent();
    let refused = world.state(key).await;
    assert_eq!(refused.state, PublicationState::Refused);
    assert!(refused.why.unwrap().contains("log-7"));
    world.pass(1_000_000);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0], "only a person can retry it");
    world.queue.retry(key).await.unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.state(key).await.state, PublicationState::Delivered);
}

#[tokio::test]
async fn a_limit_of_the_platform_holds_all_of_the_account() {
    let world = World::new().await;
    let (one, two) = (world.add(1, 0.9).await, world.add(2, 0.5).await);
    let until = world.now().checked_add(SignedDuration::from_mins(30)).ok();
    let limit = PublishError::NotNow { reason: "too many drafts".to_owned(), until, reference: None };
    world.answer([Answer::Fail(limit)]);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"], "the other is not even tried");
    for key in [one, two] {
        let waiting = world.state(key).await;
        assert_eq!((waiting.state, waiting.not_before), (PublicationState::Waiting, until));
        assert!(waiting.why.unwrap().contains("too many drafts"));
    }
    world.pass(30 * 60);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1", "clip-2"]);
}

#[tokio::test]
async fn an_unknown_outcome_waits_for_a_person() {
    let world = World::new().await;
    let key = world.add(1, 0.9).await;
    let unknown = PublishError::Unknown { why: "the reply was lost".to_owned(), receipt: None };
    world.answer([Answer::Fail(unknown)]);
    world.run(&Schedule::default()).await;
    world.pass(10_000_000);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
    assert_eq!(world.state(key).await.state, PublicationState::Unknown);
}

#[tokio::test]
async fn a_process_that_dies_leaves_its_journal_to_the_next() {
    let world = World::new().await;
    let key = world.add(1, 0.9).await;
    world.answer([Answer::Hang]);
    let (courier, destinations) = (world.courier(), world.told_by(Schedule::default()));
    let dying = tokio::spawn(async move { run(&courier, destinations).await });
    world.told.hanging.notified().await;
    assert_eq!(world.state(key).await.state, PublicationState::Running);
    let second = world.courier().send(&world.told_by(Schedule::default())[0], key).await;
    assert!(matches!(second, Err(QueueError::State { .. })), "it is being sent: {second:?}");
    assert!(world.queue.discard(key).await.is_err(), "it is too late to drop it");
    dying.abort();
    assert!(dying.await.is_err());
    let left = world.state(key).await;
    assert_eq!(left.state, PublicationState::Waiting, "{left:?}");
    // No rule is in the way of what may be there already.
    let closed = Schedule { posts_per_day: Some(1), ..Schedule::default() };
    world.run(&closed).await;
    let asked: Vec<_> = world.told.asked.lock().unwrap().drain(..).map(|(_, standing, _)| standing).collect();
    let receipt = Some(Receipt("receipt-clip-1".to_owned()));
    assert_eq!(asked, [Standing::Nothing, Standing::Committing(receipt)]);
    assert_eq!(world.state(key).await.state, PublicationState::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn couriers_beside_one_another_send_nothing_twice() {
    let world = World::new().await;
    for number in 1..=12 {
        world.add(number, f64::from(number) / 100.0).await;
    }
    let mut couriers = Vec::new();
    for _ in 0..3 {
        // Each as another process would open it.
        let queue = World::open(world.folder.path(), &world.time).await;
        let destinations = world.told_by(Schedule::default());
        couriers.push(tokio::spawn(async move { run(&courier(&queue), destinations).await }));
    }
    for courier in couriers {
        courier.await.unwrap();
    }
    let mut sent = world.sent();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 12);
    assert!(world.queue.list().await.unwrap().iter().all(|one| one.state == PublicationState::Delivered));
    let claims = fs_err::read_dir(world.folder.path().join("data/locks/claims")).unwrap();
    assert_eq!(claims.count(), 0, "claims are gone with their holders");
}

#[tokio::test]
async fn what_is_processing_is_asked_about_and_not_sent_again() {
    let world = World::new().await;
    let (one, two) = (world.add(1, 0.9).await, world.add(2, 0.5).await);
    world.answer([Answer::Deliver(DeliveryState::Processing), Answer::Deliver(DeliveryState::Processing)]);
    world.run(&Schedule::default()).await;
    assert_eq!(world.state(one).await.state, PublicationState::Processing);
    let refusal = Refusal {
        code: "frame_rate_check_failed".to_owned(),
        reason: "the frame rate does not suit".to_owned(),
        remedy: "make the clip again".to_owned(),
        reference: None,
    };
    world
        .told
        .follows
        .lock()
        .unwrap()
        .extend([Ok(DeliveryState::Inbox), Err(PublishError::Refused(Box::new(refusal)))]);
    world.pass(30);
    world.run(&Schedule::default()).await;
    assert_eq!(world.state(one).await.state, PublicationState::Delivered);
    assert_eq!(world.state(two).await.state, PublicationState::Refused);
    assert_eq!(world.sent(), ["clip-1", "clip-2"]);
    // What the platform threw away may be sent anew.
    world.queue.retry(two).await.unwrap();
    world.run(&Schedule::default()).await;
    let asked = world.told.asked.lock().unwrap().remove(0);
    assert_eq!(asked.1, Standing::Nothing);
}

#[tokio::test]
async fn people_pause_resume_and_drop() {
    let world = World::new().await;
    let held = NewPublication { held: true, ..world.clip(1, 0.9) };
    world.queue.add(&held).await.unwrap();
    let other = world.add(2, 0.5).await;
    world.queue.pause_all().await.unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    assert!(world.state(other).await.why.unwrap().contains("queue is paused"));
    world.queue.resume_all().await.unwrap();
    world.queue.pause(other).await.unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    assert_eq!(world.queue.find("clip-1").await.unwrap(), [held.key()]);
    assert_eq!(world.queue.find(&held.key().to_string()[..8]).await.unwrap(), [held.key()]);
    assert!(matches!(world.queue.find("zzzz").await, Err(QueueError::NotFound(_))));
    world.queue.resume(held.key()).await.unwrap();
    world.queue.discard(other).await.unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
    let states = [held.key(), other];
    assert_eq!(world.state(states[0]).await.state, PublicationState::Delivered);
    assert_eq!(world.state(states[1]).await.state, PublicationState::Dropped);
    assert!(world.queue.discard(held.key()).await.is_err(), "it is there");
    assert!(world.queue.resume(other).await.is_err(), "it is dropped");
}

#[tokio::test]
async fn a_file_that_changed_is_not_sent() {
    let world = World::new().await;
    let (one, two) = (world.clip(1, 0.9), world.clip(2, 0.8));
    for new in [&one, &two] {
        world.queue.add(new).await.unwrap();
    }
    fs_err::copy(&two.video, &one.video).unwrap();
    fs_err::remove_file(&two.video).unwrap();
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    let (one, two) = (world.state(one.key()).await, world.state(two.key()).await);
    assert_eq!((one.state, two.state), (PublicationState::Failed, PublicationState::Failed));
    assert!(one.why.unwrap().contains("not what it was"));
}

#[tokio::test]
async fn a_platform_that_is_not_ready_is_not_bothered() {
    let world = World::new().await;
    let key = world.add(1, 0.9).await;
    let at = world.now().checked_add(SignedDuration::from_mins(2)).unwrap();
    *world.told.ready.lock().unwrap() = Readiness::Later { at, why: "six a minute".to_owned() };
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    let waiting = world.state(key).await;
    assert_eq!((waiting.why.as_deref(), waiting.not_before), (Some("six a minute"), Some(at)));
    *world.told.ready.lock().unwrap() = Readiness::Now;
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
}

#[tokio::test]
async fn what_a_person_sends_keeps_the_pause_and_is_not_sent_later_by_itself() {
    let world = World::new().await;
    world.add(1, 0.9).await;
    world.run(&Schedule::default()).await;
    let by_hand = NewPublication { held: true, ..world.clip(2, 1.0) };
    world.queue.add(&by_hand).await.unwrap();
    let cooldown = SignedDuration::from_mins(1);
    let destination = Destination { cooldown, ..world.told_by(Schedule::default()).remove(0) };
    let sent = world.courier().send(&destination, by_hand.key()).await.unwrap();
    let until = world.now().checked_add(cooldown).ok();
    assert!(
        matches!(sent.outcome, Err(PublishError::NotNow { until: told, .. }) if told == until),
        "{sent:?}"
    );
    world.answer([Answer::Fail(PublishError::unavailable("the network is down"))]);
    world.pass(60);
    let sent = world.courier().send(&destination, by_hand.key()).await.unwrap();
    assert_eq!(sent.state, PublicationState::Paused);
    world.sent();
    world.pass(3_600);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), [""; 0]);
    let sent = world.courier().send(&destination, by_hand.key()).await.unwrap();
    assert_eq!(sent.state, PublicationState::Delivered);
}

#[tokio::test]
async fn a_clip_that_was_made_again_is_the_same_clip() {
    let world = World::new().await;
    let clip = Some("00112233445566778899aabbccddeeff".parse().unwrap());
    let first = NewPublication { clip, ..world.clip(1, 0.9) };
    let again = NewPublication { clip, ..world.clip(2, 0.9) };
    assert_ne!(first.key(), again.key());
    for new in [&first, &again] {
        world.queue.add(new).await.unwrap();
    }
    let elsewhere = Target { account: "another".to_owned(), ..world.told.target.clone() };
    world.queue.add(&NewPublication { target: elsewhere, ..again }).await.unwrap();
    assert_eq!(world.queue.list().await.unwrap().len(), 2);
    world.run(&Schedule::default()).await;
    assert_eq!(world.sent(), ["clip-1"]);
}
