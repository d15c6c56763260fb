//! What became of a post.

use serde::Deserialize;
use serde_json::Value;

use crate::words::name;

/// What TikTok says about a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishStatus {
    /// How far it is.
    pub kind: StatusKind,
    /// The code of the failure, such as `duration_check_failed`.
    pub fail_reason: Option<String>,
    /// The id of the public post, once it is moderated. Of 19 digits and more, so it stays text.
    pub post_id: Option<String>,
    /// Bytes that have been uploaded, if told.
    pub uploaded_bytes: Option<u64>,
}

/// How far a post is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusKind {
    /// Bytes are to come, or it is worked on; TikTok does not tell these apart.
    ProcessingUpload,
    /// TikTok fetches the video.
    ProcessingDownload,
    /// A draft is in the inbox.
    SentToInbox,
    /// It is posted, or a draft was finished by its owner.
    Complete,
    /// It failed.
    Failed,
    /// A status that is not known here: taken for still processing.
    Other(String),
}

impl StatusKind {
    fn named(text: &str) -> Self {
        match text {
            "PROCESSING_UPLOAD" => Self::ProcessingUpload,
            "PROCESSING_DOWNLOAD" => Self::ProcessingDownload,
            "SEND_TO_USER_INBOX" => Self::SentToInbox,
            "PUBLISH_COMPLETE" => Self::Complete,
            "FAILED" => Self::Failed,
            other => Self::Other(name(other)),
        }
    }

    /// TikTok's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ProcessingUpload => "PROCESSING_UPLOAD",
            Self::ProcessingDownload => "PROCESSING_DOWNLOAD",
            Self::SentToInbox => "SEND_TO_USER_INBOX",
            Self::Complete => "PUBLISH_COMPLETE",
            Self::Failed => "FAILED",
            Self::Other(text) => text,
        }
    }
}

/// The answer as it is sent. Its key of the post's id is misspelt, and has been seen spelt right, with a list, a number or a text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wire {
    status: Option<String>,
    fail_reason: Option<Value>,
    publicaly_available_post_id: Value,
    publicly_available_post_id: Value,
    uploaded_bytes: Value,
}

impl From<Wire> for PublishStatus {
    fn from(wire: Wire) -> Self {
        let text = wire.fail_reason.as_ref().and_then(Value::as_str).map(name);
        let post_id = id(&wire.publicaly_available_post_id).or_else(|| id(&wire.publicly_available_post_id));
        Self {
            kind: StatusKind::named(wire.status.as_deref().unwrap_or_default()),
            fail_reason: text.filter(|reason| !reason.is_empty()),
            post_id,
            uploaded_bytes: number(&wire.uploaded_bytes),
        }
    }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() => Some(number.to_string()).filter(|id| id != "0"),
        Value::String(text) => Some(name(text)).filter(|id| !id.is_empty() && id != "0"),
        Value::Array(values) => values.iter().find_map(id),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> PublishStatus {
        serde_json::from_value::<Wire>(value).unwrap().into()
    }

    #[test]
    fn ids_are_read_in_every_form_that_was_seen() {
        let id = "7412345678901234567";
        let number: u64 = id.parse().unwrap();
        for value in [json!([number]), json!(number), json!(id), json!([id])] {
            let seen = read(json!({"status": "PUBLISH_COMPLETE", "publicaly_available_post_id": value}));
            assert_eq!(seen.post_id.as_deref(), Some(id));
            let right = read(json!({"status": "PUBLISH_COMPLETE", "publicly_available_post_id": value}));
            assert_eq!(right, seen);
        }
        for value in [json!([]), json!(null), json!(0), json!("")] {
            assert_eq!(read(json!({"publicaly_available_post_id": value})).post_id, None);
        }
    }

    #[test]
    fn the_rest_is_read_too() {
        let failed = read(json!({"status": "FAILED", "fail_reason": "internal", "uploaded_bytes": 5}));
        assert_eq!(failed.kind, StatusKind::Failed);
        assert_eq!((failed.fail_reason.as_deref(), failed.uploaded_bytes), (Some("internal"), Some(5)));
        assert_eq!(read(json!({"status": "NEW_THING"})).kind, StatusKind::Other("NEW_THING".to_owned()));
        assert_eq!(read(json!({"uploaded_bytes": "12"})).uploaded_bytes, Some(12));
    }

    proptest! {
        #[test]
        fn any_text_is_a_status(text in ".*") {
            let status = read(json!({"status": text, "fail_reason": text, "uploaded_bytes": text}));
            prop_assert!(status.kind.name().len() <= 80);
        }
    }
}
