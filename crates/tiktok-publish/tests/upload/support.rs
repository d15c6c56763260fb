//! A stand-in, a state folder, clips, and publishers that share them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use jiff::Timestamp;
use publish::{
    ContentHash, Delivery, Journal, JournalError, Mark, MemoryJournal, Post, PublishError, Publisher as _,
    Readiness, VideoFacts,
};
use testkit::tiktok::{Account as User, Builder, FakeTikTok};
use tiktok_publish::{
    Account, AppCredentials, Clock, LegacyTokens, PublishSettings, ScaledClock, Scopes, TikTokConfig,
    TikTokPublisher, TokenEndpoint, TokenStore,
};
use url::Url;

/// How much faster time goes: an hour in 18 s, a minute in 0.3 s.
pub(crate) const SCALE: f64 = 200.0;
/// What the user allows.
pub(crate) const SCOPES: [&str; 3] = [Scopes::USER_INFO_BASIC, Scopes::VIDEO_UPLOAD, Scopes::VIDEO_PUBLISH];
/// More than one chunk has.
pub(crate) const MANY_CHUNKS: u64 = 64_000_123;

/// A fast clock that can be told to jump.
#[derive(Debug)]
pub(crate) struct JumpingClock {
    fast: ScaledClock,
    jumped: Mutex<Duration>,
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        self.fast.now() + *self.jumped.lock().unwrap()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.fast.sleep(time)
    }
}

pub(crate) struct World {
    pub(crate) tiktok: FakeTikTok,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<JumpingClock>,
    account: Account,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::of(FakeTikTok::builder()).await
    }

    /// A world whose TikTok is as `builder` says. Its user is `demo`, private unless the builder knows better.
    pub(crate) async fn of(builder: Builder) -> Self {
        Self::allowing(builder, &SCOPES).await
    }

    pub(crate) async fn allowing(builder: Builder, scopes: &[&str]) -> Self {
        Self::within(tempfile::tempdir().unwrap(), builder, scopes, SCALE).await
    }

    /// A world whose clips lie in `folder`, and whose time goes `scale` times as fast.
    pub(crate) async fn within(
        folder: tempfile::TempDir,
        builder: Builder,
        scopes: &[&str],
        scale: f64,
    ) -> Self {
        let tiktok = builder.time_scale(scale).start().await.unwrap();
        let tokens = tiktok.log_in("demo", scopes);
        let tokens = LegacyTokens {
            access_token: Some(tokens.access_token.into()),
            refresh_token: Some(tokens.refresh_token.into()),
            open_id: tokens.open_id,
            scopes: scopes.iter().copied().collect(),
        };
        let app = AppCredentials::new(FakeTikTok::CLIENT_KEY, &FakeTikTok::CLIENT_SECRET.into());
        let endpoint = TokenEndpoint::new(&config(&tiktok), app).unwrap();
        let store =
            TokenStore::new(folder.path().join("tokens"), endpoint).retrying_after(Duration::from_millis(5));
        let account = store.import(&tokens).await.unwrap();
        let clock = JumpingClock { fast: ScaledClock::new(scale), jumped: Mutex::default() };
        Self { tiktok, folder, clock: Arc::new(clock), account }
    }

    pub(crate) fn config(&self) -> TikTokConfig {
        config(&self.tiktok)
    }

    /// One more process on the same folder.
    pub(crate) fn publisher(&self, settings: PublishSettings) -> TikTokPublisher {
        self.make(&self.config(), settings)
    }

    /// One that believes TikTok to be elsewhere.
    pub(crate) fn publisher_at(&self, config: &TikTokConfig) -> TikTokPublisher {
        self.make(config, PublishSettings::default())
    }

    fn make(&self, config: &TikTokConfig, settings: PublishSettings) -> TikTokPublisher {
        let clock: Arc<dyn Clock> = Arc::<JumpingClock>::clone(&self.clock);
        TikTokPublisher::with_clock(config, self.account.clone(), settings, &self.state(), clock).unwrap()
    }

    pub(crate) fn drafts(&self) -> TikTokPublisher {
        self.publisher(PublishSettings::default())
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Lets time pass at once, for everyone.
    pub(crate) fn pass(&self, time: Duration) {
        *self.clock.jumped.lock().unwrap() += time;
        self.tiktok.advance(time);
    }

    /// A clip of so many bytes. Different numbers are different clips.
    pub(crate) fn clip(&self, number: u32, bytes: u64) -> Post {
        let video = self.folder.path().join(format!("clip-{number}.mp4"));
        fs_err::write(&video, format!("clip {number} of {bytes} bytes. ")).unwrap();
        // The rest is a hole, which costs no time to make.
        fs_err::OpenOptions::new().write(true).open(&video).unwrap().set_len(bytes).unwrap();
        let facts = VideoFacts {
            container: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
            codec: "h264".to_owned(),
            width: 1080,
            height: 1920,
            fps: 60.0,
            duration: Duration::from_secs(20),
            bytes,
        };
        let content = ContentHash::of_file(&video).unwrap();
        Post {
            video,
            content,
            facts,
            name: format!("clip-{number}"),
            text: "¡vamos! #clips".to_owned(),
            streamer: "demo".parse().expect("a name"),
            cover: None,
        }
    }

    pub(crate) fn small(&self, number: u32) -> Post {
        self.clip(number, 100_000 + u64::from(number))
    }

    /// How often the user has a clip.
    pub(crate) fn copies(&self, post: &Post) -> usize {
        self.tiktok.record().copies().get(&post.content.to_string()).copied().unwrap_or_default()
    }

    /// The user finishes all drafts, so that there is room in the inbox.
    pub(crate) fn finish_drafts(&self) {
        let record = self.tiktok.record();
        for draft in record.drafts().filter(|draft| draft.status == "SEND_TO_USER_INBOX") {
            self.tiktok.finish_draft(&draft.publish_id);
        }
    }

    /// The uploads that are under way, by their files.
    pub(crate) fn flights(&self) -> usize {
        let folder = fs_err::read_dir(self.state().join("tiktok-uploads")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".json")).count()
    }
}

fn config(tiktok: &FakeTikTok) -> TikTokConfig {
    TikTokConfig {
        api_base: Url::parse(&tiktok.bases().api_base).unwrap(),
        auth_base: Url::parse(&tiktok.bases().auth_base).unwrap(),
        ..TikTokConfig::default()
    }
}

/// A TikTok with a user whom everyone sees, and an app that may post there.
pub(crate) fn audited() -> Builder {
    FakeTikTok::builder().account(User::public("demo")).audited()
}

/// Publishes with a fresh journal.
pub(crate) async fn publish(publisher: &TikTokPublisher, post: &Post) -> Result<Delivery, PublishError> {
    publisher.publish(post, &mut MemoryJournal::default(), &|_| ()).await
}

/// Waits until an upload may be begun.
pub(crate) async fn ready(publisher: &TikTokPublisher, clock: &JumpingClock) {
    while let Readiness::Later { at, .. } = publisher.readiness().await.unwrap() {
        clock.sleep(at.duration_since(clock.now()).try_into().unwrap_or_default()).await;
    }
}

/// A journal whose process dies right after a mark, or instead of it.
#[derive(Debug)]
pub(crate) struct DyingJournal {
    pub(crate) kept: MemoryJournal,
    pub(crate) marks_left: usize,
}

#[async_trait]
impl Journal for DyingJournal {
    fn marks(&self) -> &[Mark] {
        self.kept.marks()
    }

    async fn write(&mut self, mark: Mark) -> Result<(), JournalError> {
        self.kept.write(mark).await?;
        match self.marks_left.checked_sub(1) {
            Some(left) => self.marks_left = left,
            None => return Err(JournalError { what: "the process died".to_owned(), source: None }),
        }
        Ok(())
    }
}
