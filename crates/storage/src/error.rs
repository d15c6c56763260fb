//! What can go wrong, by what it means for the caller.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::clip::{ClipRecord, NewClip};
use crate::s3::Answer;

/// Why a clip could not be stored, read or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// There is nothing under the key.
    #[error("{0} holds no such file")]
    NotFound(#[source] StoreFailure),
    /// The store has no room left.
    #[error("no space left for {0}: free some, or lower the retention limits")]
    NoSpace(#[source] StoreFailure),
    /// The store may not be written or read.
    #[error("no permission for {0}: choose a folder that may be written, or mend its permissions")]
    PermissionDenied(#[source] StoreFailure),
    /// The store does not know who we are.
    #[error("{0} refuses the credentials: check them in the configuration")]
    Unauthenticated(#[source] StoreFailure),
    /// There is no bucket of that name.
    #[error("there is no such bucket for {0}: make it, or mend its name, region or endpoint")]
    MissingBucket(#[source] StoreFailure),
    /// The clock of this machine is too far off for the store to believe what it signs.
    #[error("{0} refuses the time of the request: set this machine's clock, NTP keeps it right")]
    ClockSkew(#[source] StoreFailure),
    /// The options of a bucket do not fit together.
    #[error("the bucket {bucket:?} cannot be used: {reason}")]
    Bucket {
        /// Its name.
        bucket: String,
        /// Why not.
        reason: String,
    },
    /// The store failed otherwise; trying again may help.
    #[error("{0} failed")]
    Unavailable(#[source] StoreFailure),
    /// The folder of a local store cannot be used.
    #[error("the folder {} cannot be used to keep clips", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file on this machine, the source or the target of a copy, failed.
    #[error("the file {} cannot be copied", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name of a clip cannot be the name of a file.
    #[error(
        "a clip cannot be named {name:?}: use 1 to {} bytes without any of / \\ < > : \" | ? * # %, not starting with a dot, dash or space",
        NewClip::MAX_NAME_BYTES
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A detail would hide a field of the record.
    #[error("the metadata field {field:?} is the record's own: name it anything but {}", ClipRecord::OWN_FIELDS.join(", "))]
    ReservedDetail {
        /// The field.
        field: String,
    },
    /// The clip has no file of that kind.
    #[error("the clip {name} has no {kind} file")]
    NoSuchFile {
        /// The name of the clip.
        name: String,
        /// The kind, as in the metadata.
        kind: &'static str,
    },
    /// What is stored is not what was put there.
    #[error(
        "{key} in {store} is damaged (its SHA-256 is {found}, its metadata says {expected}): delete the clip and make it again"
    )]
    Damaged {
        /// The key.
        key: String,
        /// The store.
        store: String,
        /// The SHA-256 in the metadata.
        expected: String,
        /// The SHA-256 of what was read.
        found: String,
    },
    /// The metadata cannot be written as JSON.
    #[error("the metadata of the clip {name} cannot be written as JSON")]
    Metadata {
        /// The name of the clip.
        name: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// Which key of which store failed, and how.
#[derive(Debug, thiserror::Error)]
#[error("{key} in {store}")]
pub struct StoreFailure {
    /// The key.
    pub key: String,
    /// The store.
    pub store: String,
    /// What the store said.
    pub source: Box<dyn Error + Send + Sync>,
}

impl StorageError {
    /// Whether the same call may succeed later with nothing changed by the user.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn new(store: &str, key: &str, source: object_store::Error) -> Self {
        if let Some(answer) = Answer::within(&source) {
            let meaning = meaning_of(&answer.code, &source);
            return meaning(StoreFailure {
                key: key.to_owned(),
                store: store.to_owned(),
                source: answer.into(),
            });
        }
        let meaning = match &source {
            object_store::Error::NotFound { .. } => Self::NotFound,
            object_store::Error::PermissionDenied { .. } => Self::PermissionDenied,
            object_store::Error::Unauthenticated { .. } => Self::Unauthenticated,
            other => match io_kind(other) {
                Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::NoSpace,
                Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                    Self::PermissionDenied
                }
                _ => Self::Unavailable,
            },
        };
        meaning(StoreFailure { key: key.to_owned(), store: store.to_owned(), source: source.into() })
    }
}

/// What the code of a bucket's answer means. Services agree on these; others go by how the library read the status.
fn meaning_of(code: &str, error: &object_store::Error) -> fn(StoreFailure) -> StorageError {
    match code {
        "NoSuchBucket" => StorageError::MissingBucket,
        "NoSuchKey" => StorageError::NotFound,
        "RequestTimeTooSkewed" => StorageError::ClockSkew,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "NotSignedUp" => {
            StorageError::Unauthenticated
        }
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => StorageError::PermissionDenied,
        "QuotaExceeded" | "StorageFull" | "XMinioStorageFull" => StorageError::NoSpace,
        _ => match error {
            object_store::Error::NotFound { .. } => StorageError::NotFound,
            object_store::Error::PermissionDenied { .. } => StorageError::PermissionDenied,
            object_store::Error::Unauthenticated { .. } => StorageError::Unauthenticated,
            _ => StorageError::Unavailable,
        },
    }
}

/// The kind of the operating system's error at the bottom of an error, if there is one.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}
