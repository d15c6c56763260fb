//! Uploads under way, each in a private file, so that one that was killed goes on.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use publish::{ContentHash, PostKey, PublishError};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::address::UploadAddress;
use crate::clock::{later, until};
use crate::files::{self, Lock};
use crate::plan::UploadPlan;

/// The folder's name within the state folder.
const FOLDER: &str = "tiktok-uploads";
/// How long TikTok takes bytes at an address.
pub(crate) const ADDRESS_LIFE: Duration = Duration::from_secs(3600);
/// Files older than this are of no use to anyone: their address ended long ago.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// An upload under way.
#[derive(Clone)]
pub(crate) struct Flight {
    /// TikTok's id of it.
    pub(crate) publish_id: String,
    /// Where the bytes go.
    pub(crate) address: UploadAddress,
    /// How they are cut.
    pub(crate) plan: UploadPlan,
    /// When it was opened.
    pub(crate) opened_at: Timestamp,
    /// Of the whole file.
    sha256: String,
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight")
            .field("publish_id", &self.publish_id)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// A flight as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    publish_id: String,
    upload_url: String,
    plan: UploadPlan,
    opened_at: Timestamp,
    sha256: String,
}

impl Flight {
    /// One that was just opened.
    pub(crate) fn new(
        publish_id: String,
        address: UploadAddress,
        plan: UploadPlan,
        content: ContentHash,
        opened_at: Timestamp,
    ) -> Self {
        Self { publish_id, address, plan, opened_at, sha256: content.to_string() }
    }

    /// When the address ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        later(self.opened_at, ADDRESS_LIFE)
    }

    /// Whether bytes may still be sent.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }
}

/// The uploads under way of one state folder.
#[derive(Clone, Debug)]
pub(crate) struct Flights {
    folder: PathBuf,
}

impl Flights {
    /// Those in a state folder. Removes what is too old to be of use.
    pub(crate) fn open(state_folder: &Path) -> Result<Self, PublishError> {
        let folder = state_folder.join(FOLDER);
        fs_err::create_dir_all(&folder).map_err(|source| PublishError::File {
            what: "made",
            path: folder.clone(),
            source,
        })?;
        let flights = Self { folder };
        // What cannot be swept now is swept another time.
        if let Err(error) = flights.sweep() {
            tracing::debug!(%error, "old uploads stay");
        }
        Ok(flights)
    }

    /// Makes sure that nobody else sends this post; `None` if someone does.
    pub(crate) fn take_turn(&self, key: PostKey) -> Result<Option<Lock>, PublishError> {
        let path = self.folder.join(format!("{key}.lock"));
        Lock::take(&path).map_err(|source| PublishError::File { what: "locked", path, source })
    }

    /// The flight of a post, if there is one for these bytes whose address may still be used.
    pub(crate) async fn load(
        &self,
        key: PostKey,
        content: ContentHash,
        api_base: &Url,
        now: Timestamp,
    ) -> Result<Option<Flight>, PublishError> {
        let path = self.path(key);
        let bytes = {
            let path = path.clone();
            files::blocking(move || files::read(&path)).await
        };
        let Some(bytes) = bytes.map_err(failed("read", &path))? else { return Ok(None) };
        // One that cannot be read is as if it were gone: a new one takes its place.
        let Ok(kept) = serde_json::from_slice::<Kept>(&bytes) else { return Ok(None) };
        let Ok(address) = UploadAddress::new(&SecretString::from(kept.upload_url), api_base) else {
            return Ok(None);
        };
        let flight = Flight {
            publish_id: kept.publish_id,
            address,
            plan: kept.plan,
            // A clock that was set back makes nothing younger than now.
            opened_at: kept.opened_at.min(now),
            sha256: kept.sha256,
        };
        Ok(Some(flight).filter(|flight| flight.is_open(now) && flight.sha256 == content.to_string()))
    }

    /// Keeps a flight.
    pub(crate) async fn save(&self, key: PostKey, flight: &Flight) -> Result<(), PublishError> {
        let path = self.path(key);
        let kept = Kept {
            publish_id: flight.publish_id.clone(),
            upload_url: SecretString::from(flight.address.expose().as_str()).expose_secret().to_owned(),
            plan: flight.plan,
            opened_at: flight.opened_at,
            sha256: flight.sha256.clone(),
        };
        let write = {
            let path = path.clone();
            move || files::write_private(&path, &serde_json::to_vec(&kept).map_err(io::Error::other)?)
        };
        files::blocking(write).await.map_err(failed("written", &path))
    }

    /// Forgets a flight, with its address.
    pub(crate) async fn remove(&self, key: PostKey) -> Result<(), PublishError> {
        let path = self.path(key);
        let remove = {
            let path = path.clone();
            move || files::remove(&path)
        };
        files::blocking(remove).await.map_err(failed("removed", &path))
    }

    fn path(&self, key: PostKey) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    fn sweep(&self) -> io::Result<()> {
        let now = Timestamp::now();
        for entry in fs_err::read_dir(&self.folder)? {
            let entry = entry?;
            let changed = Timestamp::try_from(entry.metadata()?.modified()?).map_err(io::Error::other)?;
            if until(changed, now) > KEEP {
                files::remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    let path = path.to_owned();
    move |source| PublishError::File { what, path, source }
}

#[cfg(test)]
mod tests {
    use publish::Target;

    use super::*;

    #[tokio::test]
    async fn a_flight_is_kept_private_until_it_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let flights = Flights::open(folder.path()).unwrap();
        let api_base = Url::parse("https://open.tiktokapis.com").unwrap();
        let address = "https://u.tiktokapis.com/?t=SECRET".into();
        let address = UploadAddress::new(&address, &api_base).unwrap();
        let (content, now) = (ContentHash::of(b"video"), Timestamp::now());
        let target = Target { platform: "tiktok".to_owned(), account: "a".to_owned() };
        let key = PostKey::new(content, &target);
        let plan = UploadPlan::new(5, 5).unwrap();
        let flight = Flight::new("p".to_owned(), address.clone(), plan, content, now);
        assert!(!format!("{flight:?} {flights:?}").contains("SECRET"));
        flights.save(key, &flight).await.unwrap();

        let load = |content, now| flights.load(key, content, &api_base, now);
        let loaded = load(content, now).await.unwrap().unwrap();
        assert_eq!((loaded.publish_id.as_str(), loaded.address, loaded.plan), ("p", address, plan));
        assert!(load(ContentHash::of(b"other"), now).await.unwrap().is_none());
        assert!(load(content, later(now, ADDRESS_LIFE)).await.unwrap().is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs_err::metadata(flights.path(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }

        let turn = flights.take_turn(key).unwrap();
        assert!(turn.is_some() && flights.take_turn(key).unwrap().is_none());
        fs_err::write(flights.path(key), "{").unwrap();
        assert!(load(content, now).await.unwrap().is_none());
        flights.remove(key).await.unwrap();
        flights.remove(key).await.unwrap();
    }
}
