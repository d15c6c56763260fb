//! What every publisher has to keep.

use std::time::Duration;

use async_trait::async_trait;
use publish::conformance::{Harness, check};
use publish::{Post, Publisher};
use testkit::tiktok::FakeTikTok;
use tiktok_publish::{DirectPost, Privacy, PublishMode, PublishSettings, UploadSource};

use crate::support::{SCALE, SCOPES, World, ready};

struct Clips {
    world: World,
    settings: PublishSettings,
    bytes: u64,
}

#[async_trait]
impl Harness for Clips {
    async fn publisher(&self) -> Box<dyn Publisher> {
        // The user looks at the inbox now and then, and the next minute comes.
        self.world.finish_drafts();
        let publisher = self.world.publisher(self.settings.clone());
        ready(&publisher, &self.world.clock).await;
        Box::new(publisher)
    }

    fn post(&self, number: u32) -> Post {
        self.world.clip(number, self.bytes + u64::from(number))
    }

    fn unsuitable(&self) -> Post {
        let mut post = self.world.small(9999);
        post.facts.duration = Duration::from_secs(601);
        post
    }

    async fn copies(&self, post: &Post) -> usize {
        self.world.copies(post)
    }

    fn secrets(&self) -> Vec<String> {
        self.world.tiktok.secrets()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_keep_the_promises() {
    let builder = FakeTikTok::builder().empty_inits_pend(false);
    let (world, settings) = (World::of(builder).await, PublishSettings::default());
    check(&Clips { world, settings, bytes: 100_000 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_keep_the_promises() {
    let world = World::of(FakeTikTok::builder().daily_posts(100)).await;
    let mode = PublishMode::Direct(DirectPost::new(Privacy::SelfOnly));
    let settings = PublishSettings { mode, ..PublishSettings::default() };
    check(&Clips { world, settings, bytes: 100_000 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn videos_that_tiktok_fetches_keep_the_promises() {
    let folder = tempfile::tempdir().unwrap();
    let base = crate::flow::files(folder.path().to_owned()).await;
    let builder = FakeTikTok::builder().verified_prefix(base.as_str()).daily_posts(100);
    let mode = PublishMode::Direct(DirectPost::new(Privacy::SelfOnly));
    let settings =
        PublishSettings { mode, source: UploadSource::Address(base), ..PublishSettings::default() };
    let world = World::within(folder, builder, &SCOPES, SCALE).await;
    check(&Clips { world, settings, bytes: 100_000 }).await;
}
