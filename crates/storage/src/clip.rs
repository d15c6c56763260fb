//! What a clip is made of, before and after it is stored.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use timeline::{ClipId, StreamerName};

/// What a file of a clip holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FileKind {
    /// The rendered clip, MP4.
    Video,
    /// The text to post with it, UTF-8.
    Caption,
    /// A still picture of it, PNG.
    Thumbnail,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Video, Self::Caption, Self::Thumbnail];

    /// What metadata and errors call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Caption => "caption",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// How its name ends, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Video => "mp4",
            Self::Caption => "txt",
            Self::Thumbnail => "png",
        }
    }

    /// Its media type, told to stores that keep one.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Video => "video/mp4",
            Self::Caption => "text/plain; charset=utf-8",
            Self::Thumbnail => "image/png",
        }
    }
}

/// Where the bytes of a new file come from.
#[derive(Clone, Debug)]
pub enum FileSource {
    /// A file on this machine, sent in parts and never whole in memory.
    Path(PathBuf),
    /// Small contents, already in memory.
    Bytes(Bytes),
}

/// A clip to be stored.
#[derive(Clone, Debug)]
pub struct NewClip {
    /// Which clip it is. Storing the same id with the same contents again does nothing.
    pub id: ClipId,
    /// Whose it is.
    pub streamer: StreamerName,
    /// What people call it, such as `demo-01-0h12m33s`: the name of its files in [`Layout::Flat`](crate::Layout::Flat).
    /// One path segment, at most [`NewClip::MAX_NAME_BYTES`] long, that every file system takes.
    pub name: String,
    /// When it was made. Part of its key in [`Layout::Dated`](crate::Layout::Dated): keep it, and give the same again on a retry.
    pub created_at: Timestamp,
    /// Its files.
    pub files: BTreeMap<FileKind, FileSource>,
    /// Whatever else its metadata says (times, score, reasons, words); fields of [`ClipRecord`] are refused.
    pub details: Map<String, Value>,
}

impl NewClip {
    /// The longest name, in bytes: with an extension and a staging suffix it stays far below the 255 that file systems allow.
    pub const MAX_NAME_BYTES: usize = 180;

    /// A clip without files or details yet.
    #[must_use]
    pub fn new(id: ClipId, streamer: StreamerName, name: impl Into<String>, created_at: Timestamp) -> Self {
        Self { id, streamer, name: name.into(), created_at, files: BTreeMap::new(), details: Map::new() }
    }

    /// With this file; a second of the same kind replaces the first.
    #[must_use]
    pub fn with_file(mut self, kind: FileKind, source: FileSource) -> Self {
        self.files.insert(kind, source);
        self
    }

    /// With this field in its metadata.
    #[must_use]
    pub fn with_detail(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.details.insert(field.into(), value.into());
        self
    }
}

/// The metadata of a stored clip: the JSON document beside its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipRecord {
    /// Which clip it is.
    pub id: ClipId,
    /// Whose it is.
    pub streamer: StreamerName,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its files.
    pub files: BTreeMap<FileKind, StoredFile>,
    /// Whatever else was said about it; these fields stand beside the ones above in the JSON.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

impl ClipRecord {
    /// The fields of the document that are the record's own.
    pub const OWN_FIELDS: [&str; 5] = ["id", "streamer", "name", "created_at", "files"];

    /// How its name ends, without the dot.
    pub const EXTENSION: &str = "json";

    /// Its media type.
    pub const CONTENT_TYPE: &str = "application/json";

    /// The size of all its files together, without the metadata.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes).fold(0, u64::saturating_add)
    }
}

/// One stored file of a clip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name, beside the metadata.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its contents, as 64 hexadecimal digits.
    pub sha256: String,
}
