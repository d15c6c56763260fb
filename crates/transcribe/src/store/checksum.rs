//! SHA-1 of a file.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha1::{Digest, Sha1};

use crate::Error;

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// The SHA-1 of the file at `path`, in lower-case hexadecimal.
pub(super) fn sha1_of(path: &Path, interrupt: &AtomicBool) -> Result<String, Error> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = Sha1::new();
    let mut block = vec![0; BLOCK];
    loop {
        if interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let count = file.read(&mut block)?;
        if count == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(&block[..count]);
    }
}
