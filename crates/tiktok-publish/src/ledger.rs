//! What was sent to TikTok lately, shared by all processes: how long to hold back, and how many drafts wait.
//!
//! One file in the state folder, `.tiktok_sandbox_state.json`, with an entry for each account and environment. It is written
//! whole under a lock, and readable for its owner alone. A file that cannot be read is put aside and begun anew. Times
//! in the future, as a clock that was set back leaves them, are taken for now.

mod backoff;
mod gate;
mod snapshot;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use jiff::Timestamp;
use publish::{ContentHash, PublishError};

use crate::Environment;
use crate::clock::Clock;
use crate::files::{self, Lock};

pub use backoff::DEFAULT_BACKOFF;
pub use gate::{DRAFTS_A_DAY, INITS_A_MINUTE};
pub use snapshot::{BlockSnapshot, LedgerSnapshot, ShareSnapshot};
pub use state::{Share, ShareMode};

pub(crate) use backoff::Cause;
pub(crate) use gate::Wait;
pub(crate) use state::{AccountState, LedgerFile, Outcome};

/// The file's name: that of the tool that Streamliner follows, so that its files are read on.
const FILE_NAME: &str = ".tiktok_sandbox_state.json";

/// The ledger of one account. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    path: PathBuf,
    key: String,
    backoff: Duration,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path).field("key", &self.key).finish_non_exhaustive()
    }
}

impl Ledger {
    /// The ledger of an account in a folder, which is made if it is not there. `backoff` is the first wait after TikTok said that
    /// too many drafts wait; [`DEFAULT_BACKOFF`] unless configured.
    ///
    /// # Errors
    /// [`PublishError::File`] if the folder cannot be made.
    pub fn open(
        folder: &Path,
        environment: Environment,
        open_id: &str,
        backoff: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, PublishError> {
        fs_err::create_dir_all(folder).map_err(|source| PublishError::File {
            what: "made",
            path: folder.to_owned(),
            source,
        })?;
        Ok(Self { path: folder.join(FILE_NAME), key: format!("{environment}:{open_id}"), backoff, clock })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands in it, without secrets.
    ///
    /// # Errors
    /// [`PublishError::File`] if it cannot be read.
    pub async fn snapshot(&self) -> Result<LedgerSnapshot, PublishError> {
        let key = self.key.clone();
        self.look(move |state, now| LedgerSnapshot::of(&key, state, now)).await
    }

    /// The time from which on an upload may be begun, and why not now; `None` if it may be begun now. Does not ask TikTok.
    ///
    /// # Errors
    /// [`PublishError::File`] if the file cannot be read.
    pub async fn ready_at(&self, mode: ShareMode) -> Result<Option<(Timestamp, String)>, PublishError> {
        let wait = self.look(move |state, now| state.wait(mode, now)).await?;
        Ok(wait.map(|wait| (wait.at(), wait.reason())))
    }

    /// Forgets how long to hold back, for all accounts; the record of what was sent stays, since forgetting it does not change
    /// TikTok's own count. With `all`, deletes the file. Doing it again is fine.
    ///
    /// # Errors
    /// [`PublishError::File`] if the file cannot be changed.
    pub async fn clear(folder: &Path, all: bool) -> Result<(), PublishError> {
        let path = folder.join(FILE_NAME);
        let shown = path.clone();
        let clear = move || {
            if files::read(&path)?.is_none() {
                return Ok(());
            }
            let _lock = Lock::wait_for(&lock_of(&path))?;
            let mut file = LedgerFile::load(&path, Timestamp::now())?;
            file.forget_blocks();
            if all || file.is_empty() { files::remove(&path) } else { file.save(&path) }
        };
        files::blocking(clear).await.map_err(|source| failed(&shown, source))
    }

    /// Takes a place for one announcement, or tells what there is to wait for. A place that was taken counts for a minute.
    pub(crate) async fn take_place(&self, mode: ShareMode) -> Result<Result<(), Wait>, PublishError> {
        self.change(move |state, now| state.take_place(mode, now)).await
    }

    /// What there is to wait for.
    pub(crate) async fn wait(&self, mode: ShareMode) -> Result<Option<Wait>, PublishError> {
        self.look(move |state, now| state.wait(mode, now)).await
    }

    /// How long until an announcement has a place in its minute.
    pub(crate) async fn until_place(&self) -> Result<Duration, PublishError> {
        self.look(AccountState::until_place).await
    }

    /// Notes what was announced. TikTok took it, so nothing holds back any more.
    pub(crate) async fn note_share(&self, share: Share) -> Result<(), PublishError> {
        self.change(move |state, _| state.note_share(share)).await
    }

    /// Notes what became of it.
    pub(crate) async fn note_outcome(&self, publish_id: &str, outcome: Outcome) -> Result<(), PublishError> {
        let publish_id = publish_id.to_owned();
        self.change(move |state, now| state.note_outcome(&publish_id, &outcome, now)).await
    }

    /// Notes a refusal that asks to hold back, and tells until when.
    pub(crate) async fn note_block(
        &self,
        cause: Cause,
        code: &str,
        log_id: Option<&str>,
    ) -> Result<Timestamp, PublishError> {
        let (code, log_id, first) =
            (code.to_owned(), log_id.map(str::to_owned), cause.first_wait(self.backoff));
        self.change(move |state, now| state.block(cause, first, &code, log_id, now)).await
    }

    /// Notes TikTok's id of a reply that said no.
    pub(crate) async fn note_log_id(&self, log_id: &str) -> Result<(), PublishError> {
        let log_id = log_id.to_owned();
        self.change(move |state, _| state.last_log_id = Some(log_id)).await
    }

    /// The draft or post that was already made of this content, if one was.
    pub(crate) async fn earlier(&self, content: ContentHash) -> Result<Option<Share>, PublishError> {
        let sha256 = content.to_string();
        self.look(move |state, _| state.earlier(&sha256).cloned()).await
    }

    /// What is known under an id.
    pub(crate) async fn share(&self, publish_id: &str) -> Result<Option<Share>, PublishError> {
        let publish_id = publish_id.to_owned();
        self.look(move |state, _| state.share(&publish_id).cloned()).await
    }

    /// The drafts that count as waiting, oldest first.
    pub(crate) async fn pending(&self) -> Result<Vec<Share>, PublishError> {
        self.look(|state, now| state.pending(now).cloned().collect()).await
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&AccountState, Timestamp) -> T + Send + 'static,
    ) -> Result<T, PublishError> {
        self.change(move |state, now| look(state, now)).await
    }

    /// Changes the account's entry; the file is written if that made a difference.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut AccountState, Timestamp) -> T + Send + 'static,
    ) -> Result<T, PublishError> {
        let (path, key, backoff, clock) =
            (self.path.clone(), self.key.clone(), self.backoff, Arc::clone(&self.clock));
        let work = move || {
            let _lock = Lock::wait_for(&lock_of(&path))?;
            // Looked at only now: waiting for the lock takes time.
            let now = clock.now();
            let mut file = LedgerFile::load(&path, now)?;
            let before = file.clone();
            let result = change(file.account(&key, backoff, now), now);
            file.tidy(&key);
            if file != before {
                file.save(&path)?;
            }
            Ok(result)
        };
        files::blocking(work).await.map_err(|source| failed(&self.path, source))
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn failed(path: &Path, source: io::Error) -> PublishError {
    PublishError::File { what: "read or written", path: path.to_owned(), source }
}
