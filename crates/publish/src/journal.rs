//! What was done for a post, written down before it is done.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::delivery::{Delivery, Receipt};
use crate::error::JournalError;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mark {
    /// The platform is about to be asked for a place to send to. Being asked publishes nothing.
    Asking,
    /// It gave one.
    Opened {
        /// Its id.
        receipt: Receipt,
    },
    /// What was opened leads nowhere: nothing was published there, and nothing will be.
    Abandoned {
        /// Why.
        why: String,
    },
    /// The request that completes the post is about to be sent: the last bytes, or all that is needed at once.
    Committing {
        /// The id, where one is known before.
        receipt: Option<Receipt>,
    },
    /// That request was taken.
    Committed {
        /// The id.
        receipt: Receipt,
    },
    /// The platform told where the post is.
    Delivered {
        /// What it told.
        delivery: Delivery,
    },
}

/// Where a publication stands, by its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// Nothing was begun, or all that was is abandoned.
    Nothing,
    /// A place to send to may have been given; it is empty.
    Asked,
    /// There is a place to send to; the post is not complete there.
    Opened(Receipt),
    /// The post may be complete, or not.
    Committing(Option<Receipt>),
    /// The post is complete.
    Committed(Receipt),
    /// The platform told where it is. One that is still processing counts as delivered: it is asked about, not sent again.
    Delivered(Delivery),
}

impl Standing {
    /// By the marks of a journal, oldest first.
    #[must_use]
    pub fn of(marks: &[Mark]) -> Self {
        match marks.last() {
            None | Some(Mark::Abandoned { .. }) => Self::Nothing,
            Some(Mark::Asking) => Self::Asked,
            Some(Mark::Opened { receipt }) => Self::Opened(receipt.clone()),
            Some(Mark::Committing { receipt }) => Self::Committing(receipt.clone()),
            Some(Mark::Committed { receipt }) => Self::Committed(receipt.clone()),
            Some(Mark::Delivered { delivery }) => Self::Delivered(delivery.clone()),
        }
    }

    /// Whether the platform may have the whole post, so that sending it again could make a second one.
    #[must_use]
    pub const fn may_be_published(&self) -> bool {
        matches!(self, Self::Committing(_) | Self::Committed(_) | Self::Delivered(_))
    }
}

/// The journal of one publication. Kept by whoever calls [`Publisher::publish`](crate::Publisher::publish), usually in a database.
#[async_trait]
pub trait Journal: Send {
    /// All marks, oldest first.
    fn marks(&self) -> &[Mark];

    /// Adds a mark. When this returns, the mark survives the loss of power.
    ///
    /// # Errors
    /// The mark could not be kept; the publisher stops before it does what the mark announces.
    async fn write(&mut self, mark: Mark) -> Result<(), JournalError>;

    /// Where the publication stands.
    fn standing(&self) -> Standing {
        Standing::of(self.marks())
    }
}

/// A journal that is gone with the process: for tests, and for publishers whose target remembers by itself.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    marks: Vec<Mark>,
}

impl MemoryJournal {
    /// With these marks.
    #[must_use]
    pub const fn new(marks: Vec<Mark>) -> Self {
        Self { marks }
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn marks(&self) -> &[Mark] {
        &self.marks
    }

    async fn write(&mut self, mark: Mark) -> Result<(), JournalError> {
        self.marks.push(mark);
        Ok(())
    }
}
