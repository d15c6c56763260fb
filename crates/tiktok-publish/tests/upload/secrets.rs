//! Nothing secret is written or said anywhere, whatever happens.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use publish::{MemoryJournal, Publisher as _};
use testkit::tiktok::{Endpoint, Fault};

use crate::support::{World, publish};

/// A place for everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = String::from_utf8_lossy(&fs_err::read(&path).unwrap()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
}

// One thread, so that the log of this thread is all there is.
#[tokio::test]
async fn no_secret_is_logged_said_or_kept() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::start().await;
    let publisher = world.drafts();
    let mut said = format!("{publisher} {publisher:?}");
    let faults = [
        Fault::Status(500),
        Fault::NoReply,
        Fault::Status(400),
        Fault::Status(403),
        Fault::CutBody { after: 10 },
    ];
    for (number, fault) in (0..).zip(faults) {
        world.tiktok.fail_next(Endpoint::Upload, Some(7), fault.clone());
        let mut journal = MemoryJournal::default();
        crate::support::ready(&publisher, &world.clock).await;
        let result = publisher.publish(&world.small(number), &mut journal, &|_| ()).await;
        said += &format!("{result:?} {journal:?}");
        if let Err(error) = result {
            said += &error.to_string();
        }
        world.tiktok.behave(Endpoint::Upload);
        world.pass(std::time::Duration::from_secs(24 * 3600));
    }
    for code in ["internal_error", "invalid_params", "access_token_invalid"] {
        world.tiktok.fail_next(Endpoint::InboxInit, None, Fault::Refuse(code));
        said += &format!("{:?}", publish(&publisher, &world.small(20)).await);
        world.tiktok.behave(Endpoint::InboxInit);
        world.pass(std::time::Duration::from_secs(100));
    }
    said += &serde_json::to_string(&publisher.ledger().snapshot().await.unwrap()).unwrap();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("sending again"), "the log was heard");

    let mut kept = Vec::new();
    files(&world.state(), &mut kept);
    for secret in world.tiktok.secrets() {
        assert!(!said.contains(&secret), "said: {secret}");
        assert!(!logged.contains(&secret), "logged: {secret}");
        for (path, text) in &kept {
            // An upload under way has its address in a private file of its own, and nowhere else.
            assert!(path.contains("tiktok-uploads") || !text.contains(&secret), "kept in {path}");
        }
    }
}
