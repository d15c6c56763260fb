//! What the browser comes back with.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use crate::token::{AuthError, Refusal, RefusalKind};
use crate::words::tidy;

/// What is exchanged for tokens, once and soon. `Debug` shows a mask.
#[derive(Clone)]
pub struct AuthorizationCode(SecretString);

impl AuthorizationCode {
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationCode(***)")
    }
}

/// What came back.
#[derive(Debug)]
pub(super) enum Callback {
    Code(AuthorizationCode),
    /// It belongs to another login.
    OtherState,
    Refused(Refusal),
    Nothing,
}

/// Reads the query of the redirect address. A `state` that is missing is for the caller to judge: `state_required`.
pub(super) fn read_query(query: &str, state: &str, state_required: bool) -> Callback {
    let mut code = None;
    let mut seen_state = None;
    let (mut error, mut description) = (None, String::new());
    // Codes have no spaces in them, so a plus is a plus, though forms mean a space by it.
    for (name, value) in form_urlencoded::parse(query.replace('+', "%2B").as_bytes()) {
        match name.as_ref() {
            "code" => code = Some(value.into_owned()),
            "state" => seen_state = Some(value.into_owned()),
            "error" | "error_type" => error = Some(value.into_owned()),
            "error_description" => description = value.replace('+', " "),
            _ => {}
        }
    }
    match seen_state {
        Some(seen) if seen != state => return Callback::OtherState,
        // Whether a refusal brings the state back is not documented, and all it can do is end the login.
        None if state_required && error.is_none() => return Callback::OtherState,
        _ => {}
    }
    if let Some(code) = error.filter(|code| !code.is_empty()) {
        return Callback::Refused(Refusal {
            kind: RefusalKind::of(&code),
            code: tidy(&code),
            description: tidy(&description),
            log_id: None,
        });
    }
    match code.filter(|code| !code.is_empty()) {
        Some(code) => Callback::Code(AuthorizationCode(code.into())),
        None => Callback::Nothing,
    }
}

/// Reads what a person pasted: the address that the browser ended at, a part of it, or the code alone, as TikTok wrote it. Whatever it is, it
/// is decoded exactly once.
pub(super) fn read_pasted(pasted: &str, state: &str) -> Result<AuthorizationCode, AuthError> {
    let text = pasted.trim().trim_matches(['"', '\'', '<', '>']);
    let query = if let Ok(url) = Url::parse(text)
        && url.has_host()
    {
        url.query().unwrap_or_default().to_owned()
    } else if let Some((_, query)) = text.split_once('?') {
        query.to_owned()
    } else if text.contains("code=") || text.contains("error=") {
        text.to_owned()
    } else if text.chars().any(char::is_whitespace) {
        String::new()
    } else {
        // The code, and perhaps what stood behind it.
        format!("code={text}")
    };
    // Of what a fragment says, nothing is meant for us.
    let query = query.split('#').next().unwrap_or_default();
    match read_query(query, state, false) {
        Callback::Code(code) => Ok(code),
        Callback::OtherState => Err(AuthError::Callback {
            why: "this is the answer to another login; open the address of this one and paste what the browser ends at",
        }),
        Callback::Refused(refusal) => Err(AuthError::Refused { doing: "the login", refusal }),
        Callback::Nothing => Err(AuthError::Callback {
            why: "there is no code in this; paste the whole address that the browser ends at, or what follows code= in it",
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pasted(text: &str) -> Result<String, String> {
        read_pasted(text, "the-state").map(|code| code.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn whatever_is_pasted_is_decoded_once() {
        let expected = Ok("aB-_c*1!7.e1".to_owned());
        for text in [
            "http://127.0.0.1:5000/callback/?code=aB-_c%2A1%217.e1&scopes=user.info.basic&state=the-state",
            "  https://example.org/cb?code=aB-_c*1!7.e1&state=the-state#_ \n",
            "\"https://example.org/cb?state=the-state&code=aB-_c%2A1!7.e1\"",
            "127.0.0.1:5000/callback/?code=aB-_c%2A1%217.e1",
            "localhost/callback/?code=aB-_c%2A1%217.e1&state=the-state",
            "?code=aB-_c%2A1%217.e1&state=the-state",
            "code=aB-_c%2A1%217.e1&state=the-state",
            "aB-_c%2A1%217.e1&scopes=user.info.basic&state=the-state",
            "aB-_c%2A1%217.e1",
            "aB-_c*1!7.e1",
        ] {
            assert_eq!(pasted(text), expected, "{text}");
        }
        // A code with a percent sign of its own: once, not twice.
        assert_eq!(pasted("http://127.0.0.1:1/callback/?code=a%252A1"), Ok("a%2A1".to_owned()));
        assert_eq!(pasted("a+b%2Bc"), Ok("a+b+c".to_owned()));
    }

    #[test]
    fn what_is_no_code_is_refused_in_words() {
        let lines: Vec<String> = [
            "",
            "I do not know",
            "http://127.0.0.1:5000/callback/",
            "http://127.0.0.1:5000/callback/?code=&state=the-state",
            "http://127.0.0.1:5000/callback/?code=a&state=another",
            "http://127.0.0.1:5000/callback/?error=access_denied&error_description=User+said%20no&state=the-state",
            "?error=invalid_scope",
        ]
        .iter()
        .map(|text| pasted(text).expect_err(text))
        .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_callback_needs_the_state() {
        let kind = |query: &str| match read_query(query, "the-state", true) {
            Callback::Code(code) => format!("code {}", code.expose()),
            Callback::OtherState => "other".to_owned(),
            Callback::Refused(refusal) => format!("refused {}", refusal.code),
            Callback::Nothing => "nothing".to_owned(),
        };
        assert_eq!(kind("code=a%2A&state=the-state"), "code a*");
        assert_eq!(kind("code=a"), "other");
        assert_eq!(kind("code=a&state=x"), "other");
        assert_eq!(kind("error=access_denied"), "refused access_denied");
        assert_eq!(kind("error=access_denied&state=x"), "other");
        assert_eq!(kind("state=the-state"), "nothing");
    }

    proptest! {
        #[test]
        fn any_text_is_a_code_or_refused(text in "\\PC{0,60}") {
            let _ = pasted(&text);
        }

        #[test]
        fn any_code_survives_its_encoding(code in "[!-~]{1,40}") {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code).append_pair("state", "the-state").finish();
            let url = format!("http://127.0.0.1:5000/callback/?{query}");
            prop_assert_eq!(pasted(&url), Ok(code));
        }
    }
}
