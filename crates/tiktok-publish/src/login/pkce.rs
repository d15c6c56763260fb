//! Proof that whoever brings the code also began the login.

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};
use sha2::{Digest, Sha256};

/// A fresh verifier: 43 characters out of 256 random bits.
pub(super) fn verifier() -> PkceCodeVerifier {
    // Its challenge is of no use here, see below.
    PkceCodeChallenge::new_random_sha256().1
}

/// What the authorize page is given in place of the verifier. TikTok wants lower-case hex where everybody else has base64url, and
/// refuses the latter with `invalid_request`.
pub(super) fn challenge(verifier: &str) -> String {
    hex::encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_hex() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3");
    }

    #[test]
    fn verifiers_are_as_the_standard_wants_them_and_never_the_same() {
        let (one, other) = (verifier().into_secret(), verifier().into_secret());
        assert_ne!(one, other);
        assert!((43..=128).contains(&one.len()));
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{one}");
    }
}
