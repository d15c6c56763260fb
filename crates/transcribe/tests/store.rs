//! Downloads from a server on this machine that misbehaves on demand.

#![expect(clippy::expect_used, reason = "helpers of tests")]

#[path = "support/server.rs"]
mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha1::{Digest, Sha1};
use transcribe::{Catalogue, DownloadProgress, Error, ModelEntry, ModelStatus, ModelStore};

use server::{Answer, Server};

/// Large enough to arrive in many reads.
const LENGTH: usize = 300_000;

fn body() -> Vec<u8> {
    (0..LENGTH).map(|index| (index * 31 % 251) as u8).collect()
}

struct Place {
    directory: tempfile::TempDir,
    store: ModelStore,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let entry = ModelEntry::new("small-test", 1, &hex::encode(Sha1::digest(body())));
        let store = ModelStore::new(directory.path().join("models"))
            .with_catalogue(Catalogue::new(vec![entry]))
            .with_retry_pause(Duration::from_millis(1));
        Self { directory, store }
    }

    fn model(&self) -> PathBuf {
        self.store.path("small-test").expect("in the catalogue")
    }

    fn part(&self) -> PathBuf {
        self.model().with_extension("bin.part")
    }

    fn download(&self, server: &Server) -> Result<PathBuf, Error> {
        self.store.download("small-test", &server.url(), &AtomicBool::new(false), &mut |_| {})
    }

    fn assert_whole(&self) {
        assert_eq!(fs_err::read(self.model()).expect("the model"), body());
        let mut files: Vec<String> = fs_err::read_dir(self.store.directory())
            .expect("the store")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(files, ["ggml-small-test.bin", "ggml-small-test.bin.lock"], "nothing is left over");
    }
}

fn whole() -> Answer {
    Answer::new(200, body()).with("ETag", "\"v1\"")
}

fn rest_from(start: usize) -> Answer {
    Answer::new(206, body()[start..].to_vec())
        .with("Content-Range", &format!("bytes {start}-{}/{LENGTH}", LENGTH - 1))
        .with("ETag", "\"v1\"")
}

#[test]
fn a_download_is_checked_and_done_once() {
    let place = Place::new();
    let server = Server::start(vec![whole()]);
    assert_eq!(
        place.store.verify("small-test", &AtomicBool::new(false)).expect("verify"),
        ModelStatus::Missing
    );
    let mut seen: Vec<DownloadProgress> = Vec::new();
    let path = place
        .store
        .download("small-test", &server.url(), &AtomicBool::new(false), &mut |step| seen.push(step))
        .expect("a download");
    assert_eq!(path, place.model());
    place.assert_whole();
    assert_eq!(seen.last(), Some(&DownloadProgress { received: LENGTH as u64, total: Some(LENGTH as u64) }));
    assert!(seen.windows(2).all(|pair| pair[0].received < pair[1].received));
    assert_eq!(place.store.installed().len(), 1);
    // The server has no second answer: this must not ask it.
    assert_eq!(place.download(&server).expect("already there"), path);
    assert_eq!(server.requests().len(), 1);
    assert_eq!(server.requests()[0].path, "/ggml-small-test.bin");
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke() {
    let place = Place::new();
    let server = Server::start(vec![
        whole().cut_after(100_000),
        rest_from(100_000).cut_after(50_000),
        rest_from(150_000),
    ]);
    place.download(&server).expect("a download");
    place.assert_whole();
    let requests = server.requests();
    assert_eq!(requests[0].header("range"), None);
    assert_eq!(requests[1].header("range"), Some("bytes=100000-"));
    assert_eq!(requests[1].header("if-range"), Some("\"v1\""));
    assert_eq!(requests[2].header("range"), Some("bytes=150000-"));
}

#[test]
fn an_interrupted_download_goes_on_in_the_next_call() {
    let place = Place::new();
    let server = Server::start(vec![whole(), whole()]);
    let interrupt = AtomicBool::new(false);
    let error = place
        .store
        .download("small-test", &server.url(), &interrupt, &mut |step| {
            interrupt.store(step.received > 0, Ordering::Relaxed);
        })
        .expect_err("interrupted");
    assert!(error.is_interrupted());
    let received = fs_err::metadata(place.part()).expect("a part").len() as usize;
    assert!((1..LENGTH).contains(&received));
    assert!(!place.model().exists());

    // A server that knows no ranges sends it all again, and it is not appended.
    place.download(&server).expect("a download");
    place.assert_whole();
    assert_eq!(server.requests()[1].header("range"), Some(format!("bytes={received}-").as_str()));
}

#[test]
fn another_file_is_removed_and_named() {
    let place = Place::new();
    let server = Server::start(vec![
        Answer::new(200, b"<title>Sign in to the hotel network</title>".to_vec()),
        whole(),
    ]);
    let error = place.download(&server).expect_err("not the model");
    assert!(matches!(&error, Error::ChecksumMismatch { name, .. } if name == "small-test"), "{error}");
    assert!(!place.part().exists() && !place.model().exists());
    place.download(&server).expect("the next call starts afresh");
    place.assert_whole();
}

#[test]
fn a_damaged_model_is_told_and_replaced() {
    let place = Place::new();
    fs_err::create_dir_all(place.store.directory()).expect("a directory");
    fs_err::write(place.model(), &body()[1..]).expect("written");
    assert_eq!(
        place.store.verify("small-test", &AtomicBool::new(false)).expect("verify"),
        ModelStatus::Damaged
    );
    place.download(&Server::start(vec![whole()])).expect("a download");
    place.assert_whole();
    assert_eq!(
        place.store.verify("small-test", &AtomicBool::new(false)).expect("verify"),
        ModelStatus::Verified
    );
}

#[test]
fn a_part_that_does_not_fit_is_begun_again() {
    let place = Place::new();
    fs_err::create_dir_all(place.store.directory()).expect("a directory");
    fs_err::write(place.part(), vec![0; LENGTH + 5]).expect("written");
    let refusal = Answer::new(416, Vec::new()).with("Content-Range", &format!("bytes */{LENGTH}"));
    let server = Server::start(vec![refusal, whole()]);
    place.download(&server).expect("a download");
    place.assert_whole();
    assert_eq!(server.requests()[1].header("range"), None);
}

#[test]
fn a_part_that_is_whole_already_needs_no_more_bytes() {
    let place = Place::new();
    fs_err::create_dir_all(place.store.directory()).expect("a directory");
    fs_err::write(place.part(), body()).expect("written");
    let refusal = Answer::new(416, Vec::new()).with("Content-Range", &format!("bytes */{LENGTH}"));
    place.download(&Server::start(vec![refusal])).expect("a download");
    place.assert_whole();
}

#[test]
fn redirects_are_followed() {
    let place = Place::new();
    let server =
        Server::start(vec![Answer::new(302, Vec::new()).with("Location", "/elsewhere/file"), whole()]);
    place.download(&server).expect("a download");
    place.assert_whole();
    assert_eq!(server.requests()[1].path, "/elsewhere/file");
}

#[test]
fn a_refusal_is_final() {
    let place = Place::new();
    let server = Server::start(vec![Answer::new(404, Vec::new())]);
    let error = place.download(&server).expect_err("refused");
    assert!(matches!(error, Error::DownloadRefused { status: 404, .. }), "{error}");
    assert!(error.to_string().contains("/ggml-small-test.bin"), "{error}");
    assert_eq!(server.requests().len(), 1);
    assert!(!place.part().exists());
}

#[test]
fn a_busy_server_is_asked_again_but_not_for_ever() {
    let place = Place::new();
    let busy = || Answer::new(503, Vec::new()).with("Retry-After", "0");
    let server = Server::start(vec![busy(), Answer::new(429, Vec::new()).with("Retry-After", "0"), whole()]);
    place.download(&server).expect("a download");
    place.assert_whole();

    let place = Place::new();
    let server = Server::start(std::iter::repeat_with(busy).take(20).collect());
    let error = place.download(&server).expect_err("given up");
    assert!(matches!(error, Error::DownloadBroken { tries: 6, .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn two_downloads_at_once_fetch_once() {
    let place = Place::new();
    let server = Server::start(vec![whole(), whole()]);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| place.download(&server));
        place.download(&server).expect("one");
        other.join().expect("no panic").expect("the other");
    });
    place.assert_whole();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_cannot_work_is_told() {
    let place = Place::new();
    let server = Server::start(vec![]);
    let error = place
        .store
        .download("huge", &server.url(), &AtomicBool::new(false), &mut |_| {})
        .expect_err("unknown");
    assert!(error.to_string().contains("small-test"), "{error}");
    assert!(matches!(place.store.path("../x"), Err(Error::UnknownModel { .. })));

    let file = place.directory.path().join("file");
    fs_err::write(&file, "").expect("written");
    let store = ModelStore::new(file.join("models"));
    let error = store
        .download("tiny", &server.url(), &AtomicBool::new(false), &mut |_| {})
        .expect_err("a file in the way");
    assert!(matches!(error, Error::Io(_)) && error.to_string().contains("file"), "{error}");
}
