//! How the receiver of a webhook knows that a notice is ours.

use aws_lc_rs::hmac;

/// The header that carries the signature: `t=UNIX SECONDS,s=HEX`.
pub const SIGNATURE_HEADER: &str = "Streamliner-Signature";

/// The value of [`SIGNATURE_HEADER`]: `s` is the HMAC-SHA256, in hexadecimal, of `t`, a dot and the body as sent, by the secret that sender and
/// receiver share. A receiver computes the same, compares, and refuses a `t` that is minutes old, so that nothing can be replayed.
#[must_use]
pub fn signature(secret: &[u8], unix_seconds: i64, body: &[u8]) -> String {
    let tag = tag(secret, unix_seconds, body);
    format!("t={unix_seconds},s={}", hex::encode(tag))
}

/// Whether a header is the signature of this body at some time at most `tolerance_s` seconds from `now_s`. Compares in constant time.
#[must_use]
pub fn is_signed(secret: &[u8], header: &str, body: &[u8], now_s: i64, tolerance_s: u64) -> bool {
    let Some((time, sum)) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",s=")) else {
        return false;
    };
    let (Ok(time), Ok(sum)) = (time.parse::<i64>(), hex::decode(sum)) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    now_s.abs_diff(time) <= tolerance_s && hmac::verify(&key, &message(time, body), &sum).is_ok()
}

fn message(unix_seconds: i64, body: &[u8]) -> Vec<u8> {
    [unix_seconds.to_string().as_bytes(), b".", body].concat()
}

fn tag(secret: &[u8], unix_seconds: i64, body: &[u8]) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, &message(unix_seconds, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with `printf '%s' '1633174587.{"event":"clip_ready"}' | openssl dgst -sha256 -hmac secret`.
    const KNOWN: &str = "t=1633174587,s=d3d41d41ac8c3bb662778aee2cf3a8e48a3515116393d831cea7097f70ca77f7";

    #[test]
    fn it_is_what_other_programs_compute() {
        assert_eq!(signature(b"secret", 1_633_174_587, br#"{"event":"clip_ready"}"#), KNOWN);
    }

    #[test]
    fn what_was_changed_or_is_old_is_not_signed() {
        let body = br#"{"event":"clip_ready"}"#;
        let told = |secret: &[u8], header: &str, body: &[u8], now| is_signed(secret, header, body, now, 300);
        assert!(told(b"secret", KNOWN, body, 1_633_174_587 + 300));
        assert!(!told(b"secret", KNOWN, body, 1_633_174_587 + 301));
        assert!(!told(b"secret", KNOWN, b"{}", 1_633_174_587));
        assert!(!told(b"another", KNOWN, body, 1_633_174_587));
        for header in ["", "t=,s=", "t=1633174587", "s=00", "t=1633174587,s=zz"] {
            assert!(!told(b"secret", header, body, 1_633_174_587), "{header}");
        }
    }
}
