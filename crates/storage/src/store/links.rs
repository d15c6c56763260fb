//! Addresses by which a stored file can be had without credentials.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path as Key;
use object_store::signer::{Method, Signer};
use secrecy::SecretString;
use url::Url;

use super::ClipStore;
use crate::clip::{ClipRecord, FileKind};
use crate::error::StorageError;

/// Where a file of a clip can be had.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Link {
    /// By everybody, for as long as the clip is there.
    Public(Url),
    /// By whoever has this address, for as long as it was made for. A secret.
    Signed(SecretString),
}

/// How a store makes links.
#[derive(Clone)]
pub(crate) struct Links {
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) public_base: Option<Url>,
    /// What all keys of the store begin with, in the bucket.
    pub(crate) prefix: Key,
}

impl fmt::Debug for Links {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Links").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl ClipStore {
    /// Where a file of a clip can be had: a public address where the store was given the base of one, else an address that is signed and valid for
    /// `valid_for` (seven days at most, as S3 has it). `None` for stores that have no addresses.
    ///
    /// # Errors
    /// [`StorageError::NoSuchFile`], or why nothing can be signed.
    pub async fn link(
        &self,
        clip: &ClipRecord,
        kind: FileKind,
        valid_for: Duration,
    ) -> Result<Option<Link>, StorageError> {
        let (key, _) = self.locate(clip, kind)?;
        let Some(links) = &self.links else { return Ok(None) };
        let whole: Key = links.prefix.parts().chain(key.parts()).collect();
        if let Some(base) = &links.public_base {
            let mut address = base.clone();
            if let Ok(mut segments) = address.path_segments_mut() {
                segments.pop_if_empty();
                for part in whole.parts() {
                    segments.push(part.as_ref());
                }
            }
            return Ok(Some(Link::Public(address)));
        }
        let signed = links.signer.signed_url(Method::GET, &whole, valid_for).await;
        Ok(Some(Link::Signed(String::from(signed.map_err(self.failure(&key))?).into())))
    }
}
