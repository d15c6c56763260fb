//! Export to a folder keeps what every publisher keeps, and what a folder needs besides.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use publish::conformance::{self, Harness};
use publish::{
    ContentHash, DeliveryState, FolderExport, MemoryJournal, Post, PostKey, PublishError, Publisher, Target,
    VideoFacts,
};

struct Exports {
    sources: tempfile::TempDir,
    target: tempfile::TempDir,
}

impl Exports {
    fn new() -> Self {
        Self { sources: tempfile::tempdir().unwrap(), target: tempfile::tempdir().unwrap() }
    }

    fn named(&self, name: &str, content: &[u8]) -> Post {
        let video = self.sources.path().join(format!("{}.mp4", ContentHash::of(content)));
        fs_err::write(&video, content).unwrap();
        let facts = VideoFacts {
            container: "mov,mp4,m4a,3gp,3g2,mj2".to_owned(),
            codec: "h264".to_owned(),
            width: 1080,
            height: 1920,
            fps: 60.0,
            duration: Duration::from_secs(20),
            bytes: content.len() as u64,
        };
        let content = ContentHash::of(content);
        let (streamer, text) = ("demo".parse().unwrap(), "¡vamos! #clips".to_owned());
        Post { video, content, facts, streamer, name: name.to_owned(), text, cover: None }
    }

    fn exporter(&self) -> FolderExport {
        FolderExport::new(self.target.path()).unwrap()
    }
}

fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs_err::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[async_trait]
impl Harness for Exports {
    async fn publisher(&self) -> Box<dyn Publisher> {
        Box::new(self.exporter())
    }

    fn post(&self, number: u32) -> Post {
        self.named(&format!("demo-{number}"), format!("video {number}").repeat(1000).as_bytes())
    }

    fn unsuitable(&self) -> Post {
        self.named("../escaped", b"video")
    }

    async fn copies(&self, post: &Post) -> usize {
        contents(self.target.path())
            .iter()
            .filter(|(_, bytes)| ContentHash::of(bytes) == post.content)
            .count()
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

#[tokio::test]
async fn it_keeps_what_every_publisher_keeps() {
    conformance::check(&Exports::new()).await;
}

#[tokio::test]
async fn another_video_of_the_same_name_gets_a_number_and_nothing_is_overwritten() {
    let exports = Exports::new();
    for content in [b"one".as_slice(), b"two", b"one"] {
        let post = exports.named("demo-01", content);
        let delivery =
            exports.exporter().publish(&post, &mut MemoryJournal::default(), &|_| ()).await.unwrap();
        assert_eq!(delivery.state, DeliveryState::Exported);
    }
    let text = "¡vamos! #clips\n".as_bytes();
    let expected = [
        ("demo-01-2.mp4", b"two".as_slice()),
        ("demo-01-2.txt", text),
        ("demo-01.mp4", b"one"),
        ("demo-01.txt", text),
    ];
    let expected = expected.map(|(name, bytes)| (name.to_owned(), bytes.to_owned()));
    assert_eq!(contents(exports.target.path()), expected);
}

#[tokio::test]
async fn a_source_that_is_gone_leaves_nothing_behind() {
    let exports = Exports::new();
    let post = exports.named("demo-01", b"one");
    fs_err::remove_file(&post.video).unwrap();
    let failed = exports.exporter().publish(&post, &mut MemoryJournal::default(), &|_| ()).await;
    assert!(matches!(failed, Err(PublishError::File { .. })), "{failed:?}");
    assert_eq!(contents(exports.target.path()), []);
}

#[test]
fn a_key_tells_contents_platforms_and_accounts_apart() {
    let target =
        |platform: &str, account: &str| Target { platform: platform.into(), account: account.into() };
    let (one, two) = (ContentHash::of(b"one"), ContentHash::of(b"two"));
    let key = PostKey::new(one, &target("tiktok", "a"));
    assert_eq!(key, PostKey::new(ContentHash::of(b"one"), &target("tiktok", "a")));
    let others = [(two, "tiktok", "a"), (one, "tiktok", "b"), (one, "tikto", "ka")];
    for (content, platform, account) in others {
        assert_ne!(key, PostKey::new(content, &target(platform, account)));
    }
}
