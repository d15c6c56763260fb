//! A small source and a client that believes everything.

use std::sync::{Arc, LazyLock};

use testkit::origin::{LiveMedia, Origin, OriginBuilder, Pace, Packing, Preparation, Rung};
use testkit::{Sound, TestMedia};

/// Twelve seconds with frame numbers and beeps, in twelve segments at two rungs.
pub(crate) fn media(packing: Packing) -> Arc<LiveMedia> {
    static SOURCE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let media = TestMedia::new(360).size(320, 180).sound(Sound::Beeps);
        media.write(&folder.path().join("source.mp4")).expect("ffmpeg writes");
        folder
    });
    let source = SOURCE.path().join("source.mp4");
    let rungs = [Rung::KEYED, Rung::scaled(96)];
    Preparation::of(&source)
        .segment_s(1.0)
        .packing(packing)
        .rungs(rungs)
        .cache(SOURCE.path())
        .prepare()
        .expect("segments")
}

/// A live stream played by hand, with room for five segments in its list.
pub(crate) fn by_hand() -> OriginBuilder {
    Origin::live(media(Packing::Transport)).pace(Pace::Manual).window(5)
}

pub(crate) async fn get(url: &str) -> reqwest::Response {
    client().get(url).send().await.expect("an answer")
}

pub(crate) async fn text(url: &str) -> String {
    get(url).await.text().await.expect("text")
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// The addresses in a playlist.
pub(crate) fn addresses(playlist: &str) -> Vec<String> {
    playlist.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The first rung's media playlist.
pub(crate) async fn first_rung(origin: &Origin) -> String {
    addresses(&text(&origin.url()).await).remove(0)
}

/// The number behind a tag.
pub(crate) fn tag(playlist: &str, name: &str) -> Option<u64> {
    playlist
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|value| value.parse().ok())
}
