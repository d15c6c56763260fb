//! Any text as the address of a finished broadcast: what is read names the same broadcast when it is written out in full.

#![no_main]

use kick_client::is_slug;
use kick_client::vod::VodRef;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reference = match VodRef::parse(text) {
        Ok(reference) => reference,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let place = match &reference.slug {
        Some(slug) => {
            assert!(is_slug(slug), "{slug:?}");
            format!("{slug}/videos/{}", reference.id)
        }
        None => format!("video/{}", reference.id),
    };
    let start = reference.start.map_or_else(String::new, |start| format!("?t={}", start.as_secs()));
    assert_eq!(VodRef::parse(&format!("https://kick.com/{place}{start}")), Ok(reference));
});
