//! Carries the caller's interrupt flag to whisper.cpp's abort callback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the caller's flag is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// Runs `work` with a flag that follows `interrupt`.
///
/// whisper-rs wants a callback that owns what it reads, and the caller's flag is only borrowed: a thread that is asleep
/// nearly all the time copies the one to the other.
pub(super) fn with_relay<T>(interrupt: &AtomicBool, work: impl FnOnce(&Arc<AtomicBool>) -> T) -> T {
    let relay = Arc::new(AtomicBool::new(interrupt.load(Ordering::Relaxed)));
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !finished.load(Ordering::Acquire) {
                if interrupt.load(Ordering::Relaxed) {
                    relay.store(true, Ordering::Relaxed);
                }
                std::thread::park_timeout(PERIOD);
            }
        });
        // The watcher has to end even where the work panics, or the scope never does.
        let _finish = Finish { finished: &finished, watcher: watcher.thread() };
        work(&relay)
    })
}

struct Finish<'a> {
    finished: &'a AtomicBool,
    watcher: &'a std::thread::Thread,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.finished.store(true, Ordering::Release);
        self.watcher.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_flag_arrives_and_the_watcher_ends() {
        let interrupt = AtomicBool::new(false);
        let begun = Instant::now();
        with_relay(&interrupt, |relay| {
            assert!(!relay.load(Ordering::Relaxed));
            interrupt.store(true, Ordering::Relaxed);
            while !relay.load(Ordering::Relaxed) {
                assert!(begun.elapsed() < Duration::from_secs(10), "the flag does not arrive");
                std::thread::yield_now();
            }
        });
    }
}
