//! What keys look like.

use object_store::path::Path as Key;
use timeline::{ClipId, StreamerName};

use crate::clip::{ClipRecord, FileKind, NewClip};
use crate::error::StorageError;

/// What the keys of a store look like; the table is in the [crate's documentation](crate).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// By streamer and day: `demo/2026/03/01/{clip id}.mp4`.
    Dated,
    /// All in one folder, named for people: `demo-01-0h12m33s.mp4`.
    Flat,
}

/// The key of a clip without an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stem(String);

impl Stem {
    pub(crate) fn file(&self, kind: FileKind) -> Result<Key, StorageError> {
        self.with_extension(kind.extension())
    }

    pub(crate) fn metadata(&self) -> Result<Key, StorageError> {
        self.with_extension(ClipRecord::EXTENSION)
    }

    fn with_extension(&self, extension: &str) -> Result<Key, StorageError> {
        Key::parse(format!("{}.{extension}", self.0)).map_err(|_| StorageError::Name { name: self.0.clone() })
    }
}

impl Layout {
    /// Where a new clip goes.
    pub(crate) fn stem_of_new(self, clip: &NewClip) -> Result<Stem, StorageError> {
        if is_portable_name(&clip.name) {
            Ok(self.stem(&clip.streamer, &clip.name, clip.created_at, clip.id))
        } else {
            Err(StorageError::Name { name: clip.name.clone() })
        }
    }

    /// Where a stored clip is.
    pub(crate) fn stem_of(self, record: &ClipRecord) -> Stem {
        self.stem(&record.streamer, &record.name, record.created_at, record.id)
    }

    fn stem(self, streamer: &StreamerName, name: &str, created_at: jiff::Timestamp, id: ClipId) -> Stem {
        match self {
            Self::Dated => Stem(format!("{streamer}/{}/{id}", created_at.strftime("%Y/%m/%d"))),
            Self::Flat => Stem(name.to_owned()),
        }
    }

    /// The folder that all clips of a streamer are in, if the layout has one.
    pub(crate) fn folder_of(self, streamer: &StreamerName) -> Option<Key> {
        match self {
            Self::Dated => Key::parse(streamer.as_str()).ok(),
            Self::Flat => None,
        }
    }

    /// Whether a metadata document with this key may be of this clip.
    pub(crate) fn may_be(self, metadata: &Key, id: ClipId) -> bool {
        match self {
            Self::Dated => {
                metadata.filename().and_then(|name| name.split('.').next()) == Some(&id.to_string())
            }
            Self::Flat => true,
        }
    }

    /// The stem of a key, if nothing but a clip of ours can have written it. A flat folder is shared with its owner's
    /// files, so there nothing can be told to be ours without its metadata.
    pub(crate) fn surely_ours(self, key: &Key) -> Option<Stem> {
        let (stem, extension) = key.as_ref().rsplit_once('.')?;
        let parts: Vec<&str> = stem.split('/').collect();
        match (self, parts.as_slice()) {
            (Self::Dated, [streamer, year, month, day, id])
                if streamer.parse::<StreamerName>().is_ok()
                    && [(year, 4), (month, 2), (day, 2)].iter().all(|(part, digits)| {
                        part.len() == *digits && part.bytes().all(|byte| byte.is_ascii_digit())
                    })
                    && id.parse::<ClipId>().is_ok()
                    && FileKind::ALL.iter().any(|kind| kind.extension() == extension) =>
            {
                Some(Stem(stem.to_owned()))
            }
            _ => None,
        }
    }
}

/// Whether every file system takes the name and none sees a path, an option or a staged upload (`name#1`) in it.
fn is_portable_name(name: &str) -> bool {
    let fits = (1..=NewClip::MAX_NAME_BYTES).contains(&name.len());
    let refused = |character: char| character.is_control() || r#"/\<>:"|?*#%"#.contains(character);
    fits && !name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']) && !name.contains(refused)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clip(name: &str) -> NewClip {
        NewClip::new(
            "0a".repeat(16).parse().expect("an id"),
            "señor_99".parse().expect("a name"),
            name,
            "2026-03-01T23:59:59-02:00".parse().expect("a time"),
        )
    }

    #[test]
    fn keys_are_as_documented() {
        let stem = Layout::Dated.stem_of_new(&clip("whatever")).expect("a stem");
        let key = stem.file(FileKind::Video).expect("a key");
        assert_eq!(
            key.as_ref(),
            format!("señor_99/2026/03/02/{}.mp4", "0a".repeat(16)),
            "the date is of UTC"
        );
        assert_eq!(Layout::Dated.surely_ours(&key), Some(stem));
        let stem = Layout::Flat.stem_of_new(&clip("demo-01-0h12m33s")).expect("a stem");
        assert_eq!(stem.metadata().expect("a key").as_ref(), "demo-01-0h12m33s.json");
    }

    #[test]
    fn names_that_are_no_plain_file_name_are_refused() {
        for bad in [
            "",
            "..",
            "../up",
            "a/b",
            r"a\b",
            "-rf",
            ".hidden",
            "a#1",
            "a\nb",
            "c:",
            "dot.",
            &"x".repeat(181),
        ] {
            let error = Layout::Flat.stem_of_new(&clip(bad)).expect_err(bad);
            assert!(matches!(error, StorageError::Name { .. }), "{bad:?}: {error}");
        }
    }

    #[test]
    fn files_of_others_are_not_ours() {
        let id = "0a".repeat(16);
        for other in [
            format!("demo/2026/03/{id}.mp4"),
            format!("demo/2026/03/1/{id}.mp4"),
            format!("demo/2026/03/01/{id}.mov"),
            format!("demo/2026/03/01/{id}"),
            "demo/2026/03/01/holiday.mp4".to_owned(),
            format!("{id}.mp4"),
        ] {
            let key = Key::parse(&other).expect("a key");
            assert_eq!(Layout::Dated.surely_ours(&key), None, "{other}");
            assert_eq!(Layout::Flat.surely_ours(&key), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_name_is_one_segment_or_refused(name in "\\PC{0,200}") {
            if let Ok(stem) = Layout::Flat.stem_of_new(&clip(&name)) {
                let key = stem.metadata().expect("a key");
                prop_assert_eq!(key.parts_count(), 1);
                prop_assert_eq!(key.as_ref(), format!("{name}.json"));
            }
        }
    }
}
