//! What sessions tell.

use std::time::{Duration, Instant};

use timeline::{Digest, MediaTime, StreamerName};

use super::super::event::MonitorEvent;
use super::super::presence::Presence;
use super::super::session::News;
use super::Supervisor;
use super::watcher::Watcher;

/// A stream that drops causes a look at once, but not more often than this.
const DROPS_APART: Duration = Duration::from_secs(10);

impl Supervisor {
    pub(super) fn take_news(&mut self, name: &StreamerName, run: Digest, news: News) {
        if let News::Over(Err(error)) = &news {
            tracing::error!(streamer = %name, error, "a session failed");
            self.events.notice(Some(name), format!("recording failed: {error}"));
            self.failed.push(run);
        }
        if matches!(news, News::Over(Ok(()))) {
            // The streamer may be on air again. After a failure that waits for the next regular look.
            self.request.nudge.notify_one();
        }
        // The last words of a session may come when the next has begun, or when nobody watches any more.
        let is_of =
            |watcher: &&mut Watcher| watcher.session.as_ref().is_some_and(|session| session.run == run);
        let Some(watcher) = self.watchers.get_mut(name).filter(is_of) else { return };
        let before = watcher.presence.state();
        match news {
            News::Recorded { end, end_at, bytes } => {
                watcher.standing = false;
                self.recorded_bytes += bytes;
                watcher.presence.segment();
                watcher.end_at = end_at;
                watcher.status.recorded_s = end.as_secs_f64();
                watcher.status.problem = None;
                let length = end - MediaTime::ZERO;
                self.events.send(MonitorEvent::Recorded { streamer: name.clone(), length });
            }
            News::Resumed { end, gaps } => {
                let lengths = gaps.iter().map(|gap| gap.span.duration().as_secs_f64());
                watcher.status.recorded_s = end.as_secs_f64();
                watcher.status.gaps = gaps.len();
                watcher.status.gaps_s = lengths.sum();
            }
            News::Gap(gap) => {
                watcher.status.gaps += 1;
                watcher.status.gaps_s += gap.span.duration().as_secs_f64();
                self.events.send(MonitorEvent::Gap { streamer: name.clone(), gap });
            }
            News::Stalled(text) => {
                watcher.standing = true;
                watcher.status.problem = Some(text);
            }
            News::Dropped(reason) => {
                watcher.standing = true;
                watcher.presence.dropped();
                watcher.status.problem = Some(reason);
                // Whether it is over is found out at once, not at the next regular look.
                if watcher.nudged.is_none_or(|last| last.elapsed() >= DROPS_APART) {
                    watcher.nudged = Some(Instant::now());
                    self.request.nudge.notify_one();
                }
            }
            News::Problem(problem) => watcher.status.problem = Some(problem),
            News::Chat(state) => watcher.status.chat = Some(state),
            News::Over(result) => {
                watcher.session = None;
                if let Err(error) = result {
                    watcher.status.problem = Some(error);
                    // The next look begins anew if the streamer is still live.
                    watcher.presence = Presence::default();
                }
                watcher.presence.closed();
            }
        }
        self.tell_state(name, before);
    }
}
