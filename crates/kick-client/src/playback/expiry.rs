//! When a signed address ends.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

/// The most characters of a token that are looked at. Those with advertisement settings in them exceed 4096.
const LONGEST_TOKEN: usize = 64 << 10;

#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

/// The `exp` of the JSON web token in the query parameter `token`; in seconds since 1970 (RFC 7519, 4.1.4). The
/// signature is not verified: it is for the server that is given the address.
pub(super) fn of(url: &Url) -> Option<Timestamp> {
    let (_, token) = url.query_pairs().find(|(name, _)| name == "token")?;
    if token.len() > LONGEST_TOKEN {
        return None;
    }
    let claims = token.split('.').nth(1)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    // A float becomes the nearest integer there is, and what is out of the calendar's reach no time.
    Timestamp::from_second(claims.exp as i64).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(token: &str) -> Url {
        Url::parse_with_params("https://h.example/a.m3u8", [("token", token)]).unwrap()
    }

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn reads_exp() {
        let claims = r#"{"exp":1790000000,"aws:channel-arn":"arn:aws:ivs:x"}"#;
        assert_eq!(of(&url(&token(claims))), Timestamp::from_second(1_790_000_000).ok());
        for other in [
            "",
            "a.b.c",
            "a.!.c",
            &token("{}"),
            &token("[]"),
            &token(r#"{"exp":"soon"}"#),
            &token(r#"{"exp":1e300}"#),
        ] {
            assert_eq!(of(&url(other)), None, "{other}");
        }
        assert_eq!(of(&Url::parse("https://h.example/a.m3u8").unwrap()), None);
    }

    proptest! {
        #[test]
        fn any_token_has_an_end_or_none(text in ".*", claims in ".*", exp in any::<f64>()) {
            let _ = (of(&url(&text)), of(&url(&token(&claims))), of(&url(&token(&format!(r#"{{"exp":{exp}}}"#)))));
        }
    }
}
