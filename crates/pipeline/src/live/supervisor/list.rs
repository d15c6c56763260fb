//! Who is watched, which may change while the monitor runs.

use timeline::StreamerName;

use super::Supervisor;
use super::watcher::Watcher;

impl Supervisor {
    /// Takes over who is watched now. Who is not any more is let go; a session of theirs ends as if the stream had.
    pub(super) fn take_list(&mut self) {
        let list = self.request.watched.borrow_and_update().clone();
        let gone: Vec<StreamerName> =
            self.watchers.keys().filter(|name| !list.iter().any(|one| one.name == **name)).cloned().collect();
        for name in gone {
            if let Some(watcher) = self.watchers.remove(&name) {
                if let Some(session) = watcher.session {
                    session.over.cancel();
                    self.ending.insert(session.run, session.task);
                }
                self.events.notice(Some(&name), "not watched any more");
            }
        }
        for watched in list {
            match self.watchers.get_mut(&watched.name) {
                // What changed holds from the next session on.
                Some(watcher) => watcher.watched = watched,
                None => {
                    let name = watched.name.clone();
                    self.watchers.insert(name, Watcher::new(watched));
                }
            }
        }
    }
}
