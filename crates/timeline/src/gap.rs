//! Stretches of the timeline for which there is no media.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Span;

/// Why a stretch of media is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapCause {
    /// The stream starts later than the medium it is part of.
    LateStart,
    /// Packets were there but could not be decoded.
    Damaged,
    /// Timestamps jump forward and nothing fills the jump.
    Missing,
}

impl fmt::Display for GapCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::LateStart => "starts late",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
        })
    }
}

/// A marked gap: no stage bridges it silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gap {
    /// What is missing.
    pub span: Span,
    /// Why.
    pub cause: GapCause,
}
