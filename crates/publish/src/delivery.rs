//! What became of a post.

use serde::{Deserialize, Serialize};

/// What the platform calls a post that it was asked to take: the id to ask about it. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(pub String);

impl std::fmt::Display for Receipt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where a post that was taken is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryState {
    /// Anyone can see it.
    Public,
    /// Posted, and seen by the account alone, or by those it chose.
    Restricted,
    /// In the account's inbox of drafts: a person finishes it there.
    Inbox,
    /// In a folder.
    Exported,
    /// Taken whole and still being worked on; it is asked about later, not sent again.
    Processing,
}

impl DeliveryState {
    /// Whether there is nothing more to wait for.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Processing)
    }

    /// In words, as the end of "the clip is ...".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Public => "posted publicly",
            Self::Restricted => "posted, visible to the account only",
            Self::Inbox => "delivered to the account's inbox as a draft",
            Self::Exported => "exported",
            Self::Processing => "accepted and still processing",
        }
    }
}

/// A post that the platform has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it is now.
    pub state: DeliveryState,
    /// What to ask the platform by, where it gives such a thing.
    pub receipt: Option<Receipt>,
    /// Where a person can look at it: an address or a path, if one is known.
    pub link: Option<String>,
    /// What the user should know or do: a text to paste by hand, a limit that was met.
    pub note: Option<String>,
}

impl Delivery {
    /// Taken, with nothing else to say.
    #[must_use]
    pub const fn new(state: DeliveryState) -> Self {
        Self { state, receipt: None, link: None, note: None }
    }

    /// With the platform's id.
    #[must_use]
    pub fn with_receipt(mut self, receipt: Receipt) -> Self {
        self.receipt = Some(receipt);
        self
    }

    /// With a place to look.
    #[must_use]
    pub fn with_link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }

    /// With something to tell the user.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}
