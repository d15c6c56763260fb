//! A broadcast that is being worked on: its playlists, and what is held of it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kick_client::KickConfig;
use media_io::hls::store::SegmentStore;
use media_io::hls::{RenditionRule, VodPlaylist};
use timeline::{MediaDuration, SourceId};

use super::cache::Cache;
use super::chat::ChatPlace;
use super::{Place, VodAccess, VodError, VodInput};
use crate::Error;
use crate::fingerprint::digest_of;
use crate::footage::SharedStore;

/// Where the low rendition is, in the folder of a broadcast.
const LOW: &str = "low";
/// Where the pieces of the best rendition are.
const BEST: &str = "best";
/// Analysed is the sound alone where it is offered, else the cheapest picture.
const LOW_RULE: RenditionRule = RenditionRule::AudioOnly;

/// A finished broadcast that is worked on.
#[derive(Debug)]
pub(crate) struct Broadcast {
    access: VodAccess,
    input: VodInput,
    folder: PathBuf,
    pub(super) cache: Cache,
    /// Fetching goes one after another, so that nothing is fetched twice.
    pub(super) fetching: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    place: Place,
    low: VodPlaylist,
    best: Option<VodPlaylist>,
    store: Option<SharedStore>,
}

/// A broadcast whose playlist was read, and which has no folder yet.
#[derive(Debug)]
pub(crate) struct Opened {
    access: VodAccess,
    input: VodInput,
    place: Place,
    low: VodPlaylist,
}

impl Opened {
    /// Reads the playlist of the low rendition at `place`, or where the broadcast is now if that has become invalid.
    pub(crate) async fn open(access: &VodAccess, input: &VodInput, place: Place) -> Result<Self, VodError> {
        let low = VodPlaylist::open(&access.client, &place.address, LOW_RULE).await?;
        if let Some(start) = input.start().filter(|start| *start >= low.duration) {
            return Err(VodError::StartsAfterEnd { start, length: low.duration });
        }
        Ok(Self { access: access.clone(), input: input.clone(), place, low })
    }

    /// What tells it from other broadcasts: its address and its length, which grows while it is still on. From where it is looked
    /// through belongs to it, since only that much is fetched.
    pub(crate) fn recording(&self) -> SourceId {
        SourceId(match self.input.start() {
            None => digest_of(&[&self.input.key(), &self.low.duration]),
            Some(start) => digest_of(&[&self.input.key(), &self.low.duration, &start]),
        })
    }

    /// Whether there will be no more of it.
    pub(crate) const fn is_complete(&self) -> bool {
        self.low.complete
    }

    /// What it is called, where that is known.
    pub(crate) fn title(&self) -> Option<&str> {
        self.place.title.as_deref()
    }

    /// The broadcast, held in `folder`.
    pub(crate) fn in_folder(self, folder: &Path) -> Broadcast {
        let state = State { place: self.place, low: self.low, best: None, store: None };
        Broadcast {
            access: self.access,
            input: self.input,
            folder: folder.to_owned(),
            cache: Cache::new(folder.join(BEST)),
            fetching: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
        }
    }
}

impl Broadcast {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody leaves it half changed, so one whose holder panicked is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is held.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn low_folder(&self) -> PathBuf {
        self.folder.join(LOW)
    }

    /// The low rendition as far as it is held. Blocks while it is opened.
    pub(crate) fn store(&self) -> Result<SharedStore, Error> {
        let mut state = self.state();
        if let Some(store) = &state.store {
            return Ok(store.clone());
        }
        let (store, _) = SegmentStore::open(&self.low_folder())?;
        Ok(state.store.insert(SharedStore::new(store)).clone())
    }

    pub(super) fn set_store(&self, store: SharedStore) {
        self.state().store = Some(store);
    }

    /// The playlist of the low rendition.
    pub(super) fn low(&self) -> VodPlaylist {
        self.state().low.clone()
    }

    /// Whether what is analysed has a picture.
    pub(crate) fn low_has_picture(&self) -> bool {
        !self.state().low.rendition.audio_only
    }

    /// From where it is looked through, if not from its beginning.
    pub(crate) fn start(&self) -> Option<MediaDuration> {
        self.input.start()
    }

    /// Where its chat is.
    pub(super) fn chat_place(&self) -> Option<ChatPlace> {
        self.state().place.chat
    }

    /// The addresses of Kick.
    pub(super) const fn kick(&self) -> &KickConfig {
        &self.access.kick
    }

    /// Whether the best pictures come without their sound, which is then what was listened to.
    pub(crate) async fn is_apart(&self) -> Result<bool, VodError> {
        Ok(self.best().await?.rendition.silent)
    }

    /// The host that serves it.
    pub(super) fn host(&self) -> String {
        self.state().place.address.host()
    }

    /// The playlist of the best rendition.
    pub(super) async fn best(&self) -> Result<VodPlaylist, VodError> {
        let (known, place) = {
            let state = self.state();
            (state.best.clone(), state.place.clone())
        };
        if let Some(best) = known {
            return Ok(best);
        }
        let opened = match VodPlaylist::open(&self.access.client, &place.address, RenditionRule::Best).await {
            Err(error) if error.is_expired() => {
                self.renew().await?;
                let address = self.state().place.address.clone();
                VodPlaylist::open(&self.access.client, &address, RenditionRule::Best).await?
            }
            opened => opened?,
        };
        self.state().best = Some(opened.clone());
        Ok(opened)
    }

    /// Whether there is but one rendition, so that what is analysed is what is cut.
    pub(crate) async fn is_single(&self) -> Result<bool, VodError> {
        let best = self.best().await?;
        let low = self.low();
        // Addresses may differ each time that a playlist is read.
        Ok(best.rendition == low.rendition && best.segments.len() == low.segments.len())
    }

    /// Asks anew where the broadcast is, and reads the playlist of the low rendition again. The old addresses have expired.
    pub(super) async fn renew(&self) -> Result<VodPlaylist, VodError> {
        tracing::debug!("the addresses of the broadcast have expired");
        let place = self.access.locate(&self.input).await?;
        let low = VodPlaylist::open(&self.access.client, &place.address, LOW_RULE).await?;
        let mut state = self.state();
        (state.place, state.low, state.best) = (place, low.clone(), None);
        Ok(low)
    }
}
