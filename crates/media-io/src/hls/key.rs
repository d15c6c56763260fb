//! Undoing AES-128.

use aws_lc_rs::cipher::{AES_128, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use bytes::Bytes;

/// The length of a key and of a block, in bytes.
pub(super) const KEY_LENGTH: usize = 16;

/// Decrypts a whole segment: AES-128 in CBC mode with PKCS#7 padding (RFC 8216, section 4.3.2.4).
///
/// # Errors
/// What is wrong, in words, if the length is no multiple of a block or the padding shows that the key is another one.
pub(super) fn decrypt(
    key: &[u8; KEY_LENGTH],
    iv: [u8; KEY_LENGTH],
    encrypted: Bytes,
) -> Result<Bytes, &'static str> {
    if encrypted.is_empty() || !encrypted.len().is_multiple_of(KEY_LENGTH) {
        return Err("its length is not a multiple of 16 bytes");
    }
    let cipher = UnboundCipherKey::new(&AES_128, key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .map_err(|_| "the key is not usable")?;
    let mut bytes = Vec::from(encrypted);
    let length = cipher
        .decrypt(&mut bytes, DecryptionContext::Iv128(iv.into()))
        .map_err(|_| "its padding is wrong, so it was encrypted with another key")?
        .len();
    bytes.truncate(length);
    Ok(bytes.into())
}

/// The initialisation vector of a segment whose playlist names none: its sequence number, big-endian.
pub(super) fn sequence_iv(sequence: u64) -> [u8; KEY_LENGTH] {
    u128::from(sequence).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38A, F.2.1 (the first block of CBC-AES128), with a block of padding after it, made by OpenSSL.
    #[test]
    fn the_published_vector_is_decrypted() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let iv = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let first = 0x7649_abac_8119_b246_cee9_8e9b_12e9_197d_u128.to_be_bytes();
        let padding = 0x8964_e0b1_49c1_0b7b_682e_6e39_aaeb_731c_u128.to_be_bytes();
        let encrypted = Bytes::from([first, padding].concat());
        let plain = decrypt(&key, iv, encrypted.clone()).unwrap();
        assert_eq!(plain[..], 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes());
        assert!(decrypt(&[7; 16], iv, encrypted.clone()).is_err());
        assert!(decrypt(&key, iv, encrypted.slice(..17)).is_err());
        assert!(decrypt(&key, iv, Bytes::new()).is_err());
    }
}
