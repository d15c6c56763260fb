//! A small gzip file that unpacks to a large one.

use std::sync::LazyLock;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Crc, FlushCompress};

/// Zeros in one block of the bomb.
const BLOCK: usize = 16 << 20;
/// Blocks: together 1 GiB.
const BLOCKS: u32 = 64;

/// A right gzip file (RFC 1952) of 1 GiB of zeros in about 1 MiB.
///
/// The same compressed block stands in it again and again, which deflate allows after a full flush.
pub(super) fn gzip_bomb() -> Bytes {
    static BOMB: LazyLock<Bytes> = LazyLock::new(|| {
        let zeros = vec![0; BLOCK];
        let mut deflate = Compress::new(Compression::best(), false);
        let mut block = Vec::with_capacity(64 << 10);
        // Compressing to memory that grows on demand cannot fail; a short block would make a bad bomb, which a test sees.
        let _ = deflate.compress_vec(&zeros, &mut block, FlushCompress::Full);
        let mut part = Crc::new();
        part.update(&zeros);
        let mut sum = Crc::new();
        let mut bomb = BytesMut::new();
        bomb.put_slice(&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255]);
        for _ in 0..BLOCKS {
            bomb.put_slice(&block);
            sum.combine(&part);
        }
        // An empty last block with fixed codes.
        bomb.put_slice(&[3, 0]);
        bomb.put_u32_le(sum.sum());
        bomb.put_u32_le(sum.amount());
        bomb.freeze()
    });
    BOMB.clone()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, copy, sink};

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_bomb_is_a_right_gzip_file() {
        let bomb = gzip_bomb();
        assert!(bomb.len() < 2 << 20, "{} bytes", bomb.len());
        let mut decoder = GzDecoder::new(&bomb[..]).take(2 << 30);
        // To the end, so that the sum is checked.
        assert_eq!(copy(&mut decoder, &mut sink()).expect("it unpacks"), BLOCK as u64 * u64::from(BLOCKS));
    }
}
