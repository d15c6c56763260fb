//! What every publisher has to keep, as checks for tests (feature `conformance`): give [`check`] a [`Harness`] around the publisher and
//! whatever plays its platform. A promise that is not kept panics with its name.
#![expect(clippy::expect_used, reason = "a check that fails is meant to panic, with its reason")]

use async_trait::async_trait;

use crate::error::{JournalError, PublishError};
use crate::journal::{Journal, Mark, MemoryJournal, Standing};
use crate::post::Post;
use crate::publisher::{Publisher, Readiness};

/// A publisher in its test.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The publisher, as a process that has just started would make it.
    async fn publisher(&self) -> Box<dyn Publisher>;

    /// A post that the platform takes. Different numbers are different videos; the same number is the same bytes.
    fn post(&self, number: u32) -> Post;

    /// A post that breaks a limit of the platform.
    fn unsuitable(&self) -> Post;

    /// How often the platform has this post, whole.
    async fn copies(&self, post: &Post) -> usize;

    /// Texts that may stand in no `Display`, `Debug` or error.
    fn secrets(&self) -> Vec<String>;
}

/// Where a [`CrashingJournal`] gives out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crash {
    /// The mark is not kept.
    Before,
    /// The mark is kept, and nothing after it happens.
    After,
}

/// A journal whose process dies at a mark.
#[derive(Debug)]
struct CrashingJournal {
    kept: MemoryJournal,
    marks_left: usize,
    crash: Crash,
}

#[async_trait]
impl Journal for CrashingJournal {
    fn marks(&self) -> &[Mark] {
        self.kept.marks()
    }

    async fn write(&mut self, mark: Mark) -> Result<(), JournalError> {
        let dies = self.marks_left == 0;
        self.marks_left = self.marks_left.saturating_sub(1);
        if !dies || self.crash == Crash::After {
            self.kept.write(mark).await?;
        }
        if dies { Err(JournalError { what: "the process died".to_owned(), source: None }) } else { Ok(()) }
    }
}

/// Runs every check, one after the other, each with posts of its own.
///
/// # Panics
/// When the publisher breaks a promise.
pub async fn check(harness: &dyn Harness) {
    it_names_its_target_and_no_secret(harness).await;
    a_post_is_made_once_and_again_changes_nothing(harness).await;
    what_is_unsuitable_is_refused_before_anything_is_begun(harness).await;
    a_crash_at_any_mark_costs_nothing(harness).await;
}

fn reveals_nothing(harness: &dyn Harness, text: &str) {
    for secret in harness.secrets() {
        assert!(!text.contains(&secret), "a secret stands in {text:?}");
    }
}

async fn it_names_its_target_and_no_secret(harness: &dyn Harness) {
    let (one, other) = (harness.publisher().await, harness.publisher().await);
    assert_eq!(one.target(), other.target(), "the target is the same in each run");
    assert!(!one.to_string().is_empty(), "people are told where posts go");
    reveals_nothing(harness, &format!("{one} {one:?} {:?}", one.target()));
    assert_eq!(
        one.readiness().await.expect("readiness is known"),
        Readiness::Now,
        "nothing keeps a fresh account"
    );
}

async fn a_post_is_made_once_and_again_changes_nothing(harness: &dyn Harness) {
    let (publisher, post) = (harness.publisher().await, harness.post(1));
    publisher.check(&post).expect("the post is suitable");
    let mut journal = MemoryJournal::default();
    let sent = std::sync::atomic::AtomicU64::new(0);
    let progress = |bytes| sent.store(bytes, std::sync::atomic::Ordering::Relaxed);
    let delivery = publisher.publish(&post, &mut journal, &progress).await.expect("the post is made");
    assert!(delivery.state.is_final(), "the post arrived: {delivery:?}");
    assert_eq!(sent.into_inner(), post.facts.bytes, "progress ends with all bytes");
    assert_eq!(harness.copies(&post).await, 1, "the platform has it once");
    assert_eq!(
        journal.standing(),
        Standing::Delivered(delivery.clone()),
        "the journal tells of the delivery"
    );
    reveals_nothing(harness, &format!("{delivery:?} {journal:?}"));
    let again = harness.publisher().await.publish(&post, &mut journal, &|_| ()).await;
    assert_eq!(again.expect("the earlier delivery is the answer"), delivery);
    assert_eq!(harness.copies(&post).await, 1, "the platform still has it once");
}

async fn what_is_unsuitable_is_refused_before_anything_is_begun(harness: &dyn Harness) {
    let (publisher, post) = (harness.publisher().await, harness.unsuitable());
    let checked = publisher.check(&post);
    assert!(matches!(checked, Err(PublishError::Unsuitable { .. })), "{checked:?}");
    let mut journal = MemoryJournal::default();
    let refused = publisher.publish(&post, &mut journal, &|_| ()).await;
    assert!(matches!(refused, Err(PublishError::Unsuitable { .. })), "{refused:?}");
    assert_eq!(journal.standing(), Standing::Nothing, "nothing was begun");
    assert_eq!(harness.copies(&post).await, 0, "the platform was not bothered");
}

/// Dies at the first mark, the second and so on, before and after it is kept, and starts again with what was kept.
async fn a_crash_at_any_mark_costs_nothing(harness: &dyn Harness) {
    let mut number = 100;
    for crash in [Crash::Before, Crash::After] {
        for marks_left in 0.. {
            let post = harness.post(number);
            number += 1;
            let mut journal = CrashingJournal { kept: MemoryJournal::default(), marks_left, crash };
            let first = harness.publisher().await.publish(&post, &mut journal, &|_| ()).await;
            let mut journal = journal.kept;
            let may_be_there = journal.standing().may_be_published();
            assert!(
                may_be_there || harness.copies(&post).await == 0,
                "what is there was announced in the journal"
            );
            match first {
                Ok(_) => break,
                Err(PublishError::Journal(_)) => {}
                Err(other) => panic!("mark {marks_left}, {crash:?}: {other}"),
            }
            match harness.publisher().await.publish(&post, &mut journal, &|_| ()).await {
                Ok(_) => {
                    assert_eq!(harness.copies(&post).await, 1, "mark {marks_left}, {crash:?}: exactly one");
                }
                // Nobody could find out; then nothing may have been sent twice.
                Err(PublishError::Unknown { .. }) if may_be_there => {
                    assert!(harness.copies(&post).await <= 1, "mark {marks_left}, {crash:?}: at most one");
                }
                Err(other) => panic!("mark {marks_left}, {crash:?}: started again: {other}"),
            }
        }
    }
}
