//! Telling recordings, runs and clips apart by what they are.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use timeline::{Digest, SourceId};

use crate::Error;

/// Blocks read from a recording, spread evenly over it.
const BLOCKS: u64 = 32;
/// Bytes in a block.
const BLOCK_BYTES: u64 = 64 * 1024;

/// The id of the recording at `path`: its length and 32 blocks of 64 KiB spread over it. Reading all of a recording of many
/// hours would take minutes, and two that agree in so much are the same.
pub(crate) fn source_id(path: &Path) -> Result<SourceId, Error> {
    let unreadable = || Error::file("read", path);
    let mut file = fs_err::File::open(path).map_err(unreadable())?;
    let length = file.metadata().map_err(unreadable())?.len();
    let mut hasher = Sha256::new();
    hasher.update(length.to_le_bytes());
    let mut block = Vec::new();
    let last = length.saturating_sub(BLOCK_BYTES);
    for index in 0..BLOCKS {
        let offset =
            u64::try_from(u128::from(last) * u128::from(index) / u128::from(BLOCKS - 1)).unwrap_or(last);
        file.seek(SeekFrom::Start(offset)).map_err(unreadable())?;
        block.clear();
        file.by_ref().take(BLOCK_BYTES).read_to_end(&mut block).map_err(unreadable())?;
        hasher.update(&block);
    }
    Ok(SourceId(shortened(hasher)))
}

/// The digest of things as JSON, each after its length.
pub(crate) fn digest_of(parts: &[&dyn JsonPart]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        let text = part.json();
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    shortened(hasher)
}

/// Something that can be part of a digest.
pub(crate) trait JsonPart {
    fn json(&self) -> Vec<u8>;
}

impl<T: Serialize> JsonPart for T {
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn shortened(hasher: Sha256) -> Digest {
    let mut bytes = [0; Digest::BYTES];
    bytes.copy_from_slice(&hasher.finalize()[..Digest::BYTES]);
    Digest::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_end_is_another_recording() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.bin");
        let mut bytes = vec![7_u8; 300_000];
        fs_err::write(&path, &bytes).expect("written");
        let before = source_id(&path).expect("read");
        assert_eq!(source_id(&path).expect("read"), before);
        if let Some(last) = bytes.last_mut() {
            *last = 8;
        }
        fs_err::write(&path, &bytes).expect("written");
        assert_ne!(source_id(&path).expect("read"), before);
    }
}
