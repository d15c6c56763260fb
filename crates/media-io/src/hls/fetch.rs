//! Fetching for one stream: playlists, and segments with their keys and heads.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::address::Address;
use super::client::{Answer, HlsClient, Request};
use super::error::HlsError;
use super::guard::Reach;
use super::key::{KEY_LENGTH, decrypt, sequence_iv};
use super::packed::to_transport;
use super::packing::sniff;
use super::playlist::{ByteRange, Encryption, Entry, MediaList, Playlist, parse};
use super::rendition::{Rendition, RenditionRule, choose};
use super::segment::{InitSection, Packing};

/// How many keys and heads of a stream are remembered. Streams that change their key do so every few minutes, and only
/// the segments in flight need an older one.
const REMEMBERED: usize = 16;
/// The largest answer that is read for a key, in bytes. A key has 16.
const MAX_KEY_BYTES: u64 = 4 << 10;
/// The largest head of an MP4 that is read, in bytes. Real ones have some kilobytes.
const MAX_INIT_BYTES: u64 = 4 << 20;

/// A list of segments and where it was found.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// Where to ask again.
    pub(super) address: Address,
    /// What references in it are relative to.
    pub(super) base: Address,
    pub(super) list: MediaList,
}

/// The bytes of a segment and what they are.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) packing: Packing,
    pub(super) init: Option<Arc<InitSection>>,
    pub(super) bytes: Bytes,
}

/// Fetches for one stream and remembers its keys and heads.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: HlsClient,
    reach: Reach,
    keys: Remembered<Address, [u8; KEY_LENGTH]>,
    inits: Remembered<(Address, Option<ByteRange>), Arc<InitSection>>,
    received: Arc<AtomicU64>,
}

impl Fetcher {
    /// Of the stream that begins at `start`; `received` counts the bytes of all bodies.
    pub(super) async fn new(client: &HlsClient, start: &Address, received: Arc<AtomicU64>) -> Self {
        let reach = Reach::of(start).await;
        Self {
            client: client.clone(),
            reach,
            keys: Remembered::default(),
            inits: Remembered::default(),
            received,
        }
    }

    /// How many bytes have come.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// Goes from the address of a stream to the segments of the rendition that `rule` chooses.
    pub(super) async fn open(
        &self,
        start: &Address,
        rule: RenditionRule,
    ) -> Result<(Rendition, Listing), HlsError> {
        let (base, playlist) = self.playlist(start).await?;
        let master = match playlist {
            Playlist::Media(list) => {
                return Ok((Rendition::default(), Listing { address: start.clone(), base, list }));
            }
            Playlist::Master(master) => master,
        };
        let (reference, rendition) =
            choose(&master, rule).ok_or_else(|| HlsError::NoRendition { host: base.host() })?;
        let address = base.join(&reference)?;
        let listing = self.list(&address).await?;
        Ok((rendition, listing))
    }

    /// The list of segments at `address`.
    pub(super) async fn list(&self, address: &Address) -> Result<Listing, HlsError> {
        match self.playlist(address).await? {
            (base, Playlist::Media(list)) => Ok(Listing { address: address.clone(), base, list }),
            (base, Playlist::Master(_)) => Err(HlsError::Loop { host: base.host() }),
        }
    }

    async fn playlist(&self, address: &Address) -> Result<(Address, Playlist), HlsError> {
        let options = self.client.options();
        let request = Request {
            what: "the playlist",
            limit: options.max_playlist_bytes,
            timeout: options.playlist_timeout,
            range: None,
            compressible: true,
            received: &self.received,
        };
        let Answer { address, bytes } = self.client.get(address, self.reach, request).await?;
        let playlist = parse(&bytes).map_err(|source| HlsError::Playlist { host: address.host(), source })?;
        Ok((address, playlist))
    }

    /// A segment: whole, decrypted, and with the head that it needs.
    pub(super) async fn segment(&self, base: &Address, entry: &Entry) -> Result<Body, HlsError> {
        if entry.absent {
            return Err(HlsError::Absent { host: base.host() });
        }
        let options = self.client.options();
        let address = base.join(&entry.uri)?;
        let request = Request {
            what: "the segment",
            limit: options.max_segment_bytes,
            timeout: options.segment_timeout,
            range: entry.byte_range,
            compressible: false,
            received: &self.received,
        };
        let answer = self.client.get(&address, self.reach, request).await?;
        let bytes = match entry.encryption.as_deref() {
            Some(encryption) => {
                self.decrypt(base, encryption, Some(entry.sequence), answer.bytes, "the segment").await?
            }
            None => answer.bytes,
        };
        let bytes = to_transport(&bytes).map_or(bytes, Bytes::from);
        let packing = sniff(&bytes).map_err(|found| HlsError::NotMedia {
            host: address.host(),
            what: "the segment",
            found,
        })?;
        let init = match (packing, &entry.init) {
            (Packing::Transport, _) => None,
            (Packing::Fragmented, Some(reference)) => Some(self.init(base, reference).await?),
            (Packing::Fragmented, None) => return Err(HlsError::NoInit { host: base.host() }),
        };
        Ok(Body { packing, init, bytes })
    }

    async fn init(
        &self,
        base: &Address,
        reference: &super::playlist::InitReference,
    ) -> Result<Arc<InitSection>, HlsError> {
        let address = base.join(&reference.uri)?;
        let cell = self.inits.cell(&(address.clone(), reference.byte_range));
        let fetch = || async {
            let what = "the head of the segments";
            let answer = self.small(&address, what, MAX_INIT_BYTES, reference.byte_range).await?;
            // Some packagers leave the head as it is where they encrypt the segments.
            let bytes = match reference.encryption.as_deref() {
                Some(encryption) if sniff(&answer).is_err() => {
                    self.decrypt(base, encryption, None, answer, what).await?
                }
                _ => answer,
            };
            match sniff(&bytes) {
                Ok(Packing::Fragmented) => Ok(Arc::new(InitSection { bytes })),
                Ok(Packing::Transport) => {
                    Err(HlsError::NotMedia { host: address.host(), what, found: "a transport stream" })
                }
                Err(found) => Err(HlsError::NotMedia { host: address.host(), what, found }),
            }
        };
        cell.get_or_try_init(fetch).await.cloned()
    }

    async fn decrypt(
        &self,
        base: &Address,
        encryption: &Encryption,
        sequence: Option<u64>,
        bytes: Bytes,
        what: &'static str,
    ) -> Result<Bytes, HlsError> {
        let reference = match encryption {
            Encryption::Aes128(reference) => reference,
            Encryption::Unsupported(method) => {
                return Err(HlsError::Encryption { host: base.host(), method: method.clone() });
            }
        };
        let address = base.join(&reference.uri)?;
        let wrong = |detail| HlsError::Key { host: address.host(), what, detail };
        let cell = self.keys.cell(&address);
        let fetch = || async {
            let answer = self.small(&address, "the key of the segments", MAX_KEY_BYTES, None).await?;
            <[u8; KEY_LENGTH]>::try_from(answer.as_ref()).map_err(|_| wrong("the key has not 16 bytes"))
        };
        let key = *cell.get_or_try_init(fetch).await?;
        let iv = match (reference.iv, sequence) {
            (Some(iv), _) => iv,
            (None, Some(sequence)) => sequence_iv(sequence),
            (None, None) => return Err(wrong("the playlist must name an IV for an encrypted head")),
        };
        decrypt(&key, iv, bytes).map_err(wrong)
    }

    async fn small(
        &self,
        address: &Address,
        what: &'static str,
        limit: u64,
        range: Option<ByteRange>,
    ) -> Result<Bytes, HlsError> {
        let timeout = self.client.options().playlist_timeout;
        let received = &*self.received;
        let request = Request { what, limit, timeout, range, compressible: false, received };
        Ok(self.client.get(address, self.reach, request).await?.bytes)
    }
}

/// Values that are fetched once each, however many ask for them at the same time; the oldest are forgotten.
#[derive(Debug)]
struct Remembered<K, V> {
    cells: Mutex<VecDeque<(K, Arc<OnceCell<V>>)>>,
}

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { cells: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, V> Remembered<K, V> {
    fn cell(&self, key: &K) -> Arc<OnceCell<V>> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = cells.iter().find(|(known, _)| known == key) {
            return Arc::clone(cell);
        }
        if cells.len() >= REMEMBERED {
            cells.pop_front();
        }
        let cell = Arc::new(OnceCell::new());
        cells.push_back((key.clone(), Arc::clone(&cell)));
        cell
    }
}
