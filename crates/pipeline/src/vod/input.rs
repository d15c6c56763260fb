//! What people give as the address of a broadcast.

use kick_client::vod::{VodRef, VodRefError, read_start};
use media_io::hls::Address;
use timeline::MediaDuration;

use super::VodError;

/// Endings of playlists.
const PLAYLISTS: [&str; 2] = ["m3u8", "m3u"];
/// Endings of media files that ffmpeg reads.
pub(super) const FILES: [&str; 17] = [
    "mp4", "m4v", "mov", "mkv", "webm", "ts", "m2ts", "flv", "avi", "mpg", "mpeg", "mp3", "m4a", "aac",
    "ogg", "wav", "flac",
];
/// No recording is longer, in milliseconds: a year.
const LONGEST_MILLIS: i64 = 365 * 86_400_000;
/// The longest name that a folder gets from an address, in characters.
const LONGEST_NAME: usize = 80;

/// The address of a broadcast, by what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VodInput(pub(super) Kind);

/// The part of a query that says where to begin.
const START: &str = "t";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A video on Kick.
    Kick(VodRef),
    /// A playlist.
    Playlist(Address),
    /// A media file.
    File(Address),
    /// Any other page.
    Page(Address),
}

impl VodInput {
    /// Whether `text` is meant as an address and not as the name of a file.
    #[must_use]
    pub fn is_address(text: &str) -> bool {
        let bare = ["kick.com/", "www.kick.com/", "m.kick.com/"];
        text.contains("://") || bare.iter().any(|host| text.trim_start().starts_with(host))
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`VodError::Scheme`] and [`VodError::Reference`] where it cannot be that of a video, [`VodError::Stream`] where it is no
    /// address at all.
    pub fn parse(text: &str) -> Result<Self, VodError> {
        let text = text.trim();
        match VodRef::parse(text) {
            Ok(reference) => return Ok(Self(Kind::Kick(reference))),
            Err(VodRefError::NotKick) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some((scheme, _)) = text.split_once("://")
            && !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        {
            return Err(VodError::Scheme { scheme: scheme.to_owned() });
        }
        let address = Address::parse(text)?;
        Ok(Self(match ending(&address) {
            Some(ending) if PLAYLISTS.contains(&ending.as_str()) => Kind::Playlist(address),
            Some(ending) if FILES.contains(&ending.as_str()) => Kind::File(address),
            _ => Kind::Page(address),
        }))
    }

    /// From where on the recording is looked through: `?t=` of a page, as Kick, Twitch and YouTube have it; `None` from its
    /// beginning. In addresses of playlists and files `t` may mean anything, and is not read.
    #[must_use]
    pub fn start(&self) -> Option<MediaDuration> {
        let start = match &self.0 {
            Kind::Kick(reference) => reference.start,
            Kind::Page(address) => {
                let mut query = address.expose().query_pairs();
                query.find(|(name, _)| name == START).and_then(|(_, value)| read_start(&value))
            }
            Kind::Playlist(_) | Kind::File(_) => None,
        }?;
        let millis = i64::try_from(start.as_millis()).unwrap_or(i64::MAX);
        (millis > 0).then(|| MediaDuration::from_millis(millis.min(LONGEST_MILLIS)))
    }

    /// Whether its chat can be asked for, if its host lets us.
    #[must_use]
    pub const fn may_have_chat(&self) -> bool {
        matches!(self.0, Kind::Kick(_))
    }

    /// Whether what the address names cannot become something else, so that what was made of it is still true.
    pub(crate) const fn is_lasting(&self) -> bool {
        matches!(self.0, Kind::Kick(_))
    }

    /// The address without its query, user and fragment: what is stored and shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.0 {
            Kind::Kick(VodRef { id, slug: Some(slug), .. }) => format!("https://kick.com/{slug}/videos/{id}"),
            Kind::Kick(VodRef { id, slug: None, .. }) => format!("https://kick.com/video/{id}"),
            Kind::Playlist(address) | Kind::File(address) | Kind::Page(address) => bare(address),
        }
    }

    /// A name for files and folders: the id of a video on Kick, the last part of another address without its ending.
    #[must_use]
    pub fn stem(&self) -> String {
        let address = match &self.0 {
            Kind::Kick(reference) => return reference.id.to_string(),
            Kind::Playlist(address) | Kind::File(address) | Kind::Page(address) => address,
        };
        let name = last_part(address);
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        let safe: String = stem
            .chars()
            .map(|one| if one.is_ascii_alphanumeric() || "-_.".contains(one) { one } else { '-' })
            .take(LONGEST_NAME)
            .collect();
        let safe = safe.trim_matches(['.', '-']).to_owned();
        if safe.is_empty() { "vod".to_owned() } else { safe }
    }

    /// What tells it from other broadcasts, whatever token it is asked for with. A page may name its video in the query.
    pub(crate) fn key(&self) -> String {
        match &self.0 {
            Kind::Kick(reference) => format!("kick:{}", reference.id),
            Kind::Page(address) => {
                format!("{}?{}", bare(address), address.expose().query().unwrap_or_default())
            }
            Kind::Playlist(address) | Kind::File(address) => bare(address),
        }
    }
}

/// Without query, user and fragment.
fn bare(address: &Address) -> String {
    format!("{}://{}{}", address.expose().scheme(), address.host(), address.expose().path())
}

fn last_part(address: &Address) -> String {
    let mut parts = address.expose().path_segments().into_iter().flatten();
    parts.rfind(|part| !part.is_empty()).unwrap_or_default().to_owned()
}

/// Whether the address is that of a playlist.
pub(super) fn is_playlist(address: &Address) -> bool {
    ending(address).is_some_and(|ending| PLAYLISTS.contains(&ending.as_str()))
}

/// The ending of the last part of an address, in lower case.
pub(super) fn ending(address: &Address) -> Option<String> {
    let name = last_part(address);
    let (_, ending) = name.rsplit_once('.')?;
    Some(ending.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "0198c5a1-7b2e-7d3f-8a4b-5c6d7e8f9a0b";

    fn read(text: &str) -> VodInput {
        VodInput::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn addresses_are_told_apart() {
        assert!(matches!(read(&format!("https://kick.com/foo/videos/{ID}")).0, Kind::Kick(_)));
        assert!(matches!(read(&format!("https://kick.com/video/{ID}?t=5")).0, Kind::Kick(_)));
        assert!(matches!(read("https://h.example/a/master.M3U8?token=x").0, Kind::Playlist(_)));
        assert!(matches!(read("https://h.example/a/b.mp4").0, Kind::File(_)));
        assert!(matches!(read("https://www.youtube.com/watch?v=1").0, Kind::Page(_)));
        assert!(matches!(VodInput::parse("ftp://h.example/a.mp4"), Err(VodError::Scheme { .. })));
        assert!(matches!(VodInput::parse("https://kick.com/foo"), Err(VodError::Reference(_))));
        assert!(matches!(VodInput::parse("https://"), Err(VodError::Stream(_))));
    }

    #[test]
    fn names_of_files_are_no_addresses() {
        for file in ["vod.mp4", "a/b.mp4", "C:\\a.mp4", "./kick.com/a.mp4"] {
            assert!(!VodInput::is_address(file), "{file}");
        }
        for address in ["https://h/a.mp4", "kick.com/foo/videos/1", "rtmp://h/a"] {
            assert!(VodInput::is_address(address), "{address}");
        }
    }

    #[test]
    fn nothing_secret_is_shown_and_tokens_make_no_difference() {
        let one = read("https://user:word@h.example:8443/a/b.m3u8?token=SECRET#SECRET");
        let other = read("https://h.example:8443/a/b.m3u8?token=other");
        assert_eq!(one.shown(), "https://h.example:8443/a/b.m3u8");
        assert_eq!(one.key(), other.key());
        assert!(!format!("{one:?}").contains("SECRET"));
        assert_ne!(read("https://h.example/watch?v=1").key(), read("https://h.example/watch?v=2").key());
    }

    #[test]
    fn pages_say_where_to_begin() {
        let start = |text: &str| read(text).start().map(MediaDuration::as_secs_f64);
        assert_eq!(start(&format!("https://kick.com/foo/videos/{ID}?t=1h2m3s")), Some(3_723.0));
        assert_eq!(start("https://www.youtube.com/watch?v=1&t=90s"), Some(90.0));
        for none in ["watch?v=1", "watch?t=soon", "watch?t=0", "a.m3u8?t=90", "a.mp4?t=90"] {
            assert_eq!(start(&format!("https://h.example/{none}")), None, "{none}");
        }
        assert!(start("https://h.example/watch?t=18446744073709551615").is_some());
    }

    #[test]
    fn names_are_those_of_the_video() {
        assert_eq!(read(&format!("https://kick.com/foo/videos/{ID}")).stem(), ID);
        assert_eq!(read("https://h.example/a/late%20night.mp4?x=1").stem(), "late-20night");
        assert_eq!(read("https://h.example/...mp4").stem(), "vod");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*", rest in "[ -~]{0,60}") {
            let _ = VodInput::parse(&text);
            if let Ok(input) = VodInput::parse(&format!("https://h.example/{rest}?token=SECRET")) {
                let stem = input.stem();
                prop_assert!(!input.shown().contains("SECRET") || rest.contains(['?', '#']));
                prop_assert!(!stem.is_empty() && !stem.contains(['/', '\\']) && !stem.starts_with('.'), "{}", stem);
            }
        }
    }
}
