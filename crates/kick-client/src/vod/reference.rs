//! The addresses by which people name a broadcast.

use std::time::Duration;

use url::Url;
use uuid::Uuid;

use crate::slug::{folded, is_slug};

/// How an id is written: 36 characters, hexadecimal digits and dashes.
const ID_LENGTH: usize = 36;

/// A broadcast, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VodRef {
    /// The id, of the old kind or the new.
    pub id: Uuid,
    /// The channel, if the address names it.
    pub slug: Option<String>,
    /// Where to begin, if the address says so (`?t=`).
    pub start: Option<Duration>,
}

/// What is no address of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VodRefError {
    /// It is no page of Kick's; it may be a playlist or a file.
    #[error("this is no address of kick.com; of a video it is https://kick.com/NAME/videos/ID")]
    NotKick,
    /// It is a clip, which is short already.
    #[error("this is the address of a clip; of a video it is https://kick.com/NAME/videos/ID")]
    Clip,
    /// It is a channel.
    #[error(
        "this is the address of the channel {slug}; of a video it is https://kick.com/{slug}/videos/ID. What is live is for `monitor`"
    )]
    Channel {
        /// Its slug.
        slug: String,
    },
    /// It is another page.
    #[error("this page of Kick's is no video; the address of one is https://kick.com/NAME/videos/ID")]
    OtherPage,
    /// The id has another form.
    #[error("the id of a video has 36 characters, like 0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b")]
    Id,
    /// The start cannot be read.
    #[error("the start (?t=) is a number of seconds, or like 1h2m3s")]
    Start,
}

impl VodRef {
    /// Reads an id alone, `kick.com/NAME/videos/ID` or the older `kick.com/video/ID`, with or without scheme, `www.` and
    /// `?t=`.
    ///
    /// # Errors
    ///
    /// [`VodRefError`] says what it is instead.
    pub fn parse(text: &str) -> Result<Self, VodRefError> {
        let text = text.trim();
        if let Some(id) = id(text) {
            return Ok(Self { id, slug: None, start: None });
        }
        let url = page_of_kick(text).ok_or(VodRefError::NotKick)?;
        let parts: Vec<&str> =
            url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
        // Clips before channels: a clip may be a parameter of its channel's page.
        let (slug, written) = match parts.as_slice() {
            [slug, "videos", written, ..] => (Some(folded(slug)).filter(|slug| is_slug(slug)), written),
            ["video", written] => (None, written),
            [_, "clips", ..] | ["clips", ..] => return Err(VodRefError::Clip),
            _ if url.query_pairs().any(|(name, _)| name == "clip") => return Err(VodRefError::Clip),
            [slug] | [slug, "videos"] if is_slug(slug) && !is_page(slug) => {
                return Err(VodRefError::Channel { slug: folded(slug) });
            }
            _ => return Err(VodRefError::OtherPage),
        };
        let id = id(written).ok_or(VodRefError::Id)?;
        let start = match url.query_pairs().find(|(name, _)| name == "t") {
            Some((_, value)) => Some(read_start(&value).ok_or(VodRefError::Start)?),
            None => None,
        };
        Ok(Self { id, slug, start })
    }
}

fn id(text: &str) -> Option<Uuid> {
    if text.len() == ID_LENGTH { Uuid::try_parse(text).ok() } else { None }
}

/// `text` as a page of Kick's website, whatever its scheme or none.
fn page_of_kick(text: &str) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ if text.contains("://") => return None,
        _ => Url::parse(&format!("https://{text}")).ok()?,
    };
    let host = url.host_str()?;
    (host == "kick.com" || matches!(host, "www.kick.com" | "m.kick.com")).then_some(url)
}

/// Pages that look like channels.
fn is_page(first: &str) -> bool {
    matches!(
        folded(first).as_str(),
        "video"
            | "videos"
            | "categories"
            | "category"
            | "search"
            | "auth"
            | "clips"
            | "browse"
            | "following"
            | "dashboard"
    )
}

/// Reads where to begin as addresses tell it (`?t=`): seconds, or hours, minutes and seconds with their letters, in this order
/// and each at most once. `None` if it is neither.
#[must_use]
pub fn read_start(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let mut rest = text.as_str();
    let mut seconds = 0_u64;
    for (letter, worth) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(letter) {
            seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(worth)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "5c697a87-afce-4256-b01f-3c8fe71ef5cb";
    const NEW: &str = "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";

    fn read(text: &str) -> (String, Option<String>, Option<u64>) {
        let reference = VodRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (reference.id.to_string(), reference.slug, reference.start.map(|start| start.as_secs()))
    }

    #[test]
    fn every_form_of_address_names_the_video() {
        let foo = || Some("foo".to_owned());
        assert_eq!(read(NEW), (NEW.into(), None, None));
        assert_eq!(read(&format!("https://kick.com/Foo/videos/{NEW}")), (NEW.into(), foo(), None));
        assert_eq!(read(&format!(" kick.com/foo/videos/{NEW}/ ")), (NEW.into(), foo(), None));
        assert_eq!(read(&format!("http://www.kick.com/video/{OLD}?t=75")), (OLD.into(), None, Some(75)));
        assert_eq!(
            read(&format!("https://kick.com/foo/videos/{}?x=1&t=1h2m3s#c", OLD.to_uppercase())),
            (OLD.into(), foo(), Some(3723))
        );
        assert_eq!(read(&format!("https://kick.com/video/{OLD}?t=2m")).2, Some(120));
    }

    #[test]
    fn what_is_no_video_is_named() {
        use VodRefError::*;
        let channel = || Channel { slug: "foo".into() };
        for (text, error) in [
            ("", NotKick),
            ("video.mp4", NotKick),
            ("https://example.com/foo/videos/x", NotKick),
            ("https://kick.com.example.com/video/x", NotKick),
            ("ftp://kick.com/foo", NotKick),
            ("https://kick.com/foo", channel()),
            ("https://kick.com/foo/videos", channel()),
            ("kick.com/FOO/?x", channel()),
            ("https://kick.com/foo?clip=clip_01H", Clip),
            ("https://kick.com/foo/clips/clip_01H", Clip),
            ("https://kick.com/", OtherPage),
            ("https://kick.com/browse", OtherPage),
            ("https://kick.com/category/irl/x", OtherPage),
            ("https://kick.com/video/123", Id),
            ("https://kick.com/foo/videos/5c697a87afce4256b01f3c8fe71ef5cb", Id),
            (&format!("https://kick.com/video/{OLD}?t=soon"), Start),
            (&format!("https://kick.com/video/{OLD}?t=5m1h"), Start),
        ] {
            assert_eq!(VodRef::parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_video_or_refused(text in ".*", path in "[ -~]{0,60}", t in ".{0,12}") {
            let _ = VodRef::parse(&text);
            let _ = VodRef::parse(&format!("https://kick.com/{path}"));
            let _ = VodRef::parse(&format!("https://kick.com/video/{OLD}?t={t}"));
        }
    }
}
